"""What cases of the attack suite say about themselves."""

import pytest

row = pytest.mark.row  # names of rows.py
proven_by_each = pytest.mark.proven_by_each  # a few cases prove nothing about the others
holds_behind_relay = pytest.mark.holds_behind_relay  # why no relay can break the case

MEANINGS = (
    "row(name...): the rows of docs/attacks.md that a case belongs to",
    "proven_by_each: every case runs behind the relay",
    "holds_behind_relay(why): no relay can break this case",
)


def register(config):
    """Tell pytest of all marks."""
    for meaning in MEANINGS:
        config.addinivalue_line("markers", meaning)
