"""Content codings, both ways; what is written is flushed, so that every event can be read at once."""

import gzip
import zlib

import brotli
import zstandard

NAMES = ("gzip", "deflate", "br", "zstd")


class _Zlib:
    def __init__(self, window):
        self.stream = zlib.compressobj(6, zlib.DEFLATED, window)

    def write(self, data):
        return self.stream.compress(data) + self.stream.flush(zlib.Z_SYNC_FLUSH)

    def end(self):
        return self.stream.flush()


class _Brotli:
    def __init__(self):
        self.stream = brotli.Compressor(quality=5)

    def write(self, data):
        return self.stream.process(data) + self.stream.flush()

    def end(self):
        return self.stream.finish()


class _Zstandard:
    def __init__(self):
        self.stream = zstandard.ZstdCompressor().compressobj()

    def write(self, data):
        return self.stream.compress(data) + \
            self.stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self):
        return self.stream.flush()


class _Identity:
    @staticmethod
    def write(data):
        return data

    @staticmethod
    def end():
        return b""


def encoder(name):
    """write(bytes) and end() of one body."""
    if name == "gzip":
        return _Zlib(31)
    if name == "deflate":
        return _Zlib(15)
    return {"br": _Brotli, "zstd": _Zstandard, "": _Identity}[name]()


def encode(name, data):
    stream = encoder(name)
    return stream.write(data) + stream.end()


def decode(name, data):
    """A whole body."""
    if not name or name == "identity":
        return data
    if name == "gzip":
        return gzip.decompress(data)
    if name == "deflate":
        return zlib.decompress(data)
    if name == "br":
        return brotli.decompress(data)
    if name == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    raise ValueError(f"content coding {name}")
