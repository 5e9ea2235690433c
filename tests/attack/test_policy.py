"""The policy: what is broken changes nothing, what is right takes effect at once."""

import json
import ssl
import time

import pytest

from attack.marks import row
from internet.fixtures import HTTPS
from internet.world import ADDRESSES

NAME = "origin.example.com"

BROKEN = {
    "unknown flag": "web.example.com +everything\n",
    "star inside a label": "we*.example.com\n",
    "only a star": "*\n",
    "two stars alone": "**\n",
    "upper method garbage": "web.example.com G(T /x\n",
    "path without slash": "web.example.com GET x\n",
    "too many words": "web.example.com GET / / /\n",
    "port zero": "web.example.com:0\n",
    "port too large": "web.example.com:65536\n",
    "port leading zero": "web.example.com:0443\n",
    "comma in a name": "web.example.com,evil.example.org\n",
    "address": "198.51.100.10\n",
    "scheme": "https://web.example.com/\n",
    "unknown group": "@no-such-group\n",
    "not utf-8": b"web.example.com\n\xff\xfe\n",
    "nul": b"web.example.com\n\0\n",
    "public suffix": "*.com\n",
    "shared zone": "*.s3.amazonaws.com\n",
    "shared zone deep": "**.githubusercontent.com\n",
    "unknown hole": "bedrock.{anything}.amazonaws.com\n",
    "empty label": "web..example.com\n",
    "trailing dot": "web.example.com.\n",
    "overlong label": "a" * 64 + ".example.com\n",
}


@row("policy-broken")
@pytest.mark.parametrize("why", BROKEN)
def test_keeps_the_policy_in_force_when_a_new_one_is_broken(policy, agent, why):
    record = policy.reload(https=BROKEN[why])
    assert record["decision"] != "allow"
    told = json.dumps(record)
    assert "allowed-https.txt:" in told, told
    assert agent.is_allowed(NAME)


@row("policy-broken")
@pytest.mark.parametrize("kind,text", [
    ("ssh", "*.example.com\n"), ("ssh", "ssh.example.com GET /\n"), ("ssh", "ssh.example.com:x\n"),
    ("dns", "names.example.com GET\n"), ("dns", "a b c\n"), ("dns", "names.example.com:53\n"),
])
def test_keeps_the_policy_in_force_when_another_file_is_broken(policy, agent, kind, text):
    record = policy.reload(**{kind: text, "https": ""})
    assert f"allowed-{kind}.txt:" in json.dumps(record)
    assert agent.is_allowed(NAME)


@row("policy-missing")
@pytest.mark.parametrize("kind", ["https", "ssh", "dns"])
def test_keeps_the_policy_in_force_when_a_file_is_missing(policy, agent, kind):
    record = policy.reload(**{kind: None})
    assert f"allowed-{kind}.txt" in json.dumps(record)
    assert agent.is_allowed(NAME)


@row("policy-empty")
def test_denies_everything_when_a_file_is_empty(policy, agent):
    policy.reload(https="", ssh="", dns="")
    for name in (NAME, "web.example.com", "ssh.example.com", "names.example.com"):
        assert agent.ask(name).code == 3, name


@row("policy-empty")
def test_denies_everything_when_the_files_hold_only_comments(policy, agent):
    policy.reload(https="# nothing\n\n   # here\n", ssh="#\n", dns="\n")
    assert agent.ask(NAME).code == 3


@row("policy-removed")
def test_denies_a_name_as_soon_as_its_rule_is_gone(policy, agent):
    assert agent.is_allowed(NAME)
    record = policy.reload(https=HTTPS.replace("origin.example.com\n", ""))
    assert NAME in json.dumps(record), "the record says what was removed"
    assert not agent.is_allowed(NAME)
    assert agent.is_allowed("other.example.com")


