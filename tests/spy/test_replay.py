"""What real clients send passes the wall, and what the provider says comes to them as it is."""

import pytest
from replay import NAMES

from internet.provider import Answer, Failure, Script, Text, Thinking, Tool, Usage
from internet.wait import wait_until

OVER_HTTP = [name for name in NAMES if not name.endswith("-socket")]
OVER_WEBSOCKET = [name for name in NAMES if name.endswith("-socket")]
HOSTILE = ("\x1b]0;title\x07\x1b[2J\x1b[31mred \u202eevil\u202c \x00\x9b31m \x7f \r\x08 "
           "<script>alert(1)</script>&amp;\"' \U0001f600 caf\u00e9\n" + "long \u65e5" * 4000)


def check(seen, provider):
    """The client read what the journal says that it was told, to the byte."""
    assert len(seen) == len(provider.calls)
    for one, call in zip(seen, provider.calls):
        wait_until(lambda call=call: call.is_finished, "the end of an answer")
        told, read = call.answer, one.answer
        if told.failure:
            assert read.error == told.failure.message
            continue
        assert read.is_ended, one.body[-300:]
        # Chat Completions have one text and one thought.
        is_joined = call.api.name == "openai.chat"
        join = (lambda texts: ["".join(texts)] if texts else []) if is_joined else list
        assert [read.texts, read.thoughts] == [join(told.texts()), join(told.thoughts())]
        assert read.tools == [
            {"id": tool.identifier, "name": tool.name,
             "arguments": tool.argument_text(told.ascii_only)} for tool in told.tools()]


def check_task(seen, provider):
    check(seen, provider)
    asked = [call for call in provider.calls if call.answer.tools()]
    assert len(asked) == 1
    identifier, text = provider.calls[-1].results()[-1]
    assert identifier == asked[0].answer.tools()[0].identifier and "hello" in text
    assert seen[-1].answer.texts[-1].startswith("The command printed: ")


@pytest.mark.parametrize("transport", ["h1", "h2"])
@pytest.mark.parametrize("name", OVER_HTTP)
def test_repeats_a_conversation(name, transport, replay, provider):
    check_task(replay.run(name, transport), provider)
    assert {call.transport for call in provider.calls} == {transport}


@pytest.mark.parametrize("transport", ["ws", "ws-deflate"])
@pytest.mark.parametrize("name", OVER_WEBSOCKET)
def test_repeats_a_conversation_over_websocket(name, transport, replay, provider):
    check_task(replay.run(name, transport), provider)
    assert {call.transport for call in provider.calls} == {transport}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("name,transport", [
    ("claude-anthropic", "h1"), ("pi-bedrock", "h2"), ("codex-chatgpt", "h2"), ("pi-chat", "h1")])
def test_bodies_may_be_compressed_both_ways(name, transport, encoding, replay, provider):
    def compress(answer, call):
        answer.encoding = encoding

    provider.play.change = compress
    check_task(replay.run(name, transport, encoding, accept=encoding), provider)
    assert {call.encoding for call in provider.calls} == {encoding}


@pytest.mark.parametrize("chunk", [1, 7, -1])
@pytest.mark.parametrize("name,transport,encoding", [
    ("pi-anthropic", "h1", "gzip"), ("pi-bedrock", "h2", ""), ("claude-bedrock", "h1", ""),
    ("codex-mantle", "h2", "zstd")])
def test_answers_come_in_pieces_of_any_size(name, transport, encoding, chunk, replay, provider):
    def cut(answer, call):
        answer.chunk, answer.encoding = chunk, encoding
        answer.is_framed_by_length = chunk == -1

    provider.play.change = cut
    check_task(replay.run(name, transport, accept=encoding), provider)


@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "utf-8"])
@pytest.mark.parametrize("name,transport", [
    ("pi-anthropic", "h1"), ("pi-bedrock", "h2"), ("claude-bedrock", "h1"), ("pi-chat", "h1"),
    ("codex-mantle", "h2"), ("codex-api-socket", "ws-deflate")])
def test_hostile_texts_come_as_they_are(name, transport, ascii_only, replay, provider):
    provider.play = Script(Answer(
        [Thinking(HOSTILE), Text(HOSTILE), Tool("bash", {"command": HOSTILE}),
         Tool("bash", {"command": "echo two"})], ascii_only=ascii_only, piece=61, fragments=3,
        usage=Usage(3, 5, 7, 11, 2)))
    check(replay.run(name, transport), provider)


@pytest.mark.parametrize("name,transport", [
    ("claude-anthropic", "h1"), ("pi-bedrock", "h2"), ("claude-bedrock", "h1"),
    ("codex-mantle", "h2"), ("pi-chat", "h1")])
@pytest.mark.parametrize("status", [0, 429])
def test_failures_come_as_they_are(name, transport, status, replay, provider):
    provider.play = Script(Answer([Text("This is not told to the end.")], failure=Failure(
        "throttlingException", "Slow down, agent.", status)))
    check(replay.run(name, transport), provider)
    assert any(call.answer.failure for call in provider.calls)


def test_a_failure_comes_over_websocket(replay, provider):
    provider.play = Script(Answer([Text("This is not told to the end.")], failure=Failure(
        "rate_limit_exceeded", "Slow down, agent.")))
    check(replay.run("codex-api-socket", "ws-deflate"), provider)
    assert any(call.answer.failure for call in provider.calls)
