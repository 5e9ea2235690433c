"""What h11 or h2 makes of requests, told as JSON. usage: parser_server.py h11|h2 ADDRESS PEM KEY"""

import hashlib
import itertools
import json
import socket
import ssl
import sys
import threading

import h11
import h2.config
import h2.connection
import h2.events

count = itertools.count(1)


def text(data):
    return bytes(data).decode("latin-1")


def told(method, target, fields, body, trailers, version):
    return json.dumps({
        "number": next(count), "method": text(method), "target": text(target),
        "fields": sorted([text(name), text(value)] for name, value in fields),
        "length": len(body), "sha256": hashlib.sha256(body).hexdigest(),
        "trailers": [[text(name), text(value)] for name, value in trailers],
        "version": version}).encode()


def answer_h11(connection, parser, request, body, trailers):
    data = told(request.method, request.target, request.headers, body, trailers,
                "HTTP/" + text(request.http_version))
    fields = [("content-length", str(len(data))), ("content-type", "application/json")]
    out = parser.send(h11.Response(status_code=200, headers=fields))
    connection.sendall(out + (parser.send(h11.Data(data=data)) or b"")
                       + parser.send(h11.EndOfMessage()))


def serve_h11(connection):
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=100_000)
    request, body = None, b""
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            if parser.they_are_waiting_for_100_continue:
                connection.sendall(parser.send(
                    h11.InformationalResponse(status_code=100, headers=[])))
            parser.receive_data(connection.recv(65536))
        elif isinstance(event, h11.Request):
            request, body = event, b""
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            if request.method == b"HEAD":
                return
            answer_h11(connection, parser, request, body, event.headers)
            if parser.our_state is h11.MUST_CLOSE:
                return
            parser.start_next_cycle()
        else:
            return


class Http2:
    def __init__(self, connection):
        self.connection = connection
        self.parser = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding=None))
        self.requests = {}
        self.waiting = {}

    def send_waiting(self):
        for stream, data in list(self.waiting.items()):
            room = self.parser.local_flow_control_window(stream)
            while data and room:
                part = data[:min(room, self.parser.max_outbound_frame_size)]
                data = data[len(part):]
                self.parser.send_data(stream, part, end_stream=not data)
                room = self.parser.local_flow_control_window(stream)
            self.waiting[stream] = data
            if not data:
                del self.waiting[stream]

    def answer(self, stream):
        fields, body, trailers = self.requests.pop(stream)
        pseudo = dict(field for field in fields if field[0].startswith(b":"))
        plain = [field for field in fields if not field[0].startswith(b":")]
        plain.append((b"host", pseudo[b":authority"]))
        data = told(pseudo[b":method"], pseudo[b":path"], plain, body, trailers, "HTTP/2")
        self.parser.send_headers(stream, [
            (":status", "200"), ("content-type", "application/json"),
            ("content-length", str(len(data)))])
        self.waiting[stream] = data

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.requests[event.stream_id] = [event.headers, b"", []]
        elif isinstance(event, h2.events.DataReceived):
            self.requests[event.stream_id][1] += event.data
            self.parser.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self.requests[event.stream_id][2] = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            self.answer(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.requests.pop(event.stream_id, None)
            self.waiting.pop(event.stream_id, None)

    def serve(self):
        self.parser.initiate_connection()
        while True:
            self.connection.sendall(self.parser.data_to_send())
            data = self.connection.recv(65536)
            if not data:
                return
            for event in self.parser.receive_data(data):
                self.take(event)
            self.send_waiting()


# What Python's ssl cannot be made to say: no_application_protocol (RFC 7301 section 3.2).
ALERT = b"\x15\x03\x03\x00\x02\x02\x78"


def offers_http2(plain):
    return b"\x02h2" in plain.recv(16384, socket.MSG_PEEK)


def serve(plain, context, kind):
    try:
        if kind == "h2" and not offers_http2(plain):
            plain.sendall(ALERT)
            plain.close()
            return
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_side=True) as connection:
            if kind == "h11":
                serve_h11(connection)
            else:
                Http2(connection).serve()
    except (OSError, h11.RemoteProtocolError, h2.exceptions.ProtocolError) as error:
        print(f"{kind}: {error}", flush=True)


def main(kind, address, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"] if kind == "h11" else ["h2"])
    listener = socket.create_server((address, 443), backlog=128)
    while True:
        plain, _ = listener.accept()
        threading.Thread(target=serve, args=(plain, context, kind), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