@row("policy-removed")
def test_cuts_open_connections_to_a_name_that_is_gone(policy, agent, world):
    with agent.tls(NAME) as idle, agent.tls(NAME) as busy, agent.tls("other.example.com") as kept:
        for peer, name in ((idle, NAME), (kept, "other.example.com")):
            peer.send(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            assert peer.read_response()[0] == 200
        busy.send(b"POST /busy HTTP/1.1\r\nHost: origin.example.com\r\nContent-Length: 9\r\n\r\nhalf")
        policy.reload(https=HTTPS.replace("origin.example.com\n", ""))
        idle.read_to_end(2)
        busy.read_to_end(2)
        kept.send(b"GET /kept HTTP/1.1\r\nHost: other.example.com\r\n\r\n")
        assert kept.read_response()[0] == 200


@row("policy-removed")
def test_cuts_a_stream_and_a_websocket_to_a_name_that_is_gone(policy, agent, world):
    def serve(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        connection.is_at_end(5)
        return False

    world.origin.scripts["/endless"] = serve
    upgrade = (b"GET /echo HTTP/1.1\r\nHost: ws.example.com\r\nConnection: Upgrade\r\n"
               b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    with agent.tls(NAME) as stream, agent.tls("ws.example.com") as socket:
        stream.send(b"GET /endless HTTP/1.1\r\nHost: origin.example.com\r\n\r\n")
        stream.read_until(b"one")
        socket.send(upgrade)
        assert b" 101 " in socket.read_until(b"\r\n\r\n")
        policy.reload(https="web.example.com\n")
        stream.read_to_end(2)
        socket.read_to_end(2)
    world.origin.scripts.pop("/endless")


@row("policy-removed", "upstream-pool")
def test_cuts_what_reaches_a_private_address_when_its_rule_loses_private(policy, agent, world):
    def serve(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        connection.is_at_end(5)
        return False

    name, address = "lost.private.odd.example.net", "10.77.7.7"
    world.odd.names[name] = [address]
    world.origin.scripts["/lasting"] = serve
    world.internet.command(
        "nft", "add table ip lost { chain prerouting { type nat hook prerouting priority -110; "
        f"ip daddr {address} tcp dport 443 dnat to {ADDRESSES['origin']}:443; "
        f"ip daddr {address} tcp dport 22 dnat to {ADDRESSES['ssh']}:22; }}; }}")
    policy.reload(ssh=f"{name} +private\n")
    with agent.tls(name) as stream, agent.connect(name, 22) as shell:
        stream.send(f"GET /lasting HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        stream.read_until(b"one")
        shell.send(b"SSH-2.0-client\r\n")
        assert shell.read_until(b"\r\n").startswith(b"SSH-2.0-OpenSSH")
        policy.reload(https=HTTPS.replace(" +private", ""), ssh=f"{name}\n")
        stream.read_to_end(2)
        shell.read_to_end(2)
    world.origin.scripts.pop("/lasting")


@row("policy-removed", "upstream-pool")
def test_refuses_the_next_request_when_its_path_is_no_longer_allowed(policy, agent, world):
    with agent.tls("rules.example.com") as peer:
        peer.send(b"GET /public/a HTTP/1.1\r\nHost: rules.example.com\r\n\r\n")
        assert peer.read_response()[0] == 200
        policy.reload(https="rules.example.com GET /private/**\n")
        before = len(world.origin.requests)
        if peer.send(b"GET /public/b HTTP/1.1\r\nHost: rules.example.com\r\n\r\n"):
            try:
                assert peer.read_response(3)[0] == 403
            except (AssertionError, OSError) as closed:
                assert "closed" in str(closed) or isinstance(closed, OSError)
        assert len(world.origin.requests) == before


@row("tls-other-pool-address")
def test_does_not_let_a_name_through_on_the_port_of_another(policy, agent, refused):
    with refused(kind="tls"):
        with pytest.raises((OSError, ssl.SSLError)):
            agent.tls(NAME, port=8443)


@row("policy-removed")
def test_gives_a_released_address_to_no_other_name(policy, agent):
    policy.reload(https=HTTPS + "released.example.net\n")
    address = agent.address("released.example.net")
    policy.reload(https=HTTPS + "".join(f"m{number}.example.net\n" for number in range(200)))
    taken = {agent.address(f"m{number}.example.net") for number in range(200)}
    assert address not in taken and len(taken) == 200


@row("policy-many")
def test_takes_a_hundred_thousand_rules_and_stays_quick(policy, agent):
    many = "".join(f"host{number}.zone{number % 977}.example.net GET /a/**\n"
                   for number in range(100_000))
    started = time.monotonic()
    policy.reload(https=HTTPS + many)
    took = time.monotonic() - started
    assert agent.is_allowed(NAME)
    assert agent.ask("host99999.zone345.example.net").code == 0
    assert agent.ask("host99999.zone346.example.net").code == 3
    started = time.monotonic()
    for _ in range(100):
        agent.ask(NAME)
    print(f"100,000 rules: reload {took:.2f} s, 100 answers {time.monotonic() - started:.3f} s")
    assert took < 5


@row("policy-reload")
def test_loses_no_request_while_the_policy_is_reloaded(policy, agent):
    with agent.tls(NAME) as peer:
        for turn in range(40):
            policy.process.send_signal(1)
            if turn % 8 == 0:
                policy.write_policy(https=HTTPS + f"turn{turn}.example.com\n")
            peer.send(b"GET /%d HTTP/1.1\r\nHost: origin.example.com\r\n\r\n" % turn)
            assert peer.read_response()[0] == 200


@row("policy-reload")
def test_settles_two_reloads_at_once_on_the_last_text(policy, agent):
    for turn in range(20):
        policy.write_policy(https=HTTPS + f"settle{turn}.example.com\n")
        policy.process.send_signal(1)
    deadline = time.monotonic() + 3
    while agent.ask("settle19.example.com").code != 0:
        assert time.monotonic() < deadline
    assert agent.ask("settle3.example.com").code == 3
