"""What a viewer has to show of a call, as the journal of the stand-in says it, and what the views
of rootcell showed: both in one form, so that they can be compared to the byte."""

import json

from internet.provider.answer import Usage

TRANSPORTS = {"h1": "h1", "h2": "h2", "ws": "ws", "ws-deflate": "ws"}
PROVIDERS = {
    "api.anthropic.com": "anthropic", "aws-external-anthropic.us-east-1.api.aws": "anthropic",
    "api.openai.com": "openai", "chatgpt.com": "openai",
    "bedrock-runtime.us-east-1.amazonaws.com": "bedrock",
    "bedrock-mantle.us-east-1.api.aws": "bedrock",
}
STOPS = {
    "anthropic": {"end": "end_turn", "tool": "tool_use", "length": "max_tokens"},
    "bedrock": {"end": "end_turn", "tool": "tool_use", "length": "max_tokens"},
    "openai.chat": {"end": "stop", "tool": "tool_calls", "length": "length"},
    "openai.responses": {"end": "completed", "tool": "completed", "length": "max_output_tokens"},
}


def api_of(call):
    """The word of the provider files."""
    if call.operation == "converse-stream":
        return "bedrock-converse-stream"
    if call.operation == "invoke-with-response-stream":
        return "bedrock-invoke-stream"
    return call.api.name.replace(".", "-")


def usage_of(call):
    """Tokens that were told, as they mean the same with every provider."""
    told = call.answer.usage
    total = told.input + told.cache_read + told.cache_write
    if call.api.name.startswith("openai"):
        return {"input": total, "cache_read": told.cache_read, "output": told.output,
                "reasoning": told.reasoning}
    counts = {"input": total, "output": told.output}
    if call.api.name != "bedrock.converse" or told.cache_read or told.cache_write:
        counts.update(cache_read=told.cache_read, cache_write=told.cache_write)
    return counts


def strings(value, keys):
    """Texts below these keys of nested JSON, in their order."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key in keys and isinstance(below, str):
                yield below
            else:
                yield from strings(below, keys)
    elif isinstance(value, list):
        for below in value:
            yield from strings(below, keys)


def said_in(call):
    """What the user's side of a request says, beside results of tools: its texts in their order."""
    request = call.request
    parts = request.get("messages") or request.get("input") or []
    texts = []
    for said in parts if isinstance(parts, list) else []:
        if said.get("role") != "user":
            continue
        content = said.get("content")
        if isinstance(content, str):
            texts.append(content)
            continue
        texts += [part["text"] for part in content or []
                  if isinstance(part.get("text"), str) and "toolResult" not in part]
    return texts


def native_stop(call):
    family = call.api.name if call.api.name in STOPS else call.api.name.split(".")[0]
    return STOPS[family][call.answer.reason]


def expected(call):
    """What the journal says of a call."""
    answer, failure = call.answer, call.answer.failure
    is_chat = call.api.name == "openai.chat"
    shown = {
        "host": call.host, "provider": PROVIDERS[call.host], "api": api_of(call),
        "transport": TRANSPORTS[call.transport], "model": call.model,
        "status": 101 if call.transport.startswith("ws") else
        failure.status if failure and failure.status else 200,
        "results": [list(pair) for pair in call.results()], "said": said_in(call),
        "offered": sorted(call.tools()),
    }
    if failure:
        shown["errors"] = [failure.message]
        return shown
    texts, thoughts = answer.texts(), answer.thoughts()
    if is_chat:
        texts, thoughts = [["".join(parts)] if parts else [] for parts in (texts, thoughts)]
    shown.update(
        errors=[], texts=texts, thoughts=thoughts, usage=usage_of(call), stop=native_stop(call),
        tools=[[tool.identifier, tool.full_name, tool.argument_text(answer.ascii_only)]
               for tool in answer.tools()])
    return shown


# Events, as the firewall sends them and recordings keep them

