"""Servers that remember every byte they were sent."""

import hashlib
import json
import socket
import ssl
import struct
import threading

SO_ORIGINAL_DST = 80


class Closed(Exception):
    """The peer closed before everything that was waited for had come."""


class Request:
    """The head of an HTTP/1 request as it arrived."""

    def __init__(self, name, head):
        self.name = name  # what the client named in its TLS greeting
        self.head = head
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.fields = [
            (line.split(":", 1)[0].lower(), line.split(":", 1)[1].strip())
            for line in lines[1:] if line
        ]

    def field(self, name):
        values = [value for key, value in self.fields if key == name]
        return values[0] if values else None


class Connection:
    """One accepted connection with its own reading buffer."""

    def __init__(self, plain, name, log):
        self.socket, self.name, self.log = plain, name, log
        self.pending = b""

    def _fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed
        self.log.append(data)
        self.pending += data

    def read_head(self):
        while b"\r\n\r\n" not in self.pending:
            self._fill()
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        return head

    def read_exactly(self, count):
        while len(self.pending) < count:
            self._fill()
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def read_line(self):
        while b"\r\n" not in self.pending:
            self._fill()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line

    def read_body(self, request):
        """Every byte of the body and the trailer lines."""
        if request.field("transfer-encoding"):
            chunks, trailers = [], []
            while True:
                size = int(self.read_line(), 16)
                if size == 0:
                    break
                chunks.append(self.read_exactly(size))
                self.read_exactly(2)
            line = self.read_line()
            while line:
                trailers.append(line)
                line = self.read_line()
            return b"".join(chunks), trailers
        return self.read_exactly(int(request.field("content-length") or 0)), []

    def sink_body(self, request):
        """Read a body of known length without keeping it; its length."""
        left = total = int(request.field("content-length") or 0)
        left -= len(self.pending)
        self.pending = b""
        block = bytearray(1 << 18)
        while left > 0:
            count = self.socket.recv_into(block, min(left, len(block)))
            if count == 0:
                raise Closed
            left -= count
        return total

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, body=b"", status="200 OK", kind="text/plain", fields=()):
        head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", f"content-type: {kind}"]
        head += [f"{name}: {value}" for name, value in fields]
        self.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def is_at_end(self, seconds=5.0):
        """True when the peer closes without another byte."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return True
        except OSError:
            return False
        if data:
            self.log.append(data)
        return not data


class Journal:
    """What origins were sent, in order of arrival; shared by all of them."""

    def __init__(self):
        self.streams = []

    def new_stream(self, where):
        stream = []
        self.streams.append((where, stream))
        return stream

    def position(self):
        return len(self.streams)

    def text(self):
        """Every byte of every stream."""
        return b"\n".join(b"".join(stream) for _, stream in list(self.streams))


class TlsOrigin:
    """An HTTPS server for every name, whose answers a test may script by path.

    A path without a script is answered with JSON that tells what arrived."""

    def __init__(self, namespace, address, shop, journal, port=443, adjust=None):
        self.adjust = adjust  # changes the contexts that serve
        self.namespace, self.shop, self.journal = namespace, shop, journal
        self.scripts = {}  # path -> function(request, connection); true keeps the connection
        self.requests = []
        self.greetings = []  # (name, ALPN, TLS version) of each finished handshake
        self.accepted = 0
        self.listener = namespace.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            raw, _ = self.listener.accept()
            self.accepted += 1
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chosen = {"name": None}

        def choose(wrapped, name, _):
            chosen["name"] = name
            context = self.shop.context(name or "no-name.invalid")
            if self.adjust:
                self.adjust(context)
            wrapped.context = context

        greeter = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        greeter.sni_callback = choose
        greeter.set_alpn_protocols(["http/1.1"])
        if self.adjust:
            self.adjust(greeter)
        try:
            secured = greeter.wrap_socket(raw, server_side=True)
        except (OSError, ssl.SSLError):
            self.journal.new_stream("failed handshake")
            raw.close()
            return
        self.greetings.append(
            (chosen["name"], secured.selected_alpn_protocol(), secured.version())
        )
        connection = Connection(secured, chosen["name"], self.journal.new_stream(chosen["name"]))
        try:
            while self._exchange(connection):
                pass
        except (Closed, OSError, ValueError):
            pass
        finally:
            secured.close()

    def _exchange(self, connection):
        request = Request(connection.name, connection.read_head())
        self.requests.append(request)
        script = self.scripts.get(request.target.split("?")[0])
        if script:
            return script(request, connection)
        if (request.field("expect") or "").lower() == "100-continue":
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body, trailers = connection.read_body(request)
        told = {
            "name": request.name,
            "method": request.method,
            "target": request.target,
            "fields": request.fields,
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "trailers": [line.decode("latin-1") for line in trailers],
        }
        text = json.dumps(told).encode()
        connection.answer(b"" if request.method == "HEAD" else text, kind="application/json")
        return True


class Catcher:
    """Accepts TCP and UDP for every address and port that no real server has, keeps the bytes,
    and says something first, as a mail or SSH server would."""

    def __init__(self, namespace, journal, port=9):
        self.journal = journal
        self.port = port
        self.tcp = namespace.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(("0.0.0.0", port))
        self.tcp.listen(512)
        self.udp = namespace.socket(kind=socket.SOCK_DGRAM)
        self.udp.bind(("0.0.0.0", port))
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.tcp.accept()
            try:
                raw = connection.getsockopt(socket.IPPROTO_IP, SO_ORIGINAL_DST, 16)
                port, address = struct.unpack("!2xH4s8x", raw)
                where = f"{socket.inet_ntoa(address)}:{port}"
            except OSError:
                where = "?"
            stream = self.journal.new_stream(f"tcp {where}")
            threading.Thread(target=self._keep, args=(connection, stream), daemon=True).start()

    @staticmethod
    def _keep(connection, stream):
        try:
            connection.sendall(b"220 catcher\r\n")
            while True:
                data = connection.recv(65536)
                if not data:
                    break
                stream.append(data)
        except OSError:
            pass
        connection.close()

    def _receive(self):
        while True:
            data, _ = self.udp.recvfrom(65536)
            self.journal.new_stream("udp").append(data)
