"""The fixtures of the small internet."""

from internet.fixtures import *  # noqa: F401,F403
