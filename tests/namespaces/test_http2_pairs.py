"""Agents and servers of both protocols through one exchange: all four pairings, both ways."""

import hashlib
import json
import queue
import threading
import time

import pytest

from internet import http2_client
from internet.http2_client import GOAWAY, frame
from internet.wait import wait_until

ONE, TWO = "origin.example.com", "h2.example.com"
VERSIONS = ["--http1.1", "--http2"]
SERVERS = [ONE, TWO]
MIB = 1 << 20


@pytest.fixture
def script(http2_script):
    """script(path, answer): what the HTTP/2 origin does for a path."""
    return http2_script


@pytest.fixture
def both(world, script):
    """both(path, parts): each origin answers with these parts, one by one when told to go on."""
    steps = queue.Queue()
    added = []

    def add(path, parts, trailers=()):
        def one(request, connection):
            connection.read_body(request)
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in parts:
                steps.get(timeout=10)
                connection.send(b"%x\r\n" % len(part) + part + b"\r\n")
            lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
            connection.send(b"0\r\n" + lines.encode() + b"\r\n")
            return True

        def two(stream):
            stream.read_all()
            stream.head()
            for part in parts:
                steps.get(timeout=10)
                stream.send(part)
            stream.end(*trailers)

        world.origin.scripts[path] = one
        script(path, two)
        added.append(path)
        return lambda: steps.put(True)

    yield add
    for path in added:
        world.origin.scripts.pop(path, None)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_carries_requests(agent, version, server):
    told = json.loads(agent.curl(version, f"https://{server}/a?b=c").stdout)
    assert (told["name"], told["method"], told["target"]) == (server, "GET", "/a?b=c")


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [0, 1, 65537, 5 * MIB])
def test_carries_uploads(agent, version, server, size):
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    for extra in ([], ["-H", "Transfer-Encoding: chunked"] if version == "--http1.1" else []):
        result = agent.curl(version, "--data-binary", "@-", *extra, f"https://{server}/up",
                            input=body)
        told = json.loads(result.stdout)
        assert (told["length"], told["sha256"]) == (size, hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_carries_downloads(agent, both, version, server):
    parts = [bytes([65 + number % 26]) * size
             for number, size in enumerate([1, 16384, 16385, 65535, 3 * MIB, 7])]
    go = both("/down", parts)
    for _ in parts:
        go()
    assert agent.curl(version, f"https://{server}/down").stdout == b"".join(parts)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_answers_head(agent, version, server):
    result = agent.curl(version, "-I", f"https://{server}/head")
    assert result.returncode == 0 and b"content-length: " in result.stdout.lower()
    assert b" 200" in result.stdout


@pytest.mark.parametrize("server", SERVERS)
def test_streams_events_to_http2_at_once(agent, both, server):
    go = both("/events", [b"data: %d\n\n" % number for number in range(20)])
    delays = []
    with http2_client.connect(agent, server) as client:
        number = client.start("/events")
        response = client.responses[number]
        client.wait(lambda: response.status)
        for event in range(20):
            started = time.monotonic()
            go()
            client.wait(lambda: response.body.endswith(b"data: %d\n\n" % event))
            delays.append(time.monotonic() - started)
        assert client.finish(number).is_ended
    assert sorted(delays)[len(delays) // 2] < 0.005, delays


@pytest.mark.parametrize("server", SERVERS)
def test_passes_trailers_to_http2(agent, both, server):
    go = both("/trailers", [b"body"], trailers=[("x-sum", "7")])
    go()
    with http2_client.connect(agent, server) as client:
        response = client.request("/trailers", fields=[("te", "trailers")])
    assert (response.body, response.trailers) == (b"body", [("x-sum", "7")])


def test_shares_one_connection_between_many_streams(world, agent, script):
    everyone = threading.Barrier(50)

    def serve(stream):
        stream.read_all()
        everyone.wait(10)
        stream.answer(str(stream.connection.number).encode())

    script("/together", serve)
    with http2_client.connect(agent, TWO) as client:
        client.request_json("/warm")
        streams = [client.start("/together") for _ in range(50)]
        bodies = {client.finish(stream).body for stream in streams}
    assert len(bodies) == 1


def test_serves_a_burst_on_a_cold_name_over_one_connection(world, agent, script, policy):
    script("/cold", lambda stream: stream.answer(str(stream.connection.number).encode()))
    policy.reload(https=(policy.policy / "allowed-https.txt").read_text() + "cold.example.com\n")
    with http2_client.connect(agent, TWO) as client:
        streams = [client.start("/cold") for _ in range(90)]
        bodies = {client.finish(stream).body for stream in streams}
    assert len(bodies) == 1


def test_one_stalled_stream_holds_up_no_other(agent, script):
    def endless(stream):
        stream.read_all()
        stream.head()
        while True:
            stream.send(b"x" * 65536)

    script("/endless", endless)
    with http2_client.connect(agent, TWO) as stuck:
        stuck.has_window = False
        streams = [stuck.start("/endless") for _ in range(20)]
        stuck.wait(lambda: all(stuck.responses[one].status for one in streams))
        with http2_client.connect(agent, TWO) as client:
            for number in range(20):
                assert client.request_json(f"/beside/{number}")["target"] == f"/beside/{number}"


def test_ends_one_stream_with_its_agent_and_no_other(world, agent, script):
    ended = threading.Event()

    def endless(stream):
        stream.read_all()
        stream.head()
        try:
            while True:
                stream.send(b"tick")
                time.sleep(0.01)
        finally:
            ended.set()

    script("/ticks", endless)
    with http2_client.connect(agent, TWO) as client:
        first, second = client.start("/ticks"), client.start("/ticks")
        client.wait(lambda: client.responses[first].body and client.responses[second].body)
        client.h2.reset_stream(first, 8)
        client.flush()
        assert ended.wait(5)
        before = len(client.responses[second].body)
        client.wait(lambda: len(client.responses[second].body) > before + 40)
        codes = [one.reset_code for one in world.http2.requests[-2:]]
        assert 8 in codes and None in codes


def test_a_flood_of_waiting_requests_stays_within_its_memory(world, wall, agent):
    """Each connection may have a hundred of them; nobody answers at this address."""
    name = "hole.odd.example.net"
    world.odd.names[name] = ["198.51.100.77"]
    world.internet.command("nft", "add table ip hole { chain prerouting { type filter hook "
                           "prerouting priority -400; ip daddr 198.51.100.77 drop; }; }")
    before = wall.memory_kib()
    clients = []
    try:
        for _ in range(60):
            clients.append(http2_client.connect(agent, name))
            for _ in range(99):
                clients[-1].start("/waits")
        last = clients[-1]
        last.wait(lambda: all(one.is_over for one in last.responses.values()))
        assert {one.status for one in last.responses.values()} == {503}
        assert wall.memory_kib() < before + 32 * 1024
    finally:
        for client in clients:
            client.peer.socket.close()
        world.internet.command("nft", "delete table ip hole")
        wait_until(lambda: agent.request(TWO, "/room")[0] == 200, "room for requests")


def test_serves_streams_after_the_agents_goaway(agent, script):
    """As the AWS SDK does: GOAWAY as soon as the response's head is there."""
    go = threading.Semaphore(0)

    def serve(stream):
        stream.read_all()
        stream.head(("content-type", "application/vnd.amazon.eventstream"))
        for number in range(10):
            go.acquire(timeout=10)
            stream.send(b"event %d;" % number)
        stream.end()

    script("/converse-stream", serve)
    with http2_client.connect(agent, TWO) as client:
        number = client.start("/converse-stream", "POST", is_end=False)
        client.send_data(number, b'{"messages":[]}', is_end=True)
        client.wait(lambda: client.responses[number].status)
        client.send_raw(frame(GOAWAY, 0, 0, bytes(8)))
        for _ in range(10):
            go.release()
        response = client.finish(number)
    assert response.is_ended and response.body.endswith(b"event 9;")


def test_carries_grpc_in_both_directions_at_once(agent, script):
    """A bidirectional call: each message is answered before the next one is sent."""
    def echo(stream):
        stream.head(("content-type", "application/grpc"))
        part = stream.read()
        while part is not None:
            stream.send(part)
            part = stream.read()
        stream.end(("grpc-status", "0"), ("grpc-message", "fine"))

    script("/chat.Chat/Talk", echo)
    with http2_client.connect(agent, TWO) as client:
        number = client.start("/chat.Chat/Talk", "POST", is_end=False, fields=[
            ("content-type", "application/grpc"), ("te", "trailers")])
        response = client.responses[number]
        client.wait(lambda: response.status)
        for turn in range(50):
            message = b"\0" + (4).to_bytes(4, "big") + b"%04d" % turn
            before = len(response.body)
            client.send_data(number, message)
            client.wait(lambda: len(response.body) == before + len(message))
            assert response.body.endswith(message)
        client.h2.end_stream(number)
        client.flush()
        client.finish(number)
    assert response.is_ended
    assert response.trailers == [("grpc-status", "0"), ("grpc-message", "fine")]


def test_passes_a_grpc_answer_of_trailers_only(agent, script):
    script("/chat.Chat/None", lambda stream: stream.head(
        ("content-type", "application/grpc"), ("grpc-status", "12"), end=True))
    with http2_client.connect(agent, TWO) as client:
        response = client.request("/chat.Chat/None", "POST", body=b"\0\0\0\0\0", fields=[
            ("content-type", "application/grpc"), ("te", "trailers")])
    assert response.field("grpc-status") == "12" and response.is_ended


def test_hands_on_that_a_request_with_a_body_was_not_processed(agent, script):
    """We keep no bodies: the agent's own library sends it again (RFC 9113 section 8.7)."""
    def refuse(stream):
        stream.read_all()
        stream.reset(7)

    script("/refused", refuse)
    with http2_client.connect(agent, TWO) as client:
        response = client.request("/refused", "POST", body=b"x" * 1000)
        assert (response.status, response.reset) == (None, 7)
        assert client.request_json("/next")["target"] == "/next"
    assert agent.request(TWO, "/refused", method="POST", body=b"x" * 1000)[0] == 503


def test_does_not_wait_for_a_connection_that_leads_nowhere(world, agent):
    """After the machine slept, a gateway may drop what belongs to connections from before."""
    names = [ONE, TWO]
    for name in names:
        agent.request_json(name, "/before")
    lines = world.firewall.command("ss", "-Htn", "state", "established", "dport = :443")
    ports = ", ".join({line.split()[2].rsplit(":", 1)[1] for line in lines.splitlines()})
    try:
        time.sleep(5.5)  # the idleness after which a connection is doubted
        world.internet.command(
            "nft", "add table ip forgot { chain prerouting { type filter hook prerouting "
            f"priority -400; tcp sport {{ {ports} }} drop; }}; }}")
        started = time.monotonic()
        told = {}
        threads = [threading.Thread(target=lambda name=name: told.update(
            {name: agent.curl("--http2", "-m", "30", f"https://{name}/after")}))
            for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        world.internet.command("nft", "delete table ip forgot")
    for name in names:
        assert json.loads(told[name].stdout)["target"] == "/after", told[name]
    assert 5 < time.monotonic() - started < 25


def test_an_early_answer_stops_an_upload_over_http2(agent, script):
    script("/early", lambda stream: stream.answer(b"no", status=413))
    with http2_client.connect(agent, TWO) as client:
        number = client.start("/early", "POST", is_end=False)
        client.send_data(number, b"x" * 1000)
        response = client.finish(number)
        assert (response.status, response.body) == (413, b"no")
        assert client.request_json("/next")["target"] == "/next"


def test_passes_interim_heads_to_http2(agent, script):
    def hints(stream):
        stream.read_all()
        stream.head(("link", "</a.css>"), status=103)
        stream.answer(b"after")

    script("/hints", hints)
    with http2_client.connect(agent, TWO) as client:
        response = client.request("/hints")
    assert (response.interim, response.status, response.body) == ([103], 200, b"after")


@pytest.mark.parametrize("server", ["web.example.com", "nghttpd.example.com"])
def test_carries_a_gigabyte_from_real_servers(agent, server):
    result = agent.run("sh", "-c", f"curl -sS --http2 https://{server}/gigabyte | wc -c")
    assert int(result.stdout) == 1 << 30, result.stderr


def test_passes_what_nghttpd_says(agent):
    body = bytes(range(251)) * 5000
    with http2_client.connect(agent, "nghttpd.example.com") as client:
        response = client.request("/index.html")
        assert response.body == b"hello from nginx\n"
        assert response.trailers == [("x-served-by", "nghttpd")]
        assert client.request("/missing").status == 404
        assert client.request("/echo", "POST", body=body).body == body


def test_nginx_is_asked_in_the_agents_protocol(world, agent):
    # Nothing of the other protocol is in the pool's way, whichever came first.
    for version in ("--http2", "--http1.1", "--http2"):
        start = len(world.servers.nginx_log())
        assert agent.curl(version, "https://web.example.com/").returncode == 0
        line = wait_until(lambda: world.servers.nginx_log(start), "a line of nginx")[0]
        assert line[4] == ("HTTP/2.0" if version == "--http2" else "HTTP/1.1")


@pytest.mark.parametrize("version", VERSIONS)
def test_gives_a_download_more_than_a_small_window(agent, script, version):
    """A server a long way off sends no more than its window in a round trip."""
    most = []

    def serve(stream):
        stream.read_all()
        stream.head()
        for _ in range(16):
            stream.send(b"x" * MIB)
            most.append(stream.connection.http.local_flow_control_window(stream.number))
        stream.end()

    script("/long-way", serve)
    result = agent.run("sh", "-c", f"curl -sS {version} https://{TWO}/long-way | wc -c")
    assert int(result.stdout) == 16 * MIB
    assert 256 * 1024 < max(most) <= MIB


def test_a_websocket_needs_a_server_that_speaks_http1(agent, world):
    refused = world.http2.refused
    with agent.tls(TWO) as peer:
        peer.send((f"GET /chat HTTP/1.1\r\nHost: {TWO}\r\nConnection: Upgrade\r\n"
                   "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        answer = peer.read_until(b"\r\n\r\n", 5)
    assert answer.startswith(b"HTTP/1.1 502 ")
    wait_until(lambda: world.http2.refused == refused + 1, "a greeting without h2")


def test_a_reload_cuts_streams_that_are_not_allowed_any_more(world, agent, policy, script):
    def endless(stream):
        stream.read_all()
        stream.head()
        while True:
            stream.send(b"tick")
            time.sleep(0.01)

    script("/public/ticks", endless)
    script("/secret/ticks", endless)
    text = (policy.policy / "allowed-https.txt").read_text()
    with http2_client.connect(agent, TWO) as client:
        kept, cut = client.start("/public/ticks"), client.start("/secret/ticks")
        client.wait(lambda: client.responses[kept].body and client.responses[cut].body)
        policy.reload(https=text.replace("\nh2.example.com\n", "\nh2.example.com GET /public/**\n"))
        client.wait(lambda: client.responses[cut].reset is not None)
        before = len(client.responses[kept].body)
        client.wait(lambda: len(client.responses[kept].body) > before + 40)
    assert client.responses[kept].reset is None
