"""Recordings made by hand: events as the firewall tells them (src/llm/llm_event_json.h)."""

import json

START = 1767323045  # 2026-01-02T03:04:05Z


def moment(milliseconds):
    """RFC 3339 so long after the start."""
    seconds, rest = divmod(milliseconds, 1000)
    hours, minutes = divmod(5 + seconds, 3600)
    minutes, seconds = divmod(minutes, 60)
    return f"2026-01-02T{3 + hours:02}:{4 + minutes:02}:{seconds:02}.{rest:03}Z"


class Recording:
    """Lines of events, in the order in which they are told."""

    def __init__(self):
        self.lines = []
        self.clock = 0

    def add(self, event, call=None, **fields):
        line = {"v": 1, "event": event}
        if call is not None:
            line["call"] = call
        line["time"] = moment(self.clock)
        line.update({key: value for key, value in fields.items() if value is not None})
        self.lines.append(json.dumps(line, ensure_ascii=False))
        self.clock += 1

    def begin(self, call, model="claude-sonnet-4-5", session="5e551011-aaaa", transport="h2",
              provider="anthropic", api="anthropic-messages", parent=None, headers=None,
              parameters=None, operation="stream", path="/v1/messages?beta=true"):
        self.add("call", call, provider=provider, api=api, transport=transport, exchange=call,
                 host="api.anthropic.com", method="POST", path=path,
                 headers=headers or [["content-type", "application/json"],
                                     ["x-api-key", "[redacted]"]])
        self.add("request", call, api=api, operation=operation, model=model, session=session,
                 parent=parent, parameters=parameters or {"max_tokens": 32000}, bytes=4000,
                 wire_bytes=1200)

    def block(self, call, number, kind, text="", side="request", section="messages", role="user",
              message=None, **fields):
        self.add("block", call, side=side, section=section, role=role, block_kind=kind,
                 block=number, message=number if message is None else message, text=text, **fields)

    def response(self, call, status=200, identifier=None, headers=None):
        self.add("response", call, status=status, id=identifier,
                 headers=headers or [["content-type", "text/event-stream"]])

    def stream(self, call, number, kind, pieces, between=None, **fields):
        """A block of the response that grows; `between` is called after each piece."""
        whole = "".join(pieces)
        self.block(call, number, kind, side="response", role="assistant", is_open=True, **fields)
        for piece in pieces:
            self.add("delta", call, side="response", block=number, text=piece)
            if between:
                between()
        self.block(call, number, kind, whole, side="response", role="assistant", **fields)

    def end(self, call, stop="end_turn", usage=None, **fields):
        self.add("usage", call, usage=usage or {
            "input": 1200, "cache_read": 1000, "cache_write": 100, "output": 60,
            "native": {"input_tokens": 100}})
        self.add("stop", call, name=stop)
        self.add("end", call, bytes=900, wire_bytes=700, first_byte_ms=120, duration_ms=2500,
                 **fields)

    def denied(self, name="evil.example", reason="no rule allows it", **fields):
        record = {"time": moment(self.clock), "kind": "tls", "decision": "deny", "name": name,
                  "port": 443, "reason": reason, **fields}
        self.add("audit", text=json.dumps(record))

    def text(self):
        return "".join(line + "\n" for line in self.lines)

    def write(self, path):
        path.write_text(self.text())
        return path


TOOLS = [("bash", "Runs a command.\nMore words."), ("read", "Reads a file.")]
ARGUMENTS = '{"command": "ls -la", "why": "see\\nwhat is there"}'


def head(recording, call, **fields):
    """The same beginning for each call: system texts and tools."""
    recording.begin(call, **fields)
    recording.block(call, 0, "text", "You are a coding agent.", section="system", role="system")
    for number, (name, text) in enumerate(TOOLS):
        recording.block(call, 1 + number, "tool", text, section="tools", role=None, name=name,
                        json={"type": "object", "properties": {"command": {"type": "string"}}})


def task():
    """A task in two calls: a tool is called, its result goes back, and something is denied."""
    recording = Recording()
    head(recording, 1)
    recording.block(1, 3, "text", "List the files, please.")
    recording.response(1, identifier="msg_1")
    recording.stream(1, 0, "thinking", ["I will ", "look."])
    recording.stream(1, 1, "text", ["Let me ", "see: ", "größe 漢字 ok."])
    recording.stream(1, 2, "tool_call", ["", ARGUMENTS[:12], ARGUMENTS[12:]], id="toolu_1",
                     name="bash")
    recording.end(1, stop="tool_use")
    recording.denied()
    head(recording, 2)
    recording.block(2, 3, "text", "List the files, please.")
    recording.block(2, 4, "text", "Let me see: größe 漢字 ok.", role="assistant")
    recording.block(2, 5, "tool_call", json.dumps(json.loads(ARGUMENTS), separators=(",", ":")),
                    role="assistant", id="toolu_1", name="bash")
    recording.block(2, 6, "tool_result", "total 0\nREADME.md", id="toolu_1")
    recording.block(2, 7, "cache_point", "5m")
    recording.response(2, identifier="msg_2")
    recording.stream(2, 0, "text", ["There is a README."])
    recording.end(2)
    return recording
