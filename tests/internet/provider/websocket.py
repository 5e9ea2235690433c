"""WebSocket (RFC 6455) with permessage-deflate (RFC 7692), both ends, over any stream of bytes."""

import base64
import hashlib
import os
import secrets
import struct
import zlib

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1, MASKED = 0x80, 0x40, 0x80
TAIL = b"\0\0\xff\xff"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key):
    """What a server answers to a client's key."""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def new_key():
    return base64.b64encode(secrets.token_bytes(16)).decode()


def masked(payload, mask):
    """With the mask, or without it again."""
    length = len(payload)
    repeated = (mask * (length // 4 + 1))[:length]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return mixed.to_bytes(length, "big")


def frame(opcode, payload, is_final=True, is_compressed=False, is_masked=False):
    head = bytes([opcode | (FIN if is_final else 0) | (RSV1 if is_compressed else 0)])
    bit, length = MASKED if is_masked else 0, len(payload)
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += struct.pack("!BH", bit | 126, length)
    else:
        head += struct.pack("!BQ", bit | 127, length)
    if not is_masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + masked(payload, mask)


class Ended(Exception):
    """The other side has closed."""


class WebSocket:
    """One end. `read_exactly(count)` and `send(bytes)` are the stream's."""

    def __init__(self, read_exactly, send, is_client, is_deflated, keeps_context=True):
        self.read_exactly, self.send_bytes = read_exactly, send
        self.is_client, self.is_deflated, self.keeps_context = (
            is_client, is_deflated, keeps_context)
        self.inflater = zlib.decompressobj(-15)
        self.deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.compressed_seen = 0  # messages that came with RSV1
        self.close_code = None

    def read_frame(self):
        first, second = self.read_exactly(2)
        length = second & 0x7F
        if length == 126:
            length, = struct.unpack("!H", self.read_exactly(2))
        elif length == 127:
            length, = struct.unpack("!Q", self.read_exactly(8))
        assert bool(second & MASKED) != self.is_client, "masked by the wrong side"
        mask = self.read_exactly(4) if second & MASKED else None
        payload = self.read_exactly(length)
        return first, masked(payload, mask) if mask else payload

    def read(self):
        """The next message; control frames between its fragments are answered."""
        parts, is_compressed = [], False
        while True:
            first, payload = self.read_frame()
            opcode = first & 15
            if opcode == CLOSE:
                self.close_code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                raise Ended
            if opcode == PING:
                self.send_bytes(frame(PONG, payload, is_masked=self.is_client))
                continue
            if opcode == PONG:
                continue
            if opcode != CONTINUATION:
                is_compressed = bool(first & RSV1)
            parts.append(payload)
            if first & FIN:
                break
        data = b"".join(parts)
        if is_compressed:
            self.compressed_seen += 1
            data = self.inflater.decompress(data + TAIL)
        return data

    def send(self, data, fragments=1, ping=False):
        """One text message in so many frames, with a ping between the first two on demand."""
        if self.is_deflated:
            data = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
            data = data[:-len(TAIL)]
            if not self.keeps_context:
                self.deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        size = max(1, -(-len(data) // fragments))
        parts = [data[start:start + size] for start in range(0, len(data), size)] or [b""]
        for number, part in enumerate(parts):
            self.send_bytes(frame(
                CONTINUATION if number else TEXT, part, number == len(parts) - 1,
                self.is_deflated and number == 0, self.is_client))
            if ping and number == 0:
                self.send_bytes(frame(PING, b"between", is_masked=self.is_client))

    def close(self, code=1000):
        try:
            self.send_bytes(frame(CLOSE, struct.pack("!H", code), is_masked=self.is_client))
        except OSError:
            pass
