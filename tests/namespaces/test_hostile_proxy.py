"""A proxy in other hands: it can end itself, and do nothing to the supervisor."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from internet.viewer import Viewer, recorder_of
from internet.wait import wait_until
from internet.wall import PROGRAM, Wall, read_line
from internet.world import GATEWAY

HOSTILE = PROGRAM.parent / "tests" / "namespaces" / "hostile-firewall"
LIES = ["counters", "confirmations", "descriptors", "wrong-sizes"]


class HostileWall(Wall):
    """The real supervisor and recorder with a proxy that does as it is told."""

    def command_line(self, **changes):
        return [HOSTILE, *super().command_line(**changes)[1:]]

    def begin(self, way, **changes):
        self.errors = open(self.folder / "stderr.log", "ab")
        self.process = self.world.firewall.start(
            *self.command_line(**changes), stdout=-1, stderr=self.errors,
            env={**os.environ, "ROOTCELL_TESTS_HOSTILE": way})
        assert read_line(self.process.stdout, 10) == b"ready\n", self.stderr()

    def descriptors(self):
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def resident_kib(self):
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


@pytest.fixture
def hostile(world, wall, tmp_path):
    """A wall of its own in the place of the suite's."""
    wall.stop()
    made = HostileWall(world, tmp_path / "hostile", https="web.example.com\n")
    yield made
    made.stop()
    wall.start()


def status(wall):
    """Ask the supervisor how it is, and how long the answer took."""
    started = time.monotonic()
    result = wall.world.firewall.run(PROGRAM, "control", wall.control, "status", timeout=10)
    assert result.returncode == 0, result.stderr
    return time.monotonic() - started


def test_is_ended_when_it_says_what_nobody_asked(hostile):
    for way in LIES:
        since = hostile.record_position()
        hostile.begin(way)
        hostile.wait_record(since, kind="control", reason="role restarted",
                            detail="proxy ended by signal 9")
        if way in ("counters", "confirmations", "descriptors"):
            hostile.wait_record(since, kind="control", decision="deny",
                                reason="the proxy said what nobody asked")
        before = hostile.descriptors(), hostile.resident_kib()
        for _ in range(5):
            assert status(hostile) < 2, way
        assert hostile.descriptors() <= before[0] + 4
        assert hostile.resident_kib() <= before[1] + 1024
        assert hostile.stop() == 0, hostile.stderr()


def test_loses_its_place_when_it_hears_no_reload(hostile):
    hostile.begin("deaf")
    since = hostile.record_position()
    hostile.write_policy(https="other.example.com\n")
    hostile.process.send_signal(signal.SIGHUP)
    hostile.wait_record(since, seconds=12, kind="policy", reason="policy in force")
    hostile.wait_record(since, kind="control", detail="proxy ended by signal 9")
    for _ in range(3):
        assert status(hostile) < 2


def test_cannot_keep_the_supervisor_from_its_records(hostile):
    hostile.begin("records")
    since = hostile.record_position()
    proxy = next(pid for pid in hostile.children()
                 if "Uid:\t61001" in Path(f"/proc/{pid}/status").read_text())
    for _ in range(3):
        assert status(hostile) < 2
    os.kill(proxy, signal.SIGKILL)
    hostile.wait_record(since, kind="control", detail="proxy ended by signal 9")
    hostile.wait_record(since, kind="control", reason="malformed records refused")


def test_cannot_break_the_recorder_with_captures(hostile):
    since = hostile.record_position()
    hostile.begin("captures", recording=True)
    recorder = recorder_of(hostile)
    with Viewer(hostile, "bodies", "backlog") as viewer:
        assert viewer.answer["ok"]
        wait_until(lambda: len(viewer.received) > 1 << 20, "events of what it says")
        hostile.wait_record(since, kind="control", reason="malformed captures refused", seconds=30)
        for _ in range(3):
            assert status(hostile) < 5
        assert recorder_of(hostile) == recorder
        viewer.events()  # each line is JSON
    assert hostile.stop() == 0, hostile.stderr()
    assert not [record for record in hostile.records(since)
                if record.get("reason") == "role restarted"]


def test_is_replaced_when_it_closes_its_channel(hostile):
    since = hostile.record_position()
    hostile.begin("close")
    hostile.wait_record(since, kind="control", detail="proxy ended by signal 9")
    assert status(hostile) < 2


def test_dies_of_a_call_that_is_not_its_work(hostile):
    since = hostile.record_position()
    hostile.begin("exec")
    hostile.wait_record(since, kind="control", reason="role restarted",
                        detail="proxy ended by a forbidden system call")
    # It tries again and again; each time a new one follows, not more than two a second.
    wait_until(lambda: len([record for record in hostile.records(since)
                            if record.get("reason") == "role restarted"]) >= 2,
               "the second one to die", 5)
    assert status(hostile) < 2


def test_sends_no_frame_past_the_packet_rules(world, hostile):
    """The socket that watches the link is bound by no rule: it must not send at all."""
    start = world.capture.position()
    hostile.begin("frames")
    mark = b"the barrier of this test"
    with world.firewall.socket(kind=socket.SOCK_DGRAM) as plain:
        wait_until(lambda: plain.sendto(mark, (GATEWAY, 9)) and any(
            mark in packet.payload for packet in world.capture.since(start)), "the capture")
    assert status(hostile) < 2
    assert not [packet for packet in world.capture.since(start)
                if b"hostile proxy" in bytes(packet.payload)]


def test_shares_no_memory_with_the_kernel(hostile):
    since = hostile.record_position()
    hostile.begin("map")
    hostile.wait_record(since, kind="control", detail="proxy ended by a forbidden system call")
