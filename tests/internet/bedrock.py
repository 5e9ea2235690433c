"""A stand-in for Bedrock's ConverseStream: asks for one command, then tells what it printed."""

import json
import struct
import zlib

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PATH = f"/model/{MODEL.replace(':', '%3A')}/converse-stream"
STRING = 7  # the type of a header's value


def message(kind, payload):
    """One message of application/vnd.amazon.eventstream, with both of its checksums."""
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"),
                        (":message-type", "event")):
        headers += struct.pack(f">B{len(name)}sBH", len(name), name.encode(), STRING, len(value))
        headers += value.encode()
    data = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(data), len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + data
    return whole + struct.pack(">I", zlib.crc32(whole))


def turn(start, deltas, reason):
    """The messages of one answer with one block; text has no start of its own."""
    yield message("messageStart", {"role": "assistant"})
    if start:
        yield message("contentBlockStart", {"contentBlockIndex": 0, "start": start})
    for delta in deltas:
        yield message("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
    yield message("contentBlockStop", {"contentBlockIndex": 0})
    yield message("messageStop", {"stopReason": reason})
    yield message("metadata", {
        "usage": {"inputTokens": 4, "outputTokens": 42, "totalTokens": 46},
        "metrics": {"latencyMs": 412}})


class Bedrock:
    """Script for an HTTP/2 origin; keeps the requests and their bodies."""

    def __init__(self, command):
        self.command = command
        self.requests = []  # streams
        self.bodies = []

    def results(self):
        """What the tools have told, over all requests."""
        return ["".join(part.get("text", "") for part in block["toolResult"]["content"])
                for body in self.bodies for said in body["messages"]
                for block in said["content"] if "toolResult" in block]

    def __call__(self, stream):
        body = json.loads(stream.read_all())
        self.requests.append(stream)
        self.bodies.append(body)
        told = self.results()
        if told:
            messages = turn(None, [{"text": "The command printed: "}, {"text": told[-1].strip()}],
                            "end_turn")
        else:
            text = json.dumps({"command": self.command})
            messages = turn(
                {"toolUse": {"toolUseId": "tooluse_standin", "name": "bash"}},
                [{"toolUse": {"input": part}} for part in (text[:7], text[7:])], "tool_use")
        stream.head(("content-type", "application/vnd.amazon.eventstream"))
        for each in messages:  # the cuts of DATA are not those of messages
            stream.send(each[:9])
            stream.send(each[9:])
        stream.end()
