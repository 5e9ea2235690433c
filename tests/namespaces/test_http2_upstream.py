"""Servers that speak HTTP/2: what they may do to a request, and what they may not."""

import hashlib
import json
import socket
import threading
import time
from pathlib import Path

import pytest

from internet import http2_client
from internet.http2_client import (
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PUSH_PROMISE, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, frame)
from internet.wait import Late, wait_until
from internet.world import ADDRESSES

NAME = "h2.example.com"
OTHER = "h2-other.example.com"
MIB = 1 << 20


@pytest.fixture
def script(http2_script):
    """script(path, answer): what the HTTP/2 origin does for a path."""
    return http2_script


@pytest.fixture
def ordinary_http2(agent):
    """An ordinary request to an HTTP/2 server works, before and after."""
    told = agent.request_json(NAME, "/before")
    assert told["target"] == "/before"
    yield
    told = agent.request_json(NAME, "/after")
    assert told["target"] == "/after"


def send_frames(*make):
    """A script that sends whole frames instead of an answer; each is called with the stream."""
    def serve(stream):
        stream.read_all()
        for each in make:
            stream.raw(each(stream))

    return serve


def head(*fields, status=b"200", end=False, flags=END_HEADERS):
    return lambda stream: frame(HEADERS, flags | (END_STREAM if end else 0), stream.number,
                                stream.block((b":status", status), *fields))


def data(text, end=True):
    return lambda stream: frame(DATA, END_STREAM if end else 0, stream.number, text)


