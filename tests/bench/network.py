"""The namespaces of the bench: every proxy stands on a path of the same shape.

    agent --link-- wall  --uplink-- internet      ours, with the packet rules that belong to it
    agent --link-- peers --uplink-- internet      all others
    agent ------------direct------- internet      no proxy: what the path itself costs

The proxies share one core; load generators and servers have the other one.
"""

import os

from internet.linux import Namespace, link

PROXY_CORE, LOAD_CORE = max(os.sched_getaffinity(0)), min(os.sched_getaffinity(0))

WALL, PEERS = "203.0.113.2", "203.0.113.34"  # where the agent reaches them
RESOLVER = "198.51.100.53"
# The last byte of a service's address is its own number after that of the way that leads there:
# a proxy that dials whatever address was dialled (squid, mitmproxy) has addresses of its own.
WAYS = {"plain": 10, "squid": 20, "mitmproxy": 30, "direct": 40}
SERVICES = {"warm": 0, "resumed": 1, "cold": 2, "events": 3, "mint": 4, "flip": 5, "websocket": 6,
            "ssh": 7}
PLAIN_SERVICES = ("warm", "resumed", "cold", "events")  # HTTP under one name each
DOMAIN = "bench.test"


def service_address(service, way="plain"):
    return f"198.51.100.{WAYS[way] + SERVICES[service]}"


def service_name(service):
    return f"{service}.{DOMAIN}"


class PinnedNamespace(Namespace):
    """A namespace whose processes run on one core."""

    def __init__(self, name, core):
        super().__init__(name)
        self.core = core

    def start(self, *words, **options):
        return super().start("taskset", "-c", self.core, *words, **options)

    def run(self, *words, **options):
        return super().run("taskset", "-c", self.core, *words, **options)


class Network:
    """All namespaces, connected; `upstream_ca` is set by whoever makes the servers."""

    def __init__(self):
        self.agent = PinnedNamespace("agent", LOAD_CORE)
        self.firewall = PinnedNamespace("wall", PROXY_CORE)
        self.peers = PinnedNamespace("peers", PROXY_CORE)
        self.internet = PinnedNamespace("internet", LOAD_CORE)
        self.upstream_ca = None
        self._connect(self.firewall, "eth0", "wan0", 0)
        self._connect(self.peers, "eth1", "wan1", 32)
        self._connect_directly()
        for way in WAYS:
            for service in SERVICES:
                self.internet.ip("addr", "add", f"{service_address(service, way)}/32",
                                 "dev", "lo")
        self.internet.ip("addr", "add", f"{RESOLVER}/32", "dev", "lo")
        self.agent.ip("route", "add", "default", "via", WALL)

    def _connect(self, middle, agent_side, internet_side, first):
        """203.0.113.FIRST/28 towards the agent, the sixteen after it towards the internet."""
        address = lambda number: f"203.0.113.{first + number}"  # noqa: E731
        link(self.agent, agent_side, middle, "link")
        link(middle, "uplink", self.internet, internet_side)
        self.agent.ip("addr", "add", f"{address(3)}/28", "dev", agent_side)
        middle.ip("addr", "add", f"{address(2)}/28", "dev", "link")
        middle.ip("addr", "add", f"{address(18)}/28", "dev", "uplink")
        middle.ip("route", "add", "default", "via", address(17))
        self.internet.ip("addr", "add", f"{address(17)}/28", "dev", internet_side)

    def _connect_directly(self):
        link(self.agent, "eth2", self.internet, "direct")
        self.agent.ip("addr", "add", "203.0.113.67/28", "dev", "eth2")
        self.internet.ip("addr", "add", "203.0.113.66/28", "dev", "direct")
        for service in SERVICES:
            for way in ("direct", "squid", "mitmproxy"):
                gateway = "203.0.113.66" if way == "direct" else PEERS
                self.agent.ip("route", "add", f"{service_address(service, way)}/32",
                              "via", gateway)
