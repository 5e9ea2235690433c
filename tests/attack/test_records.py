"""The audit log: one honest line for each thing that happened, whatever the agent writes."""

import re

import pytest

from attack.marks import row
from internet.wait import wait_until

NAME = "origin.example.com"
HOSTILE_PATHS = [
    '/"},{"decision":"allow"}', "/\\u000a{}", "/a\\", "/%0a{%22kind%22:%22policy%22}", "/'\"\\",
    "/" + "a" * 6000,
]
HOSTILE_NAMES = [
    b"\n{\"kind\":\"policy\"}", b"\x1b]0;owned\x07", b"\x1b[2J", b"\"},{\"", b"a\x00b", b"\xff\xfe",
    "\u202eevil".encode(), b"\\n",
]


@row("records-forged")
@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_writes_one_line_for_a_path_that_looks_like_lines(wall, agent, path):
    since = wall.record_position()
    with agent.tls(NAME) as peer:
        peer.send(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        peer.read_to_end(3)
    wall.wait_record(since, kind="http", name=NAME)
    written = wall.records(since)
    assert [record["kind"] for record in written if record["kind"] == "http"] == ["http"]


@row("records-terminal", "records-forged")
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_writes_one_harmless_line_for_a_name_that_is_an_attack(wall, agent, name):
    from internet.agent import client_hello

    since = wall.record_position()
    with agent.connect(NAME) as peer:
        peer.send(client_hello(name))
        peer.read_to_end(2)
    agent.ask_raw(b"\0\1\1\0\0\1\0\0\0\0\0\0" + bytes([len(name)]) + name + b"\0\0\1\0\1",
                  seconds=0.5)
    wall.wait_record(since, kind="tls", decision="deny")
    raw = wall.records_path.read_bytes()[since:]
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", raw)
    assert "\u202e" not in raw.decode()
    assert all(record["kind"] in ("tls", "dns", "control") for record in wall.records(since))


@row("records-secrets")
def test_writes_no_value_of_a_header_or_a_body(wall, agent):
    since = wall.record_position()
    agent.request(NAME, "/secrets", method="POST", body=b"body-secret-1234",
                  fields=["Authorization: Bearer header-secret-1234", "Cookie: k=cookie-secret"])
    wall.wait_record(since, kind="http", path="/secrets")
    raw = wall.records_path.read_bytes()[since:]
    assert b"secret-1234" not in raw and b"cookie-secret" not in raw


@row("records-secrets")
def test_is_no_file_that_others_may_read(wall):
    assert wall.records_path.stat().st_mode & 0o077 == 0


@row("records-flood")
def test_folds_repeats_into_a_count_and_loses_none(wall, agent):
    since = wall.record_position()
    name = "repeated.example.org"
    for _ in range(40):
        agent.ask(name)

    def counted():
        return sum(record.get("count", 1) for record in wall.records(since)
                   if record.get("name") == name)

    wait_until(lambda: counted() == 40, "the count of all repeats", 15)
    assert len([record for record in wall.records(since) if record.get("name") == name]) < 10
