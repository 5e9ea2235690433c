"""Everything that arrives on an interface: the witness that cannot be talked out of it."""

import contextlib
import socket
import struct
import threading

ETH_P_ALL = 3
PACKET_OUTGOING = 4
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
SYN = 0x02


class Packet:
    """One arrived packet: protocol name or number, addresses, ports, TCP flags, payload."""

    __slots__ = ("protocol", "source", "destination", "port", "flags", "payload")

    def __init__(self, frame):
        self.protocol, self.source, self.destination = "other", "", ""
        self.port, self.flags, self.payload = 0, 0, frame[14:]
        kind = struct.unpack("!H", frame[12:14])[0]
        if kind == 0x86DD and len(frame) >= 54:
            self.protocol = "ipv6"
            self.source = socket.inet_ntop(socket.AF_INET6, frame[22:38])
            self.destination = socket.inet_ntop(socket.AF_INET6, frame[38:54])
            if frame[20] == 6 and len(frame) >= 74:
                self._read_tcp(frame[54:])
        elif kind == 0x0806:
            self.protocol = "arp"
        elif kind == 0x0800 and len(frame) >= 34:
            self._read_ipv4(frame[14:])

    def _read_ipv4(self, packet):
        length = (packet[0] & 15) * 4
        self.protocol = PROTOCOLS.get(packet[9], packet[9])
        self.source = socket.inet_ntoa(packet[12:16])
        self.destination = socket.inet_ntoa(packet[16:20])
        body = packet[length:]
        if self.protocol == "tcp" and len(body) >= 20:
            self._read_tcp(body)
        elif self.protocol == "udp" and len(body) >= 8:
            self.port = struct.unpack("!H", body[2:4])[0]
            self.payload = body[8:]
        else:
            self.payload = body

    def _read_tcp(self, segment):
        self.protocol = "tcp"
        self.port = struct.unpack("!H", segment[2:4])[0]
        self.flags = segment[13]
        self.payload = segment[(segment[12] >> 4) * 4:]

    @property
    def is_connect(self):
        return self.protocol == "tcp" and self.flags & 0x12 == SYN

    def __repr__(self):
        return (f"<{self.protocol} {self.source} -> {self.destination}:{self.port} "
                f"flags {self.flags:#x} {bytes(self.payload[:60])!r}>")


class Capture:
    """Packets that come in on one interface of a namespace, kept in memory."""

    def __init__(self, namespace, interface):
        self.namespace, self.interface = namespace, interface
        self.packets = []
        self.is_paused = False
        self._open()
        threading.Thread(target=self._read, daemon=True).start()

    def _open(self):
        with self.namespace.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.socket.bind((self.interface, ETH_P_ALL))

    def _read(self):
        while True:
            frame, address = self.socket.recvfrom(70000)
            if address[2] != PACKET_OUTGOING and not self.is_paused:
                self.packets.append(Packet(frame))

    def position(self):
        return len(self.packets)

    def since(self, position):
        return [packet for packet in self.packets[position:] if packet.protocol != "arp"]

    @contextlib.contextmanager
    def paused(self):
        """For bulk transfers: nothing is kept meanwhile."""
        self.is_paused = True
        try:
            yield
        finally:
            self.is_paused = False
