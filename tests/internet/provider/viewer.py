"""A viewer attached to the firewall's control socket, and the lines that it got."""

import json
import threading

from internet.provider.views import fold
from internet.wait import wait_until
from internet.wall import PROGRAM


class Viewer:
    """Reads event lines as they come; `wishes` are words after `capture`: bodies, backlog."""

    def __init__(self, wall, *wishes):
        self.lines = []
        self.process = wall.world.firewall.start(
            PROGRAM, "control", wall.control, "capture", *wishes, stdout=-1)
        first = self.process.stdout.readline()
        assert json.loads(first) == {"ok": True}, first
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def ends(self):
        return sum(b'"event":"end"' in line for line in list(self.lines))

    def wait_calls(self, count, seconds=15.0):
        """Every call, when so many are over."""
        wait_until(lambda: self.ends() >= count, f"{count} calls to be over", seconds)
        return self.calls()

    def calls(self):
        calls, _ = fold(list(self.lines))
        return calls

    def others(self):
        """Events that are no part of a call."""
        return fold(list(self.lines))[1]

    def text(self):
        return b"".join(self.lines)

    def stop(self):
        self.process.kill()
        self.process.wait(10)
        self.thread.join(10)
        self.process.stdout.close()
