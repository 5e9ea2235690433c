"""Network namespaces and mounts of the process that runs the tests."""

import contextlib
import ctypes
import os
import resource
import socket
import subprocess
from pathlib import Path

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def command(*words, **options):
    """Run to success; what it printed is part of the failure."""
    result = subprocess.run(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {result.stdout.decode(errors='replace')}")
    return result.stdout.decode(errors="replace")


def set_namespace(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def prepare_mounts(resolver=None):
    """An empty /run of our own, and (for every process of the tests) one resolver."""
    if os.environ.get("ROOTCELL_TESTS_ISOLATED") != "1":
        raise RuntimeError("the tests want tests/internet/isolate (use the suite's `run`)")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    configuration = os.path.realpath("/etc/resolv.conf")
    command("mount", "-t", "tmpfs", "tmpfs", "/run")
    for folder in ("/run/netns", "/run/sshd", "/run/lock", os.path.dirname(configuration)):
        os.makedirs(folder, exist_ok=True)
    # sshd lets nobody in whose account is locked, as root's is on some systems.
    shadow = Path("/run/rootcell-tests-shadow")
    shadow.write_text("root:*:19000:0:99999:7:::\n")
    command("mount", "--bind", shadow, "/etc/shadow")
    if resolver:
        own = Path("/run/rootcell-tests-resolv.conf")
        own.write_text(f"nameserver {resolver}\noptions timeout:2 attempts:1\n")
        if not os.path.exists(configuration):
            Path(configuration).touch()
        command("mount", "--bind", own, configuration)


class Namespace:
    """A network namespace; sockets and processes made inside `entered()` belong to it."""

    def __init__(self, name):
        self.name = f"rct-{os.getpid()}-{name}"
        command("ip", "netns", "add", self.name)
        self.descriptor = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        self.ip("link", "set", "dev", "lo", "up")

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in the namespace."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        set_namespace(self.descriptor)
        try:
            yield self
        finally:
            set_namespace(before)
            os.close(before)

    def enter(self):
        """The calling thread stays in the namespace."""
        set_namespace(self.descriptor)

    def ip(self, *words):
        return command("ip", "-n", self.name, *words)

    def run(self, *words, timeout=60, **options):
        """subprocess.run inside, both outputs as bytes."""
        options.setdefault("stdin", subprocess.DEVNULL)
        if options.get("input") is not None:
            options.pop("stdin")
        with self.entered():
            return subprocess.run(
                [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                timeout=timeout, **options,
            )

    def command(self, *words, **options):
        with self.entered():
            return command(*words, **options)

    def start(self, *words, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        with self.entered():
            return subprocess.Popen([str(word) for word in words], **options)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        with self.entered():
            return socket.socket(family, kind, protocol)

    def connect(self, address, port, seconds=5.0):
        """A TCP connection from here."""
        connection = self.socket()
        connection.settimeout(seconds)
        try:
            connection.connect((address, port))
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self):
        os.close(self.descriptor)
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def has_ended(pid):
    """The process is gone, or waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rsplit(b")", 1)[1].split()[0] == b"Z"
    except OSError:
        return True


def link(first, first_name, second, second_name):
    """A cable between two namespaces."""
    command("ip", "link", "add", first_name, "netns", first.name, "type", "veth",
            "peer", "name", second_name, "netns", second.name)
    first.ip("link", "set", "dev", first_name, "up")
    second.ip("link", "set", "dev", second_name, "up")
