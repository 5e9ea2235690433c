"""What reaches the terminal, and how it is left."""

import os
import re
import signal
import subprocess
import termios

import pytest
from conftest import PROGRAM
from events import Call, audit

XTERM = {"TERM": "xterm-256color"}
# Everything that a terminal could obey, or that hides and reorders what a person sees.
HOSTILE = ("".join(chr(code) for code in range(1, 0xa0)) +
           "\x1b]0;owned\x07\x1b[2J\x1b[31;5m\x1b]52;c;ZXZpbA==\x07\x1bP1$r\x1b\\\x9b2J" +
           "\u200b\u202e\u2066\ufeff\U000e0041\u2028")


def hostile_events():
    call = Call(1, session=HOSTILE, model=HOSTILE)
    return (
        call.line("call", provider=HOSTILE, api="other", transport="h1", host=HOSTILE,
                  method=HOSTILE, path=HOSTILE, headers=[[HOSTILE, HOSTILE]]) +
        call.line("request", operation=HOSTILE, model=HOSTILE, session=HOSTILE, parent=HOSTILE,
                  parameters={HOSTILE: HOSTILE}) +
        call.system(HOSTILE) + call.tool(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}) +
        call.says(HOSTILE) +
        call.block("request", "media", HOSTILE, name=HOSTILE) +
        call.block("request", "other", name=HOSTILE, json={HOSTILE: [HOSTILE]}) +
        call.line("response", status=200, headers=[[HOSTILE, HOSTILE]], model=HOSTILE,
                  id=HOSTILE) +
        call.answers(HOSTILE, "tool_call", id=HOSTILE, name=HOSTILE) +
        call.answers(HOSTILE) + call.error(HOSTILE, HOSTILE) +
        call.line("native", side="response", name=HOSTILE, text=HOSTILE) +
        call.line("body", side="response", text=HOSTILE) + call.ends(HOSTILE) +
        audit(kind=HOSTILE, decision="deny", name=HOSTILE, method=HOSTILE, path=HOSTILE,
              reason=HOSTILE, detail=HOSTILE))


# What ncurses and this program send: positions, modes, colours, and the keys of the mouse.
OURS = re.compile(r"\x1b\[[0-9;]*[A-HJKLMPXZdfghlmr@SZ]|\x1b\[\?[0-9;]*[hlc]|\x1b[()][0AB]|\x1b[=>78]|"
                  r"[\r\n\b\x0e\x0f\t]")


def test_nothing_that_a_terminal_obeys_comes_from_a_peer(start):
    terminal = start(200, 50)
    terminal.wait_for("waiting for the first call")
    terminal.send(hostile_events())
    terminal.wait_for("[Calls 1]", "1 denied")
    # Every view of it, opened and scrolled through.
    for keys in ("e", "g", "d", "d", "r", "x", "x", "r", "g", "/owned\r", "n", "f~owned\r",
                 "\x1b", "\x1b", "z", "z", "z", "s\x1b", "\t", "e", "\t"):
        terminal.type(keys)
        terminal.type("\x1b[6~" * 10 + "<")
        terminal.type("?")
        terminal.wait_for("any key goes back")
        terminal.type("?")
        terminal.wait_without("any key goes back")
    terminal.type("q")
    terminal.end()  # so that nothing is half there
    drawn = terminal.raw.decode()
    assert "owned" in drawn
    rest = OURS.sub("", drawn)
    assert "\x1b" not in rest
    hidden = [character for character in rest
              if ord(character) < 0x20 or 0x7f <= ord(character) < 0xa0
              or character in "\u200b\u202e\u2066\ufeff\U000e0041\u2028"]
    assert not hidden
    assert terminal.screen.title == ""


def test_escaped_bytes_look_other_than_a_text_that_spells_them(small):
    small.send(Call(1).whole(answer="\\x1b spelled, \x1b."))
    small.wait_for("\\x1b spelled, \\x1b.")
    row = next(i for i, text in enumerate(small.lines()) if "spelled" in text)
    column = small.row(row).index("\\x1b")
    small.wait(lambda seen: not seen.attributes(column, row).reverse and
               seen.attributes(column + 14, row).reverse, "two looks")


