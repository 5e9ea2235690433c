"""The small internet with the judges' servers in it, and clients with and without the wall."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from servers import ADDRESSES as JUDGES, ZONE, Judges

from internet import packages
from internet.agent import Agent
from internet.linux import prepare_mounts
from internet.wall import Wall
from internet.world import ADDRESSES, FIREWALL_LINK, World

HERE = Path(__file__).resolve().parent
HTTPS = f"""\
*.{ZONE}
web.example.com
git.example.com
origin.example.com
"""
DNS = "names.example.com\n"

# Names go to the internet's own resolver, whatever the tests' other processes ask.
WITH_RESOLVER = 'mount --bind "$0" "$(readlink -f /etc/resolv.conf)" && exec "$@"'


@pytest.fixture(scope="session")
def world():
    prepare_mounts(FIREWALL_LINK)
    made = World(hosts=list(JUDGES.items()))
    packages.serve(made.origin, packages.apt_files(made.folder / "apt-package"))
    packages.serve(made.origin, packages.npm_files("origin.example.com"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def judges(world):
    made = Judges(world)
    made.start_all()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def wall(world):
    made = Wall(world, world.folder / "wall", https=HTTPS, dns=DNS)
    made.start()
    yield made
    assert made.stop() == 0, made.stderr()
    assert "BUG" not in made.stderr() and "ERROR: " not in made.stderr(), made.stderr()


@pytest.fixture(scope="session")
def agent(world, wall):
    return Agent(world, wall, FIREWALL_LINK, world.folder / "home")


class Way:
    """How a client gets to a server: straight from the internet's edge, or through the wall."""

    def __init__(self, world, namespace, ca, home, resolver=None):
        self.namespace, self.ca, self.home = namespace, str(ca), Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.words = []
        if resolver:
            path = world.folder / "direct-resolv.conf"
            path.write_text(f"nameserver {resolver}\n")
            self.words = ["unshare", "--mount", "sh", "-c", WITH_RESOLVER, path]

    def run(self, *words, timeout=120, check=True, **options):
        environment = {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "HOME": str(self.home), "LC_ALL": "C.UTF-8", "PYTHONPATH": os.environ["PYTHONPATH"],
            "NODE_PATH": os.environ["NODE_PATH"], "PYTHONDONTWRITEBYTECODE": "1",
            "CURL_CA_BUNDLE": self.ca, "SSL_CERT_FILE": self.ca, "GIT_SSL_CAINFO": self.ca,
            "NODE_EXTRA_CA_CERTS": self.ca, "REQUESTS_CA_BUNDLE": self.ca,
            "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GRPC_DNS_RESOLVER": "native",
            **options.pop("environment", {}),
        }
        result = self.namespace.run(*self.words, *words, timeout=timeout, env=environment,
                                    **options)
        if check and result.returncode != 0:
            raise AssertionError(
                f"{words}: status {result.returncode}: {result.stderr.decode()[-1500:]}")
        return result

    def json(self, *words, given=None, **options):
        data = json.dumps(given).encode() if given is not None else None
        return json.loads(self.run(*words, input=data, **options).stdout)


@pytest.fixture(scope="session")
def direct(world, judges):
    return Way(world, world.firewall, world.upstream_ca, world.folder / "home-direct",
               ADDRESSES["resolver"])


@pytest.fixture(scope="session")
def through(world, judges, wall):
    return Way(world, world.agent, wall.ca, world.folder / "home-through")
