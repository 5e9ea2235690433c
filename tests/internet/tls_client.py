"""TLS clients that do what Python's own module does not let one do."""

import ctypes
import ssl
import struct
import tempfile

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

RECORD_HANDSHAKE = 22


class Drip:
    """A TLS client in memory whose bytes leave as slowly and as split as one likes."""

    def __init__(self, agent, name):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = agent.context().wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        self.hello = self.outgoing.read()

    def finish(self, plain):
        plain.settimeout(5)
        while True:
            data = plain.recv(65536)
            assert data, "closed during the handshake"
            self.incoming.write(data)
            try:
                self.tls.do_handshake()
                plain.sendall(self.outgoing.read())
                return
            except ssl.SSLWantReadError:
                plain.sendall(self.outgoing.read())


def flood_with_key_updates(descriptor, name, count):
    """Open TLS over a connected socket and change our key so many times; how often it went well.
    Python's own module cannot."""
    library = ctypes.CDLL("libssl.so.3")
    for function in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(library, function).restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.SSL_CTX_new(ctypes.c_void_p(library.TLS_client_method())))
    session = ctypes.c_void_p(library.SSL_new(context))
    set_host_name = 55
    library.SSL_ctrl(session, set_host_name, ctypes.c_long(0), ctypes.c_char_p(name.encode()))
    library.SSL_set_fd(session, descriptor)
    assert library.SSL_connect(session) == 1
    done = 0
    while done < count and library.SSL_key_update(session, 0) == 1:
        if library.SSL_do_handshake(session) != 1:
            break
        done += 1
    library.SSL_free(session)
    library.SSL_CTX_free(context)
    return done


def _derive(secret, seed, length):
    """P_SHA256 of RFC 5246 section 5."""
    def digest(data):
        made = hmac.HMAC(secret, hashes.SHA256())
        made.update(data)
        return made.finalize()

    made, state = b"", seed
    while len(made) < length:
        state = digest(state)
        made += digest(state + seed)
    return made[:length]


class OpenedTls12:
    """A session of TLS 1.2 whose records are made by hand once it is open: a client of OpenSSL asks
    for another handshake only once."""

    def __init__(self, agent, plain, name, alpn=("http/1.1",)):
        self.plain = plain
        context = agent.context(alpn)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with tempfile.NamedTemporaryFile("r", suffix=".keys") as keys:
            context.keylog_filename = keys.name
            tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
            received = self._open(tls, incoming, outgoing)
            line = [line.split() for line in keys if line.startswith("CLIENT_RANDOM ")][-1]
        client_random, master = bytes.fromhex(line[1]), bytes.fromhex(line[2])
        server_random = received[11:43]  # behind the headers of the record and of the message
        block = _derive(master, b"key expansion" + server_random + client_random, 40)
        self.key, self.salt = AESGCM(block[:16]), block[32:36]
        self.sent = 1  # records of this key: Finished

    def _open(self, tls, incoming, outgoing):
        received = b""
        self.plain.settimeout(10)
        while True:
            try:
                tls.do_handshake()
                return received
            except ssl.SSLWantReadError:
                self.plain.sendall(outgoing.read())
                data = self.plain.recv(65536)
                assert data, "closed during the handshake"
                received += data
                incoming.write(data)

    def record(self, kind, content):
        """RFC 5288 section 3."""
        number = struct.pack("!Q", self.sent)
        self.sent += 1
        head = bytes([kind]) + b"\x03\x03"
        sealed = self.key.encrypt(self.salt + number, content,
                                  number + head + struct.pack("!H", len(content)))
        return head + struct.pack("!H", len(number + sealed)) + number + sealed
