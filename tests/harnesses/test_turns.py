"""Harder turns: several tools at once, failures, and texts that mean harm."""

import pytest
from harness import Claude, Codex, Pi

from internet.provider import Answer, Failure, Script, Text, Thinking, Tool, Usage
from internet.wait import wait_until

LONG = "\u65e5\u672c\u8a9e " * 4000
HOSTILE = ("\x1b]0;title\x07\x1b[2J\x1b[31mred \u202eevil\u202c \x00\x9b31m \x7f \r\x08 "
           "<script>alert(1)</script>&amp;\"' \U0001f600 caf\u00e9\n" + LONG)
TEXT = [Text("All is done.")]


def bash(name, *commands):
    more = {"description": "Prints"} if name == "Bash" else {}
    return [Tool(name, {"command": command, **more}) for command in commands]


@pytest.mark.parametrize("kind,name,shell", [
    (Pi, "anthropic", "bash"), (Pi, "bedrock", "bash"), (Pi, "openai", "bash"),
    (Pi, "chat", "bash"), (Claude, "anthropic", "Bash")],
    ids=["Pi-anthropic", "Pi-bedrock", "Pi-openai", "Pi-chat", "Claude-anthropic"])
def test_calls_several_tools_in_one_turn(kind, name, shell, runner, provider):
    commands = ("echo one", "echo two", "echo three")
    provider.play = Script(
        Answer([Thinking("Three of them."), *bash(shell, *commands)],
               usage=Usage(input=7, cache_read=11, cache_write=13, output=17, reasoning=5)),
        Answer(TEXT))
    result = runner.run(kind(name))
    assert result.returncode == 0 and b"All is done." in result.stdout, (
        result.stdout, result.stderr)
    first, second = provider.calls
    told = dict(second.results())
    texts = [told[tool.identifier].strip() for tool in first.answer.tools()]
    assert texts == ["one", "two", "three"]


@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "utf-8"])
@pytest.mark.parametrize("kind,name", [
    (Pi, "anthropic"), (Pi, "bedrock"), (Pi, "openai-codex"), (Claude, "bedrock"),
    (Codex, "bedrock")],
    ids=["Pi-anthropic", "Pi-bedrock", "Pi-openai-codex", "Claude-bedrock", "Codex-bedrock"])
def test_texts_that_mean_harm_arrive_as_they_are(kind, name, ascii_only, runner, provider):
    provider.play = Script(Answer([Thinking(HOSTILE), Text(HOSTILE)], ascii_only=ascii_only,
                                  piece=97, fragments=3))
    result = runner.run(kind(name))
    assert result.returncode == 0, result.stderr[-2000:]
    assert LONG.strip().encode() in result.stdout
    for call in provider.calls:
        wait_until(lambda call=call: call.is_finished, "the end of an answer")


def failing_once(failure):
    return Script(Answer([Text("This is never told to the end.")], failure=failure),
                  Answer(TEXT))


@pytest.mark.parametrize("kind,name,failure", [
    (Pi, "anthropic", Failure("rate_limit_error", "Slow down.", 429)),
    (Pi, "bedrock", Failure("ThrottlingException", "Too many requests.", 429)),
    (Pi, "openai", Failure("rate_limit_exceeded", "Slow down.", 429)),
    (Claude, "anthropic", Failure("overloaded_error", "Overloaded.", 529)),
    (Claude, "anthropic", Failure("overloaded_error", "Overloaded.")),
    (Codex, "bedrock", Failure("server_is_overloaded", "Overloaded.", 503)),
    (Codex, "bedrock", Failure("rate_limit_exceeded", "Slow down: try again in 0.1s.")),
    (Pi, "bedrock", Failure("throttlingException", "Too many requests."))],
    ids=["Pi-anthropic-429", "Pi-bedrock-429", "Pi-openai-429", "Claude-529", "Claude-in-stream",
         "Codex-503", "Codex-in-stream", "Pi-bedrock-in-stream"])
def test_asks_again_after_a_failure(kind, name, failure, runner, provider):
    provider.play = failing_once(failure)
    result = runner.run(kind(name))
    assert result.returncode == 0 and b"All is done." in result.stdout, (
        result.stdout, result.stderr[-2000:])
    assert len(provider.calls) == 2


@pytest.mark.parametrize("kind,name,failure", [
    (Pi, "bedrock", Failure("validationException", "That is not valid.")),
    (Pi, "openai", Failure("invalid_request_error", "That is not valid.", 400)),
    (Codex, "bedrock", Failure("invalid_request_error", "That is not valid.", 400))],
    ids=["Pi-bedrock-in-stream", "Pi-openai-400", "Codex-400"])
def test_gives_up_after_a_refusal(kind, name, failure, runner, provider):
    provider.play = failing_once(failure)
    result = runner.run(kind(name))
    assert result.returncode != 0, result.stdout
    assert b"That is not valid." in result.stderr + result.stdout
    assert len(provider.calls) == 1


@pytest.mark.parametrize("kind,name", [(Pi, "anthropic"), (Claude, "bedrock"),
                                       (Codex, "bedrock")],
                         ids=["Pi-anthropic", "Claude-bedrock", "Codex-bedrock"])
def test_asks_again_when_an_answer_breaks_off(kind, name, runner, provider):
    provider.play = Script(Answer([Text("This is never told to the end.")], cut=400),
                           Answer(TEXT))
    result = runner.run(kind(name))
    assert result.returncode == 0 and b"All is done." in result.stdout, (
        result.stdout, result.stderr[-2000:])
    tried = [call for call in provider.calls if not call.is_probe]
    assert not tried[0].is_finished and tried[-1].is_finished and len(tried) == 2
