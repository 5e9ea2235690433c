"""A stand-in for the Messages API that asks for one command and then tells what it printed."""

import json


def event(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def stream(number, block, deltas, stop_reason):
    yield event("message_start", message={
        "id": f"msg_standin_{number}", "type": "message", "role": "assistant",
        "model": "claude-sonnet-4-5", "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 4, "output_tokens": 1}})
    yield event("content_block_start", index=0, content_block=block)
    for delta in deltas:
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    yield event("message_delta", delta={"stop_reason": stop_reason, "stop_sequence": None},
                usage={"output_tokens": 42})
    yield event("message_stop")


class Model:
    """Script for an origin: the first turn calls the tool `bash`, the second repeats its result."""

    def __init__(self, command):
        self.command = command
        self.requests = []

    def __call__(self, request, connection):
        body = json.loads(connection.read_body(request)[0])
        self.requests.append(body)
        results = [
            part for message in body.get("messages", [])
            if isinstance(message.get("content"), list)
            for part in message["content"] if part.get("type") == "tool_result"
        ]
        if results:
            told = results[-1]["content"]
            if isinstance(told, list):
                told = "".join(part.get("text", "") for part in told)
            events = stream(2, {"type": "text", "text": ""}, [
                {"type": "text_delta", "text": "The command printed: "},
                {"type": "text_delta", "text": told.strip()}], "end_turn")
        else:
            arguments = json.dumps({"command": self.command})
            events = stream(1, {"type": "tool_use", "id": "toolu_standin", "name": "bash",
                                "input": {}}, [
                {"type": "input_json_delta", "partial_json": arguments[:7]},
                {"type": "input_json_delta", "partial_json": arguments[7:]}], "tool_use")
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                        b"transfer-encoding: chunked\r\n\r\n")
        for text in events:
            data = text.encode()
            connection.send(b"%x\r\n" % len(data) + data + b"\r\n")
        connection.send(b"0\r\n\r\n")
        return True
