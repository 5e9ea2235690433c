"""Real harnesses in the agent's namespace, the wall, and the stand-in for their providers."""

import os
from pathlib import Path

import pytest

from internet.linux import command
from internet.provider.fixtures import *
from internet.provider.viewer import Viewer

STORE = "/etc/ssl/certs/ca-certificates.crt"


def variables_of_the_guest(ca):
    """Those by which the agent VM makes the authority known."""
    names = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CODEX_CA_CERTIFICATE", "AWS_CA_BUNDLE",
             "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE")
    return {"NODE_USE_SYSTEM_CA": "1", **{name: str(ca) for name in names}}


@pytest.fixture(scope="session")
def store(wall):
    """The system trusts the wall, for the clients that look nowhere else."""
    command("mount", "--bind", wall.ca, os.path.realpath(STORE))


class Runner:
    """Runs a harness as the agent, in a home and a working folder of its own."""

    def __init__(self, world, wall, folder):
        self.world, self.wall, self.folder = world, wall, Path(folder)

    def run(self, harness, trust="guest", timeout=120):
        """`trust`: by the variables of the guest, or by the system's store alone."""
        home, work = self.folder / "home", self.folder / "work"
        home.mkdir(exist_ok=True)
        work.mkdir(exist_ok=True)
        harness.prepare(home)
        given = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8",
                 "TERM": "xterm", "NODE_USE_SYSTEM_CA": "1", **harness.environment()}
        if trust == "guest":
            given.update(variables_of_the_guest(self.wall.ca))
        return self.world.agent.run(*harness.command(), timeout=timeout, env=given, cwd=work)


@pytest.fixture
def runner(world, wall, store, tmp_path):
    return Runner(world, wall, tmp_path)


@pytest.fixture
def watcher(wall):
    """Somebody watches and wants bodies, too."""
    made = Viewer(wall, "bodies")
    yield made
    made.stop()
