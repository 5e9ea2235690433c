"""Calls to models, captured at the wall and shown at the control socket."""

import contextlib
import json
import os
import signal
import subprocess
import threading

import pytest

from internet import http2_client
from internet.viewer import Viewer, recorder_of
from internet.wait import wait_until
from internet.wall import Wall

NAME = "origin.example.com"
SECRET = "sk-ant-api03-realKeyThatNobodyMaySee0123456789"
MIB = 1 << 20
BODY = b'{"model":"claude","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}'


def fetch(agent, target):
    """A large response; curl takes it faster than Python does."""
    result = agent.curl("--http1.1", "--data-binary", BODY.decode(), f"https://{NAME}{target}")
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def viewer(wall):
    with Viewer(wall, "bodies") as made:
        assert made.answer == {"ok": True}
        yield made


def test_shows_nothing_of_what_passed_before_somebody_watched(agent, wall):
    assert agent.request(NAME, "/llm/before", method="POST", body=BODY)[0] == 200
    with Viewer(wall, "bodies", "backlog") as viewer:
        agent.request(NAME, "/llm/after", method="POST", body=BODY)
        assert viewer.call("/llm/after").body("request") == BODY
        assert b"/llm/before" not in viewer.received


def test_shows_a_call_of_http1_byte_for_byte(agent, viewer):
    status, _, body = agent.request(NAME, "/llm/one?beta=true", method="POST", body=BODY,
                                    fields=["Content-Type: application/json"])
    assert status == 200
    call = viewer.call("/llm/one?beta=true")
    assert (call.begin["provider"], call.begin["api"], call.begin["transport"],
            call.begin["host"], call.begin["method"]) == ("example", "other", "h1", NAME, "POST")
    assert call.body("request") == BODY
    assert call.body("response") == body
    assert call.response["status"] == 200
    assert not call.end.get("is_truncated")


def test_shows_a_call_of_http2_byte_for_byte(agent, viewer):
    body = os.urandom(300000)
    with http2_client.connect(agent, "h2.example.com") as client:
        response = client.request("/llm/two", method="POST", body=body)
    assert response.status == 200
    call = viewer.call("/llm/two")
    assert call.begin["transport"] == "h2"
    assert call.body("request") == body
    assert call.body("response") == response.body


def test_shows_nothing_of_other_hosts_paths_and_logins(agent, viewer):
    for target in ("/v1/messages", "/v2/other", "/llm/oauth/token", "/llm/OAuth/token",
                   "/llm/%6Fauth/token", "/llm/oauth;x=1/token"):
        agent.request(NAME, target, method="POST" if target != "/v1/messages" else "GET",
                      body=b"refresh_token=never-to-be-seen")
    agent.request("other.example.com", "/llm/x", method="POST", body=b"never-to-be-seen")
    agent.request(NAME, "/llm/last", method="POST", body=BODY)
    viewer.call("/llm/last")
    assert b"never-to-be-seen" not in viewer.received
    assert len(viewer.calls()) == 1


def test_shows_no_secret_of_a_head(agent, viewer, script):
    def answer(request, connection):
        connection.read_body(request)
        connection.answer(b"{}", fields=(
            ("Set-Cookie", f"session={SECRET}"), ("X-Echo", f"Bearer {SECRET}"),
            ("Location", f"https://a.example/?access_token={SECRET}"),
            ("Anthropic-Organization-Id", "org-nobody-sees")))
        return True

    script("/llm/secret", answer)
    status, _, _ = agent.request(
        NAME, f"/llm/secret?api_key={SECRET}&x=1", method="POST", body=BODY, fields=[
            f"Authorization: Bearer {SECRET}", f"X-Api-Key: {SECRET}", f"Cookie: a={SECRET}",
            f"X-Amz-Security-Token: {SECRET}", f"X-Note: bearer {SECRET}", f"X-Other: {SECRET}"])
    assert status == 200
    call = viewer.call("/llm/secret?api_key=[redacted]&x=1")
    assert ["set-cookie", "[redacted]"] in call.response["headers"]
    assert SECRET.encode() not in viewer.received
    assert b"org-nobody-sees" not in viewer.received


