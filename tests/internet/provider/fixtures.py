"""The wall before stand-ins for the providers, for suites that take it with
`from internet.provider.fixtures import *` in their conftest.py."""

import pytest

from internet.agent import Agent
from internet.linux import prepare_mounts
from internet.provider import HOSTS, Provider
from internet.wall import Wall
from internet.world import FIREWALL_LINK, World

HTTPS = "".join(f"{name}\n" for name in HOSTS)


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
    """Lets through to the providers and nowhere else."""
    made = Wall(world, world.folder / "wall", https=HTTPS)
    made.start()
    yield made
    assert made.stop() == 0, made.stderr()
    assert "BUG" not in made.stderr() and "ERROR: " not in made.stderr(), made.stderr()


@pytest.fixture(scope="session")
def agent(world, wall):
    return Agent(world, wall, FIREWALL_LINK, world.folder / "home")


@pytest.fixture
def fresh_upstream(wall):
    """No connection to the provider is there from before: a new policy takes no old one."""
    wall.reload(https=HTTPS + "nobody.example.com\n")
    yield
    wall.reload(https=HTTPS)
