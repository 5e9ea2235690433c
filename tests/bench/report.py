"""The tables of a run: for the terminal, for build/bench.json and for docs/bench.md."""

import datetime
import json
import os
import platform
from pathlib import Path

import cases

TOP = Path(__file__).resolve().parents[2]
LAST_RUN = TOP / "build" / "bench.json"
BEGIN, END = "<!-- begin: ./test bench -->", "<!-- end: ./test bench -->"


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def machine():
    model = next((line.split(":")[1].strip() for line in
                  Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
                 platform.machine())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
    return (f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, "
            f"Linux {platform.release().split('-')[0]}")


def case_table(values, peers):
    yield "| | unit | " + " | ".join(peers) + " |"
    yield "|---|---|" + "---:|" * len(peers)
    for case in cases.ALL:
        if case.key not in values:
            continue
        cells = [number(values[case.key].get(peer)) for peer in peers]
        yield f"| {case.title} | {case.unit} | " + " | ".join(cells) + " |"


def target_table(judged):
    yield "| target | ratio (1 or less is met) | |"
    yield "|---|---:|---|"
    for title, ratio in judged:
        verdict = "not measured" if ratio is None else "met" if ratio <= 1 else "**missed**"
        yield f"| {title} | {number(ratio)} | {verdict} |"


class Report:
    def __init__(self, bench, values, rounds, judged):
        self.bench, self.values, self.rounds, self.judged = bench, values, rounds, judged
        self.peers = [name for name in bench.names
                      if any(name in row for row in values.values())]

    def text(self):
        versions = ", ".join(f"{name} {version}" for name, version in self.bench.versions.items()
                             if version)
        now = datetime.datetime.now(datetime.timezone.utc)
        lines = [
            f"{machine()}; {now:%Y-%m-%d}; {self.bench.rounds_done} interleaved rounds, medians; load "
            f"average {os.getloadavg()[2]:.1f} during the run.",
            f"{versions}.", "",
            *target_table(self.judged), "", *case_table(self.values, self.peers),
        ]
        return "\n".join(lines) + "\n"

    def write_json(self):
        LAST_RUN.write_text(json.dumps({
            "machine": machine(), "versions": self.bench.versions, "peers": self.bench.names,
            "rounds done": self.bench.rounds_done, "medians": self.values,
            "rounds": self.rounds, "targets": dict(self.judged),
        }, indent=1))

    def write_document(self):
        path = TOP / "docs" / "bench.md"
        before, rest = path.read_text().split(BEGIN)
        path.write_text(f"{before}{BEGIN}\n{self.text()}{END}{rest.split(END)[1]}")
