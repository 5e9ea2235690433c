"""The life of an instance: killed at random moments, beside another one, without space or port."""

import contextlib
import hashlib
import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from calibration import slowdown
from conftest import Cell
from internet.linux import command
from internet.wait import wait_until

SEED = int(os.environ.get("ROOTCELL_TEST_SEED") or random.SystemRandom().randrange(1, 1 << 32))
COMMANDS = {
    "first start": ["--", "true"],
    "start": ["--", "true"],
    "provision": ["provision"],
    "stop": ["stop"],
    "remove": ["remove", "--yes"],
}
# Seconds that each takes at most on an idle machine: the random moments lie within them. A moment
# after the command's end kills the VMs that it has left running.
SECONDS = {"first start": 20, "start": 16, "provision": 4, "stop": 5, "remove": 5}
PHASES = ["first start", "first start", "first start", "provision", "stop", "start", "start",
          "provision", "stop", "remove"]
KEYS = ("pki/ca.pem", "pki/ca-key.pem", "ssh/control", "ssh/agent_host", "ssh/firewall_host")
WRITTEN = (".env", "proxy/allowed-https.txt", "proxy/allowed-ssh.txt", "proxy/allowed-dns.txt")
PATIENCE = 400


def hashes(cell):
    """Of all that would be lost for ever: the keys, and what the user wrote."""
    return {name: hashlib.sha256((cell.folder / name).read_bytes()).hexdigest()
            for name in KEYS + WRITTEN}


class Treasure:
    """What a cell has to lose, and the proof that it has not."""

    def __init__(self, cell):
        self.cell = cell
        cell.succeed("--", "bash", "-c", "echo kept > ~/kept; sync", timeout=PATIENCE)
        self.hashes = hashes(cell)

    def assert_kept(self):
        """The next command ends well, all is there, and traffic passes the cell's own wall."""
        entered = self.cell.run("--", "cat", "kept", timeout=PATIENCE)
        assert (entered.returncode, entered.stdout) == (0, b"kept\n"), entered.stderr
        assert hashes(self.cell) == self.hashes
        fetched = self.cell.shell("curl -sS https://web.example.com/")
        assert fetched.stdout == b"hello from nginx\n", fetched.stderr
        assert len(self.cell.pids()) == 2


def keep_treasure(cell):
    """The cell with something to lose, whichever test comes first."""
    if cell.treasure is None:
        cell.treasure = Treasure(cell)
    return cell.treasure


def make_cell(world, name):
    cell = Cell(world, world.folder / name / "home")
    cell.write_policy("web.example.com\n", "")
    cell.treasure = None
    return cell


@pytest.fixture(scope="module")
def first(world):
    cell = make_cell(world, "first")
    yield cell
    cell.run("remove", "--yes", timeout=PATIENCE)


@pytest.fixture(scope="module")
def moments():
    print(f"\nROOTCELL_TEST_SEED={SEED}")
    numbers = random.Random(SEED)
    return [numbers.random() for _ in PHASES]


def prepare(cell, phase):
    if phase == "first start" and cell.folder.exists() and cell.treasure:
        cell.succeed("remove", "--yes", timeout=PATIENCE)
        cell.write_policy("web.example.com\n", "")
    elif phase == "start":
        cell.succeed("stop", timeout=PATIENCE)


