"""One small internet and one wall for a whole suite, and the oracle of a refusal.

Suites take these fixtures with `from internet.fixtures import *` in their conftest.py. With
ROOTCELL_TESTS_STAND_IN=relay a plain relay stands where the firewall should: then every attack
gets through, and the oracle is asked to say so (tests/attack/conftest.py)."""

import contextlib
import os
import secrets
import socket

import pytest

from internet.agent import Agent
from internet.linux import prepare_mounts
from internet.relay import Relay
from internet.wait import Late, wait_until
from internet.wall import Wall
from internet.world import ADDRESSES, FIREWALL_LINK, GATEWAY, World

IS_STAND_IN = os.environ.get("ROOTCELL_TESTS_STAND_IN") == "relay"

HTTPS = """\
# Everything that the suite reaches through HTTPS.
web.example.com
git.example.com
ws.example.com
origin.example.com
other.example.com
spare.example.com:8443
*.one.example.com
**.deep.example.com
*.storm.example.com
rules.example.com GET,HEAD /public/**
rules.example.com POST /upload/*
encoded.example.com GET /packages/** +encoded-slash
expired.example.com
future.example.com
wrong-name.example.com
cn-only.example.com
self-signed.example.com
stranger.example.com
a.two-levels.example.com
partial.example.com
wildcard.example.com
client-usage.example.com
old-tls.example.com
h2.example.com
nghttpd.example.com
web-other.example.com
tls12.example.com:8443
h2-other.example.com
loopback.example.com
metadata.example.com
*.odd.example.net
*.private.odd.example.net +private
"""
SSH = "ssh.example.com\nodd-ssh.example.com\n"
DNS = "names.example.com\n"


@pytest.fixture(scope="session")
def world():
    prepare_mounts(FIREWALL_LINK)
    made = World()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def wall(world):
    kind = Relay if IS_STAND_IN else Wall
    made = kind(world, world.folder / "wall", https=HTTPS, ssh=SSH, dns=DNS)
    made.start()
    yield made
    assert made.stop() == 0, made.stderr()
    assert "BUG" not in made.stderr() and "ERROR: " not in made.stderr(), made.stderr()


@pytest.fixture(scope="session")
def agent(world, wall):
    return Agent(world, wall, FIREWALL_LINK, world.folder / "home")


@pytest.fixture
def policy(wall):
    """Change the policy in force; the suite's own comes back afterwards."""
    yield wall
    wall.reload(https=HTTPS, ssh=SSH, dns=DNS)
    extra = wall.policy / "groups"
    if extra.is_dir():
        for path in extra.iterdir():
            path.unlink()


def scripting(origin):
    """add(path, answer) for an origin; what was added is gone at the end."""
    added = []

    def add(path, answer):
        origin.scripts[path] = answer
        added.append(path)

    yield add
    for path in added:
        origin.scripts.pop(path, None)


@pytest.fixture
def script(world):
    """Answer one path of the origin by hand; gone after the test."""
    yield from scripting(world.origin)


@pytest.fixture
def http2_script(world):
    """The same for the origin of HTTP/2."""
    yield from scripting(world.http2)


class Leaked(AssertionError):
    """Something left the firewall that must not."""