class Folded:
    """One call, folded from its events by rules of its own."""

    def __init__(self):
        self.head, self.request, self.response, self.stop, self.end = {}, {}, {}, {}, {}
        self.blocks = {"request": {}, "response": {}}
        self.usage, self.errors, self.natives = {}, [], []

    def add(self, event):
        kind = event["event"]
        if kind in ("block", "delta"):
            self.add_block(event)
        elif kind == "usage":
            # In one object or beside the others: whichever form, later ones replace field by field.
            counts = event.get("usage", event)
            self.usage.update({key: counts[key] for key in vars(Usage()) if key in counts})
        elif kind == "error":
            self.errors.append(event.get("text", ""))
        elif kind == "native":
            self.natives.append(event)
        else:
            place = {"call": self.head, "request": self.request, "response": self.response,
                     "stop": self.stop, "end": self.end}.get(kind)
            if place is not None:
                place.update(event)

    def add_block(self, event):
        blocks = self.blocks[event["side"]]
        if event["event"] == "delta":
            blocks[event["block"]]["text"] += event.get("text", "")
            return
        block = {"text": "", **event}
        before = blocks.get(event["block"])
        if before and event.get("bytes"):  # the rest of a long text came by deltas
            block["text"] = before["text"]
        blocks[event["block"]] = block

    def of(self, side, kind):
        return [block for _, block in sorted(self.blocks[side].items())
                if block["block_kind"] == kind]


def fold(lines):
    """Calls in the order of their first event; also what is no part of a call."""
    calls, others = {}, []
    for line in lines:
        event = json.loads(line)
        assert event["v"] == 1
        if event.get("call"):
            calls.setdefault(event["call"], Folded()).add(event)
        else:
            others.append(event)
    return list(calls.values()), others


def joined(pairs):
    """Results of tools: one may stand in several blocks, a part of it in each."""
    together = []
    for key, text in pairs:
        if together and together[-1][0] == key:
            together[-1][1] += text
        else:
            together.append([key, text])
    return together


def shown_by_events(folded):
    """The form of expected() from events."""
    head, request = folded.head, folded.request
    return {
        "host": head.get("host"), "provider": head.get("provider"),
        "api": request.get("api", head.get("api")), "transport": head.get("transport"),
        "model": request.get("model", head.get("model")), "status": folded.response.get("status"),
        "errors": folded.errors, "usage": folded.usage, "stop": folded.stop.get("name"),
        "texts": [block["text"] for block in folded.of("response", "text")],
        "thoughts": [block["text"] for block in folded.of("response", "thinking")],
        "tools": [[block.get("id", ""), block["name"], block["text"]]
                  for block in folded.of("response", "tool_call")],
        "results": joined((block.get("id", ""), block["text"])
                          for block in folded.of("request", "tool_result")),
        "said": [block["text"] for block in folded.of("request", "text")
                 if block.get("role") == "user" and block["section"] == "messages"],
        "offered": sorted(block["name"] for block in folded.of("request", "tool")),
    }


def shown_by_json(told):
    """The form of expected() from an object of `rootcell spy --json`."""
    request, answered = told["request"], told["response"]["blocks"]

    def texts(kind):
        return [block.get("text", "") for block in answered if block["kind"] == kind]

    messages = request["messages"]
    return {
        "host": told["host"], "provider": told["provider"], "api": told["api"],
        "transport": told["transport"], "model": told["model"], "status": told["status"],
        "errors": [error["message"] for error in told["errors"]],
        "usage": {key: value for key, value in told["usage"].items() if key != "native"},
        "stop": told.get("stop"), "texts": texts("text"), "thoughts": texts("thinking"),
        "tools": [[block.get("id", ""), block["name"], block.get("text", "")] for block in answered
                  if block["kind"] == "tool_call"],
        "results": joined((block.get("id", ""), block.get("text", "")) for block in messages
                          if block["kind"] == "tool_result"),
        "said": [block.get("text", "") for block in messages
                 if block["kind"] == "text" and block.get("role") == "user"],
        "offered": sorted(block["name"] for block in request["tools"]
                          if block["kind"] == "tool"),
    }


def differences(call, shown):
    """What of a call is shown otherwise than the journal has it."""
    return [f"{key}: {shown.get(key)!r:.600} is shown of {value!r:.600}"
            for key, value in expected(call).items() if shown.get(key) != value]
