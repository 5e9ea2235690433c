"""What a client reads out of an answer, by rules of its own: the other half of the encoders."""

import base64
import dataclasses
import json
import struct
import zlib


@dataclasses.dataclass
class Read:
    texts: list = dataclasses.field(default_factory=list)
    thoughts: list = dataclasses.field(default_factory=list)
    tools: list = dataclasses.field(default_factory=list)  # {"id", "name", "arguments"}
    stop: str = ""
    usage: dict = dataclasses.field(default_factory=dict)  # as the API counts
    error: str = ""
    is_ended: bool = False


def sse_events(body):
    """The data of the events of a stream (the HTML standard, section 9.2.6)."""
    for block in body.decode().split("\n\n"):
        data = [line[5:].removeprefix(" ") for line in block.split("\n")
                if line.startswith("data:")]
        if data and data != ["[DONE]"]:
            yield json.loads("\n".join(data))


def frames(body):
    """(headers, payload) of the whole messages of an event stream; both checksums are checked."""
    while len(body) >= 12:
        total, length, checksum = struct.unpack(">III", body[:12])
        if total > len(body):
            return
        assert checksum == zlib.crc32(body[:8])
        assert struct.unpack(">I", body[total - 4:total])[0] == zlib.crc32(body[:total - 4])
        headers, block = {}, body[12:12 + length]
        while block:
            size = block[0]
            name = block[1:1 + size].decode()
            kind, count = struct.unpack(">BH", block[1 + size:4 + size])
            assert kind == 7
            headers[name] = block[4 + size:4 + size + count].decode()
            block = block[4 + size + count:]
        yield headers, body[12 + length:total - 4]
        body = body[total:]


class Blocks:
    """Blocks by their index, in the order of their first event."""

    def __init__(self):
        self.kinds, self.parts, self.heads = {}, {}, {}

    def start(self, index, kind, **head):
        if index not in self.kinds:
            self.kinds[index], self.parts[index], self.heads[index] = kind, [], head

    def add(self, index, kind, text):
        self.start(index, kind)
        self.parts[index].append(text)

    def fill(self, read):
        for index, kind in self.kinds.items():
            text = "".join(self.parts[index])
            if kind == "tool":
                read.tools.append({**self.heads[index], "arguments": text})
            else:
                (read.texts if kind == "text" else read.thoughts).append(text)
        return read


def read_messages(events):
    """Events of the Messages API."""
    read, blocks = Read(), Blocks()
    for event in events:
        kind, index = event["type"], event.get("index")
        if kind == "message_start":
            read.usage = dict(event["message"]["usage"])
        elif kind == "content_block_start":
            block = event["content_block"]
            if block["type"] == "tool_use":
                blocks.start(index, "tool", id=block["id"], name=block["name"])
            else:
                blocks.start(index, block["type"])
        elif kind == "content_block_delta":
            delta = event["delta"]
            for key, name in (("text", "text"), ("thinking", "thinking"),
                              ("partial_json", "tool")):
                if key in delta:
                    blocks.add(index, name, delta[key])
        elif kind == "message_delta":
            read.stop = event["delta"]["stop_reason"]
            read.usage.update(event["usage"])
        elif kind == "error":
            read.error = event["error"]["message"]
        read.is_ended |= kind == "message_stop"
    return blocks.fill(read)


def read_converse(body):
    read, blocks = Read(), Blocks()
    for headers, payload in frames(body):
        told, kind = json.loads(payload), headers.get(":event-type")
        index = told.get("contentBlockIndex")
        if ":exception-type" in headers:
            read.error = told["message"]
        elif kind == "contentBlockStart":
            tool = told["start"]["toolUse"]
            blocks.start(index, "tool", id=tool["toolUseId"], name=tool["name"])
        elif kind == "contentBlockDelta":
            delta = told["delta"]
            if "text" in delta:
                blocks.add(index, "text", delta["text"])
            elif "toolUse" in delta:
                blocks.add(index, "tool", delta["toolUse"]["input"])
            elif "text" in delta["reasoningContent"]:
                blocks.add(index, "thinking", delta["reasoningContent"]["text"])
        elif kind == "messageStop":
            read.stop = told["stopReason"]
        elif kind == "metadata":
            read.usage, read.is_ended = told["usage"], True
    return blocks.fill(read)


def invoke_events(body):
    for headers, payload in frames(body):
        told = json.loads(payload)
        if ":exception-type" in headers:
            yield {"type": "error", "error": {"message": told["message"]}}
        else:
            yield json.loads(base64.b64decode(told["bytes"]))


def read_responses(events):
    read, blocks = Read(), Blocks()
    for event in events:
        kind, index = event["type"], event.get("output_index")
        item = event.get("item") or {}
        if kind == "response.output_item.added" and "call" in item["type"]:
            blocks.start(index, "tool", id=item["call_id"], name=item["name"])
        elif kind.endswith(".delta"):
            name = {"response.output_text.delta": "text",
                    "response.reasoning_summary_text.delta": "thinking"}.get(kind, "tool")
            blocks.add(index, name, event["delta"])
        elif kind in ("response.completed", "response.incomplete"):
            read.stop, read.is_ended = event["response"]["status"], True
            read.usage = event["response"]["usage"]
        elif kind == "response.failed":
            read.error = event["response"]["error"]["message"]
    return blocks.fill(read)


def read_chat(events):
    read, blocks = Read(), Blocks()
    for event in events:
        if "error" in event:
            read.error = event["error"]["message"]
            continue
        read.usage = event["usage"] or read.usage
        for choice in event["choices"]:
            delta = choice["delta"]
            if delta.get("content"):
                blocks.add("text", "text", delta["content"])
            if delta.get("reasoning_content"):
                blocks.add("thinking", "thinking", delta["reasoning_content"])
            for tool in delta.get("tool_calls") or []:
                if "id" in tool:
                    blocks.start(tool["index"], "tool", id=tool["id"],
                                 name=tool["function"]["name"])
                blocks.add(tool["index"], "tool", tool["function"]["arguments"])
            read.stop = choice["finish_reason"] or read.stop
            read.is_ended |= bool(choice["finish_reason"])
    return blocks.fill(read)


def read_whole(api, told):
    """An answer in one piece."""
    read = Read(usage=told.get("usage") or {}, is_ended="error" not in told)
    if "error" in told or "message" in told:
        read.error = (told.get("error") or told)["message"]
    elif api in ("anthropic.messages", "bedrock.invoke"):
        read.stop = told["stop_reason"]
        read.texts = [block["text"] for block in told["content"] if block["type"] == "text"]
    return read


def read_answer(api, operation, kind, body):
    """The answer of an API, from its whole body; `kind` is its content type."""
    if kind == "websocket":
        return read_responses(map(json.loads, body.split(b"\n")))
    if kind.startswith("application/vnd.amazon.eventstream"):
        return read_messages(invoke_events(body)) if operation.startswith("invoke") else \
            read_converse(body)
    if kind.startswith("text/event-stream"):
        readers = {"anthropic.messages": read_messages, "openai.responses": read_responses,
                   "openai.chat": read_chat}
        return readers[api](sse_events(body))
    return read_whole(api, json.loads(body))
