"""What an agent does: look names up, connect, speak TLS and HTTP, well or badly, run clients."""

import json
import os
import secrets
import socket
import ssl
import struct
import time

from internet import resolver
from internet.wait import Late

HELLO_VERSIONS = (0x0304, 0x0303)


def vector(data, size):
    return len(data).to_bytes(size, "big") + data


def server_name(*names, kind=0):
    """The body of a server_name extension; names as text or bytes."""
    entries = b"".join(
        bytes([kind]) + vector(name if isinstance(name, bytes) else name.encode(), 2)
        for name in names
    )
    return vector(entries, 2)


def client_hello(name=None, alpn=("http/1.1",), versions=HELLO_VERSIONS, extensions=(),
                 name_extension=None, has_key_share=True):
    """One TLS record with a ClientHello (RFC 8446 section 4.1.2)."""
    body = b"\x03\x03" + secrets.token_bytes(32) + vector(secrets.token_bytes(32), 1)
    body += vector(bytes.fromhex("130113021303c02bc02fc02cc030cca9cca8"), 2) + b"\x01\x00"
    parts = []
    if name_extension is None and name is not None:
        name_extension = server_name(name)
    if name_extension is not None:
        parts.append((0, name_extension))
    parts.append((10, vector(struct.pack("!HH", 0x001D, 0x0017), 2)))
    parts.append((11, b"\x01\x00"))
    parts.append((13, vector(bytes.fromhex("0403050306030804080508060401"), 2)))
    if alpn:
        parts.append((16, vector(b"".join(vector(p.encode(), 1) for p in alpn), 2)))
    parts.append((43, vector(b"".join(struct.pack("!H", v) for v in versions), 1)))
    share = struct.pack("!HH", 0x001D, 32) + secrets.token_bytes(32) if has_key_share else b""
    parts.append((51, vector(share, 2)))
    parts += list(extensions)
    body += vector(b"".join(struct.pack("!H", kind) + vector(data, 2) for kind, data in parts), 2)
    return b"\x16\x03\x01" + vector(b"\x01" + vector(body, 3), 2)


