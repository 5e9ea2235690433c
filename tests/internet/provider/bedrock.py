"""Bedrock: Converse, InvokeModel, and the event stream that both stream in."""

import base64
import json
import struct
import zlib

from internet.provider import anthropic
from internet.provider.answer import Text, Thinking, stop_after

KIND = "application/vnd.amazon.eventstream"
STRING = 7  # the type of a header's value
REASONS = {"end": "end_turn", "tool": "tool_use", "length": "max_tokens"}
LATENCY_MS = 412


def frame(headers, payload):
    """One message of an event stream, with both of its checksums."""
    packed = b"".join(
        struct.pack(">B", len(name)) + name.encode() +
        struct.pack(">BH", STRING, len(value)) + value.encode() for name, value in headers)
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + packed + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event_frame(kind, payload):
    return frame([(":event-type", kind), (":content-type", "application/json"),
                  (":message-type", "event")], payload)


def exception_frame(answer):
    kind, text = answer.failure.kind, answer.json({"message": answer.failure.message})
    return frame([(":exception-type", kind), (":content-type", "application/json"),
                  (":message-type", "exception")], text.encode())


# Converse

def converse_usage(answer):
    told = answer.usage
    tokens = {"inputTokens": told.input, "outputTokens": told.output,
              "totalTokens": told.input + told.output + told.cache_read + told.cache_write}
    if told.cache_read or told.cache_write:
        tokens.update(cacheReadInputTokens=told.cache_read, cacheWriteInputTokens=told.cache_write)
    return tokens


def converse_deltas(answer, block):
    if isinstance(block, Text):
        for part in answer.pieces(block.text):
            yield {"text": part}
    elif isinstance(block, Thinking):
        for part in answer.pieces(block.text):
            yield {"reasoningContent": {"text": part}}
        yield {"reasoningContent": {"signature": block.signature}}
    else:
        for part in answer.pieces(block.argument_text(answer.ascii_only)):
            yield {"toolUse": {"input": part}}


def converse_events(call, answer):
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(answer.blocks):
        place = {"contentBlockIndex": index}
        if not isinstance(block, (Text, Thinking)):  # the others have no start of their own
            yield "contentBlockStart", {**place, "start": {"toolUse": {
                "toolUseId": block.identifier, "name": block.name}}}
        for delta in converse_deltas(answer, block):
            yield "contentBlockDelta", {**place, "delta": delta}
        yield "contentBlockStop", place
    yield "messageStop", {"stopReason": REASONS[answer.reason]}
    yield "metadata", {"usage": converse_usage(answer), "metrics": {"latencyMs": LATENCY_MS}}


def with_padding(payload, number):
    """The service pads with letters, so that lengths tell little."""
    return {**payload, "p": "abcdefghijklmnopqrstuvwxyz"[:1 + number % 26]}


def converse_stream(call, answer):
    frames = (event_frame(kind, answer.json(with_padding(payload, number)).encode())
              for number, (kind, payload) in enumerate(converse_events(call, answer)))
    return KIND, stop_after(frames, answer.failure, answer.failure and exception_frame(answer))


def converse_block(block):
    if isinstance(block, Text):
        return {"text": block.text}
    if isinstance(block, Thinking):
        return {"reasoningContent": {"reasoningText": {
            "text": block.text, "signature": block.signature}}}
    return {"toolUse": {"toolUseId": block.identifier, "name": block.name,
                        "input": block.arguments}}


def converse_whole(call, answer):
    content = [converse_block(block) for block in answer.blocks]
    return {"output": {"message": {"role": "assistant", "content": content}},
            "stopReason": REASONS[answer.reason], "usage": converse_usage(answer),
            "metrics": {"latencyMs": LATENCY_MS}}


def converse_results(request):
    for said in request.get("messages", []):
        for block in said["content"]:
            if "toolResult" in block:
                told = block["toolResult"]
                yield told["toolUseId"], "".join(
                    part.get("text", "") for part in told["content"])


def converse_tools(request):
    listed = (request.get("toolConfig") or {}).get("tools", [])
    return [tool["toolSpec"]["name"] for tool in listed if "toolSpec" in tool]


# InvokeModel of Claude

def invoke_payloads(call, answer):
    for event in anthropic.all_events(call, answer):
        if event["type"] == "ping":
            continue
        if event["type"] == "message_stop":
            event["amazon-bedrock-invocationMetrics"] = {
                "inputTokenCount": answer.usage.input, "outputTokenCount": answer.usage.output,
                "invocationLatency": LATENCY_MS, "firstByteLatency": 101,
                "cacheReadInputTokenCount": answer.usage.cache_read,
                "cacheWriteInputTokenCount": answer.usage.cache_write}
        inner = base64.b64encode(answer.json(event).encode()).decode()
        yield with_padding({"bytes": inner}, len(inner))


def invoke_stream(call, answer):
    frames = (event_frame("chunk", json.dumps(payload).encode())
              for payload in invoke_payloads(call, answer))
    return KIND, stop_after(frames, answer.failure, answer.failure and exception_frame(answer))


def error(call, failure):
    return {"message": failure.message}
