"""The wall, the stand-in for the providers, and clients that repeat what real ones have sent."""

import pytest
from replay import Replay

from internet.provider.fixtures import *


@pytest.fixture
def replay(agent, provider):
    return Replay(agent, provider)