class Peer:
    """A connection with deadlines; plain or TLS."""

    patience = 1.0  # what every limit of read_to_end is multiplied with

    def __init__(self, connection):
        self.socket = connection
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False when the other side has gone already."""
        try:
            self.socket.sendall(data)
            return True
        except (OSError, ssl.SSLError):
            return False

    def read_to_end(self, seconds=2.0):
        """Everything until the other side closes or resets; Late when it does not."""
        deadline = time.monotonic() + seconds * self.patience
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late(f"connection still open after {seconds:g} s; got "
                           f"{self.received[:200]!r}")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                continue
            except (ConnectionError, ssl.SSLError):
                return self.received
            if not data:
                return self.received
            self.received += data

    def read_until(self, mark, seconds=10.0):
        deadline = time.monotonic() + seconds
        while mark not in self.received:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                raise Late(f"no {mark!r} in {seconds:g} s; got {self.received[:200]!r}") from None
            if not data:
                raise AssertionError(f"closed before {mark!r}; got {self.received[:300]!r}")
            self.received += data
        end = self.received.index(mark) + len(mark)
        taken, self.received = self.received[:end], self.received[end:]
        return taken

    def read_exactly(self, count, seconds=10.0):
        deadline = time.monotonic() + seconds
        while len(self.received) < count:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"closed after {len(self.received)} of {count} bytes")
            self.received += data
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def read_response(self, seconds=10.0):
        """(status, fields, body) of one HTTP/1 response with Content-Length or chunks."""
        head = self.read_until(b"\r\n\r\n", seconds).decode("latin-1")
        assert head.startswith("HTTP/1."), head[:200]
        lines = head.split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = {}
        for line in lines[1:]:
            if line:
                key, value = line.split(":", 1)
                fields[key.lower()] = value.strip()
        body = b""
        if fields.get("transfer-encoding") == "chunked":
            while True:
                size = int(self.read_until(b"\r\n", seconds).split(b";")[0], 16)
                body += self.read_exactly(size + 2, seconds)[:-2]
                if size == 0:
                    break
        elif "content-length" in fields and status not in (204, 304) and status >= 200:
            body = self.read_exactly(int(fields["content-length"]), seconds)
        return status, fields, body


class Agent:
    """Acts in the agent's namespace against a wall."""

    def __init__(self, world, wall, gateway, folder):
        self.world, self.wall, self.gateway = world, wall, gateway
        self.namespace = world.agent
        self.home = folder
        self.home.mkdir(exist_ok=True)

    # Names

    def ask_raw(self, message, server=None, seconds=2.0):
        """One datagram to port 53; the reply, or None when there is none in time."""
        with self.namespace.socket(kind=socket.SOCK_DGRAM) as plain:
            plain.settimeout(seconds)
            plain.connect((server or self.gateway, 53))
            plain.send(message)
            try:
                return plain.recv(4096)
            except OSError:
                return None

    def ask(self, name, kind=resolver.A, server=None, seconds=2.0, **options):
        reply = self.ask_raw(resolver.query(name, kind, **options), server, seconds)
        return resolver.Answer(reply) if reply else None

    def address(self, name):
        """The pool address of an allowed name; asked again as a stub resolver would."""
        answer = self.ask(name) or self.ask(name) or self.ask(name)
        assert answer is not None and answer.addresses, f"{name} does not resolve"
        return answer.addresses[0]

    # Connections

    def connect(self, name_or_address, port=443, seconds=5.0):
        address = name_or_address
        if not address.replace(".", "").isdigit():
            address = self.address(address)
        return Peer(self.namespace.connect(address, port, seconds))

    def context(self, alpn=("http/1.1",)):
        context = ssl.create_default_context(cafile=str(self.wall.ca))
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def tls(self, name, address=None, port=443, alpn=("http/1.1",), seconds=5.0, check=True,
            context=None):
        """A verified TLS connection with SNI `name`."""
        context = context or self.context(alpn)
        if not check:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        plain = self.namespace.connect(address or self.address(name), port, seconds)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return Peer(context.wrap_socket(plain, server_hostname=name))
        except BaseException:
            plain.close()
            raise

    def request(self, name, target="/", method="GET", fields=(), body=b"", port=443):
        """One exchange on a connection of its own: (status, fields, body)."""
        with self.tls(name, port=port) as peer:
            head = [f"{method} {target} HTTP/1.1", f"Host: {name}", *fields]
            if body:
                head.append(f"Content-Length: {len(body)}")
            peer.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)
            return peer.read_response()

    def request_json(self, name, target="/", **options):
        status, _, body = self.request(name, target, **options)
        assert status == 200, (status, body)
        return json.loads(body)

    def ask_over_tcp(self, messages, server=None):
        """Pipelined questions; the replies in the order of arrival."""
        with self.connect(server or self.gateway, 53) as peer:
            for message in messages:
                peer.send(struct.pack("!H", len(message)) + message)
            replies = []
            for _ in messages:
                length = struct.unpack("!H", peer.read_exactly(2))[0]
                replies.append(peer.read_exactly(length))
            return replies

    def try_request(self, name, target="/"):
        """The status of an exchange, or 0 when there was none."""
        try:
            return self.request(name, target)[0]
        except (OSError, AssertionError):
            return 0

    def is_allowed(self, name, target="/"):
        """The name resolves and a request is answered with 200."""
        return self.ask(name).code == 0 and self.try_request(name, target) == 200

    # Programs

    def environment(self):
        return {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "CURL_CA_BUNDLE": str(self.wall.ca),
            "SSL_CERT_FILE": str(self.wall.ca),
            "GIT_SSL_CAINFO": str(self.wall.ca),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def run(self, *words, timeout=60, environment=None, **options):
        """subprocess.run as the agent."""
        return self.namespace.run(
            *words, timeout=timeout, env={**self.environment(), **(environment or {})}, **options
        )

    def curl(self, *words, **options):
        return self.run("curl", "-sS", *words, **options)
