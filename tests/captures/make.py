#!/usr/bin/python3
"""Writes the bytes of each direction's frames, NAME.bin beside NAME.txt, and for compressed
responses in content/ their plain text, with the encoders and decoders of Python and of zstd: not
with ours.

A line of NAME.txt is one message: `text ...`, `ping ...` or `close CODE ...`. Names with `client`
are masked; those with `deflate` are compressed with context takeover, each third message in three
fragments with a ping between them.
"""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import brotli

HERE = Path(__file__).resolve().parent
OPCODES = {"text": 1, "close": 8, "ping": 9}
FINAL, COMPRESSED, MASKED = 0x80, 0x40, 0x80


def frame(first, payload, mask):
    flag = MASKED if mask else 0
    if len(payload) < 126:
        head = struct.pack(">BB", first, flag | len(payload))
    elif len(payload) < 65536:
        head = struct.pack(">BBH", first, flag | 126, len(payload))
    else:
        head = struct.pack(">BBQ", first, flag | 127, len(payload))
    if mask:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + mask + payload


def masks(is_client):
    number = 0x9E3779B9
    while True:
        number = (number * 1664525 + 1013904223) & 0xFFFFFFFF
        yield struct.pack(">I", number) if is_client else b""


def control(line):
    kind, _, rest = line.partition(" ")
    payload = rest.encode()
    if kind == "close":
        code, _, reason = rest.partition(" ")
        payload = struct.pack(">H", int(code)) + reason.encode()
    return FINAL | OPCODES[kind], payload


def frames(lines, is_client, is_compressed):
    mask = masks(is_client)
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    for number, line in enumerate(lines):
        first, payload = control(line)
        if not is_compressed or not line.startswith("text "):
            yield frame(first, payload, next(mask))
            continue
        payload = packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)
        payload = payload[:-4]
        if number % 3 != 2:
            yield frame(first | COMPRESSED, payload, next(mask))
            continue
        third = len(payload) // 3
        yield frame(OPCODES["text"] | COMPRESSED, payload[:third], next(mask))
        yield frame(FINAL | OPCODES["ping"], b"between", next(mask))
        yield frame(0, payload[third:2 * third], next(mask))
        yield frame(FINAL, payload[2 * third:], next(mask))


def decoded(path):
    coded = path.read_bytes()
    if path.suffix == ".br":
        return brotli.decompress(coded)
    if path.suffix == ".gzip":
        return zlib.decompress(coded, 31)
    return subprocess.run(["zstd", "-dc"], input=coded, stdout=subprocess.PIPE, check=True).stdout


def main():
    for path in sorted((HERE / "websocket").glob("*.txt")):
        lines = path.read_text().split("\n")[:-1]
        wire = b"".join(frames(lines, "client" in path.name, "deflate" in path.name))
        path.with_suffix(".bin").write_bytes(wire)
    for path in sorted((HERE / "content").iterdir()):
        if path.suffix != ".txt":
            path.with_name(path.name + ".txt").write_bytes(decoded(path))


if __name__ == "__main__":
    sys.exit(main())
