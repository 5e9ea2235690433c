"""An HTTP/2 server that does what a test says, also what no server may do."""

import hashlib
import json
import queue
import select
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from internet.http2_client import literal

ALERT_NO_APPLICATION_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"

class Ended(Exception):
    """The client has reset the stream, or the connection is gone."""


class Stream:
    """One request; its script runs in a thread of its own."""

    def __init__(self, connection, number, fields):
        self.connection, self.number = connection, number
        self.fields = [(name.decode("latin-1"), value.decode("latin-1"))
                       for name, value in fields]
        self.name = connection.name
        self.method, self.target = self.field(":method"), self.field(":path")
        self.trailers = []
        self.reset_code = None
        self.parts = queue.Queue()  # of bytes; None is the end
        self.room = threading.Condition()

    def field(self, name):
        values = [value for key, value in self.fields if key == name]
        return values[0] if values else None

    def read(self, seconds=10):
        """The next part of the body; None at its end."""
        part = self.parts.get(timeout=seconds)
        if isinstance(part, Ended):
            raise part
        if part:
            self.connection.give_back(self, len(part))
        return part

    def read_all(self):
        return b"".join(iter(self.read, None))

    def head(self, *fields, status=200, end=False):
        self.connection.do(lambda http: http.send_headers(
            self.number, [(":status", str(status)), *fields], end_stream=end))

    def send(self, data, end=False):
        """As far and as fast as the client's windows allow."""
        while data:
            data = data[self.connection.send_some(self, data, end):]

    def end(self, *trailers):
        if trailers:
            self.connection.do(
                lambda http: http.send_headers(self.number, list(trailers), end_stream=True))
        else:
            self.connection.do(lambda http: http.end_stream(self.number))

    def answer(self, body=b"", status=200, kind="text/plain"):
        self.head(("content-length", str(len(body))), ("content-type", kind), status=status,
                  end=not body)
        if body:
            self.send(body, end=True)

    def reset(self, code=h2.errors.ErrorCodes.INTERNAL_ERROR):
        self.connection.do(lambda http: http.reset_stream(self.number, code))

    def raw(self, *frames):
        """Bytes that the library would not send."""
        self.connection.send_bytes(b"".join(frames))

    def block(self, *fields):
        """A header block of any bytes: never indexed, so that nothing depends on state."""
        return b"".join(literal(name, value) for name, value in fields)


class Connection:
    """One client connection, driven by its own reading thread."""

    def __init__(self, origin, plain, name, log, number):
        self.origin, self.socket, self.name, self.log, self.number = (
            origin, plain, name, log, number)
        self.lock = threading.RLock()
        self.streams = {}
        self.pings = []
        self.goaway = None  # the code of the client's
        settings = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: origin.streams_max,
                    **origin.settings}
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding=None, validate_outbound_headers=False,
            normalize_outbound_headers=False))
        self.http.local_settings = h2.settings.Settings(client=False, initial_values=settings)

    def do(self, action):
        with self.lock:
            try:
                action(self.http)
            except h2.exceptions.ProtocolError as error:
                raise Ended(str(error)) from error
            self.flush()

    def flush(self):
        data = self.http.data_to_send()
        if data:
            self.send_bytes(data)

    def send_bytes(self, data):
        with self.lock:
            try:
                self.socket.sendall(data)
            except OSError as error:
                raise Ended(str(error)) from error

    def give_back(self, stream, count):
        try:
            self.do(lambda http: http.acknowledge_received_data(count, stream.number))
        except Ended:
            pass

    def send_some(self, stream, data, end):
        with stream.room:
            while True:
                if stream.reset_code is not None:
                    raise Ended(f"reset with {stream.reset_code}")
                with self.lock:
                    try:
                        room = min(self.http.local_flow_control_window(stream.number),
                                   self.http.max_outbound_frame_size, len(data))
                    except h2.exceptions.ProtocolError as error:
                        raise Ended(str(error)) from error
                    if room > 0:
                        last = end and room == len(data)
                        self.http.send_data(stream.number, data[:room], end_stream=last)
                        self.flush()
                        return room
                if not stream.room.wait(10):
                    raise Ended("no room for ten seconds")

    def serve(self):
        self.do(lambda http: http.initiate_connection())
        while True:
            data = self.receive()
            if not data:
                return
            self.log.append(data)
            with self.lock:
                events = self.http.receive_data(data)
                self.flush()
            for event in events:
                self.take(event)

    def receive(self):
        """One read; the TLS object is never in two threads at once."""
        while True:
            if not self.socket.pending():
                select.select([self.socket], [], [], 60)
            with self.lock:
                self.socket.settimeout(0)
                try:
                    return self.socket.recv(65536)
                except ssl.SSLWantReadError:
                    continue
                finally:
                    self.socket.settimeout(60)

    def take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            self.begin(event)
        elif isinstance(event, h2.events.DataReceived) and stream:
            if event.flow_controlled_length > len(event.data):
                self.give_back(stream, event.flow_controlled_length - len(event.data))
            if event.data:
                stream.parts.put(event.data)
        elif isinstance(event, h2.events.TrailersReceived) and stream:
            stream.trailers = [(name.decode(), value.decode()) for name, value in event.headers]
        elif isinstance(event, h2.events.StreamEnded) and stream:
            stream.parts.put(None)
        elif isinstance(event, h2.events.StreamReset) and stream:
            self.drop(stream, event.error_code)
        elif isinstance(event, h2.events.WindowUpdated):
            for each in [stream] if stream else list(self.streams.values()):
                with each.room:
                    each.room.notify_all()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event.error_code
        elif isinstance(event, h2.events.PingReceived):
            self.pings.append(event.ping_data)

    def drop(self, stream, code):
        with stream.room:
            stream.reset_code = code
            stream.room.notify_all()
        stream.parts.put(Ended(f"reset with {code}"))

    def begin(self, event):
        stream = Stream(self, event.stream_id, event.headers)
        self.streams[event.stream_id] = stream
        self.origin.requests.append(stream)
        script = self.origin.script_of(stream)
        threading.Thread(target=self.run, args=(script, stream), daemon=True).start()

    @staticmethod
    def run(script, stream):
        try:
            script(stream)
        except (Ended, OSError, queue.Empty):
            pass


