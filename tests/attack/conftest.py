"""The rows that each case belongs to, and the proof that each case can fail.

Behind a plain relay (ROOTCELL_TESTS_STAND_IN=relay) every attack succeeds. There a case is right
when it fails: one that asks the oracle, by the oracle; any other by an assertion of its own."""

import pytest

from attack.marks import register
from attack.rows import ROWS
from internet.agent import Peer
from internet.fixtures import *  # noqa: F401,F403
from internet.fixtures import IS_STAND_IN, Leaked

LIMIT_BEHIND_RELAY = 2  # cases of one test that are proof enough that it can fail
PATIENCE_BEHIND_RELAY = 0.1  # of the limits: the relay never ends a connection by itself


def pytest_configure(config):
    register(config)
    if IS_STAND_IN:
        Peer.patience = PATIENCE_BEHIND_RELAY


def rows_of(item):
    return [name for mark in item.iter_markers("row") for name in mark.args]


def pytest_collection_modifyitems(config, items):
    """Every case has its row; behind the relay some cases of each test are proof enough."""
    unknown = [item.nodeid for item in items if not rows_of(item)]
    unknown += [item.nodeid for item in items for name in rows_of(item) if name not in ROWS]
    if unknown:
        raise pytest.UsageError(f"without a row of tests/attack/rows.py: {unknown[:5]}")
    if IS_STAND_IN:
        kept, counts = [], {}
        for item in items:
            counts[item.originalname] = counts.get(item.originalname, 0) + 1
            is_enough = counts[item.originalname] > LIMIT_BEHIND_RELAY
            if ((not is_enough or item.get_closest_marker("proven_by_each"))
                    and not item.get_closest_marker("holds_behind_relay")):
                kept.append(item)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def why_no_proof(item, problem):
    """What is wrong with the way in which a case ended behind the relay; None when it is proof."""
    if problem is None:
        return "passes behind a plain relay: this case cannot fail"
    if "refused" in item.fixturenames and not isinstance(problem, Leaked):
        return f"fails behind a plain relay, but not by the oracle: {problem!r}"
    return None


def try_patiently(item):
    """Once more with whole limits: on a busy machine the relay may have been too slow to leak."""
    Peer.patience = 1.0
    try:
        item.obj(**{name: item.funcargs[name] for name in item._fixtureinfo.argnames})
    except (Exception, pytest.fail.Exception) as problem:
        return problem
    finally:
        Peer.patience = PATIENCE_BEHIND_RELAY
    return None


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    outcome = yield
    if not IS_STAND_IN:
        return
    wrong = why_no_proof(pyfuncitem, outcome.excinfo[1] if outcome.excinfo else None)
    if wrong:
        wrong = why_no_proof(pyfuncitem, try_patiently(pyfuncitem))
    if wrong:
        raise AssertionError(wrong)
    outcome.force_result(True)
