"""A name server with a mind of its own: answers that no honest zone file would hold."""

import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28


def encode_name(name):
    labels = name.rstrip(".").split(".") if name.rstrip(".") else []
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def decode_name(message, offset):
    labels = []
    while message[offset]:
        length = message[offset]
        labels.append(message[offset + 1:offset + 1 + length].decode("latin-1"))
        offset += 1 + length
    return ".".join(labels).lower(), offset + 1


def query(name, kind=A, identifier=0x1234, flags=0x0100, klass=1, count=1, extra=b"",
          additional=0):
    """A question in wire form; `name` may be bytes that are already encoded."""
    encoded = name if isinstance(name, bytes) else encode_name(name)
    return (
        struct.pack("!6H", identifier, flags, count, 0, 0, additional)
        + encoded + struct.pack("!HH", kind, klass) + extra
    )


class Answer:
    """The parts of a reply that tests look at."""

    def __init__(self, message):
        self.message = message
        (self.identifier, self.flags, questions, self.answers, self.authorities,
         self.additional) = struct.unpack("!6H", message[:12])
        self.code = self.flags & 15
        self.addresses = []
        offset = 12
        for _ in range(questions):
            offset = self._skip_name(offset) + 4
        for _ in range(self.answers):
            offset = self._skip_name(offset)
            kind, _, self.ttl, length = struct.unpack("!HHIH", message[offset:offset + 10])
            offset += 10
            if kind == A and length == 4:
                self.addresses.append(socket.inet_ntoa(message[offset:offset + 4]))
            elif kind == AAAA and length == 16:
                packed = message[offset:offset + 16]
                self.addresses.append(socket.inet_ntop(socket.AF_INET6, packed))
            offset += length

    def _skip_name(self, offset):
        while self.message[offset]:
            if self.message[offset] & 0xC0:
                return offset + 2
            offset += 1 + self.message[offset]
        return offset + 1


class OddServer:
    """Authoritative for whatever `names` holds: name -> [address or "-> alias"], or a function
    called for each question that returns such a list. Time to live 1 second unless `ttl` says."""

    def __init__(self, namespace, address):
        self.names = {}
        self.ttl = 1
        self.questions = []
        self.socket = namespace.socket(kind=socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            message, peer = self.socket.recvfrom(4096)
            try:
                self.socket.sendto(self._reply(message), peer)
            except (IndexError, struct.error):
                continue

    def _records(self, name, kind, depth=0):
        values = self.names.get(name, [])
        values = values() if callable(values) else values
        for value in values:
            if value.startswith("-> "):
                yield name, CNAME, encode_name(value[3:])
                if depth < 16:
                    yield from self._records(value[3:], kind, depth + 1)
            elif ":" in value and kind == AAAA:
                yield name, AAAA, socket.inet_pton(socket.AF_INET6, value)
            elif ":" not in value and kind == A:
                yield name, A, socket.inet_aton(value)

    def _reply(self, message):
        name, end = decode_name(message, 12)
        kind = struct.unpack("!H", message[end:end + 2])[0]
        self.questions.append((name, kind))
        records = list(self._records(name, kind))
        code = 0 if name in self.names else 3
        reply = message[:2] + struct.pack("!5H", 0x8580 | code, 1, len(records), 0, 0)
        reply += message[12:end + 4]
        for owner, record_kind, data in records:
            reply += encode_name(owner)
            reply += struct.pack("!HHIH", record_kind, 1, self.ttl, len(data)) + data
        return reply
