"""What capture costs a long streamed answer: the same 50 MB with nobody watching, with viewers of
each kind, and while recording. Its number is a rate, with the proxy's processor time beside it."""

import contextlib
import os
import statistics
from pathlib import Path

import process_tree
from internet.viewer import Viewer, recorder_of
from internet.wait import wait_until
from network import LOAD_CORE, PROXY_CORE, service_name
from origin import STREAM_BYTES

PROVIDER = f"""\
provider bench
api anthropic-messages GET {service_name('warm')} /stream.sse
"""
PROXY_USER, STREAMS = "61001", 6  # transfers a sample; the first opens the connection


class Mode:
    """`key` of the case; `wishes` of the viewer, None when there is none."""

    def __init__(self, key, title, wishes=None, is_reading=True, is_recording=False):
        self.key, self.title, self.wishes = key, title, wishes
        self.is_reading, self.is_recording = is_reading, is_recording


MODES = [
    Mode("none", "nobody watches"),
    Mode("events", "a viewer reads", ()),
    Mode("bodies", "a viewer reads bodies", ("bodies",)),
    Mode("stopped", "a viewer stopped reading", ("bodies",), is_reading=False),
    Mode("recording", "recording", is_recording=True),
]
CORES = {"same": "recorder on the proxy's core", "other": "recorder on the other core"}


def proxy_of(wall):
    """The process of the proxy, by its user."""

    def search():
        return next((pid for pid in wall.children()
                     if f"Uid:\t{PROXY_USER}\t" in Path(f"/proc/{pid}/status").read_text()), None)

    return wait_until(search, "the proxy to be confined")


@contextlib.contextmanager
def watched(wall, mode):
    """While `mode` is what the wall does."""
    if mode.wishes is None:
        yield
        if mode.is_recording:
            with Viewer(wall, "backlog") as viewer:
                viewer.call("/stream.sse")
        return
    with Viewer(wall, *mode.wishes, is_reading=mode.is_reading) as viewer:
        if not viewer.answer.get("ok"):
            raise RuntimeError(f"no viewer: {viewer.answer}")
        yield
        if mode.is_reading:
            viewer.call("/stream.sse")  # or nothing was captured, and nothing is measured


def sample(bench, peer, mode, core):
    """(MB a second on the clock, MB a second of the proxy's processor time)."""
    wall = peer.wall
    os.sched_setaffinity(recorder_of(wall), {PROXY_CORE if core == "same" else LOAD_CORE})
    proxy = proxy_of(wall)
    with watched(wall, mode):
        bench.load.streams(peer, 1)
        before = process_tree.processor_seconds([proxy])
        with process_tree.ahead_of_others():
            rates = bench.load.streams(peer, STREAMS)
        spent = process_tree.processor_seconds([proxy]) - before
    return statistics.median(rates[1:]), STREAMS * STREAM_BYTES / 1e6 / spent


def measure(bench, peer, turn, note):
    """One round of all modes; `note(mode, core, rate, processor rate)`. Each mode gets a firewall
    that was just started, and another one goes first in each round: what is fresh or went before
    must not look like what a mode costs."""
    os.sched_setaffinity(0, {LOAD_CORE})  # the viewer reads in this process
    first = turn % len(MODES)
    for mode in MODES[first:] + MODES[:first]:
        for core in CORES:
            peer.stop()
            peer.start(recording=mode.is_recording or None)
            note(mode, core, *sample(bench, peer, mode, core))
    peer.stop()
    peer.start()
