"""What the firewall tells a viewer of calls is what the stand-in's journal has, to the byte."""

import pytest
from replay import SECRET
from test_replay import HOSTILE, OVER_HTTP, OVER_WEBSOCKET

from internet.provider import Answer, Failure, Script, Text, Thinking, Tool, Usage
from internet.provider.views import differences, shown_by_events


def check(viewer, provider):
    """Every call is there, in its order, as the journal has it, and no secret is."""
    calls = viewer.wait_calls(len(provider.calls))
    assert len(calls) == len(provider.calls)
    for call, folded in zip(provider.calls, calls):
        found = differences(call, shown_by_events(folded))
        assert not found, "\n".join(found)
        assert not folded.end.get("is_truncated") or call.answer.failure, folded.end
        if call.wire_bytes:
            assert folded.request["wire_bytes"] == call.wire_bytes
    assert SECRET.encode() not in viewer.text()
    return calls


@pytest.mark.parametrize("transport", ["h1", "h2"])
@pytest.mark.parametrize("name", OVER_HTTP)
def test_shows_a_conversation(name, transport, replay, provider, viewer):
    replay.run(name, transport)
    check(viewer, provider)


@pytest.mark.parametrize("transport", ["ws", "ws-deflate"])
@pytest.mark.parametrize("name", OVER_WEBSOCKET)
def test_shows_a_conversation_over_websocket(name, transport, replay, provider, viewer):
    replay.run(name, transport)
    calls = check(viewer, provider)
    assert len({call.head["exchange"] for call in calls}) == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("name,transport", [
    ("claude-anthropic", "h1"), ("pi-bedrock", "h2"), ("codex-chatgpt", "h2"), ("pi-chat", "h1"),
    ("claude-bedrock", "h1")])
def test_undoes_every_content_coding(name, transport, encoding, replay, provider, viewer):
    def compress(answer, call):
        answer.encoding = encoding

    provider.play.change = compress
    replay.run(name, transport, encoding, accept=encoding)
    check(viewer, provider)


@pytest.mark.parametrize("chunk", [1, 7, -1])
@pytest.mark.parametrize("name,transport,encoding", [
    ("pi-anthropic", "h1", "gzip"), ("pi-bedrock", "h2", ""), ("claude-bedrock", "h1", ""),
    ("codex-mantle", "h2", "zstd"), ("pi-chat", "h2", "br")])
def test_pieces_of_any_size_make_no_difference(name, transport, encoding, chunk, replay, provider,
                                               viewer):
    def cut(answer, call):
        answer.chunk, answer.encoding = chunk, encoding

    provider.play.change = cut
    replay.run(name, transport, accept=encoding)
    check(viewer, provider)


SHAPES = [("pi-anthropic", "h1"), ("pi-bedrock", "h2"), ("claude-bedrock", "h1"),
          ("pi-chat", "h1"), ("codex-mantle", "h2"), ("codex-api-socket", "ws-deflate")]


@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "utf-8"])
@pytest.mark.parametrize("name,transport", SHAPES)
def test_keeps_hostile_texts_as_they_are(name, transport, ascii_only, replay, provider, viewer):
    provider.play = Script(Answer(
        [Thinking(HOSTILE), Text(HOSTILE), Tool("bash", {"command": HOSTILE}),
         Tool("bash", {"command": "echo two"})], ascii_only=ascii_only, piece=61, fragments=3,
        usage=Usage(3, 5, 7, 11, 2)))
    replay.run(name, transport)
    check(viewer, provider)


@pytest.mark.parametrize("stop", ["end", "length"])
@pytest.mark.parametrize("name,transport", SHAPES)
def test_shows_why_the_model_stopped(name, transport, stop, replay, provider, viewer):
    provider.play = Script(Answer([Text("So far.")], stop=stop,
                                  usage=Usage(1, 0, 0, 1, 0)))
    replay.run(name, transport)
    check(viewer, provider)


@pytest.mark.parametrize("name,transport", SHAPES)
def test_shows_a_failure_in_a_stream(name, transport, replay, provider, viewer):
    provider.play = Script(Answer([Text("This is not told to the end.")], failure=Failure(
        "throttlingException", "Slow down, agent.")))
    replay.run(name, transport)
    check(viewer, provider)


@pytest.mark.parametrize("name,transport", SHAPES[:-1])
def test_shows_a_refusal(name, transport, replay, provider, viewer):
    provider.play = Script(Answer([], failure=Failure(
        "throttlingException", "Slow down, agent.", 429)))
    replay.run(name, transport)
    check(viewer, provider)
