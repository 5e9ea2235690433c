"""One call of a model as the stand-in provider saw and answered it."""

import re
from urllib.parse import unquote

from internet.provider import anthropic, bedrock, openai

# What each API makes of an answer: stream(call, answer) -> (content type, parts of the body),
# whole(call, answer) -> JSON, error(call, failure) -> JSON, and what it finds in a request.


class Api:
    def __init__(self, name, stream, whole, error, results, tools):
        self.name, self.stream, self.whole, self.error = name, stream, whole, error
        self.results, self.tools = results, tools


MESSAGES = Api("anthropic.messages", anthropic.stream, anthropic.whole, anthropic.error,
               anthropic.results, anthropic.tools)
CONVERSE = Api("bedrock.converse", bedrock.converse_stream, bedrock.converse_whole, bedrock.error,
               bedrock.converse_results, bedrock.converse_tools)
INVOKE = Api("bedrock.invoke", bedrock.invoke_stream, anthropic.whole, bedrock.error,
             anthropic.results, anthropic.tools)
RESPONSES = Api("openai.responses", openai.responses_stream, openai.responses_whole, openai.error,
                openai.responses_results, openai.responses_tools)
CHAT = Api("openai.chat", openai.chat_stream, openai.chat_whole, openai.error,
           openai.chat_results, openai.chat_tools)

# (host, path, API, operation)
ROUTES = [
    (r"api\.anthropic\.com", r"/v1/messages", MESSAGES, "messages"),
    (r"aws-external-anthropic\..*", r"/v1/messages", MESSAGES, "messages"),
    (r"bedrock-mantle\..*", r"/anthropic/v1/messages", MESSAGES, "messages"),
    (r"bedrock-mantle\..*", r"/openai/v1/responses", RESPONSES, "responses"),
    (r"bedrock-runtime\..*", r"/model/(?P<model>.+)/converse", CONVERSE, "converse"),
    (r"bedrock-runtime\..*", r"/model/(?P<model>.+)/converse-stream", CONVERSE, "converse-stream"),
    (r"bedrock-runtime\..*", r"/model/(?P<model>.+)/invoke", INVOKE, "invoke"),
    (r"bedrock-runtime\..*", r"/model/(?P<model>.+)/invoke-with-response-stream", INVOKE,
     "invoke-with-response-stream"),
    (r"api\.openai\.com", r"/v1/responses", RESPONSES, "responses"),
    (r"api\.openai\.com", r"/v1/chat/completions", CHAT, "chat.completions"),
    (r"chatgpt\.com", r"/backend-api/codex/responses", RESPONSES, "responses"),
]


def route(host, target):
    """(API, operation, model of the path or None), or None for what is no call of a model."""
    path = target.split("?")[0]
    for host_form, path_form, api, operation in ROUTES:
        found = re.fullmatch(path_form, path)
        if found and re.fullmatch(host_form, host or ""):
            model = found.groupdict().get("model")
            return api, operation, unquote(model) if model else None
    return None


class Call:
    """`request` is the JSON that was asked; `answer` what was answered, in no API's words."""

    def __init__(self, number, host, target, fields, request, transport, wire_bytes, encoding):
        self.number, self.host, self.target, self.fields = number, host, target, fields
        self.request, self.transport = request, transport  # h1, h2, ws, ws-deflate
        self.wire_bytes, self.encoding = wire_bytes, encoding
        self.api, self.operation, model = route(host, target)
        self.model = model or request.get("model") or ""
        self.answer = None
        self.is_finished = False  # the end of the answer was sent
        prefix = {MESSAGES: "msg", INVOKE: "msg", RESPONSES: "resp"}.get(self.api, "chatcmpl")
        self.answer_identifier = f"{prefix}_{number:012d}"
        self.request_identifier = f"req_{number:012d}"

    def field(self, name):
        values = [value for key, value in self.fields if key.lower() == name]
        return values[0] if values else None

    @property
    def is_streamed(self):
        if self.operation in ("converse-stream", "invoke-with-response-stream"):
            return True
        return self.transport.startswith("ws") or bool(self.request.get("stream"))

    @property
    def is_prewarm(self):
        return self.request.get("generate") is False

    @property
    def is_probe(self):
        """Whether a model is there at all, as Claude Code asks Bedrock."""
        return self.request.get("max_tokens") == 1

    def results(self):
        """(identifier, text) of the tools' results in this request."""
        return list(self.api.results(self.request))

    def tools(self):
        """The names of the tools that the client offers."""
        return self.api.tools(self.request)

    def journal(self):
        """Everything that a viewer has to show, for comparison."""
        answer = self.answer
        told = {
            "number": self.number, "host": self.host, "target": self.target,
            "api": self.api.name, "operation": self.operation, "model": self.model,
            "transport": self.transport, "is_streamed": self.is_streamed,
            "request": self.request, "request_encoding": self.encoding,
            "request_wire_bytes": self.wire_bytes,
            "results": [{"id": key, "text": text} for key, text in self.results()],
            "is_finished": self.is_finished,
        }
        if answer:
            usage, failure = answer.usage, answer.failure
            told["answer"] = {
                "id": self.answer_identifier, "texts": answer.texts(),
                "thoughts": answer.thoughts(), "stop": answer.reason, "encoding": answer.encoding,
                "tools": [{"id": tool.identifier, "name": tool.name,
                           "arguments": tool.argument_text(answer.ascii_only)}
                          for tool in answer.tools()],
                "usage": dict(vars(usage)),
                "failure": dict(vars(failure)) if failure else None,
            }
        return told
