"""Whatever leaves the wall is one request and means one thing, to any parser.

Requests from a seed, legal and hostile, go through the wall to servers with different parsers:
Node's (llhttp, nghttp2), Go's, h11 and h2. Each tells what it read, and how many requests it has
had. ROOTCELL_TESTS_SEEDS=7,8 and ROOTCELL_TESTS_REQUESTS=5000 look further."""

import json
import os

import h2.exceptions
import pytest
from cases import digest
from requests_at_random import OF_CONNECTION, next_http1, next_http2, random_of
from servers import ZONE

from internet import http2_client

SERVERS = {name: f"{name}.{ZONE}" for name in ("node", "go", "h11", "h2")}
COUNT = int(os.environ.get("ROOTCELL_TESTS_REQUESTS", "400"))
SEEDS = [int(word) for word in os.environ.get("ROOTCELL_TESTS_SEEDS", "1").split(",")]


class Refused(Exception):
    """The server, not the wall, would not take the request."""


class Count:
    """How many requests a server has had, by its own word."""

    def __init__(self):
        self.last = None

    def check(self, number):
        assert self.last is None or number == self.last + 1, (
            f"the server had {number - self.last} requests where one was sent")
        self.last = number


def check_meaning(request, told, server):
    model = request.model()
    fields = sorted([key.lower(), value] for key, value in told["fields"]
                    if key.lower() not in OF_CONNECTION)
    assert told["method"] == model["method"]
    assert told["target"] == model["target"]
    assert fields == [list(pair) for pair in model["fields"]]
    assert (told["length"], told["sha256"]) == (len(model["body"]), digest(model["body"]))
    hosts = [value for key, value in told["fields"] if key.lower() == "host"]
    assert hosts == [request.name]
    # Go forgets trailers that the head did not announce, of HTTP/2 always, of HTTP/1.1 at times.
    if told["trailers"] or server != "go":
        assert sorted(map(list, told["trailers"])) == [list(pair) for pair in model["trailers"]]


def is_of_wall(body):
    """The wall says so in its own answers."""
    try:
        told = json.loads(body)
    except ValueError:
        return False
    return isinstance(told, dict) and "rootcell" in told


# --- HTTP/1.1 -----------------------------------------------------------------------------------


class Http1:
    """Requests one after the other, on as few connections as it can be."""

    def __init__(self, agent, name):
        self.agent, self.name, self.peer = agent, name, None

    def close(self):
        if self.peer:
            self.peer.socket.close()
        self.peer = None

    def send(self, head, content):
        if self.peer is None:
            self.peer = self.agent.tls(self.name, seconds=10)
        self.peer.send(head + content)

    def ask(self, head, content):
        """What the server told of a legal request."""
        self.send(head, content)
        status, fields, body = self.peer.read_response(20)
        while status < 200:
            status, fields, body = self.peer.read_response(20)
        if fields.get("connection") == "close" or status != 200:
            self.close()
        assert not is_of_wall(body), body
        if status != 200:
            raise Refused(status)
        return json.loads(body)

    def spoil(self, head, content):
        """Everything that came back to what the wall has to refuse."""
        self.close()
        self.send(head, content)
        answer = self.peer.read_to_end(10)
        self.close()
        return answer


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("server", SERVERS)
def test_http1_requests_mean_one_thing(server, seed, agent, judges):
    rng, name = random_of(f"http1 {server} {seed}"), SERVERS[server]
    client, count, refused = Http1(agent, name), Count(), 0
    for step in range(COUNT):
        request, head, content = next_http1(rng, name)
        told = None
        try:
            if request.spoiled:
                answer = client.spoil(head, content)
                assert b" 200 " not in answer and answer.count(b"HTTP/1.1 ") <= 1, answer[:500]
                continue
            told = client.ask(head, content)
            count.check(told["number"])
            check_meaning(request, told, server)
        except Refused:
            refused += 1
        except Exception as error:
            raise AssertionError(
                f"seed {seed}, step {step} ({request.spoiled or 'legal'}): {error}\n"
                f"{head[:1500]!r}\n{content[-300:]!r}\n{str(told)[-700:]}") from error
    client.close()
    assert count.last and refused < COUNT / 10, (count.last, refused)


# --- HTTP/2 -------------------------------------------------------------------------------------

REQUESTS_PER_CONNECTION = 25  # so that what the wall resets is no flood


class Http2:
    def __init__(self, agent, name):
        self.agent, self.name, self.client, self.used = agent, name, None, 0

    def close(self):
        if self.client:
            self.client.peer.socket.close()
        self.client = None

    def ask(self, request, pairs):
        """(status, body) of the answer; status None when there was none."""
        if self.client is None or self.used == REQUESTS_PER_CONNECTION:
            self.close()
            self.client, self.used = http2_client.connect(self.agent, self.name), 0
        self.used += 1
        client = self.client
        encoded = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in pairs]
        stream = client.start_raw(encoded, is_end=not request.body)
        try:
            if request.body:
                client.send_data(stream, request.body, is_end=not request.trailers)
            if request.body and request.trailers:
                block = b"".join(http2_client.literal(key.lower().encode(), value.encode("latin-1"))
                                 for key, value in request.trailers)
                client.send_raw(http2_client.frame(
                    http2_client.HEADERS,
                    http2_client.END_STREAM | http2_client.END_HEADERS, stream, block))
            answer = client.finish(stream, 20)
        except h2.exceptions.StreamClosedError:
            # Reset while its body was on the way.
            answer = client.responses[stream]
        except (AssertionError, OSError):
            if not client.is_closed:
                raise
            self.close()
            return None, b""
        if answer.reset is not None and answer.status is None:
            return None, b""
        return answer.status, answer.body


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("server", SERVERS)
def test_http2_requests_mean_one_thing(server, seed, agent, judges):
    rng, name = random_of(f"http2 {server} {seed}"), SERVERS[server]
    client, count, refused = Http2(agent, name), Count(), 0
    for step in range(COUNT):
        request, pairs = next_http2(rng, name)
        status = None
        try:
            status, body = client.ask(request, pairs)
            if request.spoiled:
                assert status is None or 400 <= status < 600, (status, body[:300])
                continue
            # Go resets the stream of a path whose escapes it cannot read.
            is_reset = status == 502 and b'"detail":"PROTOCOL_ERROR"' in body
            assert status is not None and (is_reset or not is_of_wall(body)), (status, body[:500])
            if status != 200:
                refused += 1
                continue
            told = json.loads(body)
            count.check(told["number"])
            check_meaning(request, told, server)
        except Exception as error:
            raise AssertionError(
                f"seed {seed}, step {step} ({request.spoiled or 'legal'}): {error}\n"
                f"status {status}\n{str(pairs)[:1500]}\n{request.body[:300]!r}") from error
    client.close()
    assert count.last and refused < COUNT / 10, (count.last, refused)