BAD_ANSWERS = {
    "a line end in a value": [head((b"x", b"a\r\nset-cookie: stolen=1"), end=True)],
    "a NUL in a value": [head((b"x", b"a\0b"), end=True)],
    "a line end in a name": [head((b"x\r\ny", b"a"), end=True)],
    "an upper case name": [head((b"X-Upper", b"a"), end=True)],
    "a space in a name": [head((b"x y", b"a"), end=True)],
    "a colon in a name": [head((b"x:y", b"a"), end=True)],
    "an empty name": [head((b"", b"a"), end=True)],
    "a field of the connection": [head((b"connection", b"close"), end=True)],
    "chunked coding": [head((b"transfer-encoding", b"chunked"), end=True)],
    "an upgrade": [head((b"upgrade", b"websocket"), end=True)],
    "two lengths": [head((b"content-length", b"1"), (b"content-length", b"2")), data(b"a")],
    "two equal lengths": [head((b"content-length", b"1"), (b"content-length", b"1")), data(b"a")],
    "a list of lengths": [head((b"content-length", b"1, 1")), data(b"a")],
    "a signed length": [head((b"content-length", b"+1")), data(b"a")],
    "a length and no content": [head((b"content-length", b"5"), end=True)],
    "no status": [lambda stream: frame(HEADERS, END_HEADERS | END_STREAM, stream.number,
                                       stream.block((b"x", b"a")))],
    "two statuses": [head((b":status", b"200"), end=True)],
    "a status of two digits": [head(status=b"20", end=True)],
    "a status of four digits": [head(status=b"2000", end=True)],
    "a status of 0": [head(status=b"000", end=True)],
    "a status behind a field": [lambda stream: frame(
        HEADERS, END_HEADERS | END_STREAM, stream.number,
        stream.block((b"x", b"a"), (b":status", b"200")))],
    "a request's pseudo-field": [head((b":path", b"/"), end=True)],
    "an unknown pseudo-field": [head((b":x", b"y"), end=True)],
    "a switch of protocols": [head(status=b"101", end=True)],
    "the end with an interim head": [head(status=b"103", end=True)],
    "content before the head": [data(b"early")],
    "a broken header block": [lambda stream: frame(HEADERS, END_HEADERS | END_STREAM,
                                                   stream.number, b"\xff\xff\xff\xff\xff\xff")],
    "content on stream 0": [lambda stream: frame(DATA, 0, 0, b"zero")],
    "a stream that nobody opened": [lambda stream: frame(
        HEADERS, END_HEADERS | END_STREAM, stream.number + 1000,
        stream.block((b":status", b"200")))],
    "a pushed stream": [lambda stream: frame(
        PUSH_PROMISE, END_HEADERS, stream.number, (2).to_bytes(4, "big") + stream.block(
            (b":method", b"GET"), (b":scheme", b"https"), (b":authority", NAME.encode()),
            (b":path", b"/pushed")))],
    "a frame that is too large": [lambda stream: frame(DATA, 0, stream.number, b"x" * 20000)],
    "a window beyond its limit": [lambda stream: frame(
        WINDOW_UPDATE, 0, 0, (0x7FFFFFFF).to_bytes(4, "big"))] * 2,
    "a head that goes on elsewhere": [head(flags=0), data(b"between")],
    "a PING of seven bytes": [lambda stream: frame(PING, 0, 0, b"1234567")],
    "SETTINGS of seven bytes": [lambda stream: frame(SETTINGS, 0, 0, b"1234567")],
    "GOAWAY without a code": [lambda stream: frame(GOAWAY, 0, 0, b"1234")],
    "no end of interim heads": [head(status=b"103")] * 40,
    "no end of SETTINGS": [lambda stream: frame(SETTINGS, 0, 0)] * 3000,
    "no end of PING": [lambda stream: frame(PING, 0, 0, b"12345678")] * 5000,
    "no end of a head": [head(flags=0)] + [lambda stream: frame(
        CONTINUATION, 0, stream.number, stream.block((b"x", b"y" * 100)))] * 2000,
    "a head of a thousand fields": [lambda stream: frame(
        HEADERS, END_HEADERS | END_STREAM, stream.number,
        stream.block((b":status", b"200"), *[(b"x%d" % n, b"y") for n in range(1000)]))],
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_passes_no_answer_with(agent, wall, script, ordinary_http2, what):
    script("/bad", send_frames(*BAD_ANSWERS[what]))
    since = wall.record_position()
    with agent.tls(NAME) as peer:
        peer.send(f"GET /bad HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        answer = peer.read_until(b"\r\n\r\n", 5)
        while answer.startswith(b"HTTP/1.1 103"):
            answer = answer.split(b"\r\n\r\n", 1)[1] or peer.read_until(b"\r\n\r\n", 5)
    assert answer.startswith(b"HTTP/1.1 502 "), answer
    assert b"stolen" not in answer
    record = wall.wait_record(since, kind="http", path="/bad")
    assert record["status"] == 502 and record["reason"], record


BROKEN_BODIES = {
    "more than its length": [head((b"content-length", b"5")), data(b"123456")],
    "less than its length": [head((b"content-length", b"5")), data(b"1234")],
    "a reset": [head(), data(b"half", end=False),
                lambda stream: frame(RST_STREAM, 0, stream.number, (2).to_bytes(4, "big"))],
    "trailers that frame": [head(), data(b"half", end=False), lambda stream: frame(
        HEADERS, END_HEADERS | END_STREAM, stream.number, stream.block((b"content-length", b"9")))],
    "trailers with a status": [head(), data(b"half", end=False), lambda stream: frame(
        HEADERS, END_HEADERS | END_STREAM, stream.number, stream.block((b":status", b"200")))],
    "trailers without the end": [head(), data(b"half", end=False), lambda stream: frame(
        HEADERS, END_HEADERS, stream.number, stream.block((b"x", b"y")))],
    "no end of empty content": [head()] + [data(b"", end=False)] * 5000,
}


# What curl says of a body that is too short, of broken chunks, and of a stream that was reset.
CURL_BROKEN = {"--http1.1": (18, 56), "--http2": (92,)}


@pytest.mark.parametrize("version", CURL_BROKEN)
@pytest.mark.parametrize("what", BROKEN_BODIES)
def test_never_fakes_the_end_of_a_body_with(agent, script, ordinary_http2, what, version):
    script("/broken", send_frames(*BROKEN_BODIES[what]))
    result = agent.curl(version, f"https://{NAME}/broken")
    # Or an answer of our own, where nothing of it had been passed on.
    assert result.returncode in CURL_BROKEN[version] or b"rootcell" in result.stdout, result


@pytest.mark.parametrize("version", CURL_BROKEN)
def test_drops_a_connection_whose_end_comes_early(agent, script, ordinary_http2, version):
    def serve(stream):
        stream.read_all()
        stream.head()
        stream.send(b"half")
        stream.connection.socket.shutdown(2)

    script("/gone", serve)
    result = agent.curl(version, f"https://{NAME}/gone")
    assert result.returncode in CURL_BROKEN[version], result


NO_CONTENT = {
    "HEAD": [head((b"content-length", b"5")), data(b"hello")],
    "204": [head(status=b"204"), data(b"hello")],
    "304": [head((b"content-length", b"5"), status=b"304"), data(b"hello")],
    "204 with a length": [head((b"content-length", b"5"), status=b"204"), data(b"hello")],
}


@pytest.mark.parametrize("what", NO_CONTENT)
def test_takes_no_content_where_none_may_be(agent, script, what):
    """It would be the beginning of the next answer."""
    script("/none", send_frames(*NO_CONTENT[what]))
    method = "HEAD" if what == "HEAD" else "GET"
    with agent.tls(NAME) as peer:
        peer.send(f"{method} /none HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        peer.read_until(b"\r\n\r\n", 5)
        # The connection may go on or not; what it says is never what the server planted.
        peer.send(f"GET /last HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        peer.read_to_end(5)
    assert b"hello" not in peer.received
    told = agent.request_json(NAME, "/next")
    assert told["target"] == "/next"


def test_takes_nothing_for_an_answer_that_came_before_the_question(world, agent, script):
    def answer_ahead(stream):
        stream.read_all()
        number = stream.number + 2
        stream.raw(frame(HEADERS, END_HEADERS, number, stream.block((b":status", b"200"))),
                   frame(DATA, END_STREAM, number, b"planted"))
        stream.answer(b"own")

    script("/ahead", answer_ahead)
    agent.request(NAME, "/ahead")
    told = agent.request_json(NAME, "/asked")
    assert told["target"] == "/asked"


def test_takes_nothing_more_after_the_end(agent, script):
    def answer_twice(stream):
        stream.read_all()
        stream.answer(b"one")
        stream.raw(frame(DATA, END_STREAM, stream.number, b"two"),
                   frame(HEADERS, END_HEADERS | END_STREAM, stream.number,
                         stream.block((b":status", b"500"))))

    script("/twice", answer_twice)
    with agent.tls(NAME) as peer:
        for _ in range(3):
            peer.send(f"GET /twice HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            status, _, body = peer.read_response()
            assert (status, body) == (200, b"one")


def test_shares_no_connection_between_names(world, agent):
    first = agent.request_json(NAME, "/names")
    second = agent.request_json(OTHER, "/names")
    assert first["name"] == NAME and second["name"] == OTHER
    assert first["connection"] != second["connection"]
    assert agent.request_json(NAME, "/names")["connection"] == first["connection"]


def test_gives_nothing_to_a_connection_from_before_a_reload(world, agent, policy, script):
    release = threading.Event()

    def slow(stream):
        stream.read_all()
        stream.head(("content-length", "6"))
        stream.send(b"one")
        release.wait(10)
        stream.send(b"two", end=True)

    script("/slow", slow)
    before = agent.request_json(NAME, "/reload")["connection"]
    with agent.tls(NAME) as peer:
        peer.send(f"GET /slow HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        assert peer.read_until(b"one", 5).endswith(b"one")
        policy.reload(https=(policy.policy / "allowed-https.txt").read_text() + "new.example.com\n")
        after = agent.request_json(NAME, "/reload")["connection"]
        assert after != before
        release.set()
        assert peer.read_until(b"two", 5).endswith(b"two")


def test_asks_a_server_that_knows_only_http2_once(world, agent):
    agent.request_json(NAME, "/known")
    refused = world.http2.refused
    assert agent.request_json(NAME, "/known")["fields"][0] == [":method", "GET"]
    assert world.http2.refused == refused


def test_writes_the_request_of_http1_in_http2(world, agent):
    agent.request(NAME, "/fields?a=b", fields=[
        "X-Kept: yes", "X-UPPER: Case", "Connection: keep-alive, X-Dropped", "X-Dropped: no",
        "Keep-Alive: 5", "TE: trailers", "Cookie: a=b; c=d"])
    fields = world.http2.requests[-1].fields
    assert fields[:4] == [(":method", "GET"), (":scheme", "https"), (":authority", NAME),
                          (":path", "/fields?a=b")]
    assert ("x-kept", "yes") in fields and ("x-upper", "Case") in fields
    assert ("te", "trailers") in fields
    names = {name for name, _ in fields}
    assert not names & {"host", "connection", "keep-alive", "x-dropped", "transfer-encoding"}


def test_passes_uploads_of_any_size(agent):
    for size in (0, 1, 65535, 65536, 3 * MIB):
        body = bytes(range(256)) * (size // 256) + b"z" * (size % 256)
        result = agent.curl("--data-binary", "@-", f"https://{NAME}/upload", input=body)
        told = json.loads(result.stdout)
        assert (told["length"], told["sha256"]) == (size, hashlib.sha256(body).hexdigest())


def test_passes_downloads_of_any_size(agent, script):
    body = bytes(range(251)) * 20000

    def serve(stream):
        stream.read_all()
        stream.answer(body)

    script("/download", serve)
    result = agent.curl(f"https://{NAME}/download")
    assert result.stdout == body


def test_passes_chunks_and_trailers_both_ways(agent, script):
    def serve(stream):
        body = stream.read_all()
        stream.head(("x-got", ",".join(f"{name}={value}" for name, value in stream.trailers)))
        stream.send(body)
        stream.end(("x-sum", "7"))

    script("/trailers", serve)
    with agent.tls(NAME) as peer:
        peer.send((f"POST /trailers HTTP/1.1\r\nHost: {NAME}\r\nTE: trailers\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Check: 9\r\n\r\n")
                  .encode())
        answer = peer.read_until(b"x-sum: 7\r\n\r\n", 5)
    assert b"x-got: x-check=9" in answer and b"\r\n5\r\nhello\r\n" in answer


def test_passes_interim_heads_and_answers_without_a_body(agent, script):
    def hints(stream):
        stream.read_all()
        stream.raw(head((b"link", b"</a.css>"), status=b"103")(stream))
        stream.answer(b"after")

    def empty(stream):
        stream.read_all()
        stream.head(status=204, end=True)

    script("/hints", hints)
    script("/empty", empty)
    with agent.tls(NAME) as peer:
        peer.send(f"GET /hints HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        answer = peer.read_until(b"after", 5)
        assert answer.startswith(b"HTTP/1.1 103 ") and b"link: </a.css>" in answer
        peer.send(f"GET /empty HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        assert peer.read_until(b"\r\n\r\n", 5).startswith(b"HTTP/1.1 204 ")
        peer.send(f"HEAD /head HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        answer = peer.read_until(b"\r\n\r\n", 5)
        assert answer.startswith(b"HTTP/1.1 200 ") and b"content-length: " in answer
        peer.send(f"GET /next HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        assert json.loads(peer.read_response()[2])["target"] == "/next"


def test_streams_events_at_once(agent, script):
    go = threading.Semaphore(0)
    sent = []

    def serve(stream):
        stream.read_all()
        stream.head(("content-type", "text/event-stream"))
        for number in range(20):
            go.acquire()
            sent.append(time.monotonic())
            stream.send(b"data: %d\n\n" % number)
        stream.end()

    script("/events", serve)
    delays = []
    with agent.tls(NAME) as peer:
        peer.send(f"GET /events HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        for number in range(20):
            go.release()
            peer.read_until(b"data: %d\n\n" % number, 5)
            delays.append(time.monotonic() - sent[-1])
    assert sorted(delays)[len(delays) // 2] < 0.005, delays


def test_holds_back_a_server_whose_agent_does_not_read(world, agent, script, wall):
    sent = []

    def serve(stream):
        stream.read_all()
        stream.head()
        for _ in range(64):
            stream.send(b"x" * MIB)
            sent.append(MIB)
        stream.end()

    script("/flood", serve)
    with agent.tls(NAME) as peer:
        peer.send(f"GET /flood HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        peer.read_until(b"\r\n\r\n", 5)
        before = -1
        while len(sent) != before:
            before = len(sent)
            # The server's pace once nobody reads: it stands still within a moment.
            time.sleep(0.3)
        assert len(sent) < 32
        # Others on the same connection are served meanwhile.
        assert agent.request_json(NAME, "/beside")["target"] == "/beside"


def test_ends_the_servers_stream_with_the_agent(world, agent, script):
    ended = threading.Event()

    def serve(stream):
        stream.read_all()
        stream.head()
        try:
            while True:
                stream.send(b"data: more\n\n")
                time.sleep(0.01)
        finally:
            ended.set()

    script("/endless", serve)
    with agent.tls(NAME) as peer:
        peer.send(f"GET /endless HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        peer.read_until(b"more", 5)
    assert ended.wait(5)
    # The connection itself lives.
    stream = world.http2.requests[-1]
    assert agent.request_json(NAME, "/lives")["connection"] == stream.connection.number


def test_passes_an_answer_that_comes_before_the_request_is_whole(agent, script):
    def serve(stream):
        stream.answer(b"too much", status=413)

    script("/early", serve)
    with agent.tls(NAME) as peer:
        peer.send(f"POST /early HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000000\r\n\r\n"
                  .encode() + b"x" * 1000)
        answer = peer.read_until(b"too much", 5)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert agent.request_json(NAME, "/next")["target"] == "/next"


def test_tries_again_what_the_server_did_not_process(world, agent, script):
    seen = []

    def refuse_twice(stream):
        seen.append(stream.connection.number)
        if len(seen) < 3:
            stream.reset(7)
        else:
            stream.answer(b"done")

    script("/refuse", refuse_twice)
    assert agent.request(NAME, "/refuse", method="POST")[2] == b"done"
    assert len(set(seen)) == 3


def test_tries_again_on_a_new_connection_after_goaway(world, agent, script):
    seen = []

    def leave(stream):
        seen.append(stream.connection.number)
        if len(seen) == 1:
            stream.raw(frame(GOAWAY, 0, 0, (0).to_bytes(4, "big") + (0).to_bytes(4, "big")))
        else:
            stream.answer(b"done")

    script("/leave", leave)
    assert agent.request(NAME, "/leave", method="POST")[2] == b"done"
    assert len(set(seen)) == 2


def test_finishes_streams_that_were_open_at_goaway(world, agent, script):
    def serve(stream):
        stream.read_all()
        stream.head()
        stream.send(b"first")
        stream.raw(frame(GOAWAY, 0, 0, stream.number.to_bytes(4, "big") + (0).to_bytes(4, "big")))
        stream.send(b"second", end=True)

    script("/graceful", serve)
    status, _, body = agent.request(NAME, "/graceful")
    assert (status, body) == (200, b"firstsecond")
    stream = world.http2.requests[-1]
    assert agent.request_json(NAME, "/after")["connection"] != stream.connection.number


def test_keeps_to_the_servers_limit_of_streams(world, agent, script, policy):
    running, most = [], []

    def serve(stream):
        running.append(stream)
        most.append(len([one for one in running if one.connection is stream.connection]))
        time.sleep(0.2)
        running.remove(stream)
        stream.answer(b"ok")

    script("/limit", serve)
    world.http2.streams_max = 3
    # So that nothing is taken from the pool.
    policy.reload(https=(policy.policy / "allowed-https.txt").read_text() + "new.example.com\n")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(agent.request(NAME, "/limit")[2]))
               for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.http2.streams_max = 100
    policy.reload(https=(policy.policy / "allowed-https.txt").read_text() + "newer.example.com\n")
    assert answers == [b"ok"] * 12
    assert max(most) <= 3


def test_waits_for_a_slow_first_settings_and_not_for_ever(world, agent):
    """Multiplexing waits for SETTINGS; the first request does not."""
    told = agent.request_json(NAME, "/settings")
    connection = world.http2.connections[told["connection"]]
    wait_until(lambda: connection.http.remote_settings.enable_push == 0, "our SETTINGS", 3)


HTTP_1_1_REQUIRED = 13
TOLD_ALIKE = {  # what a server says, what an agent of HTTP/2 hears, and one of HTTP/1.1
    "NO_ERROR": (0, None, 502), "INTERNAL_ERROR": (2, None, 502), "STREAM_CLOSED": (5, None, 502),
    "CANCEL": (8, 8, 502), "ENHANCE_YOUR_CALM": (11, 11, 503), "REFUSED_STREAM": (7, 7, 503),
}


@pytest.mark.parametrize("code", TOLD_ALIKE)
def test_tells_what_a_servers_reset_means(agent, script, code):
    said, heard, status = TOLD_ALIKE[code]
    script("/reset", lambda stream: (stream.read_all(), stream.reset(said)))
    assert agent.request(NAME, "/reset")[0] == status
    with http2_client.connect(agent, NAME) as client:
        answer = client.request("/reset")
        assert (answer.reset, answer.status) == ((heard, None) if heard else (None, 502))


@pytest.mark.parametrize("code", TOLD_ALIKE)
def test_never_makes_an_end_of_a_reset_in_the_middle_of_an_answer(agent, script, code):
    said, heard, _ = TOLD_ALIKE[code]
    half_heard = threading.Event()  # a reset may overtake what came before it (RFC 9113 5.4.2)

    def serve(stream):
        stream.read_all()
        stream.head()
        stream.send(b"half")
        half_heard.wait(20)
        stream.reset(said)

    script("/half", serve)
    with http2_client.connect(agent, NAME) as client:
        stream = client.start("/half")
        client.wait(lambda: client.responses[stream].body == b"half", 20)
        half_heard.set()
        answer = client.finish(stream, 20)
        # What was refused after its head was not refused at all.
        expected = heard if heard and code != "REFUSED_STREAM" else 2
        # The head may have left before, or not: a reset overtakes what waits.
        assert answer.status in (200, None)
        assert (answer.reset, answer.is_ended) == (expected, False)


@pytest.fixture
def speaks_http1_too(world):
    """The origin answers HTTP/1.1 as well; what it was asked over it."""
    asked = []

    def answer(request):
        asked.append(request)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold"

    world.http2.http1 = answer
    yield asked
    world.http2.http1 = None


def test_tries_again_over_http1_what_a_server_wants_so(agent, script, speaks_http1_too):
    script("/old", lambda stream: stream.reset(HTTP_1_1_REQUIRED))
    with http2_client.connect(agent, NAME) as client:
        for method in ("GET", "POST"):
            answer = client.request("/old", method=method)
            assert (answer.status, answer.body) == (200, b"old")
        # A body that is on its way cannot be sent twice: the agent may do so itself.
        answer = client.request("/old", method="POST", body=b"x" * 1000)
        assert answer.reset == HTTP_1_1_REQUIRED
    assert [request.split(b" ")[0] for request in speaks_http1_too] == [b"GET", b"POST"]
    assert b"\r\ncontent-length: 0\r\n" in speaks_http1_too[1]


def test_says_so_when_a_server_asks_for_http1_and_refuses_it(agent, script):
    script("/old", lambda stream: stream.reset(HTTP_1_1_REQUIRED))
    status, _, body = agent.request(NAME, "/old")
    assert (status, json.loads(body)["reason"]) == (502, "TLS with the server failed")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_says_so_when_a_server_speaks_http2_that_was_not_agreed_on(world, agent, policy, version):
    # So that nothing is taken from the pool.
    policy.reload(https=(policy.policy / "allowed-https.txt").read_text() 
                  + f"new{len(version)}.example.com\n")
    world.http2.is_alpn_ignored = True
    try:
        result = agent.curl(version, "-w", "%{http_code}", f"https://{NAME}/", check=False)
    finally:
        world.http2.is_alpn_ignored = False
    assert result.stdout.endswith(b"502"), result.stdout
    told = json.loads(result.stdout[:-3])
    assert told["reason"] == "server broke the protocol"
    assert told["detail"] == "it speaks HTTP/2 without having agreed on it (ALPN)"


def waiting_bytes(wall, address, port=443):
    """What the kernel holds of connections to a server: not sent, or not acknowledged."""
    place = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + f":{port:04X}"
    rows = [line.split() for line in Path(f"/proc/{wall.process.pid}/net/tcp").read_text()
            .splitlines()[1:]]
    return sum(int(row[4].split(":")[0], 16) for row in rows if row[2] == place)


@pytest.fixture
def narrow(world):
    """The origin's kernel takes little of what nobody reads."""
    listener = world.http2.listener
    before = listener.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    yield
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, before // 2)


def test_a_head_that_waits_behind_an_upload_does_not_leave_after_a_reload_forbids_it(
        world, wall, agent, script, policy, narrow):
    """The origin stops reading in the middle of an upload; what is asked then waits behind it in
    the wall's kernel, where a reset of its stream would not find it. (Of the usual name the wall
    remembers from other tests that its server wanted HTTP/1.1.)"""
    holds, go_on = threading.Event(), threading.Event()
    policy.reload(https=f"{OTHER} POST /stuck\n{OTHER} GET\n")

    def stop_reading(stream):
        stream.connection.do(
            lambda http: http.increment_flow_control_window(64 * MIB, stream.number))
        stream.connection.do(lambda http: http.increment_flow_control_window(64 * MIB))
        with stream.connection.lock:
            holds.set()
            go_on.wait(60)
        stream.read_all()

    script("/stuck", stop_reading)
    with http2_client.connect(agent, OTHER) as client:
        upload = client.start("/stuck", method="POST", is_end=False)
        assert holds.wait(10)
        connection = world.http2.requests[-1].connection
        for _ in range(1000):
            client.send_data(upload, b"x" * 8192)
            ping(client)
            try:
                wait_until(lambda: waiting_bytes(wall, ADDRESSES["http2"]) == 0, "the origin", 1)
            except Late:
                break
        else:
            pytest.fail("the origin's kernel takes everything")
        client.start("/forbidden")
        ping(client)
        policy.reload(https=f"{OTHER} POST /stuck\n")
        go_on.set()

        def targets():
            return [stream.target for stream in connection.streams.values()]

        wait_until(lambda: connection.socket.fileno() == -1 or len(targets()) > 1,
                   "the end of the origin's connection", 20)
        assert targets() == ["/stuck"]


def ping(client):
    """What was sent before has been read when the answer comes."""
    before = client.pongs
    client.h2.ping(b"12345678")
    client.flush()
    client.wait(lambda: client.pongs > before)
