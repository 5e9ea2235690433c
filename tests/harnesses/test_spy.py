"""What rootcell spy shows of real harnesses is what the stand-in told them, to the byte."""

import json
import sys
from pathlib import Path

import pytest
from harness import (ANTHROPIC_KEY, AWS_KEYS, BEDROCK_KEY, OPENAI_KEY, Claude, Codex, Pi,
                     subscription)
from test_tools import CASES, NAMES, check_task

from internet.provider.shown import PROGRAM, check_views, run
from internet.provider.views import differences, shown_by_events, usage_of
from internet.wait import wait_until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "screen"))
from terminal import Terminal  # noqa: E402

SECRETS = (ANTHROPIC_KEY, OPENAI_KEY, BEDROCK_KEY, AWS_KEYS["AWS_SECRET_ACCESS_KEY"],
           "sk-ant-oat01-", subscription())


def identifier_of(folded):
    """By which the provider named its answer."""
    return folded.stop.get("id") or folded.response.get("id")


def seen_calls(watcher, provider):
    """The calls of models that the viewer saw; what else a client asks of these hosts, and
    handshakes that were refused, are not compared."""
    def search():
        calls = [call for call in watcher.calls() if call.head.get("api") != "other"
                 and call.request.get("operation") != "handshake"]
        return calls if len(calls) >= len(provider.calls) and all(
            call.end for call in calls) else None

    return wait_until(search, "all calls to be over", 20)


def check_screen(recording, calls, columns, rows):
    """The last call with its counts, and where its text is looked for, the text."""
    terminal = Terminal([str(PROGRAM), "--tui", "--utc", str(recording)], columns, rows)
    try:
        terminal.wait_for(f"[Calls {len(calls)}]")
        terminal.type(">")
        usage = usage_of(calls[-1])
        terminal.wait_for(f" {usage['input']} ", f" {usage['output']} ")
        said = calls[-1].answer.texts()[-1]
        terminal.type("/" + said[:19] + "\r")
        terminal.wait_for(said[:20])
    finally:
        terminal.close()


def check_spy(watcher, provider, folder):
    """Events and all views; a client may ask side by side, so calls are told apart by their ids."""
    seen = seen_calls(watcher, provider)
    assert len(seen) == len(provider.calls)
    journal = {name: call for call in provider.calls
               for name in (call.answer_identifier, call.request_identifier)}
    ordered = [journal[identifier_of(folded)] for folded in seen]
    for call, folded in zip(ordered, seen):
        found = differences(call, shown_by_events(folded))
        assert not found, "\n".join(found)
    numbers = {folded.head["call"] for folded in seen}
    recording = folder / "recording.jsonl"
    recording.write_bytes(b"".join(
        line for line in watcher.lines if json.loads(line).get("call") in numbers))
    check_views(recording, ordered)
    check_screen(recording, ordered, 80, 24)
    check_screen(recording, ordered, 200, 50)
    raw = run("--raw", "--no-dedupe", "--tools", recording)
    for secret in SECRETS:
        assert secret.encode() not in raw and secret.encode() not in watcher.text()


@pytest.mark.parametrize("kind,name,trust,api,transport,encoding", CASES, ids=NAMES)
def test_shows_the_task(kind, name, trust, api, transport, encoding, runner, provider, watcher,
                        tmp_path):
    check_task(runner.run(kind(name), trust), provider, api, transport, encoding)
    check_spy(watcher, provider, tmp_path)


@pytest.mark.parametrize("kind,name", [(Codex, "api"), (Codex, "chatgpt"), (Pi, "openai-codex")],
                         ids=["Codex-api", "Codex-chatgpt", "Pi-openai-codex"])
def test_shows_a_websocket_without_compression(kind, name, runner, provider, watcher, tmp_path):
    provider.websocket = "plain"
    check_task(runner.run(kind(name)), provider, transport="ws")
    check_spy(watcher, provider, tmp_path)


@pytest.mark.parametrize("trust,transport", [("guest", "h2"), ("system", "h1")])
def test_shows_requests_in_zstd(trust, transport, runner, provider, watcher, tmp_path):
    provider.websocket = 426
    check_task(runner.run(Codex("chatgpt"), trust), provider, transport=transport,
               encoding="zstd")
    check_spy(watcher, provider, tmp_path)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("kind,name", [
    (Pi, "anthropic"), (Pi, "openai"), (Pi, "chat"), (Claude, "anthropic")],
    ids=["Pi-anthropic", "Pi-openai", "Pi-chat", "Claude-anthropic"])
def test_shows_compressed_answers(kind, name, encoding, runner, provider, watcher, tmp_path):
    def compress(answer, call):
        answer.encoding = encoding

    provider.play.change = compress
    check_task(runner.run(kind(name)), provider)
    check_spy(watcher, provider, tmp_path)
