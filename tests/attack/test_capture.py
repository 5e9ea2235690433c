"""Captured calls: what is secret stays in the proxy, and no body breaks who decodes it."""

import gzip
import json
import os
import struct
import zlib

import pytest

from attack.marks import holds_behind_relay, row
from internet.viewer import Viewer, recorder_of

NAME = "origin.example.com"
SECRET = "sk-ant-api03-realKeyThatNobodyMaySee0123456789"
BODY = b'{"model":"claude","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}'
MIB = 1 << 20

pytestmark = holds_behind_relay("a relay captures nothing")


@pytest.fixture
def viewer(wall):
    with Viewer(wall, "bodies") as made:
        assert made.answer["ok"]
        yield made


FIELDS = [
    f"Authorization: Bearer {SECRET}", f"AUTHORIZATION: {SECRET}", f"Proxy-Authorization: {SECRET}",
    f"X-Api-Key: {SECRET}", f"Api-Key: {SECRET}", f"Cookie: a=1; key={SECRET}",
    f"X-Amz-Security-Token: {SECRET}", f"X-Goog-Api-Key: {SECRET}", f"X-Auth-Token: {SECRET}",
    f"X-Note: bEaReR   {SECRET}", f"X-Note: Basic {SECRET}==", f"X-Note: token={SECRET}/x=y",
    f"X-Note: a, AWS4-HMAC-SHA256 Credential=x, Signature={SECRET}", f"X-Note: ({SECRET})",
    f'X-Note: {{"access_token" : "{SECRET}"}}', f"X-Note: https://a.example/?key=1&sig={SECRET}",
]


@row("capture-secrets")
@pytest.mark.parametrize("field", FIELDS)
def test_captures_no_secret_of_a_field(agent, viewer, script, field):
    def answer(request, connection):
        connection.read_body(request)
        connection.answer(b"{}", fields=(field.split(": ", 1), ("Set-Cookie", SECRET)))
        return True

    script("/llm/field", answer)
    # Some of them the wall drops or refuses from a server; the request is captured all the same.
    agent.request(NAME, "/llm/field", method="POST", body=BODY, fields=[field])
    viewer.call("/llm/field")
    assert b"realKey" not in viewer.received


TARGETS = [
    "/llm/q?key={}", "/llm/q?a=1&API_KEY={}&b=2", "/llm/q?X-Amz-Signature={}",
    "/llm/q?X-Amz-%53ecurity-Token={}", "/llm/q?%74oken={}/a=b", "/llm/q?access_token={}%2Fx",
    "/llm/q/{}/usage", "/llm/q?x={}",
]


@row("capture-secrets")
@pytest.mark.parametrize("target", TARGETS)
def test_captures_no_secret_of_a_target(agent, viewer, script, target):
    def answer(request, connection):
        connection.read_body(request)
        connection.answer(b"{}")
        return True

    for path in ("/llm/q", f"/llm/q/{SECRET}/usage", "/llm/last"):
        script(path, answer)
    agent.request(NAME, target.format(SECRET), method="POST", body=BODY)
    agent.request(NAME, "/llm/last", method="POST", body=BODY)
    viewer.call("/llm/last")
    assert len(viewer.calls()) == 2
    assert b"realKey" not in viewer.received


LOGINS = ["/llm/oauth/token", "/llm/oauth/token?x", "/llm/OAUTH/token", "/llm/%6Fauth/token",
          "/llm/oauth;a=b/token", "/llm/oauth%2Ftoken", "/llm//oauth/token", "/llm/./oauth/token",
          "/llm/x/../oauth/token", "/llm/%256Fauth/token"]


@row("capture-logins")
@pytest.mark.parametrize("target", LOGINS)
def test_captures_nothing_of_a_login(agent, viewer, target):
    agent.request(NAME, target, method="POST", body=b"refresh_token=" + SECRET.encode())
    agent.request(NAME, "/llm/last", method="POST", body=BODY)
    viewer.call("/llm/last")
    assert len(viewer.calls()) == 1
    assert b"realKey" not in viewer.received


def event_stream(total, headers, rest=b""):
    prelude = struct.pack("!II", total, headers)
    return prelude + struct.pack("!I", zlib.crc32(prelude)) + rest


EVENTS, JSON, FRAMES = "text/event-stream", "application/json", "application/vnd.amazon.eventstream"
MESSAGES, CONVERSE = "/v1/messages", "/model/m/converse-stream"
BODIES = {
    "a bomb of gzip": (MESSAGES, EVENTS, "gzip", gzip.compress(bytes(64 * MIB), 9)),
    "gzip in gzip": (MESSAGES, EVENTS, "gzip, gzip", gzip.compress(gzip.compress(bytes(MIB)))),
    "gzip cut short": (MESSAGES, JSON, "gzip", gzip.compress(BODY * 100)[:-20]),
    "gzip that is none": (MESSAGES, JSON, "gzip", os.urandom(5000)),
    "brotli that is none": (MESSAGES, EVENTS, "br", os.urandom(5000)),
    "zstd that is none": (MESSAGES, EVENTS, "zstd", os.urandom(5000)),
    "an unknown coding": (MESSAGES, JSON, "x-unheard", BODY),
    "a line without an end": (MESSAGES, EVENTS, None, b"data: " + b"a" * (3 * MIB)),
    "a million empty events": (MESSAGES, EVENTS, None, b"event: ping\ndata: {}\n\n" * 50000),
    "deep JSON": (MESSAGES, JSON, None, b"[" * 200000),
    "deep JSON in an event": (MESSAGES, EVENTS, None, b'data: {"a":' * 1 + b"[" * 100000 + b"\n\n"),
    "many keys": (MESSAGES, JSON, None, b"{" + b'"a":1,' * 300000 + b'"b":2}'),
    "terminal escapes": (MESSAGES, EVENTS, None,
                         b'event: \x1b]0;x\x07\ndata: {"type":"\\u001b[2J\\u202e"}\n\n\x1b[2J'),
    "bytes that are no UTF-8": (MESSAGES, EVENTS, None, b"data: " + bytes(range(128, 256)) + b"\n\n"),
    "a frame of four gigabytes": (CONVERSE, FRAMES, None, event_stream(0xFFFFFFFF, 8)),
    "a frame shorter than itself": (CONVERSE, FRAMES, None, event_stream(3, 0)),
    "headers longer than their frame": (CONVERSE, FRAMES, None, event_stream(64, 4096, bytes(48))),
    "a frame with a wrong sum": (CONVERSE, FRAMES, None, event_stream(20, 0, b"abcdefgh")),
}


@row("capture-bodies")
@pytest.mark.parametrize("kind", BODIES)
def test_no_body_breaks_who_decodes_it(agent, wall, viewer, script, kind):
    path, content_type, coding, body = BODIES[kind]
    recorder = recorder_of(wall)

    def answer(request, connection):
        connection.read_body(request)
        fields = (("Content-Encoding", coding),) if coding else ()
        connection.answer(body, kind=content_type, fields=fields)
        return True

    script(path, answer)
    fields = [f"Content-Encoding: {coding}"] if coding else []
    status, _, received = agent.request(NAME, path, method="POST", body=body, fields=fields)
    assert status == 200 and received == body
    viewer.call(path)
    agent.request(NAME, "/llm/after", method="POST", body=BODY)
    assert viewer.call("/llm/after").body("request") == BODY
    assert recorder_of(wall) == recorder
    text = bytes(viewer.received)
    assert not any(byte < 0x20 and byte != 0x0a for byte in set(text)) and 0x7f not in set(text)
    for line in text[:text.rfind(b"\n") + 1].splitlines():
        json.loads(line)
