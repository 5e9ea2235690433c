"""Who watches captured calls at the control socket of a wall."""

import base64
import json
import socket
import threading
from pathlib import Path

from internet.wait import wait_until

# Whose calls the tests' own wall captures, beside those of the shipped files.
PROVIDER = """\
provider example
api anthropic-messages POST origin.example.com /v1/messages
api bedrock-converse-stream POST origin.example.com /model/*/converse-stream
api other * origin.example.com /llm/**
api other * h2.example.com /llm/**
api other GET ws.example.com /echo
never * origin.example.com /llm/oauth/**
never * h2.example.com /llm/oauth/**
"""


def recorder_of(wall):
    """The process of the recorder, by its user; it may have been started just now."""

    def search():
        return next((pid for pid in wall.children()
                     if "Uid:\t61002\t" in Path(f"/proc/{pid}/status").read_text()), None)

    return wait_until(search, "the recorder to be confined")


def body_of(event):
    return base64.b64decode(event["base64"]) if "base64" in event else event["text"].encode()


class Call:
    """What the events of one call say."""

    def __init__(self, events):
        self.events = events
        self.begin = next((event for event in events if event["event"] == "call"), None)
        self.response = next((event for event in events if event["event"] == "response"), None)
        self.end = next((event for event in events if event["event"] == "end"), None)

    def body(self, side):
        return b"".join(body_of(event) for event in self.events
                        if event["event"] == "body" and event.get("side", "request") == side)


class Viewer:
    """A connection that was attached; reads in the background until it is told to pause."""

    def __init__(self, wall, *wishes, is_reading=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(wall.control))
        self.socket.sendall("\n".join(["capture", *wishes]).encode() + b"\n")
        self.socket.shutdown(socket.SHUT_WR)
        self.received = bytearray()
        self.parsed, self.parsed_bytes = [], 0
        self.is_ended = False
        self.answer = self._read_line()
        self.thread = threading.Thread(target=self._read, daemon=True)
        if is_reading:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read_line(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.socket.recv(1)
            if not byte:
                break
            line += byte
        return json.loads(line)

    def start(self):
        self.socket.settimeout(None)
        self.thread.start()

    def _read(self):
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                self.is_ended = True
                return
            self.received += data

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def events(self):
        """All whole lines so far."""
        new = bytes(self.received[self.parsed_bytes:])
        new = new[:new.rfind(b"\n") + 1]
        self.parsed += [json.loads(line) for line in new.splitlines()]
        self.parsed_bytes += len(new)
        return self.parsed

    def calls(self):
        """By number, in the order in which they began."""
        found = {}
        for event in self.events():
            if event.get("call"):
                found.setdefault(event["call"], []).append(event)
        return [Call(events) for events in found.values()]

    def call(self, path, seconds=60.0):
        """The newest call of that path, when it is over."""

        def search():
            return next((call for call in reversed(self.calls())
                         if call.begin and call.begin["path"] == path and call.end), None)

        return wait_until(search, f"the call of {path} to be seen", seconds)

    def wait_event(self, kind, seconds=60.0, **wanted):
        def search():
            return next((event for event in self.events() if event["event"] == kind and
                         all(event.get(key) == value for key, value in wanted.items())), None)

        return wait_until(search, f"an event {kind} with {wanted}", seconds)
