"""Names: answered by the wall alone; no question goes anywhere."""

import contextlib
import random
import socket
import struct
import threading
import time

import pytest

from attack.marks import holds_behind_relay, row
from internet import resolver
from internet.resolver import Answer, query
from internet.world import ADDRESSES, FIREWALL_LINK

NXDOMAIN, FORMERR, NOTIMP, REFUSED = 3, 1, 4, 5
EDNS = b"\0" + struct.pack("!HHIH", 41, 4096, 0, 0)
SERVERS = (FIREWALL_LINK, "198.51.100.53", "198.51.100.99", "192.0.2.1", "10.0.2.3")


def edns(options=b"", version=0):
    return b"\0" + struct.pack("!HHBBHH", 41, 4096, 0, version, 0, len(options)) + options


@row("dns-tunnel", "dns-servers")
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("kind", [1, 2, 5, 6, 10, 12, 15, 16, 28, 33, 64, 65, 255])
def test_denies_a_name_off_the_list_whoever_is_asked(agent, refused, server, kind):
    with refused(kind="dns") as witness:
        answer = agent.ask(f"{witness.marker}.evil.example.org", kind, server)
        assert answer.code == NXDOMAIN
        assert answer.answers == 0


@row("dns-tunnel")
def test_says_blocked_in_an_extended_error(agent, refused):
    with refused(kind="dns") as witness:
        name = f"{witness.marker}.example.org"
        reply = agent.ask_raw(query(name, extra=EDNS, additional=1))
        assert Answer(reply).code == NXDOMAIN
        assert struct.pack("!HH", 15, 2) + struct.pack("!H", 17) in reply or \
            struct.pack("!H", 15) in reply and struct.pack("!H", 17) in reply[-64:]


@row("dns-tunnel")
@pytest.mark.parametrize("parent", ["web.example.com", "example.com", "com", "rules.example.com"])
def test_denies_names_below_and_above_an_exact_name(agent, refused, parent):
    with refused(kind="dns") as witness:
        assert agent.ask(f"{witness.marker}.{parent}").code == NXDOMAIN


@row("dns-tunnel")
@pytest.mark.parametrize("name", [
    "{}.one.example.com", "{}.a.b.deep.example.com", "{}.names.example.com",
    "{}.{}.{}.{}.names.example.com",
])
@pytest.mark.parametrize("kind", [1, 16, 10, 5, 28, 65, 255])
def test_carries_nothing_out_through_names_that_resolve(agent, refused, name, kind):
    with refused(is_recorded=False) as witness:
        label = witness.marker
        agent.ask(name.replace("{}", label), kind)
        agent.ask("x" * 45 + "." + name.replace("{}", label), kind)


@row("dns-options", "dns-tcp")
def test_carries_nothing_out_in_options_or_over_tcp(agent, refused):
    with refused(is_recorded=False) as witness:
        mark = witness.marker.encode()
        option = struct.pack("!HH", 65001, len(mark)) + mark
        agent.ask_raw(query("web.example.com", extra=edns(option), additional=1))
        name = f"{witness.marker}.evil.example.org"
        for server in SERVERS:
            replies = agent.ask_over_tcp([query(name, 16), query(name, 10)], server)
            assert [Answer(reply).code for reply in replies] == [NXDOMAIN, NXDOMAIN]


@row("dns-other-doors")
@pytest.mark.parametrize("port", [853, 5353, 5355, 8853])
def test_offers_no_other_door_for_names(agent, refused, port):
    with refused(kind="link"):
        for server in SERVERS[:3]:
            with pytest.raises(ConnectionRefusedError):
                agent.namespace.connect(server, port, 2)


@row("dns-hints")
@pytest.mark.parametrize("kind", [2, 5, 6, 10, 15, 16, 28, 29, 33, 35, 43, 44, 48, 52, 64, 65, 257])
def test_has_no_data_but_addresses_for_an_allowed_name(agent, kind):
    answer = agent.ask("web.example.com", kind)
    assert (answer.code, answer.answers) == (0, 0)
    assert answer.authorities == 1, "a SOA lets stubs remember that there is nothing"


@row("dns-hints")
def test_answers_any_minimally(agent):
    answer = agent.ask("web.example.com", 255)
    assert answer.code == 0 and answer.answers <= 1 and len(answer.message) < 200


