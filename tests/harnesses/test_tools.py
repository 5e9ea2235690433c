"""Every harness makes its tool call with every provider and transport that it has."""

import pytest
from harness import Claude, Codex, Pi

from internet.wait import wait_until

# Harness, provider, how it trusts, the way it comes to us, the coding of its requests. With the
# system's store alone Claude compresses its requests, and Codex speaks no HTTP/2.
CASES = [
    (Pi, "anthropic", "guest", "anthropic.messages", "h1", ""),
    (Pi, "anthropic-oauth", "guest", "anthropic.messages", "h1", ""),
    (Pi, "bedrock", "guest", "bedrock.converse", "h2", ""),
    (Pi, "bedrock-keys", "guest", "bedrock.converse", "h2", ""),
    (Pi, "bedrock-http1", "guest", "bedrock.converse", "h1", ""),
    (Pi, "openai", "guest", "openai.responses", "h1", ""),
    (Pi, "chat", "guest", "openai.chat", "h1", ""),
    (Pi, "openai-codex", "guest", "openai.responses", "ws-deflate", ""),
    (Claude, "anthropic", "guest", "anthropic.messages", "h1", ""),
    (Claude, "anthropic", "system", "anthropic.messages", "h1", "gzip"),
    (Claude, "oauth", "system", "anthropic.messages", "h1", "gzip"),
    (Claude, "bedrock", "guest", "bedrock.invoke", "h1", ""),
    (Claude, "mantle", "guest", "anthropic.messages", "h1", ""),
    (Claude, "platform", "guest", "anthropic.messages", "h1", ""),
    (Codex, "api", "guest", "openai.responses", "ws-deflate", ""),
    (Codex, "api", "system", "openai.responses", "ws-deflate", ""),
    (Codex, "bedrock", "guest", "openai.responses", "h2", ""),
    (Codex, "bedrock", "system", "openai.responses", "h1", ""),
    (Codex, "chatgpt", "guest", "openai.responses", "ws-deflate", ""),
]
NAMES = [f"{kind.__name__}-{provider}-{trust}" for kind, provider, trust, *_ in CASES]


def turns(provider):
    """The calls of the task itself, without probes and what warms a connection up."""
    return [call for call in provider.calls if call.answer.tools() or call.results()]


def check_task(result, provider, api=None, transport=None, encoding=None):
    """The harness ran the command, told the model what it printed, and us what the model said."""
    told = (result.returncode, result.stdout[-2000:], result.stderr[-2000:], provider.others)
    assert result.returncode == 0, told
    asked, answered = turns(provider)
    for call in (asked, answered):
        wait_until(lambda call=call: call.is_finished, "the end of an answer")
        assert api is None or call.api.name == api
        assert transport is None or call.transport == transport
        assert encoding is None or call.encoding == encoding
    identifier, text = answered.results()[-1]
    assert identifier == asked.answer.tools()[0].identifier
    assert "hello" in text
    assert answered.answer.texts()[-1].encode() in result.stdout, told


@pytest.mark.parametrize("kind,name,trust,api,transport,encoding", CASES, ids=NAMES)
def test_runs_the_command_and_tells_the_result(kind, name, trust, api, transport, encoding,
                                               runner, provider):
    result = runner.run(kind(name), trust)
    check_task(result, provider, api, transport, encoding)


@pytest.mark.parametrize("kind,name", [(Codex, "api"), (Codex, "chatgpt"), (Pi, "openai-codex")],
                         ids=["Codex-api", "Codex-chatgpt", "Pi-openai-codex"])
@pytest.mark.parametrize("mode", ["deflate", "plain"])
def test_speaks_websocket(kind, name, mode, runner, provider):
    provider.websocket = mode
    check_task(runner.run(kind(name)), provider, "openai.responses",
               "ws-deflate" if mode == "deflate" else "ws", "")
    compressed = sum(end.compressed_seen for end in provider.sockets)
    # Pi offers compression and never uses it.
    assert bool(compressed) == (mode == "deflate" and kind is Codex)


@pytest.mark.parametrize("trust,transport", [("guest", "h2"), ("system", "h1")])
@pytest.mark.parametrize("name,encoding", [("chatgpt", "zstd"), ("api", "")])
def test_codex_falls_back_to_events(name, encoding, trust, transport, runner, provider):
    provider.websocket = 426
    check_task(runner.run(Codex(name), trust), provider, "openai.responses", transport, encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("kind,name", [
    (Pi, "anthropic"), (Pi, "openai"), (Pi, "chat"), (Claude, "anthropic")],
    ids=["Pi-anthropic", "Pi-openai", "Pi-chat", "Claude-anthropic"])
def test_reads_compressed_answers(kind, name, encoding, runner, provider):
    def compress(answer, call):
        assert encoding in call.field("accept-encoding")
        answer.encoding = encoding

    provider.play.change = compress
    check_task(runner.run(kind(name)), provider)


SIZES = [(Pi, "anthropic", "gzip"), (Pi, "bedrock", ""), (Claude, "bedrock", ""),
         (Codex, "bedrock", "")]


@pytest.mark.parametrize("chunk", [1, -1], ids=["byte-by-byte", "all-at-once"])
@pytest.mark.parametrize("kind,name,encoding", SIZES, ids=[
    f"{kind.__name__}-{name}" for kind, name, _ in SIZES])
def test_reads_answers_in_any_pieces(kind, name, encoding, chunk, runner, provider):
    def cut(answer, call):
        answer.encoding, answer.chunk = encoding, chunk

    provider.play.change = cut
    check_task(runner.run(kind(name)), provider)


@pytest.mark.parametrize("protocols", [("http/1.1",), ("h2",)], ids=["h1", "h2"])
def test_a_provider_may_have_one_protocol_only(protocols, runner, provider, fresh_upstream):
    provider.protocols = protocols
    result = runner.run(Codex("bedrock"), "guest" if protocols == ("h2",) else "system")
    check_task(result, provider, transport="h2" if protocols == ("h2",) else "h1")
