"""What cases of the attack suite say about themselves."""

import pytest

row = pytest.mark.row  # names of rows.py
proven_by_each = pytest.mark.proven_by_each  # a few cases prove nothing about the others
holds_behind_relay = pytest.mark.holds_behind_relay  # why no relay can break the case
