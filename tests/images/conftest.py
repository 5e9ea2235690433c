"""The marks of the attack suite, to whose rows some cases belong."""

from attack.marks import register


def pytest_configure(config):
    register(config)
