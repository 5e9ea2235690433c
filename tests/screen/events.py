"""Events of calls as the firewall tells them (src/llm/llm_event_json.h): one line of JSON each."""

import json
from datetime import datetime, timezone

START_MS = 1767355445678  # 2026-01-02 12:04:05.678 UTC


def stamp(milliseconds):
    moment = datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def line(kind, call, milliseconds, **fields):
    event = {"v": 1, "event": kind, "call": call, "time": stamp(milliseconds), **fields}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class Call:
    """The lines of one call, in their order. Every method gives bytes."""

    def __init__(self, number, session="session-one", model="claude-sonnet-4-5",
                 provider="anthropic", at_ms=None):
        self.number, self.session, self.model, self.provider = number, session, model, provider
        self.start_ms = START_MS + 1000 * number if at_ms is None else at_ms
        self.now_ms = self.start_ms
        self.blocks = {"request": 0, "response": 0}

    def line(self, kind, **fields):
        self.now_ms += 10
        return line(kind, self.number, self.now_ms - 10, **fields)

    def begin(self, operation="stream", **fields):
        api = {"anthropic": "anthropic-messages", "openai": "openai-responses"}[self.provider]
        head = self.line(
            "call", provider=self.provider, api=api, transport="h1", exchange=self.number,
            host=f"api.{self.provider}.com", method="POST", path="/v1/messages",
            headers=[["content-type", "application/json"], ["x-api-key", "[redacted]"]])
        return head + self.line(
            "request", operation=operation, model=self.model, session=self.session, bytes=2345,
            wire_bytes=1234, **{"parameters": {"max_tokens": 1024}, **fields})

    def block(self, side, kind, text="", role=None, section="messages", **fields):
        number = self.blocks[side]
        self.blocks[side] += 1
        if role is None:
            role = "assistant" if side == "response" else "user"
        return self.line(
            "block", side=side, section=section, role=role, block_kind=kind, block=number,
            message=number, text=text, **fields)

    def says(self, text, role="user"):
        return self.block("request", "text", text, role)

    def system(self, text):
        return self.block("request", "text", text, "system", "system")

    def tool(self, name, description="", schema=None):
        return self.block("request", "tool", description, "", "tools", name=name,
                          json=schema or {"type": "object"})

    def responds(self, status=200):
        return self.line("response", status=status, headers=[["request-id", "req_1"]])

    def answers(self, text, kind="text", **fields):
        return self.block("response", kind, text, **fields)

    def opens(self, kind="text", **fields):
        return self.block("response", kind, is_open=True, **fields)

    def delta(self, text):
        return self.line("delta", side="response", block=self.blocks["response"] - 1, text=text)

    def usage(self, input=1000, cache_read=800, cache_write=100, output=50):
        return self.line("usage", usage={
            "input": input, "cache_read": cache_read, "cache_write": cache_write, "output": output,
            "native": {"input_tokens": input - cache_read - cache_write}})

    def error(self, name, text):
        return self.line("error", name=name, text=text)

    def ends(self, stop="end_turn"):
        return (self.usage() + self.line("stop", name=stop) +
                self.line("end", first_byte_ms=320, duration_ms=4200, bytes=4321, wire_bytes=3210))

    def whole(self, question="What is in this folder?", answer="Two files.", history=()):
        """All of a call that asks one thing; `history` is what was said before: (role, text)."""
        said = b"".join(self.says(text, role) for role, text in history)
        return (self.begin() + self.system("You are a coding agent.") +
                self.tool("bash", "Runs a command.") + said + self.says(question) +
                self.responds() + self.answers(answer) + self.ends())


def audit(milliseconds=START_MS, **record):
    text = json.dumps({"time": stamp(milliseconds), **record}, separators=(",", ":"))
    return line("audit", 0, milliseconds, text=text)


def lost(count):
    return line("lost", 0, START_MS, count=count)
