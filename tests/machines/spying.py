"""`rootcell spy` on the host while something happens in the cell."""

import json
import subprocess
import threading

from internet.provider.views import differences, shown_by_json
from internet.wait import wait_until

PATIENCE = 120  # seconds: the machines may be emulated, on a host that has other things to do
UNKNOWN = "nobody-allows-this.example.net"


class Spy:
    """A viewer that is attached; what it prints is read in the background."""

    def __init__(self, cell, *words):
        self.cell, self.lines, self.ended = cell, [], None
        self.process = cell.start("spy", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def has_denial(self):
        return any(UNKNOWN.encode() in line for line in self.lines)

    def end(self):
        """As with Ctrl-C, unless it has ended; its status and what it said of itself."""
        if self.ended:
            return self.ended
        if self.process.poll() is None:
            self.process.send_signal(2)
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        said = self.process.stderr.read().decode(errors="replace")
        self.process.stderr.close()
        self.process.stdout.close()
        self.ended = status, said
        return self.ended

    def calls(self):
        """Finished calls of models, as --json tells them."""
        told = map(json.loads, list(self.lines))
        return [one for one in told if one["type"] == "call" and one["api"] != "other"]

    def check(self, provider):
        """They are those of the journal, to the byte."""
        wait_until(lambda: len(self.calls()) >= len(provider.calls), "all calls", PATIENCE)
        assert len(self.calls()) == len(provider.calls) > 0
        for call, one in zip(provider.calls, self.calls()):
            found = differences(call, shown_by_json(one))
            assert not found, "\n".join(found)


def await_viewers(cell, viewers):
    """All of them are attached: they show an attempt that is denied."""

    def attempt():
        for spy in viewers:
            assert spy.process.poll() is None, spy.end()
        cell.shell(f"getent hosts {UNKNOWN}")
        return all(spy.has_denial() for spy in viewers)

    wait_until(attempt, "all viewers to be attached", PATIENCE)


def attach(cell, *words):
    spy = Spy(cell, *words)
    await_viewers(cell, [spy])
    return spy


def captures_in_the_vm(cell):
    """How many processes of the firewall VM bring captured calls to the host."""
    result = cell.firewall_shell(
        "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null "
        "| grep -c '[c]ontrol /run/firewall.sock capture'")
    return int(result.stdout)
