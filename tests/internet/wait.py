"""Waiting for a condition, never for an amount of time."""

import time


class Late(AssertionError):
    """What was waited for did not come before its deadline."""


def wait_until(condition, what, seconds=10.0):
    """The first true value of `condition()`; Late when there is none in time."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Late(f"waited {seconds:g} s in vain: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