def test_wide_and_joined_glyphs_keep_the_columns(small):
    small.send(Call(1, model="模型模型模型模型模型").whole(answer="日本語 😀 é e\u0301 終"))
    small.wait_for("日本語", "終")
    small.wait(lambda seen: all(seen.attributes(39, row).data == "│" for row in range(1, 22)),
               "a straight line")


def test_a_locale_without_utf8_gets_ascii(start):
    terminal = start(environment={"LC_ALL": "C", "LANG": "C"})
    terminal.wait_for("waiting for the first call")
    terminal.send(Call(1).whole(answer="naïve"))
    terminal.wait_for("na\\u{ef}ve", "v response", "> system")
    assert all(ord(character) < 0x80 for character in terminal.raw.decode("latin-1"))


def test_no_color_and_simple_terminals(start):
    terminal = start(environment={"NO_COLOR": "1", **XTERM})
    terminal.send(Call(1).whole())
    terminal.wait_raw(b"Two files.")
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", terminal.raw)
    terminal = start(environment={"TERM": "vt100"})
    terminal.send(Call(1).whole())
    terminal.wait_raw(b"Two files.")


def fresh_modes():
    master, slave = os.openpty()
    try:
        return termios.tcgetattr(master)
    finally:
        os.close(slave)
        os.close(master)


FRESH = fresh_modes()


def modes(terminal):
    return termios.tcgetattr(terminal.master)


def check_restored(terminal, before):
    for wanted in (b"\x1b[?1049l", b"\x1b[?1002l", b"\x1b[?1006l", b"\x1b[?1000l"):
        on = wanted[:-1] + b"h"
        terminal.wait(lambda seen: seen.raw.rfind(wanted) > seen.raw.rfind(on) >= 0, wanted)
    terminal.wait(lambda seen: seen.raw.rfind(b"\x1b[?25h") > seen.raw.rfind(b"\x1b[?25l"),
                  "a cursor")
    assert modes(terminal) == before


@pytest.mark.parametrize("ending", ["q", "\x03", signal.SIGTERM, signal.SIGHUP, signal.SIGINT,
                                    signal.SIGSEGV, signal.SIGABRT])
def test_the_terminal_is_left_as_it_was_found(start, ending):
    terminal = start(environment=XTERM)
    terminal.send(Call(1).whole())
    terminal.wait_raw(b"Two files.")
    # Held open: the modes of a terminal that nobody has open any more are not to be asked.
    held = os.open(terminal.name, os.O_RDWR | os.O_NOCTTY)
    try:
        if isinstance(ending, str):
            terminal.type(ending)
        else:
            os.kill(terminal.pid, ending)
        terminal.wait_raw(b"\x1b[?1049l")
        status = terminal.wait_status()
        check_restored(terminal, FRESH)
    finally:
        os.close(held)
    if isinstance(ending, str):
        assert status == 0
    if ending in (signal.SIGSEGV, signal.SIGABRT):
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == ending


def test_ends_when_its_terminal_goes_away(start):
    terminal = start(environment=XTERM)
    terminal.send(Call(1).whole())
    terminal.wait_raw(b"Two files.")
    terminal.hang_up()
    terminal.wait_status()


def test_goes_on_when_the_events_end(small):
    small.send(Call(1).whole())
    small.end_events()
    small.wait_for("Two files.", "ENDED")
    small.type("j?")
    small.wait_for("any key goes back")
    small.type("xq")
    assert small.end() == 0


def test_what_cannot_be_drawn_on_is_refused(start):
    terminal = start(environment={"TERM": "no-such-terminal"})
    terminal.wait_for("TERM=no-such-terminal")
    assert os.waitstatus_to_exitcode(terminal.end()) == 1
    refused = subprocess.run([PROGRAM, "--tui"], stdin=subprocess.DEVNULL, start_new_session=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env={"TERM": "xterm"}, timeout=60)
    assert refused.returncode == 1
    assert b"/dev/tty" in refused.stderr


def test_lines_that_are_no_events_are_counted(small):
    small.send(b"no json\n{}\n" + Call(1).whole())
    small.wait_for("Two files.", "2 bad lines")
