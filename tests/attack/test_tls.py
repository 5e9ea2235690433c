"""The TLS greeting: which names pass, and what the wall itself shows."""

import contextlib
import hashlib
import socket
import ssl
import struct

import pytest

from attack.marks import holds_behind_relay, row
from internet.agent import client_hello, server_name, vector
from internet.tls_client import (Drip, OpenedTls12, RECORD_HANDSHAKE,
                                 flood_with_key_updates)
from internet.world import ADDRESSES

FOREIGN = "198.51.100.77"
ALLOWED = "origin.example.com"
RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()  # RFC 8446 4.1.3

ODD_NAMES = {
    "ip literal": b"198.51.100.11",
    "ipv6 literal": b"2001:db8::1",
    "nul": b"origin.example.com\0.evil.example.org",
    "comma": b"origin.example.com,evil.example.org",
    "colon": b"origin.example.com:443",
    "space": b"origin.example.com evil.example.org",
    "leading space": b" origin.example.com",
    "newline": b"origin.example.com\nevil.example.org",
    "star": b"*.one.example.com",
    "underscore": b"a_b.one.example.com",
    "trailing dot": b"origin.example.com.",
    "leading dot": b".one.example.com",
    "empty label": b"a..deep.example.com",
    "empty": b"",
    "dot": b".",
    "label of 64": b"a" * 64 + b".one.example.com",
    "name of 254": b".".join([b"a" * 49] * 5)[:235] + b".deep.example.com.xx",
    "overlong": b"a." * 2000 + b"deep.example.com",
    "not ascii": "é.one.example.com".encode(),
    "raw latin": b"\xe9.one.example.com",
    "percent": b"a%2e.one.example.com",
    "at": b"user@origin.example.com",
    "slash": b"origin.example.com/x",
    "hyphen first": b"-a.one.example.com",
    "hyphen last": b"a-.one.example.com",
    "san injection": b"a,DNS:evil.example.org.one.example.com",
}

DENIED_NAMES = [
    "evil.example.org", "example.com", "www.web.example.com", "xorigin.example.com",
    "origin.example.com.evil.example.org", "origin.example.comx", "a.b.one.example.com",
    "one.example.com", "names.example.com", "ssh.example.com",
]


