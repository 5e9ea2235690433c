"""Text, JSON and exports of bytes that somebody chose to harm whoever looks at them."""

import html.parser
import json
import re
import subprocess
import unicodedata

import pytest
from conftest import PROGRAM
from events import Call
from test_terminal import HOSTILE, hostile_events

MARKUP = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&lt;]]>-->"
ACCENTS = "e" + "\u0301" * 100_000
JOINERS = "a\u200b" * 1000 + "\ufe0f" * 1000
LONG = 10 << 20
GARBAGE = [
    bytes(range(256)), b"{" * 100_000, b"[" * 100_000, b'{"v":1,"event":"call","call":-1}',
    b'{"v":1,"event":"delta","call":18446744073709551615,"block":4294967295,"text":"x"}',
    b'{"v":1,"event":"block","call":9,"side":"response","block":1,"text":"\xff\xfe\xc0\xaf"}',
    b'{"v":2,"event":"call","call":3}', b'{"v":1,"event":"end","call":77,"duration_ms":-5}',
    b'{"v":1,"event":"call","call":5,"text":"' + b"x" * LONG + b'"}', b"x" * LONG, b"", b"null",
]
EXPORTS = ("har", "jsonl", "otel", "html")


def run(events, *words):
    result = subprocess.run([PROGRAM, *words], input=events, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=120)
    assert result.returncode == 0, (words, result.returncode, result.stderr[-1000:])
    return result.stdout.decode()  # strictly


def assert_harmless(text):
    """Nothing but what is seen, line ends and tabs, and bounded stacks of accents."""
    bad = {character for character in text if character not in "\n\t\ufe0f" and
           unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
    assert not bad
    assert not re.search("[\u0300-\u036f\ufe0f]{9}", text)


def spoken(text):
    """A call in which that stands wherever a text may stand that is shown as it is."""
    call = Call(1)
    return (call.begin() + call.says(text) + call.tool(text, text) + call.answers(text) +
            call.error(text, text) + call.ends(text))


@pytest.mark.parametrize("words", [
    (), ("--raw",), ("--no-dedupe", "--tools", "--raw"), ("--width", "20"), ("--width", "1"),
    ("--filter", "model~owned")], ids=" ".join)
@pytest.mark.parametrize("events", [
    hostile_events(), spoken(HOSTILE), spoken(MARKUP), spoken(ACCENTS), spoken(JOINERS)],
    ids=["everywhere", "controls", "markup", "accents", "joiners"])
def test_text_has_nothing_that_a_terminal_obeys(words, events):
    assert_harmless(run(events, "--color", "never", *words))
    coloured = run(events, "--color", "always", *words)
    assert_harmless(re.sub(r"\x1b\[[0-9;]*m", "", coloured))


@pytest.mark.parametrize("events", [hostile_events(), spoken(HOSTILE), spoken(MARKUP)],
                         ids=["everywhere", "controls", "markup"])
def test_lines_of_json_are_lines_without_control_characters(events):
    for words in (("--json",), ("export", "--jsonl", "-"), ("export", "--har", "-"),
                  ("export", "--otel", "-")):
        text = run(events, *words)
        assert_harmless(text)
        lines = text.splitlines() if words[-1] != "-" or "--jsonl" in words else [text]
        assert lines and all(json.loads(line) for line in lines)


class Page(html.parser.HTMLParser):
    """What is markup in a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attributes}


@pytest.mark.parametrize("events", [hostile_events(), spoken(HOSTILE), spoken(MARKUP)],
                         ids=["everywhere", "controls", "markup"])
def test_no_text_is_markup_of_a_page(events):
    text, harmless = (run(made, "export", "--html", "-") for made in (events, spoken("harmless")))
    assert_harmless(text)
    page = Page()
    page.feed(text)
    assert text.count("<script") == harmless.count("<script")
    assert not page.tags & {"img", "iframe", "object", "embed", "form", "link", "base", "svg"}
    assert not any(name.startswith("on") or name in ("src", "action") or
                   (name == "href" and not value.startswith("#"))
                   for name, value in page.attributes)


@pytest.mark.parametrize("words", [(), ("--json",), *(("export", f"--{kind}", "-")
                                                    for kind in EXPORTS)], ids=" ".join)
def test_lines_that_are_no_events_do_not_hide_those_that_are(words):
    garbage = b"".join(line + b"\n" for line in GARBAGE)
    events = garbage + spoken("A text that is seen.") + garbage + b'{"v":1,"event":"ca'
    text = run(events, *words)
    assert "A text that is seen." in text
    assert_harmless(text)
