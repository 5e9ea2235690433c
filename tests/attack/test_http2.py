"""HTTP/2 that must not pass: heads that say two things, frames that cost, connections that stall."""

import json
import struct
import time

import h2.settings
import pytest

from attack.marks import row
from internet import http2_client
from internet.http2_client import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY,
                                   ENHANCE_YOUR_CALM, HEADERS, PADDED, PING, PREFACE,
                                   PRIORITY, SETTINGS, WINDOW_UPDATE, frame, literal)

NAME = "origin.example.com"
SERVED = "h2.example.com"  # with HTTP/2 at the server, too: a relay passes everything on
PROTOCOL_ERROR, CANCEL = 1, 8
HEAD = [(":method", "GET"), (":scheme", "https"), (":authority", SERVED), (":path", "/")]


def changed(**values):
    """The pairs of a right head with some pseudo-fields changed, or left out (None)."""
    pairs = [(name, values.get(name[1:], value)) for name, value in HEAD]
    return [(name, value) for name, value in pairs if value is not None]


BROKEN = [
    ("other-authority", changed(authority="other.example.com"), 421),
    ("another-port", changed(authority=SERVED + ":8443"), 421),
    ("trailing-dot", changed(authority=SERVED + "."), 421),
    ("no-authority-at-all", changed(authority=None), 400),
    ("user-info", changed(authority="a@" + SERVED), 400),
    ("list-of-authorities", changed(authority=SERVED + ",other.example.com"), 400),
    ("percent", changed(authority="origin%2eexample.com"), 400),
    ("scheme-http", changed(scheme="http"), 400),
    ("scheme-injection", changed(scheme="https://evil/"), 400),
    ("no-scheme", changed(scheme=None), 400),
    ("no-path", changed(path=None), 400),
    ("empty-path", changed(path=""), 400),
    ("absolute-path", changed(path="https://other.example.com/"), 400),
    ("path-with-space", changed(path="/a b"), 400),
    ("path-with-crlf", changed(path="/ HTTP/1.1\r\nx: y\r\n\r\nGET /b"), 400),
    ("path-with-high-byte", changed(path=b"/\xc3\xa9"), 400),
    ("path-with-fragment", changed(path="/a#b"), 400),
    ("star", changed(path="*"), 400),
    ("method-with-space", changed(method="GET /x"), 400),
    ("empty-method", changed(method=""), 400),
    ("two-paths", HEAD + [(":path", "/b")], 400),
    ("two-authorities", HEAD + [(":authority", SERVED)], 400),
    ("late-pseudo", HEAD[:3] + [("a", "b"), HEAD[3]], 400),
    ("unknown-pseudo", HEAD + [(":foo", "bar")], 400),
    ("status-in-request", HEAD + [(":status", "200")], 400),
    ("host-differs", HEAD + [("host", "other.example.com")], 400),
    ("host-twice", HEAD + [("host", SERVED), ("host", SERVED)], 400),
    ("host-alone-differs", changed(authority=None) + [("host", "other.example.com")], 400),
    ("upper-case-name", HEAD + [("X-A", "b")], 400),
    ("empty-name", HEAD + [("", "b")], 400),
    ("name-with-colon", HEAD + [("a:b", "c")], 400),
    ("name-with-crlf", HEAD + [("a\r\nhost: x\r\nb", "c")], 400),
    ("value-with-crlf", HEAD + [("a", "b\r\nhost: other.example.com")], 400),
    ("value-with-nul", HEAD + [("a", b"b\0c")], 400),
    ("value-with-lf", HEAD + [("a", "b\nc")], 400),
    ("value-begins-with-space", HEAD + [("a", " b")], 400),
    ("connection", HEAD + [("connection", "close")], 400),
    ("transfer-encoding", HEAD + [("transfer-encoding", "chunked")], 400),
    ("upgrade", HEAD + [("upgrade", "websocket")], 400),
    ("keep-alive", HEAD + [("keep-alive", "5")], 400),
    ("proxy-connection", HEAD + [("proxy-connection", "close")], 400),
    ("te", HEAD + [("te", "gzip")], 400),
    ("expectation", HEAD + [("expect", "a-pony")], 417),
    ("length-of-nothing", HEAD + [("content-length", "5")], 400),
    ("length-list", HEAD + [("content-length", "0, 0")], 400),
    ("two-lengths", HEAD + [("content-length", "0"), ("content-length", "0")], 400),
    ("129-fields", HEAD + [("a", "b")] * 129, 431),
    ("long-path", changed(path="/" + "a" * 16384), 414),
]


