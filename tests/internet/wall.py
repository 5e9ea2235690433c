"""The firewall under test: the release binary with its fixed command line."""

import json
import os
import selectors
import signal
import time
from pathlib import Path

from internet import viewer
from internet.certificates import Authority
from internet.wait import Late, wait_until
from internet.world import ADDRESSES

TOP = Path(__file__).resolve().parents[2]
PROGRAM = TOP / "build" / "rootcell-firewall"


def read_line(stream, seconds):
    """One line of a child's pipe, or what there was of it when it ends or time is up."""
    selector = selectors.DefaultSelector()
    selector.register(stream, selectors.EVENT_READ)
    line, deadline = b"", time.monotonic() + seconds
    while not line.endswith(b"\n"):
        if not selector.select(max(0.0, deadline - time.monotonic())):
            return line
        byte = os.read(stream.fileno(), 1)
        if not byte:
            return line
        line += byte
    return line


class Wall:
    """One firewall process tree in the `firewall` namespace of a world."""

    def __init__(self, world, folder, https="", ssh="", dns=""):
        self.world, self.folder = world, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.policy = self.folder / "policy"
        self.policy.mkdir(exist_ok=True)
        self.providers = self.folder / "providers"
        self.providers.mkdir(exist_ok=True)
        (self.providers / "example.provider").write_text(viewer.PROVIDER)
        for shipped in (TOP / "data" / "providers").glob("*.provider"):
            (self.providers / shipped.name).write_bytes(shipped.read_bytes())
        self.records_path = self.folder / "records.jsonl"
        self.control = self.folder / "control.sock"
        self.authority = Authority("The instance's authority", path_length=0)
        self.ca = self.folder / "ca.pem"
        self.ca.write_bytes(self.authority.pem)
        self.ca_key = self.folder / "ca-key.pem"
        self.ca_key.write_bytes(self.authority.key_pem)
        self.process = None
        self.write_policy(https=https, ssh=ssh, dns=dns)

    def write_policy(self, **texts):
        for kind, text in texts.items():
            path = self.policy / f"allowed-{kind}.txt"
            if text is None:
                path.unlink(missing_ok=True)
                continue
            half = self.folder / "half-written"
            half.write_bytes(text if isinstance(text, bytes) else text.encode())
            half.rename(path)

    def command_line(self, **changes):
        """The fixed command line; a change of None leaves an option out."""
        options = {
            "agent-interface": "link",
            "policy": self.policy,
            "ca-cert": self.ca,
            "ca-key": self.ca_key,
            "upstream-dns": ADDRESSES["resolver"],
            "upstream-ca": self.world.upstream_ca,
            "records": self.records_path,
            "control": self.control,
            "providers": self.providers,
        }
        options.update({name.replace("_", "-"): value for name, value in changes.items()})
        words = [PROGRAM]
        for name, value in options.items():
            if value is True:
                words.append(f"--{name}")
            elif value is not None:
                words += [f"--{name}", value]
        return words

    def start(self, **changes):
        self.errors = open(self.folder / "stderr.log", "ab")
        self.process = self.world.firewall.start(
            *self.command_line(**changes), stdout=-1, stderr=self.errors
        )
        line = read_line(self.process.stdout, 10)
        if line != b"ready\n":
            raise Late(f"firewall said {line!r}; its standard error: {self.stderr()}")
        return self

    def stderr(self):
        path = self.folder / "stderr.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self):
        """End in order; the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(10)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(5)
            self.process.stdout.close()
            self.process = None
        return status

    def records(self, since=0):
        """Every finished line of the audit log, decoded."""
        if not self.records_path.exists():
            return []
        data = self.records_path.read_bytes()[since:]
        whole = data[:data.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines()]

    def record_position(self):
        """Where the last whole line ends; more of the next one may be there already."""
        if not self.records_path.exists():
            return 0
        with self.records_path.open("rb") as log:
            place = log.seek(0, os.SEEK_END)
            while place > 0:
                start = max(0, place - 65536)
                log.seek(start)
                newline = log.read(place - start).rfind(b"\n")
                if newline >= 0:
                    return start + newline + 1
                place = start
        return 0

    def position_before(self, seconds):
        """Where in the log the last so many seconds begin."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - seconds)).encode()
        place = 0
        for line in self.records_path.read_bytes().splitlines(True):
            if line[len(b'{"time":"'):][:len(moment)] >= moment:
                break
            place += len(line)
        return place

    def wait_record(self, since=0, seconds=5.0, **wanted):
        """The first record since a position whose fields are as wanted (a function decides)."""

        def fits(record):
            for key, value in wanted.items():
                found = record.get(key)
                if not (value(found) if callable(value) else found == value):
                    return False
            return True

        def search():
            return next((record for record in self.records(since) if fits(record)), None)

        try:
            return wait_until(search, f"a record with {wanted}", seconds)
        except Late as late:
            raise Late(f"{late}; there were {self.records(since)[-8:]}") from None

    def reload(self, **texts):
        """Write files, reload, and wait until the record says that it happened (or failed)."""
        since = self.record_position()
        self.write_policy(**texts)
        self.process.send_signal(signal.SIGHUP)
        return self.wait_record(since, kind="policy")

    def children(self, parent=None):
        """Process ids of the roles."""
        parent = parent or self.process.pid
        path = Path(f"/proc/{parent}/task/{parent}/children")
        return [int(word) for word in path.read_text().split()]

    def memory_kib(self):
        """Sum of the proportional set sizes of supervisor and roles."""
        total = 0
        for pid in [self.process.pid, *self.children()]:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total
