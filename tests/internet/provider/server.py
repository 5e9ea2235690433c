"""The servers of the stand-in provider."""

import json
import socket
import ssl
import threading

import h2.exceptions

from internet.http2_origin import Connection as Http2Connection
from internet.http2_origin import Ended
from internet.origin import Closed, Connection, Request
from internet.provider import coding, openai, websocket
from internet.provider.call import RESPONSES, Call, route
from internet.provider.others import answer_to
from internet.provider.plays import Task

REGION = "us-east-1"
BEDROCK = f"bedrock-runtime.{REGION}.amazonaws.com"
MANTLE = f"bedrock-mantle.{REGION}.api.aws"
PLATFORM = f"aws-external-anthropic.{REGION}.api.aws"
NETWORK = "198.51.100.128/28"
HOSTS = {
    name: f"198.51.100.{129 + number}"
    for number, name in enumerate([
        "api.anthropic.com", "api.openai.com", "chatgpt.com", BEDROCK,
        f"bedrock.{REGION}.amazonaws.com", MANTLE, PLATFORM, "auth.openai.com",
        "platform.claude.com"])
}
RESET = 8  # CANCEL


class Way:
    """How an answer gets back: HTTP/1."""

    transport = "h1"

    def __init__(self, connection, request):
        self.connection = connection
        self.is_keeping = (request.field("connection") or "").lower() != "close"
        self.is_chunked = False

    def head(self, status, fields, length):
        lines = [f"HTTP/1.1 {status} Standin", *(f"{key}: {value}" for key, value in fields)]
        self.is_chunked = length is None
        lines.append("transfer-encoding: chunked" if self.is_chunked
                     else f"content-length: {length}")
        self.connection.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def send(self, data):
        if data:
            self.connection.send(b"%x\r\n%b\r\n" % (len(data), data) if self.is_chunked else data)

    def end(self):
        if self.is_chunked:
            self.connection.send(b"0\r\n\r\n")

    def cut(self):
        self.is_keeping = False


class Http2Way:
    """The same over a stream of HTTP/2."""

    transport = "h2"

    def __init__(self, stream):
        self.stream = stream

    def head(self, status, fields, length):
        more = [] if length is None else [("content-length", str(length))]
        self.stream.head(*fields, *more, status=status)

    def send(self, data):
        self.stream.send(data)

    def end(self):
        self.stream.end()

    def cut(self):
        self.stream.reset(RESET)


def chunks_of(answer, parts):
    """The body as it is written: encoded, in one piece an event, or in pieces of a size."""
    encoder = coding.encoder(answer.encoding)
    encoded = [encoder.write(part) for part in parts] if answer.chunk else \
        (encoder.write(part) for part in parts)
    if not answer.chunk:
        yield from encoded
        yield encoder.end()
        return
    whole = b"".join(encoded) + encoder.end()
    size = len(whole) if answer.chunk < 0 else answer.chunk
    for start in range(0, len(whole), max(size, 1)):
        yield whole[start:start + size]


