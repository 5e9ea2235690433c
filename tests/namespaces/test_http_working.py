"""HTTP/1.1 as ordinary clients speak it, through the wall."""

import hashlib
import json
import subprocess
import threading
import time

import pytest

from internet.wait import wait_until

NAME = "origin.example.com"
HOST = b"Host: origin.example.com\r\n"
MIB = 1 << 20


def test_serves_curl(agent, wall):
    since = wall.record_position()
    result = agent.curl("-v", "https://web.example.com/")
    assert result.stdout == b"hello from nginx\n", result.stderr
    assert b"issuer: CN=The instance's authority" in result.stderr
    record = wall.wait_record(since, kind="http", name="web.example.com")
    assert (record["decision"], record["method"], record["path"], record["status"],
            record["received"], record["rule"]) == \
        ("allow", "GET", "/", 200, record["received"], "web.example.com")
    assert record["received"] >= len(result.stdout) and "duration_ms" in record


def test_keeps_a_connection_for_many_requests(world, agent):
    with agent.tls(NAME) as peer:
        for number in range(200):
            peer.send(b"GET /keep/%d HTTP/1.1\r\n" % number + HOST + b"\r\n")
            status, _, body = peer.read_response()
            assert status == 200 and json.loads(body)["target"] == f"/keep/{number}"


def test_serves_many_clients_at_once(agent):
    failures = []

    def client(number):
        try:
            for turn in range(5):
                told = agent.request_json(NAME, f"/many/{number}/{turn}")
                assert told["target"] == f"/many/{number}/{turn}"
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


def test_writes_the_host_itself_and_drops_hop_by_hop_fields(world, agent):
    agent.request(NAME, "/fields", fields=[
        "X-Kept: yes", "Connection: keep-alive, X-Dropped", "X-Dropped: no", "Keep-Alive: 5",
        "Proxy-Connection: keep-alive", "TE: trailers", "Cookie: a=b; c=d"])
    request = world.origin.requests[-1]
    assert request.field("host") == NAME and request.field("x-kept") == "yes"
    assert request.field("cookie") == "a=b; c=d"
    for name in ("x-dropped", "proxy-connection", "keep-alive"):
        assert request.field(name) is None, name