def test_a_response_that_breaks_off_is_told_so(agent, viewer, script):
    def answer(request, connection):
        connection.read_body(request)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return False

    script("/llm/half", answer)
    with pytest.raises(AssertionError):
        agent.request(NAME, "/llm/half", method="POST", body=BODY)
    call = viewer.call("/llm/half")
    assert call.end["is_truncated"] and call.body("response") == b"half"


def test_shows_a_response_while_it_streams(agent, viewer, script):
    go_on = threading.Event()

    def answer(request, connection):
        connection.read_body(request)
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert go_on.wait(30)
        connection.send(b"4\r\nlast\r\n0\r\n\r\n")
        return True

    script("/llm/stream", answer)
    done = threading.Thread(
        target=lambda: agent.request(NAME, "/llm/stream", method="POST", body=BODY))
    done.start()
    try:
        viewer.wait_event("body", side="response", text="first")
    finally:
        go_on.set()
        done.join()
    assert viewer.call("/llm/stream").body("response") == b"firstlast"


def test_shows_refusals_between_the_calls(agent, viewer):
    agent.ask("denied-while-watched.example.net")
    event = wait_until(
        lambda: next((event for event in viewer.events() if event["event"] == "audit"
                      and "denied-while-watched" in event["text"]), None), "the refusal")
    assert '"decision":"deny"' in event["text"]


def test_four_may_watch_and_the_fifth_is_told_so(agent, wall):
    viewers = [Viewer(wall) for _ in range(4)]
    try:
        with Viewer(wall, is_reading=False) as fifth:
            assert fifth.answer["ok"] is False and "watch" in fifth.answer["error"]
        agent.request(NAME, "/llm/four", method="POST", body=BODY)
        for viewer in viewers:
            viewer.call("/llm/four")
            assert not any(event["event"] == "body" for event in viewer.events())
        viewers[0].close()

        def attach():
            viewer = Viewer(wall, is_reading=False)
            viewer.close()
            return viewer.answer["ok"]

        wait_until(attach, "the place of one that has gone")
    finally:
        for viewer in viewers:
            viewer.close()


def test_refuses_options_that_are_none(wall):
    with Viewer(wall, "everything", is_reading=False) as viewer:
        assert viewer.answer["ok"] is False and "everything" in viewer.answer["error"]


