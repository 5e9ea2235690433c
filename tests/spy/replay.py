"""Clients that repeat what Pi, Claude Code and Codex have sent: requests/*.json.

There `[[N chars trimmed]]` stands for text of that length, `{{call}}` for the identifier of the
tool call and `{{answer}}` for that of the answer before, `{{secret}}` for a secret of the client.
"""

import json
import re
from pathlib import Path

from internet import http2_client
from internet.provider import coding, websocket
from internet.provider.call import route
from internet.provider.reader import read_answer

FOLDER = Path(__file__).resolve().parent / "requests"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
SECRET = "sk-standin-0123456789abcdefSECRET"
FILLING = "Words of an instruction that somebody wrote for a model, and more of them. "


class Seen:
    """What the client has seen of one answer."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body
        self.answer = None  # internet.provider.reader.Read


def filled(text, call, answer):
    """A captured text with its marks replaced."""
    def words(found):
        count = int(found.group(1))
        return (FILLING * (count // len(FILLING) + 1))[:count]

    text = re.sub(r"\[\[(\d+) chars trimmed\]\]", words, text)
    for mark, value in (("call", call), ("answer", answer), ("secret", SECRET)):
        text = text.replace("{{%s}}" % mark, value)
    return text


class Replay:
    """Repeats one conversation of a file over a transport."""

    def __init__(self, agent, provider):
        self.agent, self.provider = agent, provider

    def prepared(self, recorded):
        """A recorded request with the identifiers that the stand-in gave before."""
        calls = [call for call in self.provider.calls if call.answer.tools()]
        call = calls[-1].answer.tools()[0].identifier if calls else ""
        answer = self.provider.calls[-1].answer_identifier if self.provider.calls else ""
        return json.loads(filled(json.dumps(recorded), call, answer))

    def run(self, name, transport, encoding=None, accept=None):
        """Every answer of the conversation. `encoding` is that of requests, else the recorded
        one; `accept` the value of Accept-Encoding, else the recorded one."""
        recorded = json.loads((FOLDER / f"{name}.json").read_text())
        if transport.startswith("ws"):
            return self.talk(self.prepared(recorded[0]), recorded[0]["messages"], transport)
        ask = {"h1": self.ask_http1, "h2": self.ask_http2}[transport]
        seen = []
        for each in recorded:
            request = self.prepared(each)
            host, path = request["host"], request["path"]
            code = request["encoding"] if encoding is None else encoding
            fields = [(key.lower(), value) for key, value in request["fields"]
                      if accept is None or key.lower() != "accept-encoding"]
            fields += [("content-encoding", code)] if code else []
            fields += [("accept-encoding", accept)] if accept else []
            body = coding.encode(code, json.dumps(request["body"]).encode())
            one = ask(host, path, fields, body)
            one.body = coding.decode(one.fields.get("content-encoding"), one.body)
            api, operation, _ = route(host, path)
            one.answer = read_answer(api.name, operation, one.fields["content-type"], one.body)
            seen.append(one)
        return seen

    def ask_http1(self, host, path, fields, body):
        with self.agent.tls(host) as peer:
            head = [f"POST {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}",
                    *(f"{key}: {value}" for key, value in fields)]
            peer.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)
            return Seen(*peer.read_response(30))

    def ask_http2(self, host, path, fields, body):
        with http2_client.connect(self.agent, host) as client:
            stream = client.start(path, "POST", [*fields, ("content-length", str(len(body)))],
                                  is_end=False)
            client.send_data(stream, body, is_end=True)
            response = client.finish(stream, 30)
            return Seen(response.status, dict(response.fields), response.body)

    def talk(self, opening, messages, transport):
        """A conversation over WebSocket."""
        self.provider.websocket = "deflate" if transport == "ws-deflate" else "plain"
        seen = []
        with self.agent.tls(opening["host"]) as peer:
            fields = [*opening["fields"], ["sec-websocket-extensions", opening["extensions"]]]
            head = [f"GET {opening['path']} HTTP/1.1", f"host: {opening['host']}",
                    "connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13",
                    f"sec-websocket-key: {websocket.new_key()}",
                    *(f"{key}: {value}" for key, value in fields)]
            peer.send("\r\n".join(head).encode() + b"\r\n\r\n")
            status, answered, _ = peer.read_response()
            assert status == 101, status
            is_deflated = "permessage-deflate" in answered.get("sec-websocket-extensions", "")
            assert is_deflated == (transport == "ws-deflate")
            end = websocket.WebSocket(lambda count: peer.read_exactly(count, 30), peer.send, True,
                                      is_deflated)
            for message in messages:
                end.send(json.dumps(self.prepared(message)).encode(), fragments=2)
                seen.append(self.read_turn(end))
            end.close()
        return seen

    @staticmethod
    def read_turn(end):
        events = [end.read()]
        while json.loads(events[-1])["type"] not in (
                "response.completed", "response.incomplete", "response.failed"):
            events.append(end.read())
        one = Seen(200, {}, b"\n".join(events))
        one.answer = read_answer("openai.responses", "responses", "websocket", one.body)
        return one