def refused_greeting(agent, address, hello, pieces=1):
    with agent.connect(address) as peer:
        step = max(1, len(hello) // pieces)
        for start in range(0, len(hello), step):
            if not peer.send(hello[start:start + step]):
                break
        answer = peer.read_to_end(2)
    assert b"\x16\x03" not in answer[:3], "no ServerHello, so no certificate either"
    assert answer == b"" or answer[:1] == b"\x15", answer
    return answer


@row("tls-odd-names")
@pytest.mark.parametrize("why", ODD_NAMES)
def test_refuses_a_name_that_no_host_has(agent, refused, why):
    with refused(kind="tls"):
        address = agent.address("a.one.example.com")
        refused_greeting(agent, address, client_hello(ODD_NAMES[why]))


@row("tls-denied-names", "tls-wildcard-dots")
@pytest.mark.parametrize("name", DENIED_NAMES)
@pytest.mark.parametrize("target", ["pool", FOREIGN, ADDRESSES["origin"]])
def test_refuses_a_name_off_the_list_wherever_it_is_sent(agent, refused, name, target):
    with refused(kind="tls", name=name):
        address = agent.address(ALLOWED) if target == "pool" else target
        answer = refused_greeting(agent, address, client_hello(name))
        assert answer == b"\x15\x03\x03\x00\x02\x02\x31", "alert access_denied"


@row("tls-no-name")
@pytest.mark.parametrize("target", ["pool", FOREIGN, ADDRESSES["origin"]])
def test_refuses_a_greeting_without_a_name(agent, refused, target):
    with refused(kind="tls"):
        address = agent.address(ALLOWED) if target == "pool" else target
        refused_greeting(agent, address, client_hello(None))


@row("tls-no-name")
def test_refuses_two_names_in_every_form(agent, refused):
    both = server_name(ALLOWED, "evil.example.org")
    reversed_both = server_name("evil.example.org", ALLOWED)
    other_kind = server_name(ALLOWED, kind=1)
    with refused(kind="tls"):
        address = agent.address(ALLOWED)
        for extension in (both, reversed_both, other_kind, b"", b"\0\0", both + b"x"):
            refused_greeting(agent, address, client_hello(name_extension=extension))
        twice = client_hello(ALLOWED, extensions=[(0, server_name("evil.example.org"))])
        refused_greeting(agent, address, twice)


@row("tls-foreign-address")
def test_never_dials_the_address_that_an_allowed_name_was_sent_to(world, agent, refused):
    with refused(is_recorded=False, may_connect=True) as witness:
        try:
            with agent.tls(ALLOWED, address=FOREIGN) as peer:
                peer.send(f"GET / HTTP/1.1\r\nHost: {ALLOWED}\r\n\r\n".encode())
                peer.read_response()
        except (OSError, ssl.SSLError):
            pass
        witness.settle()
        assert not [p for p in witness.connects() if p.destination == FOREIGN]


@row("tls-other-pool-address")
def test_sends_no_name_to_the_server_of_another(agent, refused):
    """The address of one allowed name, the greeting of another: the names never mix."""
    with refused(is_recorded=False, may_connect=True) as witness:
        try:
            with agent.tls(ALLOWED, address=agent.address("web.example.com")) as peer:
                peer.send(f"GET /mixed HTTP/1.1\r\nHost: {ALLOWED}\r\n\r\n".encode())
                peer.read_response()
        except (OSError, ssl.SSLError):
            pass
        witness.settle()
        assert ADDRESSES["web"] not in {packet.destination for packet in witness.connects()}


@row("tls-versions")
@pytest.mark.parametrize("versions", [(0x0301,), (0x0302,), (0x0302, 0x0301), (0x0300,), (0x7F1C,)])
def test_refuses_old_and_unknown_versions(agent, refused, versions):
    with refused(kind="tls"):
        hello = client_hello(ALLOWED, versions=versions)
        refused_greeting(agent, agent.address(ALLOWED), hello)


@row("tls-versions")
def test_refuses_an_old_client_without_the_versions_extension(agent, refused):
    with refused(kind="tls"):
        for version in (b"\x03\x00", b"\x03\x01", b"\x03\x02"):
            body = version + bytes(32) + b"\0" + vector(b"\x00\x2f\xc0\x13", 2) + b"\x01\x00"
            body += vector(struct.pack("!H", 0) + vector(server_name(ALLOWED), 2), 2)
            hello = b"\x16\x03\x01" + vector(b"\x01" + vector(body, 3), 2)
            refused_greeting(agent, agent.address(ALLOWED), hello)


@row("tls-alpn")
@pytest.mark.parametrize("protocols", [("h3",), ("h3-29", "spdy/3"), ("ssh",), ("http/1.0",),
                                       ("x" * 255,), ("imap", "smtp")])
def test_refuses_protocols_that_it_does_not_speak(agent, refused, protocols):
    with refused(kind="tls"):
        hello = client_hello(ALLOWED, alpn=protocols)
        refused_greeting(agent, agent.address(ALLOWED), hello)


@row("tls-broken")
def test_refuses_greetings_that_are_broken(agent, refused):
    good = client_hello(ALLOWED)
    with refused(kind="tls"):
        address = agent.address(ALLOWED)
        broken = [
            b"\x16\x03\x01\x40\x01" + good[5:] + bytes(16384),  # record too long
            b"\x16\x05\x01" + good[3:],  # version of no TLS
            good[:5] + b"\x02" + good[6:],  # a server's message
            good[:5] + b"\x01\xff\xff\xff" + good[9:],  # 16 MiB announced
        ]
        for hello in broken:
            refused_greeting(agent, address, hello)


@row("tls-broken")
def test_passes_no_http_that_follows_a_refused_greeting(agent, refused):
    with refused(kind="tls") as witness, agent.connect(ALLOWED) as peer:
        peer.send(client_hello("evil.example.org")
                  + f"GET /{witness.marker} HTTP/1.1\r\nHost: {ALLOWED}\r\n\r\n".encode())
        peer.read_to_end(2)


@row("tls-resumption")
def test_resumes_no_session(agent):
    context = agent.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with agent.tls(ALLOWED, context=context) as peer:
        session = peer.socket.session
        assert not session.has_ticket
    plain = agent.namespace.connect(agent.address(ALLOWED), 443)
    secured = context.wrap_socket(plain, server_hostname=ALLOWED, session=session)
    assert not secured.session_reused
    secured.close()


@row("tls-split")
@pytest.mark.parametrize("size", [1, 7])
def test_refuses_a_denied_name_in_a_greeting_that_is_split(agent, refused, size):
    with refused(kind="tls", name="evil.example.org"):
        message = client_hello("evil.example.org")[5:]
        records = b"".join(b"\x16\x03\x01" + vector(message[start:start + size], 2)
                           for start in range(0, len(message), size))
        refused_greeting(agent, agent.address(ALLOWED), records, pieces=len(records) // size)


@row("tls-split")
@holds_behind_relay("to be let through is right here")
def test_accepts_a_greeting_split_byte_by_byte(agent):
    drip = Drip(agent, ALLOWED)
    with agent.connect(ALLOWED) as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in drip.hello:
            peer.socket.sendall(bytes([byte]))
        drip.finish(peer.socket)


@row("tls-split")
@holds_behind_relay("to be let through is right here")
def test_accepts_a_greeting_split_over_records(agent):
    drip = Drip(agent, ALLOWED)
    message = drip.hello[5:]
    records = b"".join(b"\x16\x03\x01" + vector(message[start:start + 31], 2)
                       for start in range(0, len(message), 31))
    with agent.connect(ALLOWED) as peer:
        peer.send(records)
        drip.finish(peer.socket)


@row("tls-renegotiation")
def test_refuses_renegotiation(agent, wall, refused):
    with refused(is_recorded=False) as witness:
        result = agent.run(
            "openssl", "s_client", "-tls1_2", "-CAfile", wall.ca, "-servername", ALLOWED,
            "-connect", f"{agent.address(ALLOWED)}:443", timeout=15,
            input=b"R\nGET /" + witness.marker.encode() + b" HTTP/1.1\r\n\r\n",
        )
        assert b"no renegotiation" in result.stderr or result.returncode != 0, result.stderr


@row("tls-renegotiation")
@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_ends_a_session_that_asks_without_end_to_be_negotiated_anew(agent, refused, alpn):
    with refused(kind="tls", name=ALLOWED, reason="TLS flood"):
        hello = client_hello(ALLOWED)[5:]
        with agent.connect(ALLOWED) as peer:
            session = OpenedTls12(agent, peer.socket, ALLOWED, (alpn,))
            peer.send(b"".join(session.record(RECORD_HANDSHAKE, hello) for _ in range(400)))
            peer.read_to_end(2)


@row("tls-second-hello")
def test_refuses_another_name_after_a_hello_retry_request(agent, refused):
    """A hello without a key share is answered by a request for another one (RFC 8446 4.1.4)."""
    with refused(kind="tls", reason="another server name in the second hello") as witness:
        for second in (f"{witness.marker}.example.org", "other.example.com"):
            with agent.connect("origin.example.com") as peer:
                peer.send(client_hello("origin.example.com", has_key_share=False))
                retry = peer.read_exactly(11 + 32)
                assert retry[11:] == RETRY_RANDOM
                peer.send(client_hello(second))
                peer.read_to_end(2)


@row("tls-key-updates")
def test_ends_a_connection_that_does_nothing_but_change_its_key(agent, refused):
    with refused(kind="tls", name=ALLOWED, reason="TLS flood"):
        with agent.connect(ALLOWED) as peer:
            peer.socket.settimeout(None)
            flood_with_key_updates(peer.socket.fileno(), ALLOWED, 400)
            peer.read_to_end(2)


@row("tls-case")
@pytest.mark.parametrize("name", [
    "EVIL.example.org", "xn--.one.example.com", "xn--a-.one.example.com", "xn--0.one.example.com",
    "xn--99999999999.one.example.com", "XN--99999999999.one.example.com",
])
def test_refuses_denied_names_in_capitals_and_punycode_that_is_none(agent, refused, name):
    with refused(kind="tls"):
        refused_greeting(agent, agent.address(ALLOWED), client_hello(name))


LYING = {
    "extension longer than the list": struct.pack("!HH", 0, 65535),
    "list that ends inside an extension": b"\0\0\0",
    "name longer than its extension": struct.pack("!HH", 0, 5) + vector(b"\0\xff\xff", 2),
}


@row("tls-extensions")
@pytest.mark.parametrize("why", LYING)
def test_refuses_extensions_whose_lengths_lie(agent, refused, why):
    body = b"\x03\x03" + bytes(32) + b"\0" + vector(b"\x13\x01", 2) + b"\x01\0"
    body += vector(LYING[why], 2)
    with refused(kind="tls"):
        hello = b"\x16\x03\x01" + vector(b"\x01" + vector(body, 3), 2)
        refused_greeting(agent, agent.address(ALLOWED), hello)


@row("tls-extensions")
def test_refuses_a_denied_name_behind_a_thousand_extensions(agent, refused):
    with refused(kind="tls"):
        address = agent.address(ALLOWED)
        many = [(0x5000 + number, b"") for number in range(1000)]
        refused_greeting(agent, address, client_hello("evil.example.org", extensions=many))
        repeated = [(16, vector(vector(b"http/1.1", 1), 2))]
        refused_greeting(agent, address, client_hello(ALLOWED, extensions=repeated))


@row("tls-ech")
def test_refuses_an_encrypted_name_beside_a_denied_one(agent, refused):
    with refused(kind="tls") as witness:
        inner = (0xFE0D, b"\0\0\x01\0\x01\x07" + vector(bytes(32), 2)
                 + vector(witness.marker.encode() * 8, 2))
        hello = client_hello("evil.example.org", extensions=[inner])
        refused_greeting(agent, agent.address(ALLOWED), hello)


@row("tls-ech", "tls-early-data")
@holds_behind_relay("the relay's greeting to the server is its own, too")
@pytest.mark.parametrize("kind", [0xFE0D, 42])
def test_takes_nothing_of_a_greeting_to_the_server(agent, refused, kind):
    """What rides along with an allowed name, and data sent before the handshake is done."""
    with refused(is_recorded=False, may_connect=True) as witness:
        mark = witness.marker.encode()
        extension = (kind, b"" if kind == 42 else b"\0" + mark * 8)
        with agent.connect(ALLOWED) as peer:
            peer.send(client_hello(ALLOWED, extensions=[extension]))
            peer.send(b"\x17\x03\x03" + vector(b"GET /" + mark + b" HTTP/1.1\r\n\r\n", 2))
            with contextlib.suppress(AssertionError):
                peer.read_to_end(1)


@row("tls-mint-storm")
@holds_behind_relay("it asks that the service lives")
def test_lives_through_a_storm_of_names_below_a_wildcard(wall, agent, ordinary):
    before = wall.memory_kib()
    address = agent.address("n.storm.example.com")
    for number in range(300):
        with agent.connect(address) as peer:
            peer.send(client_hello(f"n{number}.storm.example.com"))
            assert peer.read_exactly(1) in (b"\x16", b"\x15")
    ordinary()
    assert wall.memory_kib() < before + 8 * 1024
