"""Text, JSON and every export show of calls what the stand-in's journal has."""

import pytest
from test_capture import SHAPES
from replay import NAMES, SECRET
from test_replay import HOSTILE

from internet.provider import Answer, Failure, Script, Text, Thinking, Tool, Usage
from internet.provider.shown import check_views, run

WAYS = [(name, "ws-deflate" if name.endswith("-socket") else "h2" if "bedrock" in name or
         "mantle" in name else "h1") for name in NAMES]


def record(watcher, provider, tmp_path):
    """A recording of all calls, with bodies."""
    watcher.wait_calls(len(provider.calls))
    path = tmp_path / "recording.jsonl"
    path.write_bytes(watcher.text())
    return path


@pytest.mark.parametrize("name,transport", WAYS)
def test_views_show_a_conversation(name, transport, replay, provider, watcher, tmp_path):
    replay.run(name, transport)
    recording = record(watcher, provider, tmp_path)
    check_views(recording, provider.calls)
    assert SECRET.encode() not in run("--raw", "--no-dedupe", "--tools", recording)


@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "utf-8"])
@pytest.mark.parametrize("name,transport", SHAPES)
def test_views_show_hostile_texts(name, transport, ascii_only, replay, provider, watcher,
                                  tmp_path):
    provider.play = Script(Answer(
        [Thinking(HOSTILE), Text(HOSTILE), Tool("bash", {"command": HOSTILE}),
         Tool("bash", {"command": "echo two"})], ascii_only=ascii_only, piece=61, fragments=3,
        usage=Usage(3, 5, 7, 11, 2)))
    replay.run(name, transport)
    check_views(record(watcher, provider, tmp_path), provider.calls)


@pytest.mark.parametrize("status", [0, 429], ids=["in-stream", "429"])
@pytest.mark.parametrize("name,transport", SHAPES[:-1])
def test_views_show_failures(name, transport, status, replay, provider, watcher, tmp_path):
    provider.play = Script(Answer([Text("This is not told to the end.")], failure=Failure(
        "throttlingException", "Slow down, agent.", status)))
    replay.run(name, transport)
    check_views(record(watcher, provider, tmp_path), provider.calls)


def test_a_view_of_live_events_is_that_of_the_recording(replay, provider, watcher, tmp_path):
    replay.run("pi-anthropic", "h1")
    recording = record(watcher, provider, tmp_path)
    with open(recording, "rb") as events:
        assert run("--json", stdin=events) == run("--json", recording)
