"""The full screen shows what the stand-in's journal has, in terminals of both sizes."""

import sys
from pathlib import Path

import pytest
from test_views import record

from internet.provider import Answer, Script, Text, Thinking, Tool, Usage
from internet.provider.shown import PROGRAM
from internet.provider.views import usage_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "screen"))
from terminal import Terminal  # noqa: E402

CONVERSATIONS = [("pi-bedrock", "h2"), ("pi-anthropic", "h1"), ("codex-api-socket", "ws-deflate"),
                 ("pi-chat", "h1")]


@pytest.mark.parametrize("columns,rows", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("name,transport", CONVERSATIONS)
def test_screens_show_texts_tools_and_tokens(name, transport, columns, rows, replay, provider,
                                             watcher, tmp_path):
    provider.play = Script(Answer(
        [Thinking("A short thought."), Text("\x1b[31mred \u202eevil <b>caf\u00e9"),
         Tool("bash", {"command": "echo two"})], usage=Usage(1003, 205, 307, 411, 5)))
    replay.run(name, transport)
    recording = record(watcher, provider, tmp_path)
    terminal = Terminal([str(PROGRAM), "--tui", "--utc", str(recording)], columns, rows)
    try:
        count = len(provider.calls)
        terminal.wait_for(f"[Calls {count}]")
        terminal.type(">")
        usage = usage_of(provider.calls[-1])
        terminal.wait_for(f" {usage['input']} ", f" {usage['output']} ")
        if columns == 200:  # the whole answer fits beside the list
            terminal.wait_for("A short thought.", "\\x1b[31mred \\u{202e}evil <b>caf\u00e9",
                              "tool call bash", '"command": "echo two"')
        assert "\x1b[31m" not in terminal.text()
    finally:
        terminal.close()
