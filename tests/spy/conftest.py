"""The wall, the stand-in for the providers, and clients that repeat what real ones have sent."""

import pytest
from replay import Replay

from internet.provider.fixtures import *
from internet.provider.viewer import Viewer


@pytest.fixture
def replay(agent, provider):
    return Replay(agent, provider)


@pytest.fixture
def viewer(wall):
    """Somebody watches."""
    made = Viewer(wall)
    yield made
    made.stop()


@pytest.fixture
def watcher(wall):
    """Somebody watches and wants bodies, too."""
    made = Viewer(wall, "bodies")
    yield made
    made.stop()
