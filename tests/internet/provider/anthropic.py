"""The Messages API of Anthropic."""

from internet.provider.answer import Text, Thinking, stop_after

REASONS = {"end": "end_turn", "tool": "tool_use", "length": "max_tokens"}
TYPES = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}


def usage(answer):
    told = answer.usage
    return {"input_tokens": told.input, "cache_creation_input_tokens": told.cache_write,
            "cache_read_input_tokens": told.cache_read,
            "cache_creation": {"ephemeral_5m_input_tokens": told.cache_write,
                               "ephemeral_1h_input_tokens": 0},
            "output_tokens": told.output, "service_tier": "standard"}


def message(call, answer, content, reason, tokens):
    return {"id": call.answer_identifier, "type": "message", "role": "assistant",
            "model": call.model, "content": content, "stop_reason": reason, "stop_sequence": None,
            "usage": tokens}


def start_of(block):
    if isinstance(block, Text):
        return {"type": "text", "text": ""}
    if isinstance(block, Thinking):
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "tool_use", "id": block.identifier, "name": block.name, "input": {}}


def whole_block(block):
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    if isinstance(block, Thinking):
        return {"type": "thinking", "thinking": block.text, "signature": block.signature}
    return {"type": "tool_use", "id": block.identifier, "name": block.name,
            "input": block.arguments}


def deltas(answer, block):
    if isinstance(block, Text):
        for part in answer.pieces(block.text):
            yield {"type": "text_delta", "text": part}
    elif isinstance(block, Thinking):
        for part in answer.pieces(block.text):
            yield {"type": "thinking_delta", "thinking": part}
        yield {"type": "signature_delta", "signature": block.signature}
    else:
        yield {"type": "input_json_delta", "partial_json": ""}
        for part in answer.pieces(block.argument_text(answer.ascii_only)):
            yield {"type": "input_json_delta", "partial_json": part}


def all_events(call, answer):
    first = {**usage(answer), "output_tokens": 1}
    yield {"type": "message_start", "message": message(call, answer, [], None, first)}
    for index, block in enumerate(answer.blocks):
        yield {"type": "content_block_start", "index": index, "content_block": start_of(block)}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas(answer, block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta",
           "delta": {"stop_reason": REASONS[answer.reason], "stop_sequence": None},
           "usage": {"output_tokens": answer.usage.output}}
    yield {"type": "message_stop"}


def events(call, answer):
    """The events of a stream as dictionaries."""
    failure = answer.failure
    error = failure and {"type": "error", "error": {
        "type": failure.kind, "message": failure.message}, "request_id": call.request_identifier}
    return stop_after(all_events(call, answer), failure, error)


def sse(answer, event):
    return f"event: {event['type']}\ndata: {answer.json(event)}\n\n".encode()


def stream(call, answer):
    """Content type and the events in wire form."""
    return "text/event-stream; charset=utf-8", (sse(answer, event) for event in
                                                events(call, answer))


def whole(call, answer):
    return message(call, answer, [whole_block(block) for block in answer.blocks],
                   REASONS[answer.reason], usage(answer))


def error(call, failure):
    return {"type": "error", "error": {"type": failure.kind, "message": failure.message},
            "request_id": call.request_identifier}


def results(request):
    """(identifier, text) of what tools told in this request."""
    for said in request.get("messages", []):
        if isinstance(said.get("content"), list):
            for part in said["content"]:
                if part.get("type") == "tool_result":
                    content = part.get("content") or ""
                    if isinstance(content, list):
                        content = "".join(each.get("text", "") for each in content)
                    yield part["tool_use_id"], content


def tools(request):
    return [tool["name"] for tool in request.get("tools", []) if "name" in tool]