@row("http2-heads", "http2-authority")
@pytest.mark.parametrize("pairs, status", [row[1:] for row in BROKEN],
                         ids=[row[0] for row in BROKEN])
def test_a_broken_head_is_answered_and_goes_nowhere(agent, refused, pairs, status):
    with http2_client.connect(agent, SERVED) as client:
        with refused(kind="http", name=SERVED) as witness:
            stream = client.start_raw(pairs + [("x-mark", witness.marker)])
            response = client.finish(stream, 2)
            assert response.status == status, vars(response)
            assert json.loads(response.body)["reason"]
        # The connection is none the worse for it.
        assert client.request("/after").status == 200


@row("http2-connect")
@pytest.mark.parametrize("pairs", [
    [(":method", "CONNECT"), (":authority", SERVED)],
    [(":method", "CONNECT"), (":authority", "other.example.com:443")],
    [(":method", "CONNECT"), (":scheme", "https"), (":authority", SERVED), (":path", "/chat"),
     (":protocol", "websocket")],
    HEAD + [(":protocol", "websocket")],
], ids=["plain", "other", "websocket", "protocol-alone"])
def test_connect_in_every_form_is_reset(agent, refused, pairs):
    with http2_client.connect(agent, SERVED) as client:
        with refused(kind="http", name=SERVED, reason="CONNECT is not served") as witness:
            stream = client.start_raw(pairs + [("x-mark", witness.marker)], is_end=False)
            response = client.finish(stream, 2)
            assert (response.status, response.reset) == (None, PROTOCOL_ERROR)
        assert client.request("/after").status == 200
        assert client.h2.remote_settings.get(8, 0) == 0, "no extended CONNECT is offered"


@row("http2-rules")
def test_a_request_that_no_rule_allows_gets_the_answer_of_http1(agent, refused):
    with refused(kind="http", name="rules.example.com", status=403) as witness:
        with http2_client.connect(agent, "rules.example.com") as client:
            response = client.request(f"/private/{witness.marker}")
            assert response.status == 403
            assert response.field("content-type") == "application/json"
            told = json.loads(response.body)
            assert told["host"] == "rules.example.com" and "rootcell allow" in told["allow"]
            post = client.request("/public/a", method="POST", body=b"x" * 100000)
            assert post.status == 403


@row("http2-rules")
@pytest.mark.parametrize("path", ["/public/../private", "/public/%2e%2e/private", "/public//x",
                                  "/public/%2fx", "/public/..", "/public\\x", "/public/%00"])
def test_path_rules_hold_for_http2(agent, refused, path):
    with refused(kind="http", name="rules.example.com", status=400):
        with http2_client.connect(agent, "rules.example.com") as client:
            assert client.request(path).status == 400


@row("http2-rules")
def test_a_method_override_is_refused_where_methods_are_ruled(agent, refused):
    with refused(kind="http", name="rules.example.com", status=403):
        with http2_client.connect(agent, "rules.example.com") as client:
            response = client.request("/public/a", fields=[("x-http-method-override", "DELETE")])
            assert response.status == 403


# --- content ---------------------------------------------------------------------------------


@row("http2-content")
@pytest.mark.parametrize("announced, sent", [(5, b"123456"), (5, b"1234"), (0, b"1")],
                         ids=["more", "less", "none"])