@row("dns-malformed", "dns-loops", "dns-classes")
def test_refuses_malformed_messages_in_the_way_the_standard_says(agent):
    loop = b"\xc0\x0c"
    assert Answer(agent.ask_raw(query(loop))).code == FORMERR
    assert Answer(agent.ask_raw(query("web.example.com", count=2))).code == FORMERR
    assert Answer(agent.ask_raw(query("web.example.com", count=0))).code == FORMERR
    assert Answer(agent.ask_raw(query("web.example.com", flags=0x2100))).code == NOTIMP
    assert Answer(agent.ask_raw(query("web.example.com", flags=0x2900))).code == NOTIMP
    assert Answer(agent.ask_raw(query("web.example.com", klass=3))).code == REFUSED
    bad_version = agent.ask_raw(query("web.example.com", extra=edns(version=1), additional=1))
    assert Answer(bad_version).code == 0 and bad_version[-6] == 1, "BADVERS is 16: 1 in the OPT"
    assert agent.ask_raw(query("web.example.com", flags=0x8100), seconds=0.3) is None
    assert agent.ask_raw(b"\x12\x34\x01", seconds=0.3) is None


@row("dns-malformed")
@holds_behind_relay("it asks that the service lives")
def test_survives_messages_of_random_bytes(agent, ordinary):
    source = random.Random(7)
    good = query("web.example.com", extra=EDNS, additional=1)
    with agent.namespace.socket(kind=socket.SOCK_DGRAM) as plain:
        plain.connect((FIREWALL_LINK, 53))
        for round_number in range(3000):
            if round_number % 2:
                message = source.randbytes(source.randrange(0, 80))
            else:
                changed = bytearray(good)
                for _ in range(source.randrange(1, 6)):
                    changed[source.randrange(len(changed))] = source.randrange(256)
                message = bytes(changed[:source.randrange(4, len(changed) + 1)])
            try:
                plain.send(message)
            except ConnectionRefusedError:
                pytest.fail("the name service is gone")
    ordinary()


@row("dns-odd-names")
def test_refuses_names_that_no_host_has(agent):
    for name in (b"\x03a\0b\x07example\x03com\0", b"\x01*\x03one\x07example\x03com\0",
                 b"\x04-bad\x03one\x07example\x03com\0", b"\x05a b c\x03one\x07example\x03com\0",
                 b"\x03a_b\x03one\x07example\x03com\0", b"\x03\xc3\xa9x\x03one\x07example\x03com\0",
                 b"\x0bweb.example\x03com\0", b"\0"):
        answer = Answer(agent.ask_raw(query(name)))
        assert answer.code in (NXDOMAIN, FORMERR, REFUSED) and answer.answers == 0, name


@row("dns-flood", "records-flood")
def test_limits_what_a_flood_writes_to_the_log(wall, agent, ordinary):
    before = wall.record_position()
    with agent.namespace.socket(kind=socket.SOCK_DGRAM) as plain:
        plain.connect((FIREWALL_LINK, 53))
        for number in range(20000):
            plain.send(query(f"n{number}.flood.example.org"))
    ordinary()
    wall.wait_record(before, kind="http", decision="allow")
    assert wall.record_position() - before < 2_000_000
    assert len(wall.records(before)) < 10_000


@row("dns-upstream")
def test_asks_the_upstream_resolver_only_for_what_it_dials(world, agent, ordinary):
    start = world.capture.position()
    agent.ask("spare.example.com")
    agent.ask("new.one.example.com")
    ordinary()
    asked = [bytes(packet.payload) for packet in world.capture.since(start)
             if packet.protocol == "udp" and packet.destination == ADDRESSES["resolver"]]
    assert not [message for message in asked if b"\x05spare" in message or b"\x03new" in message]
    assert resolver.A == 1


@row("dns-flood")
def test_serves_others_while_one_connection_asks_without_end(agent):
    """A batch is sent again and again, and every answer is read."""
    message = query("web.example.com")
    batch = (struct.pack("!H", len(message)) + message) * 20000
    is_over = threading.Event()
    with agent.connect(FIREWALL_LINK, 53) as peer:
        def ask():
            while not is_over.is_set() and peer.send(batch):
                pass

        def read():
            room = bytearray(1 << 20)
            with contextlib.suppress(OSError):
                while not is_over.is_set() and peer.socket.recv_into(room):
                    pass

        workers = [threading.Thread(target=work, daemon=True) for work in (ask, read)]
        for worker in workers:
            worker.start()
        time.sleep(0.5)
        took = []
        for _ in range(5):
            started = time.monotonic()
            assert agent.ask("web.example.com", seconds=1) is not None
            took.append(time.monotonic() - started)
        is_over.set()
        peer.socket.shutdown(socket.SHUT_RDWR)
        for worker in workers:
            worker.join(5)
    assert max(took) < 0.5, took
