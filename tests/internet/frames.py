"""Packets made by hand, for everything that a kernel would not send."""

import socket
import struct


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, protocol, payload, options=b"", fragment=0, identifier=7, ttl=64):
    """`fragment` is the raw field: 0x2000 more fragments, low bits the offset in 8 bytes."""
    options += b"\0" * (-len(options) % 4)
    length = 20 + len(options)
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | length // 4, 0, length + len(payload), identifier, fragment, ttl,
        protocol, 0, socket.inet_aton(source), socket.inet_aton(destination),
    ) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def transport_checksum(source, destination, protocol, segment):
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination)
    return checksum(pseudo + struct.pack("!BBH", 0, protocol, len(segment)) + segment)


def udp(source, destination, source_port, port, payload):
    segment = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    value = transport_checksum(source, destination, 17, segment)
    return segment[:6] + struct.pack("!H", value) + segment[8:]


def tcp(source, destination, source_port, port, flags, payload=b"", sequence=1, acknowledge=0):
    segment = struct.pack(
        "!HHIIBBHHH", source_port, port, sequence, acknowledge, 0x50, flags, 65535, 0, 0
    ) + payload
    value = transport_checksum(source, destination, 6, segment)
    return segment[:16] + struct.pack("!H", value) + segment[18:]


def icmp_echo(payload, identifier=1):
    message = struct.pack("!BBHHH", 8, 0, 0, identifier, 1) + payload
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def ipv6(source, destination, next_header, payload):
    return struct.pack("!IHBB", 0x60000000, len(payload), next_header, 64) + socket.inet_pton(
        socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) + payload


class Wire:
    """Sends frames straight to the firewall's side of the link and sees what comes back."""

    def __init__(self, namespace, interface, target):
        self.target = target  # hardware address of the firewall's side
        with namespace.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 3))
        self.own = self.socket.getsockname()[4]

    def send(self, packet, kind=0x0800, to=None):
        self.socket.send((to or self.target) + self.own + struct.pack("!H", kind) + packet)

    def received(self, seconds):
        """Frames that arrived for us within a time: only to show that none did."""
        self.socket.settimeout(seconds)
        frames = []
        try:
            while True:
                frame, address = self.socket.recvfrom(65536)
                if address[2] != 4:
                    frames.append(frame)
        except OSError:
            return frames

    def close(self):
        self.socket.close()