def test_the_program_copies_events_to_standard_output(agent, wall):
    program = str(wall.command_line()[0])
    with subprocess.Popen([program, "control", str(wall.control), "capture", "bodies"],
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as client:
        try:
            assert client.stdout.readline() == b'{"ok":true}\n'
            agent.request(NAME, "/llm/copied", method="POST", body=BODY)
            line = client.stdout.readline()
            assert b'"event":"call"' in line and b"/llm/copied" in line
            client.stdout.close()
            assert client.wait(20) == 0
        finally:
            if client.poll() is None:
                client.kill()


@pytest.mark.parametrize("is_reading", [True, False])
def test_an_attended_copy_ends_with_its_input_even_when_nobody_reads_it(agent, wall, is_reading):
    program = str(wall.command_line()[0])
    with subprocess.Popen([program, "control", str(wall.control), "capture", "bodies", "attended"],
                          stdout=subprocess.PIPE, stdin=subprocess.PIPE) as client:
        try:
            assert client.stdout.readline() == b'{"ok":true}\n'
            for _ in range(1 if is_reading else 8):  # more than the pipe holds
                agent.request(NAME, "/llm/copied", method="POST", body=b"x" * 65536)
            if is_reading:
                assert b"/llm/copied" in client.stdout.readline()
            client.stdin.close()
            assert client.wait(20) == 0
        finally:
            if client.poll() is None:
                client.kill()


def test_a_viewer_that_does_not_read_holds_nobody_up_and_learns_what_it_missed(
        agent, wall, script, viewer):
    size = 6 * MIB

    def answer(request, connection):
        connection.read_body(request)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = b"x" * 65536
        for _ in range(size // len(block)):
            connection.send(block)
        return True

    script("/llm/large", answer)
    with Viewer(wall, "bodies", is_reading=False) as stalled:
        for number in range(2):
            assert len(fetch(agent, f"/llm/large?{number}")) == size
            # The one that reads is served meanwhile.
            viewer.call(f"/llm/large?{number}")
        stalled.start()
        # It may be a small machine's ring, or a large one's that has not lapped it.
        stalled.call("/llm/large?1")
        shown = sum(len(call.body("response")) for call in stalled.calls())
        lost = any(event["event"] == "lost" for event in stalled.events())
        cut = any(call.end and call.end.get("is_truncated") for call in stalled.calls())
        assert lost or cut or shown == 2 * size


def test_traffic_goes_on_while_the_recorder_stands_still(agent, wall, viewer, script):
    size = 40 * MIB

    def answer(request, connection):
        connection.read_body(request)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = b"y" * 65536
        for _ in range(size // len(block)):
            connection.send(block)
        return True

    script("/llm/still", answer)
    recorder = recorder_of(wall)
    os.kill(recorder, signal.SIGSTOP)
    try:
        assert len(fetch(agent, "/llm/still")) == size
    finally:
        os.kill(recorder, signal.SIGCONT)
    call = viewer.call("/llm/still")
    assert call.end["is_truncated"]
    assert len(call.body("response")) < size
    assert call.body("response") == b"y" * len(call.body("response"))
    # Afterwards all is captured as before.
    agent.request(NAME, "/llm/again", method="POST", body=BODY)
    assert viewer.call("/llm/again").body("request") == BODY


def is_let_in(wall):
    with Viewer(wall, "bodies") as viewer:
        return viewer.answer["ok"]


def test_refuses_a_viewer_beyond_four_until_one_has_gone(wall):
    with contextlib.ExitStack() as viewers:
        for _ in range(3):
            assert viewers.enter_context(Viewer(wall, "bodies")).answer == {"ok": True}
        with Viewer(wall, "bodies") as fourth:
            assert fourth.answer == {"ok": True}
            with Viewer(wall, "bodies") as fifth:
                assert fifth.answer == {"ok": False, "error": "4 others watch already"}
        wait_until(lambda: is_let_in(wall), "the fourth one's place", 10)


def test_a_viewer_is_attached_while_the_proxy_stands_still(agent, wall):
    proxy = next(pid for pid in wall.children() if pid != recorder_of(wall))
    os.kill(proxy, signal.SIGSTOP)
    try:
        viewer = Viewer(wall, "bodies")
    finally:
        os.kill(proxy, signal.SIGCONT)
    with viewer:
        assert viewer.answer == {"ok": True}
        wait_until(lambda: agent.try_request(NAME, "/llm/attached") == 200 and
                   b"/llm/attached" in viewer.received, "calls to be captured")


def test_a_killed_recorder_ends_viewers_and_the_next_one_serves(agent, wall, viewer):
    since = wall.record_position()
    old = recorder_of(wall)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: viewer.is_ended, "the viewer to be disconnected")
    wall.wait_record(since, kind="control", reason="role restarted")

    def attach():
        made = Viewer(wall, "bodies", is_reading=False)
        if made.answer["ok"]:
            made.start()
            return made
        made.close()
        return None

    with wait_until(attach, "a recorder again") as again:
        agent.request(NAME, "/llm/next", method="POST", body=BODY)
        assert again.call("/llm/next").body("request") == BODY


def test_a_killed_proxy_is_followed_by_one_that_captures(agent, wall, viewer):
    since = wall.record_position()
    proxy = next(pid for pid in wall.children() if pid != recorder_of(wall))
    os.kill(proxy, signal.SIGKILL)
    wall.wait_record(since, kind="control", reason="role restarted")
    wait_until(lambda: agent.try_request(NAME, "/ordinary") == 200, "the next proxy")
    agent.request(NAME, "/llm/proxy", method="POST", body=BODY)
    assert viewer.call("/llm/proxy").body("request") == BODY


def test_memory_comes_back_when_nobody_watches_any_more(agent, wall, script):
    def answer(request, connection):
        connection.read_body(request)
        connection.answer(b"z" * (6 * MIB))
        return True

    def recorder_kib():
        with open(f"/proc/{recorder_of(wall)}/smaps_rollup") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    script("/llm/memory", answer)
    before = recorder_kib()
    with Viewer(wall, "bodies") as viewer:
        agent.request(NAME, "/llm/memory", method="POST", body=BODY)
        viewer.call("/llm/memory")
        assert recorder_kib() > before + 1536
    wait_until(lambda: recorder_kib() < before + 1024, "the memory of the ring to come back")


WEBSOCKET_CLIENT = """
import asyncio, os, ssl, sys, websockets

async def main():
    context = ssl.create_default_context(cafile=sys.argv[1])
    async with websockets.connect("wss://ws.example.com/echo", ssl=context, max_size=None,
                                  compression=sys.argv[2] if sys.argv[2] != "none" else None) as ws:
        for number in range(20):
            message = '{"type":"example","number":%d,"text":"%s"}' % (number, "abc" * 500)
            await ws.send(message)
            assert await ws.recv() == message

asyncio.run(main())
"""


@pytest.mark.parametrize("compression", ["none", "deflate"])
def test_shows_the_messages_of_a_websocket(agent, wall, viewer, compression):
    client = agent.home / "capture_websocket.py"
    client.write_text(WEBSOCKET_CLIENT)
    result = agent.run("/usr/bin/python3", client, wall.ca, compression, timeout=60)
    assert result.returncode == 0, result.stderr

    def is_seen():
        text = bytes(viewer.received)
        return all(text.count(b'number\\":%d,' % number) + text.count(b'number":%d,' % number) >= 2
                   for number in range(20))

    wait_until(is_seen, "every message, both ways")
    assert any(event.get("transport") == "ws" for event in viewer.events())


@pytest.fixture
def own_wall(world, wall, tmp_path):
    """A wall in the place of the suite's, started by the test."""
    wall.stop()
    made = Wall(world, tmp_path / "own", https=f"{NAME}\nh2.example.com\n")
    yield made
    made.stop()
    wall.start()


def test_appends_events_and_bodies_to_a_file(own_wall, agent, script, tmp_path):
    def answer(request, connection):
        connection.read_body(request)
        connection.answer(b"{}")
        return True

    script("/llm/file", answer)
    path = tmp_path / "calls.jsonl"
    path.write_text("what was there\n")
    own_wall.start(capture=path)
    agent.wall, before = own_wall, agent.wall
    try:
        agent.request(NAME, f"/llm/file?key={SECRET}", method="POST", body=BODY,
                      fields=[f"X-Api-Key: {SECRET}"])
        agent.ask("denied-in-a-file.example.net")
        wait_until(lambda: b"denied-in-a-file" in path.read_bytes(), "the refusal in the file")
        # A recorder that follows goes on in the same file.
        os.kill(recorder_of(own_wall), signal.SIGKILL)
        own_wall.wait_record(kind="control", reason="role restarted")

        def is_captured():
            agent.request(NAME, "/llm/later", method="POST", body=BODY)
            return b"/llm/later" in path.read_bytes()

        wait_until(is_captured, "calls after the restart")
    finally:
        agent.wall = before
    assert own_wall.stop() == 0
    lines = path.read_bytes().splitlines()
    assert lines[0] == b"what was there"
    events = [json.loads(line) for line in lines[1:]]
    assert {"call", "body", "end", "audit"} <= {event["event"] for event in events}
    assert SECRET.encode() not in path.read_bytes()
    assert os.stat(path).st_mode & 0o777 == 0o644


def test_a_viewer_gets_what_was_recorded_before_it_came(own_wall, agent):
    own_wall.start(recording=True)
    agent.wall, before = own_wall, agent.wall
    try:
        agent.request(NAME, "/llm/recorded", method="POST", body=BODY)
        agent.request(NAME, "/llm/recorded?2", method="POST", body=BODY)
        with Viewer(own_wall, "backlog") as viewer:
            viewer.call("/llm/recorded")
            viewer.call("/llm/recorded?2")
        with Viewer(own_wall) as late:
            agent.request(NAME, "/llm/recorded?3", method="POST", body=BODY)
            late.call("/llm/recorded?3")
            assert len(late.calls()) == 1
    finally:
        agent.wall = before


def test_refuses_to_start_with_a_provider_that_cannot_be_read(own_wall):
    bad = own_wall.providers / "bad.provider"
    bad.write_text("provider bad\napi unheard-of * a.example.com /\n")
    result = own_wall.world.firewall.run(*own_wall.command_line(), timeout=20)
    assert result.returncode == 2
    assert f"{bad}:2: `unheard-of` is no API that is known".encode() in result.stderr
    bad.unlink()
    result = own_wall.world.firewall.run(
        *own_wall.command_line(providers="/nonexistent"), timeout=20)
    assert result.returncode == 2 and b"--providers: /nonexistent" in result.stderr
