"""Mixed traffic at half of saturation, for long. usage: run soak [MINUTES] [--h1]

Requests over h1 and h2, streams of events, bulk both ways, WebSocket, names, SSH and requests that
must be refused, while a new policy comes into force each 100 ms that takes one of two names away
and gives the other back. In the end: memory and descriptors are flat, no role was restarted, every
allowed request was answered, no forbidden one passed, and nothing was said on standard error.
--h1 leaves HTTP/2 out.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import load
import network
import peers
import process_tree
from internet.linux import prepare_mounts
from internet.servers import Servers
from internet.wait import wait_until
from network import WALL, service_address, service_name
from origin import Origin
from soak_control import Control
from soak_traffic import Traffic

SEGMENT_SECONDS = 20  # generators begin anew after so long: connections come and go
SAMPLE_SECONDS = 2
GROWTH_MIB, GROWTH_PART = 1.5, 0.05  # from the second quarter to the last
GROWTH_DESCRIPTORS = 12


def say(text):
    print(f"soak: {text}", flush=True)


class RecordDrain:
    """Reads the audit log, which is a pipe here: at this rate a file would fill the disk."""

    def __init__(self, path):
        os.mkfifo(path)
        self.count = self.lost_count = 0
        self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            data = os.read(self.descriptor, 1 << 20)
            self.count += data.count(b"\n")
            self.lost_count += data.count(b"records lost")


class Soak:
    def __init__(self, words):
        self.seconds = words.minutes * 60
        self.protocols = ["h1"] if words.h1 else ["h1", "h2"]
        self.folder = Path(tempfile.mkdtemp(prefix="rootcell-soak-"))
        self.folder.chmod(0o755)
        self.network = network.Network()
        self.origin = Origin(self.network, self.folder)
        self.setting = peers.Setting(self.network, self.folder)
        self._start_other_servers()
        self.wall = peers.make(peers.Ours, self.setting)
        self.records = RecordDrain(self.wall.wall.records_path)
        self.control = Control(self.wall.wall)
        self.load = load.Load(self.network, self.folder)
        self.samples = []  # (seconds, MiB, descriptors, process ids)

    def _start_other_servers(self):
        folder = self.folder / "servers"
        folder.mkdir()
        addresses = {name: service_address(name) for name in ("ssh", "websocket")}
        self.servers = Servers(self.network.internet, folder, self.origin.shop, addresses)
        self.servers.start_sshd()
        self.servers.start_websocket(service_name("websocket"))

    # --- parts --------------------------------------------------------------------------------

    def half_of_saturation(self):
        """Requests a second for each protocol when all run at once at half of what they could."""
        rates, threads = {}, []

        def measure(protocol):
            seconds = 4
            rates[protocol] = self.load.keep_alive(self.wall, protocol, "/1k", f"{seconds}s",
                                                   clients=8) / seconds / 2

        for protocol in self.protocols:
            threads.append(threading.Thread(target=measure, args=(protocol,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        return {protocol: max(int(rate), 16) for protocol, rate in rates.items()}

    def sample(self, started):
        roots = self.wall.roots()
        self.samples.append((time.monotonic() - started, process_tree.memory_mib(roots),
                             process_tree.descriptor_count(roots),
                             tuple(sorted(process_tree.members(roots[0])))))

    def run(self):
        self.wall.start()
        wait_until(self.control.is_there, "the control socket")
        self.control.put_in_force(self.control.first())
        rates = self.half_of_saturation()
        say("half of saturation: " + ", ".join(
            f"{rate} {protocol} requests/s" for protocol, rate in rates.items()))
        traffic = Traffic(self, rates, SEGMENT_SECONDS)
        before = process_tree.processor_seconds(self.wall.roots())
        started = time.monotonic()
        traffic.start()
        told = 0
        while time.monotonic() - started < self.seconds and self.wall.wall.process.poll() is None:
            time.sleep(SAMPLE_SECONDS)
            self.sample(started)
            if time.monotonic() - started - told >= 60:
                told = time.monotonic() - started
                _, memory, descriptors, _ = self.samples[-1]
                say(f"{told / 60:.0f} min: {memory:.1f} MiB, {descriptors} descriptors, "
                    f"{traffic.summary()}")
        elapsed = time.monotonic() - started
        traffic.stop()
        self.used = (process_tree.processor_seconds(self.wall.roots()) - before) / elapsed
        return self.judge(traffic, elapsed)

    # --- the verdict --------------------------------------------------------------------------

    def quarter(self, number, column):
        part = len(self.samples) // 4
        rows = self.samples[number * part:(number + 1) * part]
        return [row[column] for row in rows]

    def judge(self, traffic, elapsed):
        memory = [statistics.mean(self.quarter(number, 1)) for number in range(4)]
        descriptors = [statistics.median(self.quarter(number, 2)) for number in range(4)]
        most = max(self.quarter(3, 2))
        roles = {row[3] for row in self.samples}
        errors = [line for line in self.wall.output().splitlines() if line.strip() not in ("", "ready")]
        say(f"{elapsed / 60:.0f} minutes, {self.used * 100:.0f} % of a core")
        say("memory by quarters, MiB: " + ", ".join(f"{value:.1f}" for value in memory))
        say("descriptors by quarters, median: " + ", ".join(f"{one:.0f}" for one in descriptors)
            + f"; most in the last: {most}")
        say(f"records: {self.records.count}; {traffic.summary()}")
        verdicts = {
            "memory is flat": memory[3] <= memory[1] * (1 + GROWTH_PART) + GROWTH_MIB,
            "descriptors do not grow": descriptors[3] <= descriptors[1] + GROWTH_DESCRIPTORS,
            "no role was restarted": len(roles) == 1,
            "every allowed request was answered": not traffic.lost,
            "no forbidden request passed": not traffic.leaked,
            "policies came into force": traffic.flips.reload_count > elapsed * 5,
            "requests met both policies": traffic.flips.allowed_count > elapsed
            and traffic.flips.refused_count > elapsed,
            "nothing was said on standard error": not errors,
        }
        for line in [*traffic.lost[:10], *traffic.leaked[:10], *errors[:10]]:
            say(line)
        for title, is_good in verdicts.items():
            say(f"{'ok' if is_good else 'FAILED'}: {title}")
        bad = list(verdicts.values()).count(False)
        print(f"{len(verdicts) - bad} passed, {bad} failed")
        return 1 if bad else 0

    def stop(self):
        self.wall.stop()
        self.servers.stop()
        self.origin.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def main(arguments):
    parser = argparse.ArgumentParser(prog="./test soak")
    parser.add_argument("minutes", type=int, nargs="?", default=30)
    parser.add_argument("--h1", action="store_true", help="without HTTP/2")
    words = parser.parse_args(arguments)
    prepare_mounts(WALL)
    soak = Soak(words)
    try:
        return soak.run()
    finally:
        soak.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