@pytest.mark.parametrize("number", range(len(PHASES)))
def test_survives_kill_9_of_everything_at_a_random_moment(first, moments, number):
    phase = PHASES[number]
    prepare(first, phase)
    moment = moments[number] * SECONDS[phase] * slowdown()
    process = first.start(*COMMANDS[phase], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    killed = first.kill_everything()
    print(f"{phase}: {killed} processes killed after {moment:.1f} s, "
          f"{'in its middle' if process.wait() < 0 else 'after its end'}")
    if phase == "remove" and not first.folder.exists():
        first.write_policy("web.example.com\n", "")
        first.treasure = None
    if phase == "first start" or first.treasure is None:
        first.treasure = Treasure(first)
        policy = (first.folder / "proxy/allowed-https.txt").read_text()
        assert policy.endswith("\nweb.example.com\n"), "written before the first start"
    first.treasure.assert_kept()


def test_leaves_nothing_of_what_was_killed(first):
    first.succeed("stop", timeout=PATIENCE)
    wait_until(lambda: not first.processes(), "the end of all helpers")
    assert not list(first.home.glob("instances/.*"))
    left = [path for path in first.folder.rglob("*") if re.search(r"making|staging|\.new", path.name)]
    assert not left


def test_takes_another_port_when_its_own_is_taken(first):
    treasure = keep_treasure(first)
    first.succeed("stop", timeout=PATIENCE)
    port = entry_of(first)["ssh_port"]
    listener = first.world.firewall.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen()
    treasure.assert_kept()
    assert entry_of(first)["ssh_port"] not in (0, port)
    listener.close()


def entry_of(cell):
    return next(entry for entry in json.loads(cell.succeed("list", "--json"))
                if entry["name"] == cell.instance)


ROOM, LARGE = 64 << 20, "2g"


@pytest.fixture(scope="module")
def second(world):
    """In another home, whose instances lie on a file system of their own."""
    cell = Cell(world, world.folder / "second" / "home")
    cell.instances = cell.home / "instances"
    cell.instances.mkdir(parents=True)
    command("mount", "-t", "tmpfs", "-o", f"size={LARGE}", "tmpfs", cell.instances)
    cell.write_policy("web.example.com\n", "")
    cell.treasure = None
    yield cell
    cell.run("remove", "--yes", timeout=PATIENCE)
    command("umount", cell.instances)


def own_values(cell):
    """What belongs to one instance alone."""
    values = {name: (cell.folder / name).read_bytes() for name in KEYS}
    values["port"] = entry_of(cell)["ssh_port"]
    values["sockets"] = json.loads((cell.folder / "state.json").read_text())["runtime"]
    for pid in cell.pids():
        words = Path(f"/proc/{pid}/cmdline").read_text()
        kind = "firewall" if "hostfwd" in words else "agent"
        for number, mac in enumerate(re.findall(r"mac=([0-9a-f:]+)", words)):
            values[f"{kind} card {number}"] = mac
        for number, file in enumerate(re.findall(r"(?:file|path)=([^,\0]+)", words)):
            if not file.startswith(os.environ["ROOTCELL_IMAGE_DIR"]):
                values[f"{kind} file {number}"] = file
    return values


def test_runs_beside_another_home_and_shares_nothing_with_it(first, second):
    keep_treasure(second)
    keep_treasure(first).assert_kept()
    second.treasure.assert_kept()
    one, other = own_values(first), own_values(second)
    assert len(one) > 12 and one.keys() == other.keys()
    assert [name for name in one if one[name] == other[name]] == []
    assert [entry["name"] for entry in json.loads(second.succeed("list", "--json"))] == ["default"]
    # Neither CA is of any use in the other cell.
    strange = first.shell("cat > other.pem; curl -sS --capath /nowhere --cacert other.pem "
                          "https://web.example.com/", input=other["pki/ca.pem"])
    assert strange.returncode == 60, strange.stderr


def test_stops_one_home_and_leaves_the_other_running(first, second):
    keep_treasure(second)
    keep_treasure(first)
    first.succeed("stop", timeout=PATIENCE)
    assert not first.pids() and len(second.pids()) == 2
    second.treasure.assert_kept()


def fill_disk(cell, name):
    """A program in the cell writes more than the host has room for, until the VM is paused."""
    cell.succeed("--", "sync")
    place = os.statvfs(cell.instances)
    used = (place.f_blocks - place.f_bfree) * place.f_frsize
    command("mount", "-o", f"remount,size={used + ROOM}", cell.instances)
    writer = cell.start("--", "dd", "if=/dev/urandom", f"of={name}", "bs=1M", "count=200",
                        "conv=fsync", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_until(lambda: b"disk error" in cell.run("doctor").stdout, "the VM to be paused", PATIENCE)
    return writer


def test_says_that_the_disk_is_full_and_goes_on_when_there_is_room(first, second):
    first.run("stop", timeout=PATIENCE)
    keep_treasure(second)
    writer = fill_disk(second, "big")
    refused = second.run("--", "true", timeout=PATIENCE)
    lines = refused.stderr.decode().splitlines()
    assert refused.returncode == 125 and len(lines) == 1, lines
    assert "disk is full" in lines[0] and "free some space" in lines[0]
    command("mount", "-o", f"remount,size={LARGE}", second.instances)
    resumed = second.run("--", "true", timeout=PATIENCE)
    assert resumed.returncode == 0 and b"goes on" in resumed.stderr, resumed.stderr
    assert writer.wait(PATIENCE) == 0, writer.stderr.read()
    second.treasure.assert_kept()


def test_stops_at_once_when_the_disk_is_full(second):
    keep_treasure(second)
    writer = fill_disk(second, "bigger")
    second.succeed("stop", timeout=20 * slowdown())
    assert writer.wait(PATIENCE) == 125
    command("mount", "-o", f"remount,size={LARGE}", second.instances)
    second.treasure.assert_kept()
