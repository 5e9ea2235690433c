"""Fetch and unpack the harnesses with npm, once: they stay in a cache outside the tree.

usage: fetch.py; prints nothing on standard output. The cache is ROOTCELL_TESTS_CACHE, else
rootcell-tests in XDG_CACHE_HOME or ~/.cache. Node.js and Pi are those that images take."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LISTS = (HERE.parents[1] / "data/image/npm-packages.txt", HERE / "packages.txt")
ROLES = ("node", "pi", "claude", "codex")


def cache():
    given = os.environ.get("ROOTCELL_TESTS_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given or Path(home) / "rootcell-tests")


def packages():
    """Role -> (name, version, integrity) on this machine."""
    found = {}
    for path in LISTS:
        for line in path.read_text().splitlines():
            words = line.split("#")[0].split()
            if words and words[0] in ROLES and (len(words) < 5 or words[4] == platform.machine()):
                found[words[0]] = tuple(words[1:4])
    missing = set(ROLES) - set(found)
    assert not missing, f"no packages for {platform.machine()}: {', '.join(sorted(missing))}"
    return found


def folder_of(role):
    """Where the package of a role is unpacked."""
    name, version, _ = packages()[role]
    return cache() / f"{name.replace('/', '-').lstrip('@')}-{version}" / "package"


def say(text, end="\n"):
    print(f"harnesses: {text}", end=end, file=sys.stderr, flush=True)


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def pack(name, version, folder):
    """The archive of a package, by npm, and what npm says that it is."""
    environment = {**os.environ, "npm_config_cache": str(folder / "npm"),
                   "npm_config_update_notifier": "false"}
    process = subprocess.Popen(
        ["npm", "pack", "--json", "--loglevel=error", f"{name}@{version}"], cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment)
    while sys.stderr.isatty():
        try:
            process.wait(0.5)
            print(file=sys.stderr)
            break
        except subprocess.TimeoutExpired:
            try:
                say(f"fetching {name} {version}: {megabytes(folder):.0f} MB", end="\r")
            except OSError:  # a file went while it was counted
                pass
    told, _ = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"harnesses: npm could not fetch {name}@{version}")
    return json.loads(told)[0]


def fetch(role):
    name, version, integrity = packages()[role]
    target = folder_of(role).parent
    if target.is_dir():
        return
    started = time.monotonic()
    half = target.with_name(f"{target.name}.{os.getpid()}")
    half.mkdir(parents=True)
    try:
        say(f"fetching {name} {version}")
        told = pack(name, version, half)
        if told["integrity"] != integrity:
            raise SystemExit(f"harnesses: {name}@{version} is {told['integrity']}, which is not "
                             "what was pinned")
        archive = half / told["filename"]
        with tarfile.open(archive) as opened:
            opened.extractall(half)
        archive.unlink()
        shutil.rmtree(half / "npm")
        half.rename(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    say(f"{name} {version} is there ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    for each in ROLES:
        fetch(each)
