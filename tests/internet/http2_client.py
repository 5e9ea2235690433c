"""An HTTP/2 client over the h2 package: well-behaved by default, frames of any kind on demand."""

import copy
import json
import struct
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from internet.wait import Late

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
ENHANCE_YOUR_CALM = 0xB


def frame(kind, flags=0, stream=0, payload=b""):
    """One frame as it goes over the wire (RFC 9113 section 4.1)."""
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack("!I", stream) + payload


def literal(name, value):
    """A pair as a literal without indexing (RFC 7541 section 6.2.2), of any bytes."""
    def text(data):
        data = data if isinstance(data, bytes) else data.encode()
        if len(data) < 127:
            return bytes([len(data)]) + data
        rest, digits = len(data) - 127, b"\x7f"
        while rest >= 128:
            digits += bytes([rest % 128 + 128])
            rest //= 128
        return digits + bytes([rest]) + data
    return b"\x00" + text(name) + text(value)


class Response:
    """What came on one stream."""

    def __init__(self):
        self.status = None
        self.fields = []
        self.interim = []  # statuses before the final one
        self.body = b""
        self.trailers = None
        self.is_ended = False
        self.reset = None  # the code of RST_STREAM

    def field(self, name):
        values = [value for key, value in self.fields if key == name]
        return values[0] if values else None

    @property
    def is_over(self):
        return self.is_ended or self.reset is not None


class Http2Client:
    """One connection. `name` is the TLS name; `peer` an open internet.agent.Peer.

    With `window=False` nothing that arrives is acknowledged: the client stops reading."""

    def __init__(self, peer, name, window=True, settings=None):
        self.peer, self.name, self.has_window = peer, name, window
        config = h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        if settings:
            self.h2.update_settings(settings)
        self.h2.initiate_connection()
        self.responses = {}
        self.goaway = None  # the code of GOAWAY
        self.goaway_last = None
        self.pongs = 0
        self.is_closed = False
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.socket.close()

    # Sending

    def flush(self):
        return self.peer.send(self.h2.data_to_send())

    def send_raw(self, data):
        """Bytes past the library's back; False when the other side has gone."""
        self.h2.data_to_send()
        return self.peer.send(data)

    def head(self, path="/", method="GET", fields=(), authority=None):
        return [(":method", method), (":scheme", "https"),
                (":authority", self.name if authority is None else authority), (":path", path),
                *fields]

    def start(self, path="/", method="GET", fields=(), is_end=True, **options):
        """Open a stream; its number."""
        stream = self.h2.get_next_available_stream_id()
        self.responses[stream] = Response()
        self.h2.send_headers(stream, self.head(path, method, fields, **options),
                             end_stream=is_end)
        self.flush()
        return stream

    def adopt(self, is_end=True):
        """A stream that the library takes for opened, so that it reads the answer; nothing of it
        has been sent."""
        stream = self.h2.get_next_available_stream_id()
        self.responses[stream] = Response()
        encoder, self.h2.encoder = self.h2.encoder, copy.deepcopy(self.h2.encoder)
        self.h2.send_headers(stream, self.head(), end_stream=is_end)
        self.h2.encoder = encoder
        self.h2.data_to_send()
        return stream

    def start_raw(self, pairs, is_end=True, behind=b""):
        """Open a stream with literal pairs of any bytes, and more of a head behind them."""
        stream = self.adopt(is_end)
        block = b"".join(literal(name, value) for name, value in pairs) + behind
        first, rest = block[:16000], block[16000:]
        self.peer.send(frame(HEADERS, (END_STREAM if is_end else 0) |
                             (0 if rest else END_HEADERS), stream, first))
        if rest:
            self.peer.send(frame(CONTINUATION, END_HEADERS, stream, rest))
        return stream

    def send_data(self, stream, data, is_end=False, seconds=20.0):
        """Send within the windows, reading what opens them."""
        deadline = time.monotonic() + seconds
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size,
                       len(data))
            if room == 0:
                if self.responses[stream].is_over:
                    return
                self.receive(deadline)
                continue
            self.h2.send_data(stream, data[:room])
            data = data[room:]
            self.flush()
        if is_end:
            self.h2.end_stream(stream)
            self.flush()

    # Receiving

    def receive(self, deadline):
        """One read and what it brought. Late at the deadline; False at the end."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise Late("nothing more came over HTTP/2")
        self.peer.socket.settimeout(left)
        try:
            data = self.peer.socket.recv(65536)
        except TimeoutError:
            raise Late("nothing more came over HTTP/2") from None
        except OSError:
            data = b""
        if not data:
            self.is_closed = True
            return False
        for event in self.h2.receive_data(data):
            self.take(event)
        self.flush()
        return True

    def take(self, event):
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaway, self.goaway_last = int(event.error_code), event.last_stream_id
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs += 1
        response = self.responses.get(getattr(event, "stream_id", None))
        if response is None:
            return
        if isinstance(event, h2.events.InformationalResponseReceived):
            response.interim.append(int(dict(event.headers)[":status"]))
        elif isinstance(event, h2.events.ResponseReceived):
            response.status = int(dict(event.headers)[":status"])
            response.fields = [pair for pair in event.headers if not pair[0].startswith(":")]
        elif isinstance(event, h2.events.DataReceived):
            response.body += event.data
            if self.has_window and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            response.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            response.is_ended = True
        elif isinstance(event, h2.events.StreamReset):
            response.reset = int(event.error_code)

    def wait(self, condition, seconds=10.0):
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.receive(deadline):
                if condition():
                    return
                raise AssertionError(f"closed first; GOAWAY {self.goaway}")

    def finish(self, stream, seconds=10.0):
        """The response of a stream, to its end."""
        self.wait(lambda: self.responses[stream].is_over, seconds)
        return self.responses[stream]

    def request(self, path="/", method="GET", fields=(), body=None, **options):
        """One whole exchange."""
        stream = self.start(path, method, fields, is_end=body is None, **options)
        if body is not None:
            self.send_data(stream, body, is_end=True)
        return self.finish(stream)

    def request_json(self, path="/", **options):
        response = self.request(path, **options)
        assert response.status == 200, (response.status, response.body)
        return json.loads(response.body)

    def read_to_end(self, seconds=2.0):
        """Everything until the other side closes; Late when it does not."""
        deadline = time.monotonic() + seconds
        while not self.is_closed:
            try:
                self.receive(deadline)
            except h2.exceptions.ProtocolError:
                continue
        return self.goaway


def connect(agent, name, port=443, **options):
    """A connection of the agent that speaks HTTP/2 by ALPN."""
    peer = agent.tls(name, port=port, alpn=("h2",))
    assert peer.socket.selected_alpn_protocol() == "h2"
    return Http2Client(peer, name, **options)
