"""The Responses API (HTTPS and WebSocket) and Chat Completions of OpenAI."""

from internet.provider.answer import Text, Thinking, stop_after

CREATED = 1795459783
SSE = "text/event-stream; charset=utf-8"


def responses_usage(answer):
    told = answer.usage
    tokens_in = told.input + told.cache_read + told.cache_write
    return {"input_tokens": tokens_in,
            "input_tokens_details": {"cached_tokens": told.cache_read},
            "output_tokens": told.output,
            "output_tokens_details": {"reasoning_tokens": told.reasoning},
            "total_tokens": tokens_in + told.output}


def response(call, answer, status, output, error=None):
    return {"id": call.answer_identifier, "object": "response", "created_at": CREATED,
            "status": status, "background": False, "error": error,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete"
            else None,
            "instructions": None, "max_output_tokens": None, "model": call.model,
            "output": output, "parallel_tool_calls": True,
            "previous_response_id": call.request.get("previous_response_id"),
            "reasoning": {"effort": "medium", "summary": None}, "store": False,
            "temperature": 1, "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": "auto", "tools": [], "top_p": 1, "truncation": "disabled",
            "usage": responses_usage(answer) if status in ("completed", "incomplete") else None,
            "user": None, "metadata": {}}


def item_identifier(call, number, block):
    prefix = ("msg" if isinstance(block, Text) else "rs" if isinstance(block, Thinking)
              else "ctc" if block.is_custom else "fc")
    return f"{prefix}_{call.number}_{number}"


def item(call, number, block, is_done, answer):
    """A block as an item of the output, at its start or whole."""
    base = {"id": item_identifier(call, number, block)}
    if isinstance(block, Text):
        content = [{"type": "output_text", "text": block.text, "annotations": []}]
        return {**base, "type": "message", "role": "assistant",
                "status": "completed" if is_done else "in_progress",
                "content": content if is_done else []}
    if isinstance(block, Thinking):
        summary = [{"type": "summary_text", "text": block.text}]
        return {**base, "type": "reasoning", "summary": summary if is_done else [],
                **({"encrypted_content": "gAAAAAstandin"} if is_done else {})}
    told = {**base, "type": "custom_tool_call" if block.is_custom else "function_call",
            "status": "completed" if is_done else "in_progress", "call_id": block.identifier,
            "name": block.name}
    if block.namespace:
        told["namespace"] = block.namespace
    text = block.argument_text(answer.ascii_only) if is_done else ""
    told["input" if block.is_custom else "arguments"] = text
    return told


def text_events(answer, place, text):
    part = {"type": "output_text", "text": "", "annotations": []}
    place = {**place, "content_index": 0}
    yield {"type": "response.content_part.added", **place, "part": part}
    for delta in answer.pieces(text):
        yield {"type": "response.output_text.delta", **place, "delta": delta}
    yield {"type": "response.output_text.done", **place, "text": text}
    yield {"type": "response.content_part.done", **place, "part": {**part, "text": text}}


def summary_events(answer, place, text):
    place = {**place, "summary_index": 0}
    yield {"type": "response.reasoning_summary_part.added", **place,
           "part": {"type": "summary_text", "text": ""}}
    for delta in answer.pieces(text):
        yield {"type": "response.reasoning_summary_text.delta", **place, "delta": delta}
    yield {"type": "response.reasoning_summary_text.done", **place, "text": text}
    yield {"type": "response.reasoning_summary_part.done", **place,
           "part": {"type": "summary_text", "text": text}}


def tool_events(answer, place, tool):
    text = tool.argument_text(answer.ascii_only)
    kind, key = (("custom_tool_call_input", "input") if tool.is_custom
                 else ("function_call_arguments", "arguments"))
    for delta in answer.pieces(text):
        yield {"type": f"response.{kind}.delta", **place, "delta": delta}
    yield {"type": f"response.{kind}.done", **place, key: text}


def block_events(call, answer, number, block):
    place = {"item_id": item_identifier(call, number, block), "output_index": number}
    yield {"type": "response.output_item.added", "output_index": number,
           "item": item(call, number, block, False, answer)}
    if isinstance(block, Text):
        yield from text_events(answer, place, block.text)
    elif isinstance(block, Thinking):
        yield from summary_events(answer, place, block.text)
    else:
        yield from tool_events(answer, place, block)
    yield {"type": "response.output_item.done", "output_index": number,
           "item": item(call, number, block, True, answer)}


def all_events(call, answer):
    yield {"type": "response.created", "response": response(call, answer, "in_progress", [])}
    yield {"type": "response.in_progress", "response": response(call, answer, "in_progress", [])}
    for number, block in enumerate(answer.blocks):
        yield from block_events(call, answer, number, block)
    status = "incomplete" if answer.reason == "length" else "completed"
    output = [item(call, number, block, True, answer)
              for number, block in enumerate(answer.blocks)]
    yield {"type": f"response.{status}", "response": response(call, answer, status, output)}


