"""What a role could do if it were hostile: nothing but its work."""

import subprocess
from pathlib import Path

import pytest

from internet.wall import PROGRAM

CONFINED = PROGRAM.parent / "tests" / "namespaces" / "confined"

WORK = {"write": "done", "memory": "done", "abort": "signal 6"}
SOCKETS = {"tcp": "done", "udp-over-ipv6": "done"}

# Without the system-call filter, these are refused by the walls behind it: the empty root and
# Landlock, the other user, no capability, no new process.
BEHIND = {
    "exec": ("EACCES", "ENOENT"), "fork": ("EAGAIN",), "thread": ("EAGAIN",),
    "kill-supervisor": ("EPERM",), "thread-kill-of-supervisor": ("EPERM",),
    "trace-supervisor": ("EPERM",), "read-supervisor": ("EPERM",), "write-supervisor": ("EPERM",),
    "limits": ("EPERM",), "limits-of-supervisor": ("EPERM",), "open": ("EACCES", "ENOENT"),
    "open-own-memory": ("EACCES", "ENOENT"), "create": ("EACCES", "ENOENT"),
    "make-folder": ("EACCES", "ENOENT"), "delete": ("EACCES", "ENOENT"),
    "look-at-path": ("EACCES", "ENOENT"), "chroot": ("EACCES", "ENOENT"), "mount": ("EPERM",),
    "unshare": ("EPERM",), "identity": ("EPERM",), "packet": ("EPERM",), "raw": ("EPERM",),
    "mark": ("EPERM",),
}


def attempts(role, *words):
    """What came of each attempt under the confinement of a role."""
    run = subprocess.run([CONFINED, role, *words], stdout=subprocess.PIPE, timeout=60, check=True)
    return dict(line.split(" ", 1) for line in run.stdout.decode().splitlines())


@pytest.mark.parametrize("role", ["proxy", "recorder"])
def test_a_role_that_calls_for_anything_but_its_work_dies(role):
    found = attempts(role)
    works = {**WORK, **(SOCKETS if role == "proxy" else {})}
    assert len(found) > 55 and set(works) < set(found)
    wrong = {name: result for name, result in found.items()
             if result != works.get(name, "killed")}
    assert not wrong


@pytest.mark.parametrize("role", ["proxy", "recorder"])
def test_the_walls_behind_the_filter_stand_by_themselves(role):
    found = attempts(role, "unfiltered")
    assert not {name: found[name] for name, expected in BEHIND.items()
                if found[name] not in expected}


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_the_roles_that_run_are_confined(wall):
    for pid in wall.children():
        status = status_of(pid)
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(status[kind], 16) == 0, (pid, kind)
        assert status["Groups"].strip() == ""
        ids = set(status["Uid"].split() + status["Gid"].split())
        assert len(ids) == 1 and ids <= {"61001", "61002"}
        limits = Path(f"/proc/{pid}/limits").read_text()
        for name in ("Max core file size", "Max processes"):
            line = next(line for line in limits.splitlines() if line.startswith(name))
            assert line[len(name):].split()[:2] == ["0", "0"], line
        assert Path(f"/proc/{pid}/root").readlink().name.endswith("(deleted)")
        # Not dumpable: its files in /proc are root's.
        assert Path(f"/proc/{pid}/mem").stat().st_uid == 0


# What <linux/capability.h> calls them.
SUPERVISOR_CAPABILITIES = {
    "DAC_OVERRIDE": 1, "KILL": 5, "SETGID": 6, "SETUID": 7, "NET_BIND_SERVICE": 10,
    "NET_ADMIN": 12, "NET_RAW": 13, "IPC_LOCK": 14, "SYS_CHROOT": 18, "SYS_PTRACE": 19,
    "SYS_ADMIN": 21, "SYS_RESOURCE": 24,
}


def test_the_supervisor_keeps_only_what_it_needs(wall):
    status = status_of(wall.process.pid)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        surplus = int(status[kind], 16)
        for number in SUPERVISOR_CAPABILITIES.values():
            surplus &= ~(1 << number)
        assert surplus == 0, (kind, hex(surplus))
    assert int(status["CapInh"], 16) == 0 and int(status["CapAmb"], 16) == 0
