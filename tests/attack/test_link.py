"""The link: nothing but the wall's own services answers, and nothing is passed on."""

import errno
import socket
import struct

import pytest

from attack.marks import holds_behind_relay, row
from internet.agent import Peer
from internet.frames import Wire, icmp_echo, ipv4, ipv6, tcp, udp
from internet.wait import Late
from internet.world import AGENT, FIREWALL_LINK, FIREWALL_UPLINK

FOREIGN = "198.51.100.77"
ELSEWHERE = ("198.51.100.11", FOREIGN, "192.0.2.80", "10.9.8.7", "172.16.3.4", "192.168.7.7")
OPEN_TCP_PORTS = {22, 53, 443, 8080, 8443}


@pytest.fixture
def wire(world):
    """Frames by hand, to the hardware address of the firewall's side."""
    shown = world.firewall.ip("-o", "link", "show", "dev", "link")
    address = bytes.fromhex(shown.split("link/ether ")[1].split()[0].replace(":", ""))
    made = Wire(world.agent, "eth0", address)
    yield made
    made.close()


def where(agent, target):
    return agent.address("origin.example.com") if target == "pool" else target


RAW_BYTES = {
    "http": b"GET /%s HTTP/1.1\r\nHost: origin.example.com\r\n\r\n",
    "empty line and http": b"\r\nGET /%s HTTP/1.1\r\nHost: origin.example.com\r\n\r\n",
    "ssh banner": b"SSH-2.0-%s\r\n",
    "smtp": b"EHLO %s\r\n",
    "text": b"%s\n",
    "zeros": b"\0\0\0\0\0\0%s",
    "tls alert": b"\x15\x03\x03\x00\x02\x01\x00%s",
    "tls data": b"\x17\x03\x03\x00\x11%s",
    "tls 1.3 with a wrong first message": b"\x16\x03\x01\x00\x30\x02\x00\x00\x2c%s",
    "sslv2 hello": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10%s",
    "socks": b"\x05\x01\x00%s",
    "connect": b"CONNECT origin.example.com:443 HTTP/1.1\r\nX: %s\r\n\r\n",
    "proxy protocol": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n%s",
}


@row("link-raw-443")
@pytest.mark.parametrize("target", ["pool", FOREIGN, "198.51.100.11"])
@pytest.mark.parametrize("kind", RAW_BYTES)
def test_refuses_raw_bytes_on_443(agent, refused, kind, target):
    address = where(agent, target)
    with refused(kind="tls") as witness, agent.connect(address) as peer:
        peer.send(RAW_BYTES[kind] % witness.marker.encode())
        answered = peer.read_to_end(2)
        assert b"220" not in answered


@row("link-tcp-ports")
@pytest.mark.parametrize("target", ["pool", FOREIGN, "198.51.100.11", FIREWALL_LINK])
def test_refuses_every_other_tcp_port_at_once(agent, refused, target):
    address = where(agent, target)
    ports = [
        port for port in [*range(1, 1100), *range(1100, 65536, 97), 65535]
        if port not in OPEN_TCP_PORTS
    ]
    with refused(kind="link"):
        for port in ports:
            with agent.namespace.socket() as plain:
                plain.settimeout(2)
                assert plain.connect_ex((address, port)) == errno.ECONNREFUSED, port


@row("link-tcp-ports")
@pytest.mark.parametrize("target", ["pool", *ELSEWHERE])
def test_refuses_plain_http_on_port_80(agent, refused, target):
    address = where(agent, target)
    with refused(kind="link", port=80):
        with pytest.raises(ConnectionRefusedError):
            agent.namespace.connect(address, 80, 2)


@row("link-udp")
@pytest.mark.parametrize("target", ["pool", *ELSEWHERE])
@pytest.mark.parametrize("port", [443, 80, 123, 500, 4500, 5353, 51820, 33434])
def test_drops_udp_to_every_port_but_names(agent, refused, target, port):
    address = where(agent, target)
    with refused(is_recorded=False) as witness:
        with agent.namespace.socket(kind=socket.SOCK_DGRAM) as plain:
            plain.settimeout(0.1)
            plain.connect((address, port))
            plain.send(b"\xc3\x00\x00\x00\x01\x08" + witness.marker.encode() + bytes(1200))
            with pytest.raises(OSError):
                plain.recv(2048)


@row("link-udp")
def test_records_a_first_packet_of_udp(agent, refused):
    with refused(kind="link", port=3478) as witness:
        with agent.namespace.socket(kind=socket.SOCK_DGRAM) as plain:
            plain.sendto(witness.marker.encode(), (agent.address("origin.example.com"), 3478))


