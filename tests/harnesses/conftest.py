"""Real harnesses in the agent's namespace, the wall, and the stand-in for their providers."""

import os
from pathlib import Path

import pytest

from internet.linux import command, prepare_mounts
from internet.provider import HOSTS, Provider
from internet.wall import Wall
from internet.world import FIREWALL_LINK, World

HTTPS = "".join(f"{name}\n" for name in HOSTS)
STORE = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="session")
def world():
    prepare_mounts(FIREWALL_LINK)
    made = World(hosts=list(HOSTS.items()))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def server(world):
    return Provider(world)


@pytest.fixture
def provider(server):
    """The stand-in with nothing in its journal."""
    server.reset()
    return server


@pytest.fixture(scope="session")
def wall(world):
    made = Wall(world, world.folder / "wall", https=HTTPS)
    made.start()
    # What the guest's system trusts, for the clients that look nowhere else.
    command("mount", "--bind", made.ca, os.path.realpath(STORE))
    yield made
    assert made.stop() == 0, made.stderr()
    assert "BUG" not in made.stderr() and "ERROR: " not in made.stderr(), made.stderr()


@pytest.fixture
def fresh_upstream(wall):
    """No connection to the provider is there from before: a new policy takes no old one."""
    wall.reload(https=HTTPS + "nobody.example.com\n")
    yield
    wall.reload(https=HTTPS)


def variables_of_the_guest(ca):
    """Those by which the agent VM makes the authority known."""
    names = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CODEX_CA_CERTIFICATE", "AWS_CA_BUNDLE",
             "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE")
    return {"NODE_USE_SYSTEM_CA": "1", **{name: str(ca) for name in names}}


class Runner:
    """Runs a harness as the agent, in a home and a working folder of its own."""

    def __init__(self, world, wall, folder):
        self.world, self.wall, self.folder = world, wall, Path(folder)

    def run(self, harness, trust="guest", prompt=None, timeout=120, environment=None):
        home, work = self.folder / "home", self.folder / "work"
        home.mkdir(exist_ok=True)
        work.mkdir(exist_ok=True)
        harness.prepare(home)
        words = harness.command() if prompt is None else harness.command(prompt)
        given = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8",
                 "TERM": "xterm", **harness.environment(), **(environment or {})}
        if trust == "guest":
            given.update(variables_of_the_guest(self.wall.ca))
        else:
            given["NODE_USE_SYSTEM_CA"] = "1"
        return self.world.agent.run(*words, timeout=timeout, env=given, cwd=work)


@pytest.fixture
def runner(world, wall, tmp_path):
    return Runner(world, wall, tmp_path)