def test_content_of_another_length_than_announced_is_no_request(world, agent, announced, sent):
    seen = len(world.origin.requests)
    with http2_client.connect(agent, NAME) as client:
        # In one write: a request that announces nothing is whole, and may be answered, before more.
        stream = client.adopt(is_end=False)
        pairs = client.head("/length", "POST", [("content-length", str(announced))])
        head = b"".join(literal(name, value) for name, value in pairs)
        client.send_raw(frame(HEADERS, END_HEADERS, stream, head)
                        + frame(DATA, END_STREAM, stream, sent))
        assert client.finish(stream, 3).reset == PROTOCOL_ERROR
        assert client.request("/after").status == 200
    assert all(request.target != "/length" or not request.is_whole
               for request in world.origin.requests[seen:] if hasattr(request, "is_whole"))


@row("http2-trailers")
@pytest.mark.parametrize("pairs", [
    [("content-length", "3")], [(":path", "/b")], [("authorization", "x")], [("host", NAME)],
    [("transfer-encoding", "chunked")], [("X", "y")], [("a", "b\r\nc: d")]],
    ids=["length", "pseudo", "authorization", "host", "encoding", "upper", "crlf"])
def test_trailers_that_are_none_reset_the_stream(agent, pairs):
    with http2_client.connect(agent, NAME) as client:
        stream = client.start("/trailers", "POST", is_end=False)
        client.send_data(stream, b"body")
        client.send_raw(frame(HEADERS, END_STREAM | END_HEADERS, stream,
                              b"".join(literal(*pair) for pair in pairs)))
        response = client.finish(stream, 3)
        assert response.reset == PROTOCOL_ERROR and response.status is None
        assert client.request("/after").status == 200


@row("http2-trailers")
def test_a_second_head_that_ends_nothing_resets_the_stream(agent):
    with http2_client.connect(agent, NAME) as client:
        stream = client.start("/twice", "POST", is_end=False)
        client.send_raw(frame(HEADERS, END_HEADERS, stream, literal("a", "b")))
        assert client.finish(stream, 3).reset == PROTOCOL_ERROR


# --- floods ----------------------------------------------------------------------------------


def rapid_resets(client):
    for _ in range(1000):
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, client.head(), end_stream=True)
        client.h2.reset_stream(stream, CANCEL)


def provoked_resets(client):
    """MadeYouReset: the wall is made to reset streams that the client never does."""
    for _ in range(400):
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, client.head(), end_stream=True)
        yield client.h2.data_to_send()
        yield frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", 0x7FFFFFFF))


def provoked_by_content(client):
    for _ in range(200):
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(
            stream, client.head(method="POST", fields=[("content-length", "1")]))
        yield client.h2.data_to_send() + frame(DATA, END_STREAM, stream, b"22")


def connects(client):
    for stream in range(1, 401, 2):
        yield frame(HEADERS, END_HEADERS, stream,
                    literal(":method", "CONNECT") + literal(":authority", NAME))


def on_a_stream(payload, count):
    def flood(client):
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, client.head(method="POST"))
        yield client.h2.data_to_send()
        for _ in range(count):
            yield payload(stream)
    return flood


def repeated(data, count):
    def flood(client):
        for _ in range(count):
            yield data
    return flood


def continuations(client):
    yield frame(HEADERS, 0, 1, literal(":method", "GET"))
    for _ in range(2000):
        yield frame(CONTINUATION, 0, 1, literal("a", "b"))