@row("link-icmp")
def test_answers_echo_of_the_gateway_only(agent, refused, wire):
    with refused(is_recorded=False) as witness:
        mark = witness.marker.encode()
        for target in (agent.address("origin.example.com"), FOREIGN, "198.51.100.11",
                       FIREWALL_UPLINK, "203.0.113.17"):
            wire.send(ipv4(AGENT, target, 1, icmp_echo(mark)))
        replies = [frame for frame in wire.received(0.3) if mark in frame and frame[23:24] == b"\1"]
        assert not replies
        wire.send(ipv4(AGENT, FIREWALL_LINK, 1, icmp_echo(mark)))
        assert any(mark in frame for frame in wire.received(0.3))


def hostile_packets(mark):
    """(why, packet) of everything that is no plain TCP or UDP from the agent's own address."""
    target = "198.51.100.11"
    datagram = udp(AGENT, target, 4000, 443, mark)
    syn = tcp(AGENT, target, 4001, 443, 2, mark)
    yield "gre", ipv4(AGENT, target, 47, b"\0\0\x08\0" + mark)
    yield "sctp", ipv4(AGENT, target, 132, b"\0\1\0\2" + bytes(8) + mark)
    yield "esp", ipv4(AGENT, target, 50, mark)
    yield "ip in ip", ipv4(AGENT, FIREWALL_LINK, 4, ipv4(AGENT, target, 17, datagram))
    yield "protocol 255", ipv4(AGENT, target, 255, mark)
    yield "first fragment", ipv4(AGENT, target, 17, datagram[:16], fragment=0x2000)
    yield "later fragment", ipv4(AGENT, target, 17, datagram[16:] + mark, fragment=2)
    yield "record route", ipv4(AGENT, target, 6, syn, options=b"\x07\x07\x04" + bytes(4))
    yield "loose source route", ipv4(
        AGENT, FIREWALL_LINK, 6, syn, options=b"\x83\x07\x04" + socket.inet_aton(target))
    yield "timestamp option", ipv4(AGENT, target, 17, datagram, options=b"\x44\x08\x05\0" + bytes(4))
    for source in ("198.51.100.5", "127.0.0.1", "0.0.0.0", "224.0.0.1", FIREWALL_LINK,
                   FIREWALL_UPLINK, "255.255.255.255", "203.0.113.4"):
        yield f"udp from {source}", ipv4(source, target, 17, udp(source, target, 4002, 443, mark))
        yield f"syn from {source}", ipv4(
            source, target, 6, tcp(source, target, 4003, 443, 2, mark))
        question = b"\0\1\1\0\0\1\0\0\0\0\0\0" + bytes([len(mark)]) + mark + b"\0\0\1\0\1"
        yield f"question from {source}", ipv4(
            source, FIREWALL_LINK, 17, udp(source, FIREWALL_LINK, 4004, 53, question))
    for sink in ("127.0.0.1", "224.0.0.251", "255.255.255.255", "203.0.113.15",
                 FIREWALL_UPLINK, "203.0.113.17", "0.0.0.0"):
        yield f"udp to {sink}", ipv4(AGENT, sink, 17, udp(AGENT, sink, 4005, 8125, mark))
        yield f"syn to {sink}", ipv4(AGENT, sink, 6, tcp(AGENT, sink, 4006, 443, 2, mark))
    yield "ack out of nothing", ipv4(AGENT, target, 6, tcp(AGENT, target, 4007, 443, 16, mark))
    yield "data with syn", ipv4(AGENT, target, 6, syn)
    yield "xmas", ipv4(AGENT, target, 6, tcp(AGENT, target, 4008, 443, 0x3F, mark))
    yield "ttl 1", ipv4(AGENT, target, 17, datagram, ttl=1)
    yield "length beyond the frame", ipv4(AGENT, target, 17, datagram + bytes(64))[:60]


@row("link-protocols", "link-fragments", "link-spoofed", "link-martians", "link-segments")
def test_passes_on_no_packet_that_is_made_by_hand(refused, wire):
    with refused(is_recorded=False) as witness:
        for _, packet in hostile_packets(witness.marker.encode()):
            wire.send(packet)
            wire.send(packet, to=b"\xff" * 6)


