"""What the wall costs, beside its peers. usage: run [--quick] [--rounds N] [--merge]
[--only PEER[,PEER...]] [--case CASE[,CASE...]]

A whole run takes about twenty minutes and rewrites the table in docs/bench.md; --quick takes one
short round and writes build/bench.json alone. Status 1 when a target is missed.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import traceback
from pathlib import Path

import capture_cost
import cases
import load
import name_servers
import network
import peers
import process_tree
import targets
from internet.linux import command, prepare_mounts
from origin import Origin
from report import LAST_RUN, Report, number


CAPTURE_ROUNDS = 5  # short ones


def say(text):
    print(f"bench: {text}", flush=True)


class Bench:
    """One run."""

    def __init__(self, words):
        self.is_quick, self.wanted_cases = words.quick, words.case
        self.is_whole = words.merge or not (words.quick or words.only or words.case)
        self.rounds = 1 if words.quick else words.rounds
        self.seconds = "1s" if words.quick else "1500ms"
        self.connections = 60 if words.quick else 120
        self.latency_seconds = 2 if words.quick else 5
        self.event_seconds = 2 if words.quick else 4
        self.idle_connections = 1000
        self.folder = Path(tempfile.mkdtemp(prefix="rootcell-bench-"))
        self.folder.chmod(0o755)
        self.network = network.Network()
        self.origin = Origin(self.network, self.folder)
        self.setting = peers.Setting(self.network, self.folder)
        self.load = load.Load(self.network, self.folder)
        wanted = words.only or [kind.name for kind in peers.ALL + name_servers.ALL]
        self.peers = [peers.make(kind, self.setting) for kind in peers.ALL if kind.name in wanted]
        self.name_servers = [peers.make(kind, self.setting) for kind in name_servers.ALL
                             if kind.name in wanted]
        self.names = [peer.name for peer in self.peers + self.name_servers
                      if peer.name != "direct"]
        self.rounds_done = 0
        self.versions = {}
        self.samples = {}  # case -> peer -> one number a round
        self.failures = []
        if words.merge:
            self._take_up()

    def _take_up(self):
        """Go on from the last run: cases measured now take the place of its own."""
        last = json.loads(LAST_RUN.read_text())
        self.samples = {key: row for key, row in last["rounds"].items()
                        if key not in self.wanted_cases}
        self.versions, self.rounds_done = last["versions"], last["rounds done"]
        self.names = last["peers"]

    def wants(self, case):
        return not self.wanted_cases or case.key in self.wanted_cases

    def note(self, case, peer, value):
        self.samples.setdefault(case.key, {}).setdefault(peer.name, []).append(value)

    def attempt(self, case, peer, measure):
        """A peer that cannot do a case leaves its cell empty; ours may not."""
        try:
            value = measure()
        except Exception as failure:
            text = str(failure).strip().splitlines()
            say(f"{case.key}: {peer.name} failed: {text[-1][:160] if text else failure!r}")
            if peer.name == "rootcell":
                self.failures.append(case.key)
                traceback.print_exc()
            return
        self.note(case, peer, value)

    # --- parts of a run -----------------------------------------------------------------------

    def start_all(self):
        for peer in self.peers + self.name_servers:
            self.versions.setdefault(peer.name, peer.version())
        for peer in self.peers:
            repeats = 5 if "idle" in peer.can and not (self.is_quick or peer.is_slow) else 1
            for repeat in range(repeats):
                if repeat:
                    peer.stop()
                with process_tree.ahead_of_others():
                    seconds = peer.start()
                if "idle" in peer.can and self.wants(cases.START):
                    self.note(cases.START, peer, seconds * 1000)
            if "idle" in peer.can and self.wants(cases.REST):
                self.note(cases.REST, peer, cases.rest_memory(peer))

    def run_rounds(self):
        for turn in range(self.rounds):
            say(f"round {turn + 1} of {self.rounds}")
            for case in cases.REPEATED:
                if not self.wants(case):
                    continue
                for peer in self.peers:
                    if case.fits(peer) and (turn == 0 or not peer.is_slow):
                        self.attempt(case, peer, lambda: case.measure(self, peer))
                self.tell(case)
            self.rounds_done = max(self.rounds_done, turn + 1)
            self.write()

    def tell(self, case):
        latest = {name: values[-1] for name, values in self.samples.get(case.key, {}).items()}
        direct = latest.pop("direct", 0) if case.is_relative else 0
        say(f"{case.title}: " + ", ".join(
            f"{name} {number(value - direct)}" for name, value in latest.items()))

    def measure_idle(self):
        for case, protocol in ((cases.IDLE_H1, "h1"), (cases.IDLE_H2, "h2")):
            if not self.wants(case):
                continue
            for peer in self.peers:
                if case.fits(peer):
                    self.attempt(case, peer, lambda: cases.idle_memory(self, peer, protocol))
            self.tell(case)

    def measure_names(self):
        ours = [peer for peer in self.peers if peer.name == "rootcell"]
        if not self.wants(cases.DNS):
            return
        seconds = 1 if self.is_quick else 2

        def measure(peer):
            before = process_tree.processor_seconds(peer.roots())
            count = self.load.queries(cases.dns_address(peer), seconds)
            return (process_tree.processor_seconds(peer.roots()) - before) / count * 1e6

        for _ in range(self.rounds):
            for peer in self.name_servers + ours:
                if peer not in ours:
                    peer.start()
                self.attempt(cases.DNS, peer, lambda: measure(peer))
                if peer not in ours:
                    peer.stop()
        self.tell(cases.DNS)

    def measure_decisions(self):
        for case in cases.DECISIONS:
            rules = int(case.key.split("_")[1])
            for peer in self.peers:
                if peer.name == "rootcell" and self.wants(case):
                    for _ in range(self.rounds):
                        self.note(case, peer, cases.decision_cost(rules))
                    self.tell(case)

    def measure_capture(self):
        wanted = [case for case in cases.CAPTURE.values() if self.wants(case)]
        ours = next((peer for peer in self.peers if "capture" in peer.can), None)
        if not wanted or ours is None:
            return

        def note(mode, core, rate, processor_rate):
            self.note(cases.CAPTURE[mode.key, core, "MB/s"], ours, rate)
            self.note(cases.CAPTURE[mode.key, core, "MB/CPU-s"], ours, processor_rate)

        for turn in range(1 if self.is_quick else CAPTURE_ROUNDS):
            capture_cost.measure(self, ours, turn, note)
        for case in wanted:
            self.tell(case)

    # --- the result ---------------------------------------------------------------------------

    def medians(self):
        relative = {case.key for case in cases.ALL if case.is_relative}
        result = {}
        for key, row in self.samples.items():
            direct = row.get("direct") if key in relative else None
            for name, values in row.items():
                if name == "direct":
                    continue
                if direct:
                    values = [value - base for value, base in zip(values, direct)]
                result.setdefault(key, {})[name] = statistics.median(values)
        return result

    def write(self):
        """The report of what is known so far."""
        values = self.medians()
        report = Report(self, values, self.samples, targets.judge(values))
        report.write_json()
        if self.is_whole:
            report.write_document()
        return report

    def run(self):
        self.start_all()
        for part in (self.measure_names, self.measure_decisions, self.run_rounds,
                     self.measure_idle, self.measure_capture):
            part()
            report = self.write()
        print(report.text())
        met = sum(ratio is not None and ratio <= 1 for _, ratio in report.judged)
        print(f"{met} passed, {len(report.judged) - met} failed")
        return 0 if met == len(report.judged) and not self.failures else 1

    def stop(self):
        for peer in self.peers:
            peer.stop()
        self.origin.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def main(arguments):
    parser = argparse.ArgumentParser(prog="./test bench")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--merge", action="store_true",
                        help="with --case: into the report of the last run")
    parser.add_argument("--only", type=lambda text: text.split(","), help="these proxies alone")
    parser.add_argument("--case", type=lambda text: text.split(","), help="these cases alone")
    words = parser.parse_args(arguments)
    prepare_mounts(network.RESOLVER)
    command("mount", "-t", "tmpfs", "tmpfs", "/dev/shm")  # squid names its segments for all
    bench = Bench(words)
    try:
        return bench.run()
    finally:
        bench.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