def tell(stream):
    """JSON that says what arrived."""
    body = stream.read_all()
    told = {
        "name": stream.name,
        "method": stream.method,
        "target": stream.target,
        "fields": stream.fields,
        "length": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "trailers": stream.trailers,
        "connection": stream.connection.number,
    }
    text = json.dumps(told).encode()
    if stream.method == "HEAD":
        stream.head(("content-length", str(len(text))), end=True)
    else:
        stream.answer(text, kind="application/json")


class Http2Origin:
    """An HTTPS server for every name that speaks HTTP/2 and nothing else."""

    def __init__(self, namespace, address, shop, journal, port=443):
        self.shop, self.journal = shop, journal
        self.scripts = {}  # path -> function(stream)
        self.requests = []
        self.connections = []
        self.refused = 0  # greetings without h2
        self.http1 = None  # instead of a refusal: the answer to any request of HTTP/1.1
        self.is_alpn_ignored = False  # HTTP/2 is spoken, and nothing is agreed on
        self.streams_max = 100
        self.settings = {}  # more of them
        self.listener = namespace.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    def script_of(self, stream):
        """What answers a stream."""
        return self.scripts.get(stream.target.split("?")[0], tell)

    def _accept(self):
        while True:
            raw, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve_http1(self, secured):
        received = b""
        while b"\r\n\r\n" not in received:
            data = secured.recv(65536)
            if not data:
                return
            received += data
        secured.sendall(self.http1(received))
        secured.close()

    def _serve(self, raw):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(60)
        chosen = {"name": None}
        protocol = "h2"

        def choose(wrapped, name, _):
            chosen["name"] = name
            wrapped.context = self.shop.context(name or "no-name.invalid", protocol)
            if self.is_alpn_ignored:
                wrapped.context.set_alpn_protocols([])

        greeter = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        greeter.sni_callback = choose
        try:
            protocol = "h2" if b"\x02h2" in raw.recv(4096, socket.MSG_PEEK) else "http/1.1"
            if protocol == "http/1.1" and self.http1:
                self._serve_http1(greeter.wrap_socket(raw, server_side=True))
                return
            if protocol == "http/1.1" and not self.is_alpn_ignored:
                self.refused += 1
                raw.sendall(ALERT_NO_APPLICATION_PROTOCOL)
                raw.recv(4096)
                raw.close()
                return
            secured = greeter.wrap_socket(raw, server_side=True)
        except (OSError, ssl.SSLError):
            self.journal.new_stream("failed handshake")
            raw.close()
            return
        log = self.journal.new_stream(chosen["name"])
        connection = Connection(self, secured, chosen["name"], log, len(self.connections))
        self.connections.append(connection)
        try:
            connection.serve()
        except (Ended, OSError, ValueError, h2.exceptions.ProtocolError):
            pass
        finally:
            for stream in list(connection.streams.values()):
                connection.drop(stream, -1)
            secured.close()