class Witness:
    """What left the firewall since a moment, and what it recorded."""

    def __init__(self, world, wall, agent):
        self.world, self.wall, self.agent = world, wall, agent
        self.mark = "rct" + secrets.token_hex(6)
        self.is_mark_sent = False
        self.settle()
        self.packet_start = world.capture.position()
        self.inside_start = world.inside.position()
        self.stream_start = world.journal.position()
        self.record_start = wall.record_position()

    @property
    def marker(self):
        """What the attacker wants to see arrive."""
        self.is_mark_sent = True
        return self.mark

    def settle(self):
        """Everything that left the firewall before now has been captured."""
        mark = secrets.token_bytes(16)
        start = self.world.capture.position()
        with self.world.firewall.socket(kind=socket.SOCK_DGRAM) as plain:
            plain.sendto(mark, (GATEWAY, 9))
        wait_until(
            lambda: any(mark in packet.payload for packet in self.world.capture.since(start)),
            "the capture to catch up",
        )

    def packets(self):
        """What left, without the barrier's own datagrams."""
        return [
            packet for packet in self.world.capture.since(self.packet_start)
            if not (packet.protocol == "udp" and packet.destination == GATEWAY)
            and packet.protocol not in ("ipv6", "icmp")
        ]

    def connects(self):
        """Dials, but for the resolver's own port (long answers come over TCP)."""
        return [packet for packet in self.packets() + self.world.inside.since(self.inside_start)
                if packet.is_connect
                and (packet.destination, packet.port) != (ADDRESSES["resolver"], 53)]

    def questions(self):
        """Datagrams, if only to a resolver."""
        return [packet for packet in self.packets() if packet.protocol == "udp"]

    def strays(self):
        """Datagrams to anybody but the resolver."""
        return [packet for packet in self.questions()
                if (packet.destination, packet.port) != (ADDRESSES["resolver"], 53)]

    def dials(self, may_ask):
        """Connections, and questions too unless the wall may ask for an allowed name."""
        self.settle()
        return self.connects() + ([] if may_ask else self.questions())

    def leaks(self):
        """What is wrong whatever the wall may do for an allowed name."""
        self.settle()
        return self.strays() + self.marked()

    def marked(self):
        """Everything that carries the marker, in clear or inside TLS."""
        mark = self.mark.encode()
        found = [
            packet for packet in self.world.capture.since(self.packet_start)
            if mark in bytes(packet.payload).lower()
        ]
        for where, stream in self.world.journal.streams[self.stream_start:]:
            if mark in b"".join(stream).lower():
                found.append(where)
        return found

    def record(self, **wanted):
        """Why it was refused. Repeats are folded into a count that comes later: then the line of
        the first of them says it."""
        try:
            return self.wall.wait_record(self.record_start, seconds=0.5, **wanted)
        except Late:
            return self.wall.wait_record(self.wall.position_before(70), seconds=2, **wanted)

    def failure(self, name):
        """The record of a request that a rule allowed and that could not be carried out."""
        return self.wall.wait_record(self.record_start, kind="http", name=name, reason=bool)


@pytest.fixture
def ordinary(agent):
    """An ordinary allowed request still works."""

    def check():
        told = agent.request_json("origin.example.com", "/ordinary")
        assert told["name"] == "origin.example.com"

    return check


def look_for_a_leak(witness, may_connect, may_ask, problem):
    """Behind the stand-in: raise Leaked as soon as anything is seen that a refusal forbids. A case
    that sends no mark and forbids no dial must have noticed by itself."""
    def search():
        return witness.leaks() or (not may_connect and witness.dials(may_ask))

    try:
        found = wait_until(search, "a leak", 2)
    except Late:
        found = None
    if found:
        raise Leaked(found)
    if problem and may_connect and not witness.is_mark_sent:
        raise Leaked(f"noticed by the case: {problem!r}")


@pytest.fixture
def refused(world, wall, agent, ordinary):
    """with refused(kind=..., ...) as witness: whatever the agent does inside must come to nothing.

    The oracle: no marker byte leaves, no connection and no question leaves, a record says why, and
    an ordinary request works afterwards. `may_ask` where the wall may ask for the address of an
    allowed name, `may_connect` where it may dial it too. That the connection ends in time is asked
    where it is made."""

    @contextlib.contextmanager
    def check(may_connect=False, may_ask=False, is_recorded=True, **wanted):
        witness = Witness(world, wall, agent)
        if IS_STAND_IN:
            problem = None
            try:
                yield witness
            except (Exception, pytest.fail.Exception) as failure:
                problem = failure
            look_for_a_leak(witness, may_connect, may_ask, problem)
            return
        yield witness
        if is_recorded:
            witness.record(decision="deny", **wanted)
        dials = [] if may_connect else witness.dials(may_ask)
        ordinary()
        if dials or witness.leaks():
            raise Leaked(dials + witness.leaks())

    return check