class Provider:
    """Listens for every host of HOSTS in the internet of a world that was made with `hosts`."""

    def __init__(self, world, play=None, hosts=HOSTS):
        self.world, self.play, self.hosts = world, play or Task(), hosts
        self.calls = []
        self.others = []  # (host, method, target) of what is no call of a model
        self.sockets = []  # WebSocket connections
        self.protocols = ("h2", "http/1.1")
        self.websocket = "deflate"  # or "plain", or the status that refuses the upgrade
        self.greetings = []  # (name, ALPN) of each finished handshake
        self.streams_max, self.settings, self.requests = 100, {}, []  # of Http2Connection
        self.lock = threading.Lock()
        world.internet.command("nft", "insert", "rule", "ip", "catch", "prerouting", "ip", "daddr",
                               NETWORK, "accept")
        for address in hosts.values():
            world.internet.ip("addr", "add", f"{address}/32", "dev", "lo")
            threading.Thread(target=self.accept, args=(self.listen(address),), daemon=True).start()

    def listen(self, address):
        listener = self.world.internet.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, 443))
        listener.listen(128)
        return listener

    def reset(self, play=None):
        """Forget what was asked; the next answers come from this play."""
        with self.lock:
            self.calls, self.others, self.sockets, self.greetings = [], [], [], []
        self.play = play or Task()
        self.protocols, self.websocket = ("h2", "http/1.1"), "deflate"

    def write_journal(self, path):
        path.write_text(json.dumps([call.journal() for call in self.calls], indent=1))

    def accept(self, listener):
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(60)
        chosen = {"name": None}

        def choose(wrapped, name, _):
            chosen["name"] = name
            wrapped.context = self.world.shop.context(name or "no-name.invalid", *self.protocols)

        greeter = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        greeter.sni_callback = choose
        try:
            secured = greeter.wrap_socket(raw, server_side=True)
        except (OSError, ssl.SSLError):
            raw.close()
            return
        name, chosen_protocol = chosen["name"], secured.selected_alpn_protocol()
        self.greetings.append((name, chosen_protocol))
        try:
            if chosen_protocol == "h2":
                self.serve_http2(secured, name)
            else:
                self.serve_http1(secured, name)
        except (Closed, Ended, OSError, ValueError, h2.exceptions.ProtocolError,
                websocket.Ended):
            pass
        finally:
            secured.close()

    # HTTP/2

    def serve_http2(self, secured, name):
        connection = Http2Connection(self, secured, name, [], 0)
        try:
            connection.serve()
        finally:
            for stream in list(connection.streams.values()):
                connection.drop(stream, -1)

    def script_of(self, stream):
        """What answers a stream; asked by the connection."""
        return self.answer_stream

    def answer_stream(self, stream):
        body = stream.read_all()
        self.respond(Http2Way(stream), stream.name, stream.method, stream.target, stream.fields,
                     body)

    # HTTP/1

    def serve_http1(self, secured, name):
        connection = Connection(secured, name, [])
        is_kept = True
        while is_kept:
            request = Request(name, connection.read_head())
            if (request.field("upgrade") or "").lower() == "websocket":
                is_kept = self.upgrade(connection, request)
                continue
            if (request.field("expect") or "").lower() == "100-continue":
                connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            body, _ = connection.read_body(request)
            way = Way(connection, request)
            self.respond(way, name, request.method, request.target, request.fields, body)
            is_kept = way.is_keeping

    # Answers

    def new_call(self, host, target, fields, request, transport, wire_bytes, encoding):
        with self.lock:
            call = Call(len(self.calls) + 1, host, target, fields, request, transport, wire_bytes,
                        encoding)
            self.calls.append(call)
        call.answer = self.play(call)
        return call

    def respond(self, way, host, method, target, fields, body):
        if method != "POST" or not route(host, target):
            self.others.append((host, method, target))
            status, kind, text = answer_to(target.split("?")[0])
            way.head(status, [("content-type", kind)], len(text))
            way.send(b"" if method == "HEAD" else text)
            if way.transport == "h2":
                way.end()
            return
        encoding = next((value for key, value in fields if key.lower() == "content-encoding"), "")
        request = json.loads(coding.decode(encoding, body))
        call = self.new_call(host, target, fields, request, way.transport, len(body), encoding)
        failure = call.answer.failure
        if failure and failure.status:
            self.send_whole(way, call, failure.status, call.api.error(call, failure))
        elif call.is_streamed:
            kind, parts = call.api.stream(call, call.answer)
            self.send_stream(way, call, kind, parts)
        else:
            self.send_whole(way, call, 200, call.api.whole(call, call.answer))

    @staticmethod
    def fields_of(call, kind):
        fields = [("content-type", kind), ("cache-control", "no-cache")]
        name = "x-amzn-requestid" if call.api.name.startswith("bedrock") else (
            "request-id" if call.api.name.startswith("anthropic") else "x-request-id")
        fields.append((name, call.request_identifier))
        if call.answer.encoding:
            fields.append(("content-encoding", call.answer.encoding))
        if call.answer.failure and call.answer.failure.status:
            fields.append(("retry-after", "0"))
            if call.api.name.startswith("bedrock"):
                fields.append(("x-amzn-errortype", call.answer.failure.kind))
        return fields

    def send_whole(self, way, call, status, value):
        encoded = coding.encode(call.answer.encoding, call.answer.json(value).encode())
        way.head(status, self.fields_of(call, "application/json"), len(encoded))
        way.send(encoded)
        if way.transport == "h2":
            way.end()
        call.is_finished = True

    def send_stream(self, way, call, kind, parts):
        answer = call.answer
        chunks = chunks_of(answer, parts)
        length = None
        if answer.is_framed_by_length:
            chunks = list(chunks)
            length = sum(map(len, chunks))
        way.head(200, self.fields_of(call, kind), length)
        left = answer.cut
        for chunk in chunks:
            if 0 <= answer.cut and left <= len(chunk):
                way.send(chunk[:left])
                way.cut()
                return
            way.send(chunk)
            left -= len(chunk)
        # Said to the last event: Codex resets the stream before its end.
        call.is_finished = True
        way.end()

    # WebSocket

    def upgrade(self, connection, request):
        """Answer an upgrade and serve the connection to its end; true when HTTP goes on."""
        if isinstance(self.websocket, int):
            connection.answer(b"{}", status=f"{self.websocket} Standin", kind="application/json")
            return True
        offered = request.field("sec-websocket-extensions") or ""
        is_deflated = self.websocket == "deflate" and "permessage-deflate" in offered
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Accept: {websocket.accept_of(request.field('sec-websocket-key'))}"]
        if is_deflated:
            lines.append("Sec-WebSocket-Extensions: permessage-deflate")
        connection.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        connection.socket.settimeout(300)
        end = websocket.WebSocket(connection.read_exactly, connection.send, False, is_deflated)
        self.sockets.append(end)
        try:
            while True:
                self.answer_message(end, request, json.loads(end.read()))
        except websocket.Ended:
            end.close()
        return False

    def answer_message(self, end, upgrade, asked):
        if asked.get("type") != "response.create":
            self.others.append((upgrade.name, "WebSocket", asked.get("type")))
            return
        transport = "ws-deflate" if end.is_deflated else "ws"
        call = self.new_call(upgrade.name, upgrade.target, upgrade.fields, asked, transport, 0, "")
        assert call.api is RESPONSES
        left = call.answer.cut
        for event in openai.events(call, call.answer):
            data = call.answer.json(event).encode()
            if 0 <= call.answer.cut and left <= len(data):
                raise Closed
            left -= len(data)
            end.send(data, fragments=call.answer.fragments, ping=call.answer.fragments > 1)
        call.is_finished = True