def failed(call, answer):
    error = {"code": answer.failure.kind, "message": answer.failure.message}
    return {"type": "response.failed", "response": response(call, answer, "failed", [], error)}


def events(call, answer):
    ended = stop_after(all_events(call, answer), answer.failure,
                       answer.failure and failed(call, answer))
    for number, event in enumerate(ended):
        yield {"type": event.pop("type"), "sequence_number": number, **event}


def responses_stream(call, answer):
    return SSE, (f"event: {event['type']}\ndata: {answer.json(event)}\n\n".encode()
                 for event in events(call, answer))


def responses_whole(call, answer):
    output = [item(call, number, block, True, answer)
              for number, block in enumerate(answer.blocks)]
    return response(call, answer, "completed", output)


def items(request):
    given = request.get("input", [])
    return given if isinstance(given, list) else []


def responses_results(request):
    for each in items(request):
        if each.get("type") in ("function_call_output", "custom_tool_call_output"):
            told = each["output"]
            if isinstance(told, list):
                told = "".join(part.get("text", "") for part in told)
            yield each["call_id"], told


def responses_tools(request):
    """Names, with their namespace before a dot, or the type of the provider's own tools; Codex
    names tools in the input."""
    def names(listed, prefix=""):
        for tool in listed:
            if tool.get("type") == "namespace":
                yield from names(tool["tools"], f"{tool['name']}.")
            else:
                yield prefix + tool.get("name", tool["type"])

    listed = list(request.get("tools") or [])
    for each in items(request):
        if each.get("type") == "additional_tools":
            listed += each["tools"]
    return list(names(listed))


# Chat Completions

CHAT_REASONS = {"end": "stop", "tool": "tool_calls", "length": "length"}


def chat_usage(answer):
    told = responses_usage(answer)
    return {"prompt_tokens": told["input_tokens"], "completion_tokens": told["output_tokens"],
            "total_tokens": told["total_tokens"],
            "prompt_tokens_details": told["input_tokens_details"],
            "completion_tokens_details": told["output_tokens_details"]}


def chat_chunk(call, choices, usage=None):
    return {"id": call.answer_identifier, "object": "chat.completion.chunk", "created": CREATED,
            "model": call.model, "choices": choices, "usage": usage}


def chat_tool(tool, answer):
    return {"id": tool.identifier, "type": "function", "function": {
        "name": tool.name, "arguments": tool.argument_text(answer.ascii_only)}}


def chat_deltas(answer):
    yield {"role": "assistant", "content": ""}
    for block in answer.blocks:
        if isinstance(block, Text):
            for part in answer.pieces(block.text):
                yield {"content": part}
        elif isinstance(block, Thinking):
            for part in answer.pieces(block.text):
                yield {"reasoning_content": part}
    for number, tool in enumerate(answer.tools()):
        told = chat_tool(tool, answer)
        text = told["function"]["arguments"]
        told["function"]["arguments"] = ""
        yield {"tool_calls": [{"index": number, **told}]}
        for part in answer.pieces(text):
            yield {"tool_calls": [{"index": number, "function": {"arguments": part}}]}


def chat_events(call, answer):
    for delta in chat_deltas(answer):
        yield chat_chunk(call, [{"index": 0, "delta": delta, "finish_reason": None}])
    yield chat_chunk(call, [{"index": 0, "delta": {},
                             "finish_reason": CHAT_REASONS[answer.reason]}])
    if (call.request.get("stream_options") or {}).get("include_usage"):
        yield chat_chunk(call, [], chat_usage(answer))


def chat_stream(call, answer):
    def lines():
        told = stop_after(chat_events(call, answer), answer.failure,
                          answer.failure and error(call, answer.failure))
        for event in told:
            yield f"data: {answer.json(event)}\n\n".encode()
        yield b"data: [DONE]\n\n"

    return SSE, lines()


def chat_whole(call, answer):
    said = {"role": "assistant", "content": "".join(answer.texts()) or None}
    if answer.tools():
        said["tool_calls"] = [chat_tool(tool, answer) for tool in answer.tools()]
    return {"id": call.answer_identifier, "object": "chat.completion", "created": CREATED,
            "model": call.model, "usage": chat_usage(answer), "choices": [
                {"index": 0, "message": said, "finish_reason": CHAT_REASONS[answer.reason]}]}


def chat_results(request):
    for said in request.get("messages", []):
        if said.get("role") == "tool":
            content = said["content"]
            if isinstance(content, list):
                content = "".join(part.get("text", "") for part in content)
            yield said["tool_call_id"], content


def chat_tools(request):
    return [tool["function"]["name"] for tool in request.get("tools", []) if "function" in tool]


def error(call, failure):
    return {"error": {"message": failure.message, "type": failure.kind, "param": None,
                      "code": failure.kind}}
