"""Roles and supervisor that die in the midst of traffic: contained, recorded, recovered."""

import contextlib
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from internet.linux import has_ended
from internet.wait import Late, wait_until

ONE, TWO = "origin.example.com", "h2.example.com"
USERS = {"proxy": "61001", "recorder": "61002"}
SIGNALS = [signal.SIGKILL, signal.SIGSEGV]


@pytest.fixture
def own(wall):
    """The suite's wall; made anew when a test has ended it."""
    yield wall
    if wall.process is None or wall.process.poll() is not None:
        wall.process = None
        wall.start()


def role(wall, name):
    """Its process, or None while there is none."""
    for pid in wall.children():
        with contextlib.suppress(OSError):
            if f"\nUid:\t{USERS[name]}\t" in Path(f"/proc/{pid}/status").read_text():
                return pid
    return None


def new_role(wall, name, before):
    return wait_until(lambda: role(wall, name) not in (None, before), f"a new {name}", 5)


class Load:
    """Requests without end: HTTP/1.1 by threads, HTTP/2 by h2load; what came of them."""

    def __init__(self, agent):
        self.agent = agent
        self.good = self.bad = 0
        self.is_over = False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.ask) for _ in range(4)]

    def ask(self):
        while not self.is_over:
            is_good = self.agent.try_request(ONE, "/load") == 200
            with self.lock:
                self.good += is_good
                self.bad += not is_good

    def __enter__(self):
        self.many = self.agent.namespace.start(
            "h2load", "-n1000000", "-c8", "-m8", f"https://{TWO}/load",
            env=self.agent.environment(), stdout=-3, stderr=-3)
        for thread in self.threads:
            thread.start()
        self.more(8)
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.many.kill()
        self.many.wait()
        for thread in self.threads:
            thread.join()

    def more(self, count, seconds=10):
        """Until so many more requests have gone well."""
        wanted = self.good + count
        wait_until(lambda: self.good >= wanted, "requests that go well", seconds)


@pytest.fixture
def load(agent):
    with Load(agent) as made:
        yield made


@pytest.mark.parametrize("number", SIGNALS)
def test_a_proxy_that_dies_under_load_is_replaced(own, load, ordinary, number):
    for _ in range(2):
        since, before = own.record_position(), role(own, "proxy")
        recorder = role(own, "recorder")
        os.kill(before, number)
        new_role(own, "proxy", before)
        own.wait_record(since, kind="control", reason="role restarted",
                        detail=f"proxy ended by signal {int(number)}")
        load.more(8)
        assert role(own, "recorder") == recorder, "the other role stayed"
    ordinary()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_recorder_that_dies_under_load_costs_no_request(own, load, ordinary, number):
    for _ in range(2):
        since, before = own.record_position(), role(own, "recorder")
        proxy = role(own, "proxy")
        os.kill(before, number)
        new_role(own, "recorder", before)
        own.wait_record(since, kind="control", reason="role restarted",
                        detail=f"recorder ended by signal {int(number)}")
        load.more(8)
        own.wait_record(own.record_position(), kind="http", name=ONE)
        assert role(own, "proxy") == proxy, "the other role stayed"
    assert load.bad == 0
    ordinary()


def test_passes_nothing_while_the_proxy_is_down(world, own, agent, ordinary):
    """The supervisor is held, so that nobody starts another."""
    ordinary()
    address, proxy = agent.address(ONE), role(own, "proxy")
    since = own.record_position()
    start = world.capture.position()
    os.kill(own.process.pid, signal.SIGSTOP)
    try:
        os.kill(proxy, signal.SIGKILL)
        waiting = agent.namespace.connect(address, 443, 2)
        waiting.settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        for port in (53, 22, 8080):
            with agent.namespace.connect(address, port, 2) as other, \
                    pytest.raises(TimeoutError):
                other.settimeout(0.3)
                other.recv(1)
        assert agent.ask(ONE, seconds=0.5) is None
        for target in ("198.51.100.11", "8.8.8.8"):
            with agent.namespace.socket(kind=socket.SOCK_DGRAM) as plain:
                plain.sendto(b"out", (target, 9))
        assert not [packet for packet in world.capture.since(start)
                    if packet.is_connect or b"out" in bytes(packet.payload)]
    finally:
        os.kill(own.process.pid, signal.SIGCONT)
    new_role(own, "proxy", proxy)
    own.wait_record(since, kind="control", detail="proxy ended by signal 9")
    # The connection that waited is served by the successor.
    with agent.context().wrap_socket(waiting, server_hostname=ONE) as secured:
        secured.settimeout(5)
        secured.sendall(f"GET /waited HTTP/1.1\r\nHost: {ONE}\r\n\r\n".encode())
        assert secured.recv(12) == b"HTTP/1.1 200"
    ordinary()


@pytest.mark.parametrize("number", SIGNALS)
def test_nothing_outlives_a_supervisor_that_dies_under_load(world, own, agent, ordinary, load,
                                                            number):
    roles = own.children()
    rules = world.firewall.command("nft", "list", "table", "inet", "rootcell")
    address = agent.address(ONE)
    own.process.send_signal(number)
    assert own.process.wait(5) == -number
    own.process.stdout.close()
    wait_until(lambda: all(has_ended(pid) for pid in roles),
               "the roles to end", 5)
    # Closed: no listener, no packet passes, and the rules stand as they stood.
    start = world.capture.position()
    for target in (address, "198.51.100.11"):
        with pytest.raises(OSError):
            agent.namespace.connect(target, 443, 0.5)
    assert agent.ask(ONE, seconds=0.3) is None
    assert not [packet for packet in world.capture.since(start) if packet.is_connect]
    assert world.firewall.command("nft", "list", "table", "inet", "rootcell") == rules
    assert world.firewall.command("cat", "/proc/sys/net/ipv4/ip_forward").strip() == "0"
    own.start()
    load.more(8)
    ordinary()


def test_a_proxy_that_hangs_is_replaced(own, ordinary):
    """It is asked every ten seconds, and after three without an answer it is ended."""
    ordinary()
    since, before = own.record_position(), role(own, "proxy")
    os.kill(before, signal.SIGSTOP)
    try:
        own.wait_record(since, 120, kind="control", reason="the proxy does not answer")
        own.wait_record(since, kind="control", detail="proxy ended by signal 9")
        new_role(own, "proxy", before)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(before, signal.SIGCONT)
    ordinary()


def test_roles_that_die_again_and_again_come_back_at_a_bounded_rate(own, ordinary):
    since = own.record_position()
    for _ in range(4):
        for name in USERS:
            before = role(own, name)
            os.kill(before, signal.SIGKILL)
            new_role(own, name, before)
    before = role(own, "proxy")
    os.kill(before, signal.SIGKILL)
    new_role(own, "proxy", before)
    before = role(own, "proxy")
    os.kill(before, signal.SIGKILL)
    with pytest.raises(Late):
        # One that died young has a successor half a second later.
        wait_until(lambda: role(own, "proxy") not in (None, before), "a new proxy", 0.2)
    new_role(own, "proxy", before)
    ordinary()
    ended = [record["detail"] for record in own.records(since)
             if record.get("reason") == "role restarted"]
    assert ended.count("proxy ended by signal 9") == 6
