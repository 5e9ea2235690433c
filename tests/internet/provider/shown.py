"""What rootcell-spy shows of a recording, compared with the journal of the stand-in."""

import base64
import json
import re
import subprocess
import unicodedata

from internet.provider.har_form import faults_of_archive
from internet.provider.reader import read_answer
from internet.provider.views import differences, expected, joined, shown_by_json
from internet.wall import TOP

PROGRAM = TOP / "build" / "rootcell-spy"
INDENT = "   "


def run(*words, **options):
    """What rootcell-spy printed."""
    options.setdefault("stdin", subprocess.DEVNULL)
    result = subprocess.run([PROGRAM, *map(str, words)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=60, **options)
    assert result.returncode == 0, (words, result.returncode, result.stderr[-2000:])
    return result.stdout


# --json and export --jsonl

def check_json(text, calls):
    told = [json.loads(line) for line in text.splitlines()]
    told = [each for each in told if each["type"] == "call"]
    assert len(told) == len(calls)
    places = {name: place for place, call in enumerate(calls)
              for name in (call.answer_identifier, call.request_identifier)}
    if all(each.get("id") in places for each in told):  # they stand in the order of their ends
        told.sort(key=lambda each: places[each["id"]])
    for call, each in zip(calls, told):
        found = differences(call, shown_by_json(each))
        assert not found, "\n".join(found)


# Text

def escaped(text):
    """A text as the text view has it: rootcell-spy(1)."""
    def shown(character):
        code = ord(character)
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp"):
            return character
        return f"\\x{code:02x}" if code < 0x80 else f"\\u{{{code:x}}}"

    return "".join(map(shown, text))


def laid_out(text):
    """Lines as they stand below a head line."""
    lines = escaped(text).rstrip("\n").split("\n")
    return "".join(f"{INDENT}{line}".rstrip() + "\n" for line in lines)


def without_blanks(text):
    return re.sub(r"\s+", "", text)


def sections_of(text):
    """The text of each call, by its number in the head line."""
    parts = re.split(r"(?m)^(?=== \d{4}-)", text)[1:]
    return [re.sub(r"(?m) +$", "", part) for part in parts]


def check_text(text, calls):
    """The text view of --no-dedupe, not wrapped: texts, results, tool calls, counts."""
    sections = sections_of(text)
    assert len(sections) == len(calls)
    for call, section in zip(calls, sections):
        shown = expected(call)
        if not shown["errors"]:
            check_answer(call, shown, section)
        for message in shown["errors"]:
            assert escaped(message) in section
        for _, result in shown["results"]:
            for line in escaped(result).rstrip("\n").split("\n"):
                assert f"{INDENT}{line}".rstrip() + "\n" in section
        for said in shown["said"]:
            assert laid_out(said) in section


def check_answer(call, shown, section):
    for text in shown["texts"]:
        assert f"<- assistant\n{laid_out(text)}" in section, (text[:200], section[-3000:])
    for text in shown["thoughts"]:
        assert f"<- assistant, thinking\n{laid_out(text)}" in section
    for identifier, name, arguments in shown["tools"]:
        head = f"<- assistant calls {name} ({identifier})\n"
        assert head in section
        body = re.match(rf"(?:{INDENT}.*\n|\n)*", section[section.index(head) + len(head):]).group()
        assert without_blanks(body) == without_blanks(escaped(arguments))
    figures = section[section.rindex("\n-- #"):]
    usage = shown["usage"]
    assert f" {shown['status']} {shown['stop']}, in {usage['input']}" in figures
    reasoning = f" (reasoning {usage['reasoning']})" if usage.get("reasoning") else ""
    assert f", out {usage['output']}{reasoning}," in figures
    if usage.get("cache_write"):
        assert f"written {usage['cache_write']})" in figures
    if usage.get("cache_read"):
        part = usage["cache_read"] * 100 // usage["input"]
        assert f"(cached {part} %" in figures or f"(cached {part + 1} %" in figures


# HAR

def answer_in_har(call, entry):
    if call.transport.startswith("ws"):
        messages = entry["_webSocketMessages"]
        told = [message["data"] for message in messages if message["type"] == "receive"]
        return read_answer("openai.responses", "responses", "websocket",
                           "\n".join(told).encode())
    content = entry["response"]["content"]
    body = base64.b64decode(content["text"]) if content.get("encoding") == "base64" else \
        content["text"].encode()
    return read_answer(call.api.name, call.operation, content["mimeType"], body)


def request_in_har(call, entry):
    if call.transport.startswith("ws"):
        return next(message["data"] for message in entry["_webSocketMessages"]
                    if message["type"] == "send")
    return entry["request"]["postData"]["text"]


def check_har(text, calls):
    """Native bodies, which a reader of its own makes texts of."""
    archive = json.loads(text)
    assert not faults_of_archive(archive)
    log = archive["log"]
    assert log["version"] == "1.2" and len(log["entries"]) == len(calls)
    for call, entry in zip(calls, log["entries"]):
        shown, read = expected(call), answer_in_har(call, entry)
        assert json.loads(request_in_har(call, entry)) == call.request
        assert entry["response"]["status"] == shown["status"]
        if shown["errors"]:
            assert [read.error] == shown["errors"]
            continue
        tools = [[tool["id"], tool["arguments"]] for tool in read.tools]
        assert [read.texts, read.thoughts, tools] == [
            shown["texts"], shown["thoughts"], [[key, text] for key, _, text in shown["tools"]]]
        assert {key: entry["_usage"][key] for key in shown["usage"]} == shown["usage"]


# OpenTelemetry

def attributes_of(span):
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def check_otel(text, calls):
    spans = [attributes_of(span) for group in json.loads(text)["resourceSpans"]
             for scope in group["scopeSpans"] for span in scope["spans"]]
    chats = [span for span in spans if span["gen_ai.operation.name"] == "chat"]
    assert len(chats) == len(calls)
    for call, span in zip(calls, chats):
        shown = expected(call)
        assert span["gen_ai.request.model"] == shown["model"]
        if shown["errors"]:
            assert "error.type" in span
            continue
        assert int(span["gen_ai.usage.input_tokens"]) == shown["usage"]["input"]
        assert int(span["gen_ai.usage.output_tokens"]) == shown["usage"]["output"]
        parts = [part for message in json.loads(span["gen_ai.output.messages"])
                 for part in message["parts"]]
        assert [part["content"] for part in parts if part["type"] == "text"] == shown["texts"]
        asked = json.loads(span["gen_ai.input.messages"])
        results = [[part.get("id", ""), part["response"]] for message in asked
                   for part in message["parts"] if part["type"] == "tool_call_response"]
        assert joined(results) == shown["results"]


# HTML

def check_html(text, calls):
    """One page in which no text is markup, and nothing a browser would obey."""
    assert not re.search(r"<script>alert|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069]", text)
    assert not re.search(r"(?i)\b(?:src|href)=[\"']?(?:https?:)?//", text)
    for call in calls:
        shown = expected(call)
        for said in [*shown.get("texts", []), *shown["errors"]]:
            words = [word for word in re.findall(r"[A-Za-z]{4,}", said)[:20]]
            assert all(word in text for word in words)


EXPORTS = {"har": check_har, "jsonl": check_json, "otel": check_otel, "html": check_html}


def check_views(recording, calls):
    """Every view and export of a recording with bodies shows what the journal has."""
    check_json(run("--json", recording), calls)
    check_text(run("--no-dedupe", "--utc", recording).decode(), calls)
    for kind, check in EXPORTS.items():
        check(run("export", f"--{kind}", "-", recording).decode(), calls)
