"""The real program on a host that stands in the small internet, and one cell for the suite."""

import contextlib
import os
import re
import signal
import time
from pathlib import Path

import pytest

from attack.marks import register
from internet import packages
from internet.linux import prepare_mounts
from internet.provider import HOSTS, Provider
from internet.world import ADDRESSES, World

TOP = Path(__file__).resolve().parents[2]
HTTPS = "web.example.com\norigin.example.com\ngit.example.com\nws.example.com\nother.example.com\n"
SSH = "ssh.example.com\n"
INSTANCE = "default"


def pytest_configure(config):
    register(config)


def image_folder():
    folder = os.environ.get("ROOTCELL_IMAGE_DIR")
    assert folder and (Path(folder) / "manifest.json").is_file(), (
        "ROOTCELL_IMAGE_DIR names no images (./test machines makes them)")
    return Path(folder)


def group_hosts():
    """The hosts of the registries that the image's clients use."""
    names = []
    for path in sorted((image_folder() / "groups").glob("*.txt")):
        names += re.findall(r"^https (\S+)", path.read_text(), re.M)
    return sorted({name for name in names if "*" not in name})


@pytest.fixture(scope="session")
def world():
    prepare_mounts(ADDRESSES["resolver"])
    hosts = [(name, ADDRESSES["origin"]) for name in group_hosts() if name not in HOSTS]
    made = World([*hosts, *HOSTS.items()])
    made.provider = Provider(made)
    packages.serve(made.origin, packages.apt_files(made.folder / "apt-package"))
    packages.serve(made.origin, packages.pip_files())
    for host in group_hosts():
        packages.serve(made.origin, packages.npm_files(host))
    yield made
    made.stop()


@pytest.fixture
def provider(world):
    """The stand-in for the providers of models, with nothing in its journal."""
    world.provider.reset()
    yield world.provider
    world.provider.reset()


def each_process(file):
    """(process id, content of that file of /proc) of every process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / file).read_bytes()


class Cell:
    """An instance, used as its user does: by the command line."""

    def __init__(self, world, home, instance=INSTANCE):
        self.world, self.home, self.instance = world, Path(home), instance
        self.folder = self.home / "instances" / instance
        self.user_home = self.home.parent / "user"
        self.user_home.mkdir(parents=True, exist_ok=True)

    def environment(self, **more):
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.user_home),
            "ROOTCELL_HOME": str(self.home),
            "ROOTCELL_DATA": str(TOP / "data"),
            "ROOTCELL_IMAGE_DIR": str(image_folder()),
            "ROOTCELL_UPSTREAM_CA": str(self.world.upstream_ca),
            "ROOTCELL_INSTANCE": self.instance,
            "XDG_RUNTIME_DIR": "/run",
            **more,
        }

    def start(self, *words, environment=None, **options):
        return self.world.firewall.start(
            TOP / "build" / "rootcell", *words, env=self.environment(**(environment or {})),
            **options)

    def run(self, *words, timeout=120, environment=None, **options):
        """`rootcell WORD...`: the finished process with both outputs as bytes."""
        return self.world.firewall.run(
            TOP / "build" / "rootcell", *words, timeout=timeout,
            env=self.environment(**(environment or {})), **options)

    def succeed(self, *words, **options):
        result = self.run(*words, **options)
        assert result.returncode == 0, (words, result.stdout[-2000:], result.stderr[-3000:])
        return result.stdout.decode(errors="replace")

    def shell(self, script, **options):
        """A script of bash in the agent VM."""
        return self.run("--", "bash", "-c", script, **options)

    def write_policy(self, https, ssh):
        """The policy that the instance has from its first start."""
        folder = self.folder / "proxy"
        folder.mkdir(parents=True, exist_ok=True)
        defaults = TOP / "data" / "policy"
        for kind, more in (("https", https), ("ssh", ssh), ("dns", "")):
            text = (defaults / f"allowed-{kind}.txt.defaults").read_text()
            (folder / f"allowed-{kind}.txt").write_text(text + "\n" + more)

    def firewall_shell(self, script, **options):
        """A command in the firewall VM, as its owner reaches it."""
        return self.world.firewall.run(
            "ssh", "-F", self.folder / "ssh" / "config", "rootcell-firewall", script,
            env=self.environment(), **options)

    def pids(self):
        """Process ids of the QEMUs of this instance."""
        return [pid for pid, words in each_process("cmdline")
                if b"qemu-system" in words.split(b"\0")[0] and str(self.folder).encode() in words]

    def processes(self):
        """Process ids of all that was started for this home: rootcell, VM runners, helpers."""
        mark = f"ROOTCELL_HOME={self.home}".encode()
        return [pid for pid, words in each_process("environ") if mark in words.split(b"\0")]

    def kill_everything(self):
        """SIGKILL for all of them, and for what they have started meanwhile."""
        killed = set()
        while pids := self.processes():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            killed.update(pids)
        return len(killed)


@pytest.fixture(scope="session")
def cell(world):
    """The instance of the suite, made and booted once."""
    made = Cell(world, world.folder / "home")
    made.write_policy(HTTPS, SSH)
    started = time.monotonic()
    first = made.run("--", "uname", "-a", timeout=400)
    made.first_start = time.monotonic() - started
    made.first_result = first
    print(f"first start: {made.first_start:.1f} s")
    yield made
    made.run("stop", timeout=120)

