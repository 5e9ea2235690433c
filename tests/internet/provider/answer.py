"""What the stand-in provider says, in no provider's words; the other modules put it into theirs."""

import dataclasses
import json


@dataclasses.dataclass
class Text:
    text: str


@dataclasses.dataclass
class Thinking:
    text: str
    signature: str = "c2lnbmVkIGJ5IHRoZSBzdGFuZC1pbg=="


@dataclasses.dataclass
class Tool:
    """A call of a tool. Arguments that are no dictionary are the text of a custom tool."""

    name: str
    arguments: object
    identifier: str = ""
    namespace: str = ""

    @property
    def full_name(self):
        return f"{self.namespace}.{self.name}" if self.namespace else self.name

    @property
    def is_custom(self):
        return isinstance(self.arguments, str)

    def argument_text(self, ascii_only=True):
        """The arguments as they are sent."""
        if self.is_custom:
            return self.arguments
        return to_json(self.arguments, ascii_only)


@dataclasses.dataclass
class Usage:
    """Tokens in buckets that do not overlap, but for reasoning, which is a part of output."""

    input: int = 4
    cache_read: int = 0
    cache_write: int = 0
    output: int = 42
    reasoning: int = 0


@dataclasses.dataclass
class Failure:
    """An error: with a status of its own before anything was said, or in the stream after
    `after` events."""

    kind: str
    message: str
    status: int = 0  # 0: in the stream, whose head said 200
    after: int = 3


@dataclasses.dataclass
class Answer:
    blocks: list = dataclasses.field(default_factory=list)
    stop: str = ""  # end, tool, length; empty: as the blocks suggest
    usage: Usage = dataclasses.field(default_factory=Usage)
    failure: Failure = None
    encoding: str = ""  # of the body: gzip, deflate, br, zstd
    piece: int = 9  # characters of a delta
    chunk: int = 0  # bytes of one write; 0: one event, -1: all at once
    cut: int = -1  # after so many bytes the connection ends without an end of the body
    fragments: int = 1  # frames of a WebSocket message
    ascii_only: bool = True  # JSON with escapes, or with UTF-8 as it is
    is_framed_by_length: bool = False  # Content-Length where HTTP/1 would use chunks
    extra: list = dataclasses.field(default_factory=list)  # (place, event) that nobody knows

    @property
    def reason(self):
        has_tool = any(isinstance(block, Tool) for block in self.blocks)
        return self.stop or ("tool" if has_tool else "end")

    def texts(self):
        return [block.text for block in self.blocks if isinstance(block, Text)]

    def thoughts(self):
        return [block.text for block in self.blocks if isinstance(block, Thinking)]

    def tools(self):
        return [block for block in self.blocks if isinstance(block, Tool)]

    def pieces(self, text):
        """The text in the parts that deltas carry; none of an empty one."""
        return [text[start:start + self.piece] for start in range(0, len(text), self.piece)]

    def json(self, value):
        return to_json(value, self.ascii_only)


def to_json(value, ascii_only=True):
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))


def stop_after(events, failure, error_event):
    """The events until the failure, then the failure; all of them without one."""
    for number, event in enumerate(events):
        if failure and not failure.status and number == failure.after:
            yield error_event
            return
        yield event