FLOODS = [
    ("rapid-reset", rapid_resets, "RST_STREAM frames"),
    ("made-you-reset", provoked_resets, "invalid frames that reset streams"),
    ("made-you-reset-by-length", provoked_by_content, "invalid frames that reset streams"),
    ("connect", connects, "invalid frames that reset streams"),
    ("ping", repeated(frame(PING, 0, 0, b"12345678"), 5000), "PING frames"),
    ("ping-ack", repeated(frame(PING, ACK, 0, b"12345678"), 5000), "PING frames"),
    ("settings", repeated(frame(SETTINGS), 5000), "SETTINGS frames"),
    ("settings-ack", repeated(frame(SETTINGS, ACK), 5000), "SETTINGS frames"),
    ("empty-data", on_a_stream(lambda s: frame(DATA, 0, s), 5000), "empty DATA frames"),
    ("padded-data", on_a_stream(lambda s: frame(DATA, PADDED, s, b"\x05" + bytes(5)), 2000),
     "empty DATA frames"),
    ("continuation", continuations, "CONTINUATION frames"),
    ("window-update", repeated(frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 1)), 20000),
     "WINDOW_UPDATE frames"),
    ("priority", repeated(frame(PRIORITY, 0, 3, struct.pack("!IB", 0, 5)), 5000),
     "PRIORITY frames"),
    ("goaway", on_a_stream(lambda s: frame(GOAWAY, 0, 0, bytes(8)), 5000), "GOAWAY frames"),
    ("unknown", repeated(frame(0xEE, 0, 0, b"x"), 5000), "frames of unknown type"),
]


@row("http2-floods")
@pytest.mark.parametrize("flood, told", [row[1:] for row in FLOODS],
                         ids=[row[0] for row in FLOODS])
def test_a_flood_ends_the_connection_and_the_record_names_it(wall, agent, refused, flood, told):
    with refused(kind="http", name=NAME, reason="HTTP/2 flood", detail=told, may_connect=True):
        with http2_client.connect(agent, NAME) as client:
            pieces = flood(client)
            data = client.h2.data_to_send() if pieces is None else b"".join(pieces)
            client.peer.send(data)
            assert client.read_to_end(5) == ENHANCE_YOUR_CALM


# --- the connection --------------------------------------------------------------------------


@row("http2-protocol")
@pytest.mark.parametrize("first", [
    b"GET / HTTP/1.1\r\nHost: origin.example.com\r\n\r\n", b"\r\n" + PREFACE, b"\0" * 24,
    PREFACE[:20] + b"XXXX" + frame(SETTINGS)], ids=["http1", "crlf", "zeros", "wrong-end"])
def test_what_is_no_http2_on_an_h2_connection_ends_it(agent, refused, first):
    with refused(kind="http", name=NAME, reason="broken HTTP/2"):
        with agent.tls(NAME, alpn=("h2",)) as peer:
            peer.send(first)
            peer.read_to_end(2)


@row("http2-protocol")
def test_http2_is_not_spoken_where_http1_was_agreed(agent, refused):
    with refused(kind="http", name=NAME):
        with agent.tls(NAME, alpn=("http/1.1",)) as peer:
            peer.send(PREFACE + frame(SETTINGS))
            peer.read_to_end(2)