@row("link-spoofed")
def test_answers_nothing_to_a_source_that_is_not_the_agent(refused, wire, world):
    with refused(is_recorded=False):
        for source in ("198.51.100.5", "203.0.113.4", FIREWALL_UPLINK):
            wire.send(ipv4(source, "198.51.100.11", 6, tcp(source, "198.51.100.11", 999, 443, 2)))
            question = b"\0\1\1\0\0\1\0\0\0\0\0\0\3web\7example\3com\0\0\1\0\1"
            wire.send(ipv4(
                source, FIREWALL_LINK, 17, udp(source, FIREWALL_LINK, 999, 53, question)))
        strangers = [
            frame for frame in wire.received(0.3)
            if frame[12:14] == b"\x08\x00" and frame[30:34] != socket.inet_aton(AGENT)
        ]
        assert not strangers
        sent = world.capture.packets[-50:]
        assert not [packet for packet in sent if packet.source == "198.51.100.5"]


@row("link-ipv6")
def test_passes_on_no_ipv6(refused, wire):
    with refused(is_recorded=False) as witness:
        mark = witness.marker.encode()
        for target in ("2001:db8::1", "fe80::1", "ff02::1", "::1", "::ffff:198.51.100.11",
                       "64:ff9b::c633:640b", "2002:c633:640b::1"):
            datagram = struct.pack("!HHHH", 4000, 53, 8 + len(mark), 0) + mark
            wire.send(ipv6("fe80::2", target, 17, datagram), kind=0x86DD)
            wire.send(ipv6("2001:db8::9", target, 58, b"\x80\0\0\0" + mark), kind=0x86DD)
            wire.send(ipv6("fe80::2", target, 0, b"\x3b\0" + bytes(6) + mark), kind=0x86DD)
        wire.send(mark + bytes(60), kind=0x88B5)
        wire.send(mark + bytes(60), kind=0x8100)
        answers = [frame for frame in wire.received(0.3) if frame[12:14] == b"\x86\xdd"
                   and mark in frame]
        assert not answers


@row("link-listeners")
@pytest.mark.parametrize("address", [FIREWALL_UPLINK, FIREWALL_LINK, "198.18.0.1", "0.0.0.0"])
def test_reaches_no_listener_that_is_not_the_walls(world, agent, refused, address):
    with world.firewall.socket() as listener:
        listener.bind(("0.0.0.0", 2222))
        listener.listen()
        with refused(is_recorded=False):
            with pytest.raises(OSError):
                agent.namespace.connect(address, 2222, 0.7).close()
                if address == "0.0.0.0":
                    raise OSError("the agent's own address")
        listener.settimeout(0.01)
        with pytest.raises(OSError):
            listener.accept()


@row("link-forwarding")
def test_forwards_nothing_even_while_the_kernel_would(world):
    for name in ("all", "link", "uplink"):
        value = world.firewall.command("cat", f"/proc/sys/net/ipv4/conf/{name}/forwarding")
        assert value.strip() == "0", name
    assert world.firewall.command("cat", "/proc/sys/net/ipv4/ip_forward").strip() == "0"


@row("link-syn-flood")
@holds_behind_relay("it asks that the service lives")
def test_survives_a_flood_of_half_open_connections(agent, refused, wire):
    with refused(is_recorded=False):
        for port in range(2000, 6000):
            wire.send(ipv4(AGENT, "198.51.100.11", 6, tcp(AGENT, "198.51.100.11", port, 443, 2)))


@row("link-idle")
def test_survives_more_idle_connections_than_it_takes(agent, refused):
    peers = []
    try:
        with refused(is_recorded=False):
            address = agent.address("origin.example.com")
            for _ in range(2300):
                plain = agent.namespace.socket()
                plain.setblocking(False)
                plain.connect_ex((address, 443))
                peers.append(plain)
            for plain in peers:
                plain.close()
    finally:
        for plain in peers:
            plain.close()


@row("link-server-first")
def test_says_nothing_before_it_was_spoken_to(agent, refused):
    with refused(is_recorded=False):
        with agent.connect("origin.example.com") as peer, agent.connect(FOREIGN) as stranger:
            for quiet in (peer, stranger):
                with pytest.raises(Late):
                    Peer(quiet.socket).read_to_end(0.3)


@row("link-arp")
@holds_behind_relay("nobody's addresses are passed on there either")
def test_believes_no_arp_about_its_own_side(world, refused, wire):
    """That the firewall's address, its uplink's neighbour and the resolver are at the agent's."""
    with refused(is_recorded=False):
        for claimed in (FIREWALL_LINK, FIREWALL_UPLINK, "203.0.113.17", "198.51.100.53"):
            body = (struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + wire.own + socket.inet_aton(claimed)
                    + wire.target + socket.inet_aton(FIREWALL_LINK))
            for target in (None, b"\xff" * 6):
                wire.send(body, kind=0x0806, to=target)
    known = world.firewall.ip("neigh", "show", "dev", "uplink")
    assert wire.own.hex(":") not in known, known
