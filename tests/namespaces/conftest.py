"""One small internet and one wall for the whole suite, and the oracle of a refusal."""

import contextlib
import secrets
import socket

import pytest

from internet.agent import Agent
from internet.linux import prepare_mounts
from internet.wait import Late, wait_until
from internet.wall import Wall
from internet.world import ADDRESSES, FIREWALL_LINK, GATEWAY, World

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
    made = Wall(world, world.folder / "wall", https=HTTPS, ssh=SSH, dns=DNS)
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


class Witness:
    """What left the firewall since a moment, and what it recorded."""

    def __init__(self, world, wall, agent):
        self.world, self.wall, self.agent = world, wall, agent
        self.marker = "rct" + secrets.token_hex(6)
        self.settle()
        self.packet_start = world.capture.position()
        self.stream_start = world.journal.position()
        self.record_start = wall.record_position()

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
        return [packet for packet in self.packets() if packet.is_connect
                and (packet.destination, packet.port) != (ADDRESSES["resolver"], 53)]

    def marked(self):
        """Everything that carries the marker, in clear or inside TLS."""
        mark = self.marker.encode()
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


@pytest.fixture
def refused(world, wall, agent, ordinary):
    """with refused(kind=..., ...) as witness: whatever the agent does inside must come to nothing.

    The oracle: no marker byte leaves, no connection and no question of the agent's choice leaves
    (`may_connect` where a dial of the allowed name is right), a record says why, and an ordinary
    request works afterwards. That the connection ends in time is asked where it is made."""

    @contextlib.contextmanager
    def check(may_connect=False, is_recorded=True, **wanted):
        witness = Witness(world, wall, agent)
        yield witness
        if is_recorded:
            witness.record(decision="deny", **wanted)
        witness.settle()
        if not may_connect:
            assert not witness.connects(), witness.connects()
            asked = [packet for packet in witness.packets() if packet.protocol == "udp"]
            assert not asked, asked
        ordinary()
        witness.settle()
        assert not witness.marked(), witness.marked()
        stray = [
            packet for packet in witness.packets()
            if packet.protocol == "udp" and (packet.destination, packet.port)
            != (ADDRESSES["resolver"], 53)
        ]
        assert not stray, stray

    return check
