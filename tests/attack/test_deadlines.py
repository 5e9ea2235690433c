"""Everything that stays half done ends at its deadline; all of them wait at the same time."""

import time

import pytest

from attack.marks import row
from internet.agent import client_hello
from internet.wait import Late

NAME = "origin.example.com"

# why -> (port, bytes, TLS first?, seconds in which it must have ended, seconds before which not)
HALVES = {
    "silence on 443": (443, b"", False, 12, 5),
    "one byte of a greeting": (443, b"\x16", False, 12, 5),
    "half a greeting": (443, client_hello(NAME)[:100], False, 12, 5),
    "greeting and then silence": (443, client_hello(NAME), False, 17, 5),
    "silence after the handshake": (443, b"", True, 125, None),
    "half a head": (443, b"GET / HTTP/1.1\r\nHost: ori", True, 12, 5),
    "silence on the connect port": (8080, b"", False, 12, 5),
    "half a connect": (8080, b"CONNECT ssh.example.com:22 HT", False, 12, 5),
    "silence on port 22": (22, b"", False, 7, 2),
    "half a banner": (22, b"SSH-2.0-", False, 7, 2),
    "silence to the name service": (53, b"", False, 12, 5),
    "half a question": (53, b"\0\x20\x12", False, 12, 5),
}


@pytest.fixture(scope="module")
def halves(agent):
    """why -> (seconds until the end, bytes received); the slowest decides how long this takes."""
    peers = {}
    for why, (port, data, is_secured, _, _) in HALVES.items():
        if HALVES[why][3] > 30:
            continue
        if is_secured:
            peer = agent.tls(NAME)
        else:
            where = {8080: agent.gateway, 53: agent.gateway, 22: "ssh.example.com"}.get(port, NAME)
            peer = agent.connect(where, port)
        peer.send(data)
        peers[why] = peer
    started = time.monotonic()
    ended = {}
    while len(ended) < len(peers) and time.monotonic() - started < 20:
        for why, peer in peers.items():
            if why not in ended:
                try:
                    received = peer.read_to_end(0.02)
                    ended[why] = (time.monotonic() - started, received)
                except Late:
                    pass
    for peer in peers.values():
        peer.socket.close()
    return ended


@row("link-half-done")
@pytest.mark.parametrize("why", [why for why in HALVES if HALVES[why][3] <= 30])
def test_ends_what_stays_half_done(halves, ordinary, why):
    _, _, _, latest, earliest = HALVES[why]
    assert why in halves, "still open after 20 s"
    seconds, received = halves[why]
    assert seconds < latest
    assert earliest is None or seconds > earliest, "slow clients need their time"
    assert b"220" not in received
    ordinary()


@row("http1-slow")
def test_ends_a_head_that_comes_byte_by_byte(agent, ordinary):
    with agent.tls(NAME) as peer:
        started = time.monotonic()
        text = b"GET / HTTP/1.1\r\nHost: origin.example.com\r\nX: " + b"a" * 100000
        for byte in text:
            if not peer.send(bytes([byte])):
                break
            try:
                peer.read_to_end(0.1)
                break
            except Late:
                assert time.monotonic() - started < 13
    ordinary()