BROKEN_FRAMES = [
    ("data-on-stream-0", frame(DATA, 0, 0, b"x")),
    ("headers-on-stream-0", frame(HEADERS, END_HEADERS, 0, b"\x82")),
    ("even-stream", frame(HEADERS, END_HEADERS | END_STREAM, 2, b"\x82\x84\x87")),
    ("data-on-idle-stream", frame(DATA, 0, 99, b"x")),
    ("oversized", frame(DATA, 0, 1, bytes(16385))),
    ("settings-length", frame(SETTINGS, 0, 0, b"12345")),
    ("ping-length", frame(PING, 0, 0, b"1234")),
    ("window-update-zero", frame(WINDOW_UPDATE, 0, 0, bytes(4))),
    ("window-overflow", frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 0x7FFFFFFF))),
    ("push", frame(5, END_HEADERS, 1, struct.pack("!I", 2) + b"\x82")),
    ("hpack-index", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\x7f")),
    ("hpack-table-size", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe1\xff\x7f\x82")),
    ("continuation-alone", frame(CONTINUATION, END_HEADERS, 1, b"\x82")),
    ("interleaved", frame(HEADERS, 0, 1, b"\x82") + frame(PING, 0, 0, bytes(8))),
    ("padding", frame(DATA, PADDED, 1, b"\xff")),
]


@row("http2-frames")
@pytest.mark.parametrize("broken", [row[1] for row in BROKEN_FRAMES],
                         ids=[row[0] for row in BROKEN_FRAMES])
def test_a_broken_frame_ends_the_connection(agent, refused, broken):
    with refused(kind="http", name=NAME, reason="broken HTTP/2"):
        with http2_client.connect(agent, NAME) as client:
            client.send_raw(broken)
            assert client.read_to_end(2) not in (None, 0)


@row("http2-slow")
def test_a_head_held_open_ends_the_connection_after_ten_seconds(agent, refused):
    with refused(kind="http", name=NAME, detail="head not complete within 10 seconds"):
        with http2_client.connect(agent, NAME) as client:
            assert client.request("/before").status == 200
            client.send_raw(frame(HEADERS, 0, 3, literal(":method", "GET")))
            start = time.monotonic()
            client.read_to_end(13)
            assert 8 < time.monotonic() - start


@row("http2-slow")
def test_an_agent_that_says_nothing_at_all_is_let_go_after_ten_seconds(agent, refused):
    with refused(kind="http", name=NAME, detail="no SETTINGS within 10 seconds"):
        with agent.tls(NAME, alpn=("h2",)) as peer:
            start = time.monotonic()
            peer.read_to_end(13)
            assert 8 < time.monotonic() - start


@row("http2-streams")
def test_more_streams_than_offered_are_refused(agent, script, world):
    def answer(request, connection):
        connection.is_at_end(5)

    script("/hold", answer)
    with http2_client.connect(agent, NAME) as client:
        client.wait(lambda: client.h2.remote_settings.max_concurrent_streams == 100)
        # The library would refuse to; the hundred and first goes past it.
        client.h2.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 1000
        client.h2.remote_settings.acknowledge()
        streams = [client.start("/hold") for _ in range(101)]
        client.wait(lambda: client.goaway is not None or client.responses[streams[-1]].is_over, 5)


@row("http2-policy")
def test_a_connection_that_policy_forbids_is_cut_with_goaway(agent, policy, script):
    def answer(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        connection.is_at_end(5)

    script("/endless", answer)
    with http2_client.connect(agent, NAME) as client:
        stream = client.start("/endless")
        client.wait(lambda: client.responses[stream].body == b"x")
        policy.reload(https="web.example.com\n", ssh="", dns="")
        client.read_to_end(2)
        assert client.responses[stream].reset is not None
        assert not client.responses[stream].is_ended
        assert client.goaway is not None


@row("http2-policy")
def test_a_request_that_a_new_policy_forbids_is_reset_alone(agent, policy, script):
    def answer(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        connection.is_at_end(5)

    script("/public/endless", answer)
    script("/other", lambda request, connection: connection.answer(b"other") or True)
    policy.reload(https=f"{NAME} GET /**\n", ssh="", dns="")
    with http2_client.connect(agent, NAME) as client:
        stream = client.start("/public/endless")
        client.wait(lambda: client.responses[stream].body == b"x")
        policy.reload(https=f"{NAME} GET /other\n", ssh="", dns="")
        assert client.finish(stream, 2).reset is not None
        assert client.request("/other").body == b"other"
        assert client.goaway is None



@row("http2-table")
def test_a_head_that_a_table_blows_up_is_refused(agent, refused):
    """An entry of 3 kB in the table, named ten thousand times by one byte each."""
    entry = b"\x40\x01a" + b"\x7f" + bytes([(3000 - 127) % 128 + 128, (3000 - 127) // 128]) \
        + b"b" * 3000
    with http2_client.connect(agent, SERVED) as client:
        with refused(kind="http", name=SERVED, status=431) as witness:
            stream = client.start_raw(HEAD + [("x-mark", witness.marker)],
                                      behind=entry + b"\xbe" * 10000)
            assert client.finish(stream, 2).status == 431
        assert client.request("/after").status == 200
