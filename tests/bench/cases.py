"""What is measured: each case gives one number a peer and round."""

import itertools
import time

import capture_cost
import process_tree
from network import DOMAIN, PEERS, WALL
from origin import TOOLS

LATENCY_RATE = 100  # requests a second


class Case:
    """`needs`: what a peer must be able to do. `measure(bench, peer)`: the number, in `unit`."""

    def __init__(self, key, title, unit, needs, measure, is_rate=False, is_relative=False):
        self.key, self.title, self.unit, self.measure = key, title, unit, measure
        self.needs = frozenset(needs)
        self.is_rate = is_rate  # more is better
        self.is_relative = is_relative  # the direct way's number is taken off

    def fits(self, peer):
        if peer.name == "direct":
            return self.is_relative
        return self.needs <= peer.can


def microseconds(work):
    """Processor time a unit of `work(bench, peer)`, which returns how many units it did."""

    def measure(bench, peer):
        before = process_tree.processor_seconds(peer.roots())
        units = work(bench, peer)
        return (process_tree.processor_seconds(peer.roots()) - before) / units * 1e6

    return measure


def megabytes(work):
    """Megabytes a second of processor time."""

    def measure(bench, peer):
        return 1 / microseconds(work)(bench, peer)

    return measure


def requests(protocol, path):
    streams = 8 if protocol == "h2" else 1
    return microseconds(lambda bench, peer: bench.load.keep_alive(
        peer, protocol, path, bench.seconds, streams=streams))


def connections(service):
    def work(bench, peer):
        bench.load.keep_alive(peer, "h1", "/1k", "500ms", clients=1)
        before = process_tree.processor_seconds(peer.roots())
        count = bench.load.connections(peer, "h1", service, bench.connections, 60)
        return (process_tree.processor_seconds(peer.roots()) - before) / count * 1e6

    return work


fresh_numbers = itertools.count()


def mint(bench, peer):
    def work(bench, peer):
        return bench.load.handshakes(
            peer, [f"n{next(fresh_numbers)}.mint.{DOMAIN}" for _ in range(24)])

    return microseconds(work)(bench, peer)


def latency(part):
    def measure(bench, peer):
        with process_tree.ahead_of_others():
            times = bench.load.latencies(peer, "h1", LATENCY_RATE, bench.latency_seconds)
        return times[int(len(times) * part)]

    return measure


def event_delay(protocol, streams, interval_ms):
    def measure(bench, peer):
        # The server of events knows HTTP/1.1 only.
        spoken = "h1" if peer.name == "direct" else protocol
        with process_tree.ahead_of_others():
            return bench.load.event_delays(peer, spoken, streams, interval_ms,
                                           bench.event_seconds)[0]

    return measure


def transfer(direction, protocol):
    return megabytes(lambda bench, peer: getattr(bench.load, direction)(peer, protocol))


REPEATED = [
    Case("h1_1k", "h1 keep-alive request, 1 KiB", "µs", {"h1"}, requests("h1", "/1k")),
    Case("h1_64k", "h1 keep-alive request, 64 KiB", "µs", {"h1"}, requests("h1", "/64k")),
    Case("h2_1k", "h2 request, 1 KiB (8 connections, 8 streams)", "µs", {"h2"},
         requests("h2", "/1k")),
    Case("h2_64k", "h2 request, 64 KiB (8 connections, 8 streams)", "µs", {"h2"},
         requests("h2", "/64k")),
    Case("new_warm", "new connection, pool warm", "µs", {"h1", "services"},
         connections("warm")),
    Case("new_resumed", "new connection, server's session resumed", "µs", {"h1", "services"},
         connections("resumed")),
    Case("new_cold", "new connection, pool cold", "µs", {"h1", "services"},
         connections("cold")),
    Case("mint", "handshake with a name never seen", "µs", {"mint"}, mint),
    Case("down_h1", "bulk to the agent, h1", "MB/CPU-s", {"h1"}, transfer("download", "h1"),
         is_rate=True),
    Case("up_h1", "bulk from the agent, h1", "MB/CPU-s", {"h1"}, transfer("upload", "h1"),
         is_rate=True),
    Case("down_h2", "bulk to the agent, h2", "MB/CPU-s", {"h2"}, transfer("download", "h2"),
         is_rate=True),
    Case("up_h2", "bulk from the agent, h2", "MB/CPU-s", {"h2"}, transfer("upload", "h2"),
         is_rate=True),
    Case("p50", f"added p50 at {LATENCY_RATE} requests/s", "ms", {"h1"}, latency(0.5),
         is_relative=True),
    Case("p99", f"added p99 at {LATENCY_RATE} requests/s", "ms", {"h1"}, latency(0.99),
         is_relative=True),
    Case("event_1", "delay of an event, 1 stream", "ms", {"h1"}, event_delay("h1", 1, 20),
         is_relative=True),
    Case("event_100", "delay of an event, 100 streams", "ms", {"h1"},
         event_delay("h1", 100, 200), is_relative=True),
    Case("event_1000", "delay of an event, 1,000 streams", "ms", {"h1", "services"},
         event_delay("h1", 1000, 2000), is_relative=True),
    Case("event_h2_100", "delay of an event, 100 h2 streams", "ms", {"h2", "services"},
         event_delay("h2", 100, 200), is_relative=True),
]

START = Case("start", "start to first accept", "ms", {"idle"}, None)
REST = Case("rest", "memory at rest", "MB", {"idle"}, None)
IDLE_H1 = Case("idle_h1", "memory with 1,000 idle h1 connections", "MB", {"h1", "idle"}, None)
IDLE_H2 = Case("idle_h2", "memory with 1,000 idle h2 connections", "MB", {"h2", "idle"}, None)
DNS = Case("dns", "name resolved", "µs", {"dns"}, None)
DECISIONS = [
    Case(f"decision_{rules}", f"decision at {rules:,} rules", "ns", {"decision"}, None)
    for rules in (10, 1000, 100000)
]
CAPTURE = {
    (mode.key, core, unit): Case(
        f"capture_{mode.key}_{core}{suffix}", f"50 MB stream, {mode.title}; {text}", unit,
        {"capture"}, None, is_rate=True)
    for core, text in capture_cost.CORES.items()
    for mode in capture_cost.MODES
    for unit, suffix in (("MB/s", ""), ("MB/CPU-s", "_cpu"))
}
ALL = [*REPEATED, START, REST, IDLE_H1, IDLE_H2, DNS, *DECISIONS, *CAPTURE.values()]


def idle_memory(bench, peer, protocol):
    """MB with 1,000 connections that did one request each and now do nothing."""
    held = bench.load.hold_idle(peer, protocol, bench.idle_connections)
    time.sleep(1.5)  # for what a proxy gives back when nothing happens
    memory = process_tree.memory_mib(peer.roots()) * 1.048576
    for connection in held:
        connection.close()
    return memory


def rest_memory(peer):
    return process_tree.memory_mib(peer.roots()) * 1.048576


def decision_cost(rules):
    from internet.linux import command
    return float(command(TOOLS / "decision-cost", rules))


def dns_address(peer):
    return WALL if peer.name == "rootcell" else PEERS