@pytest.mark.parametrize("host", ["ORIGIN.example.COM", "origin.example.com:443"])
def test_takes_every_right_spelling_of_the_host(world, agent, host):
    with agent.tls(NAME) as peer:
        peer.send(f"GET /spelling HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert peer.read_response()[0] == 200
    assert world.origin.requests[-1].field("host") == NAME


def test_takes_the_absolute_form_of_the_same_name(world, agent):
    with agent.tls(NAME) as peer:
        peer.send(b"GET https://origin.example.com/absolute?a=b HTTP/1.1\r\n" + HOST + b"\r\n")
        assert peer.read_response()[0] == 200
    assert world.origin.requests[-1].target == "/absolute?a=b"


def test_answers_http_1_0_and_closes(agent):
    with agent.tls(NAME) as peer:
        peer.send(b"GET /old HTTP/1.0\r\n" + HOST + b"\r\n")
        answer = peer.read_to_end(5)
    assert b" 200 " in answer[:20]


@pytest.mark.parametrize("sizes", [[5], [1, 2, 3, 70000, 1], [16384] * 20])
def test_passes_chunked_uploads_with_trailers(agent, sizes):
    body = b"".join(bytes([number % 251]) * size for number, size in enumerate(sizes))
    with agent.tls(NAME) as peer:
        peer.send(b"POST /chunked HTTP/1.1\r\n" + HOST
                  + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        start = 0
        for size in sizes:
            peer.send(b"%x\r\n" % size + body[start:start + size] + b"\r\n")
            start += size
        peer.send(b"0\r\nX-Sum: 7\r\n\r\n")
        status, _, answer = peer.read_response()
    told = json.loads(answer)
    assert (status, told["length"]) == (200, len(body))
    assert told["sha256"] == hashlib.sha256(body).hexdigest()
    assert told["trailers"] in (["X-Sum: 7"], ["x-sum: 7"], [])


def test_passes_chunked_responses(agent, script):
    def serve(request, connection):
        connection.read_body(request)
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(50):
            connection.send(b"%x;ignored=yes\r\n" % 1000 + bytes([65 + number % 26]) * 1000 + b"\r\n")
        connection.send(b"0\r\n\r\n")
        return True

    script("/stream", serve)
    with agent.tls(NAME) as peer:
        for _ in range(3):
            peer.send(b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n")
            status, _, body = peer.read_response()
            assert status == 200 and len(body) == 50000


def test_passes_a_response_that_ends_with_the_connection(agent, script):
    def serve(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n" + b"until the end " * 1000)
        connection.socket.unwrap()
        return False

    script("/until-close", serve)
    result = agent.curl(f"https://{NAME}/until-close")
    assert result.returncode == 0, result.stderr
    assert result.stdout == b"until the end " * 1000


def test_passes_100_continue_of_the_server(world, agent, script):
    order = []

    def serve(request, connection):
        order.append("head")
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.read_body(request)
        order.append("body")
        connection.answer(b"done")
        return True

    script("/expect", serve)
    with agent.tls(NAME) as peer:
        peer.send(b"POST /expect HTTP/1.1\r\n" + HOST
                  + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert peer.read_until(b"\r\n\r\n", 3).startswith(b"HTTP/1.1 100 ")
        peer.send(b"data")
        assert peer.read_response()[2] == b"done"


def test_says_100_itself_when_the_server_does_not(agent, script):
    def serve(request, connection):
        connection.read_body(request)
        connection.answer(b"done")
        return True

    script("/silent", serve)
    with agent.tls(NAME) as peer:
        started = time.monotonic()
        peer.send(b"POST /silent HTTP/1.1\r\n" + HOST
                  + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert peer.read_until(b"\r\n\r\n", 4).startswith(b"HTTP/1.1 100 ")
        assert 0.5 < time.monotonic() - started < 3
        peer.send(b"data")
        assert peer.read_response()[2] == b"done"


def test_passes_a_final_answer_instead_of_100(agent, script):
    def serve(request, connection):
        connection.answer(b"no", status="417 Expectation Failed")
        return False

    script("/no", serve)
    with agent.tls(NAME) as peer:
        peer.send(b"POST /no HTTP/1.1\r\n" + HOST
                  + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert peer.read_response()[0] == 417


def test_passes_early_hints(agent, script):
    def serve(request, connection):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        connection.answer(b"after")
        return True

    script("/hints", serve)
    with agent.tls(NAME) as peer:
        peer.send(b"GET /hints HTTP/1.1\r\n" + HOST + b"\r\n")
        assert peer.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 103 ")
        assert peer.read_response()[2] == b"after"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "404 Not Found",
                                    "301 Moved", "500 Oops", "529 Overloaded"])
def test_passes_every_status_and_keeps_the_connection(agent, script, status):
    def serve(request, connection):
        if status[:3] in ("204", "304"):
            connection.send(f"HTTP/1.1 {status}\r\nETag: \"x\"\r\n\r\n".encode())
        else:
            connection.answer(b"text", status=status)
        return True

    script("/status", serve)
    with agent.tls(NAME) as peer:
        for _ in range(3):
            peer.send(b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n")
            head = peer.read_until(b"\r\n\r\n")
            assert int(head.split(b" ")[1]) == int(status[:3])
            if status[:3] not in ("204", "304"):
                assert peer.read_exactly(4) == b"text"


def test_answers_head_without_a_body(agent):
    with agent.tls(NAME) as peer:
        for _ in range(3):
            peer.send(b"HEAD /head HTTP/1.1\r\n" + HOST + b"\r\n")
            head = peer.read_until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ") and peer.received == b""


def test_streams_each_event_without_delay(agent, script):
    gate = threading.Semaphore(0)

    def serve(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
        for number in range(100):
            gate.acquire(timeout=5)
            event = b"data: %d %.6f\n\n" % (number, time.monotonic())
            connection.send(b"%x\r\n" % len(event) + event + b"\r\n")
        connection.send(b"0\r\n\r\n")
        return True

    script("/events", serve)
    delays = []
    with agent.tls(NAME) as peer:
        peer.send(b"GET /events HTTP/1.1\r\n" + HOST + b"\r\n")
        peer.read_until(b"\r\n\r\n")
        for number in range(100):
            gate.release()
            line = peer.read_until(b"\n\n\r\n")
            sent = float(line.split(b"\r\n")[1].split()[2])
            delays.append((time.monotonic() - sent) * 1000)
    delays.sort()
    print(f"event delay p50 {delays[50]:.2f} ms, p99 {delays[98]:.2f} ms")
    assert delays[50] < 5, delays


def test_streams_a_request_body_as_it_comes(agent, script):
    seen = []

    def serve(request, connection):
        while True:
            size = int(connection.read_line(), 16)
            if size == 0:
                connection.read_line()
                break
            seen.append(connection.read_exactly(size))
            connection.read_exactly(2)
            got.release()
        connection.answer(b"end")
        return True

    got = threading.Semaphore(0)
    script("/slow-upload", serve)
    with agent.tls(NAME) as peer:
        peer.send(b"POST /slow-upload HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        for number in range(5):
            peer.send(b"1\r\n%d\r\n" % number)
            assert got.acquire(timeout=2), "the body waited in the wall"
        peer.send(b"0\r\n\r\n")
        assert peer.read_response()[2] == b"end"


def test_downloads_a_gigabyte_with_flat_memory(world, wall, agent):
    before = wall.memory_kib()
    most = [before]
    process = world.agent.start(
        "curl", "-sS", "-o", "/dev/null", "-w", "%{size_download} %{time_total}",
        "https://web.example.com/gigabyte", env=agent.environment(), stdout=subprocess.PIPE)
    with world.capture.paused():
        while process.poll() is None:
            most.append(wall.memory_kib())
            time.sleep(0.1)
    size, seconds = process.stdout.read().split()
    assert process.returncode == 0 and int(size) == 1 << 30
    print(f"download {1024 / float(seconds):.0f} MB/s, memory {before} -> at most {max(most)} KiB")
    assert max(most) < before + 8 * 1024


def test_uploads_a_gigabyte_with_flat_memory(world, wall, agent, script):
    def serve(request, connection):
        length = connection.sink_body(request)
        connection.answer(str(length).encode())
        return True

    script("/sink", serve)
    before = wall.memory_kib()
    most = [before]
    process = world.agent.start(
        "curl", "-sS", "-T", str(world.servers.folder / "www" / "gigabyte"), "-w",
        " %{time_total}", "-H", "Expect:", f"https://{NAME}/sink", env=agent.environment(),
        stdout=subprocess.PIPE)
    with world.capture.paused():
        while process.poll() is None:
            most.append(wall.memory_kib())
            time.sleep(0.1)
    size, seconds = process.stdout.read().split()
    assert process.returncode == 0 and int(size) == 1 << 30
    print(f"upload {1024 / float(seconds):.0f} MB/s, memory {before} -> at most {max(most)} KiB")
    assert max(most) < before + 8 * 1024


def test_holds_back_a_server_whose_client_does_not_read(wall, agent):
    before = wall.memory_kib()
    with agent.tls("web.example.com") as peer:
        peer.send(b"GET /gigabyte HTTP/1.1\r\nHost: web.example.com\r\n\r\n")
        peer.read_until(b"\r\n\r\n")
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            assert wall.memory_kib() < before + 4 * 1024
            time.sleep(0.05)


def test_gives_the_answer_that_comes_before_the_body_is_sent(agent, script):
    def serve(request, connection):
        connection.answer(b"too large", status="413 Content Too Large",
                          fields=[("connection", "close")])
        return False

    script("/too-large", serve)
    with agent.tls(NAME) as peer:
        peer.send(b"POST /too-large HTTP/1.1\r\n" + HOST + b"Content-Length: 100000000\r\n\r\n")
        peer.send(b"a" * 10000)
        status, _, body = peer.read_response(5)
        assert (status, body) == (413, b"too large")


WEBSOCKET_CLIENT = """
import asyncio, os, ssl, sys, websockets

async def main():
    context = ssl.create_default_context(cafile=sys.argv[1])
    async with websockets.connect("wss://ws.example.com/echo", ssl=context, max_size=None) as ws:
        for number in range(10000):
            message = ("%d " % number) * (number % 50 + 1)
            await ws.send(message)
            assert await ws.recv() == message
        big = os.urandom(4 << 20)
        await ws.send(big)
        assert await ws.recv() == big
    print("10000 echoes")

asyncio.run(main())
"""


def test_echoes_ten_thousand_websocket_messages(agent, wall):
    since = wall.record_position()
    client = agent.home / "websocket_client.py"
    client.write_text(WEBSOCKET_CLIENT)
    result = agent.run("/usr/bin/python3", client, wall.ca, timeout=120)
    assert result.stdout == b"10000 echoes\n", result.stderr
    record = wall.wait_record(since, kind="http", name="ws.example.com")
    assert record["status"] == 101 and record["sent"] > 4 * MIB and record["received"] > 4 * MIB


def test_clones_and_pushes_over_https(agent):
    clone = agent.home / "over-https"
    result = agent.run("git", "clone", "-q", "https://git.example.com/project.git", clone)
    assert result.returncode == 0, result.stderr
    assert (clone / "hello.txt").read_text() == "hello\n"
    (clone / "large.bin").write_bytes(hashlib.sha512(b"seed").digest() * 60000)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    for words in (["add", "."], [*who, "commit", "-qm", "large"], ["push", "-q"], ["fetch", "-q"]):
        result = agent.run("git", "-C", clone, *words)
        assert result.returncode == 0, result.stderr


def test_serves_python_and_curl_clients_alike(agent):
    program = (
        "import urllib.request, json\n"
        "for n in range(5):\n"
        "  r = urllib.request.Request('https://origin.example.com/py', data=b'x' * 1000)\n"
        "  assert json.load(urllib.request.urlopen(r))['length'] == 1000\n"
        "print('fine')\n"
    )
    result = agent.run("/usr/bin/python3", "-c", program)
    assert result.stdout == b"fine\n", result.stderr
    result = agent.curl("--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
                        "https://web.example.com/")
    assert result.stdout in (b"1.1 200", b"2 200"), result.stderr


def test_reaches_a_port_that_the_policy_names(world, agent):
    """The catcher answers there: that the wall dials name and port of the rule is what is asked."""
    start = world.capture.position()
    try:
        agent.request("spare.example.com", "/", port=8443)
    except (OSError, AssertionError):
        pass
    wait_until(
        lambda: {(packet.destination, packet.port) for packet in world.capture.since(start)
                 if packet.is_connect} == {("198.51.100.11", 8443)},
        "a dial of that port and of no other", 3)


def test_answers_pipelined_requests_one_after_the_other(agent):
    with agent.tls(NAME) as peer:
        peer.send(b"".join(b"GET /pipeline/%d HTTP/1.1\r\n" % n + HOST + b"\r\n" for n in range(20)))
        for number in range(20):
            status, _, body = peer.read_response()
            assert status == 200
            assert json.loads(body)["target"] == f"/pipeline/{number}"


@pytest.mark.parametrize("method,target", [
    ("GET", "/public/a"), ("HEAD", "/public/a/b/c"), ("GET", "/public/a%20b?x=../../%2e%2e"),
    ("POST", "/upload/file"), ("GET", "/public/a..b"), ("GET", "/public/.hidden"),
    ("GET", "/public/caf%C3%A9"),
])
def test_allows_what_a_rule_names(world, agent, method, target):
    status, _, _ = agent.request("rules.example.com", target, method=method,
                                 fields=["Content-Length: 0"] if method == "POST" else ())
    assert status == 200
    assert world.origin.requests[-1].target == target


def test_allows_an_encoded_slash_where_the_rule_says_so(world, agent):
    assert agent.request("encoded.example.com", "/packages/@scope%2fname")[0] == 200
    assert world.origin.requests[-1].target == "/packages/@scope%2fname"


def test_tells_a_refused_agent_how_its_user_can_allow_it(agent):
    status, fields, body = agent.request("rules.example.com", "/secret")
    told = json.dumps(json.loads(body))
    assert status == 403 and "rootcell" in told and "allow" in told
    assert "rules.example.com" in told or "host" in told
    assert len(body) < 2000 and "location" not in fields
