"""What keys, the mouse and the size of the terminal do."""

import base64
import tempfile
from pathlib import Path

import pytest
from events import Call, line, START_MS


def titles(terminal):
    return [text.split("│", 1)[-1].strip() for text in terminal.lines()[1:-2]]


def test_searches_here_and_then_in_other_calls(small):
    small.send(Call(1).whole("first question", "a Needle here") + Call(2).whole("second", "hay") +
               Call(3).whole("third", "another Needle, and one more needle"))
    small.wait_for("third")
    small.type("/needle\r")
    small.wait_for("another Needle")
    column = small.row(next(i for i, text in enumerate(small.lines()) if "another" in text)).index(
        "Needle")
    row = next(i for i, text in enumerate(small.lines()) if "another" in text)
    small.wait(lambda seen: seen.attributes(column, row).reverse, "a marked place")
    small.wait(lambda seen: not seen.attributes(column - 2, row).reverse, "no mark before it")
    small.type("nn")
    small.wait_for("a Needle here", "found in call #1")
    small.type("N")
    small.wait_for("another Needle", "found in call #3")
    small.type("/no such text\r")
    small.wait_for("not found", "third")
    small.type("\x1b")
    small.wait(lambda seen: not seen.attributes(column, row).reverse, "no mark any more")


def test_search_with_a_capital_is_exact(small):
    small.send(Call(1).whole("question", "NEEDLE"))
    small.wait_for("NEEDLE")
    small.type("/Needle\r")
    small.wait_for("not found")
    small.type("n")
    small.wait_for("not found")


def test_search_opens_what_is_folded(small):
    small.send(Call(1).whole())
    small.wait_for("Two files.")
    small.type("/coding agent\r")
    small.wait_for("▾ system", "You are a coding agent.")


def test_moves_over_sections_and_folds_them(small):
    small.send(Call(1).whole())
    small.wait_for("Two files.")
    for title in ("usage", "request headers", "parameters", "system"):
        small.type("j")
        small.wait(lambda seen: any(
            title in seen.row(row) and seen.attributes(42, row).reverse for row in range(24)),
            f"the cursor on {title}")
    small.type("l")
    small.wait_for("▾ system", "You are a coding agent.")
    small.type("h")
    small.wait_for("▸ system")
    small.type("\r")
    small.wait_for("▾ system")
    small.type(" ")
    small.wait_for("▸ system")
    small.type("k\x1b[C")
    small.wait_for("▾ parameters", '"max_tokens": 1024')
    small.type("\x1b[D")
    small.wait_for("▸ parameters")


def test_scrolls_by_line_page_and_wheel(small):
    small.send(Call(1).whole("\n".join(f"row {n}" for n in range(200))))
    small.wait_for("row 5")
    small.type("e")
    small.wait_for("▾ system", "q quit")
    top = small.row(1)
    small.type("\x1b[B")
    small.wait(lambda seen: seen.row(1) != top, "a line further")
    small.type("\x1bOA")
    small.wait(lambda seen: seen.row(1) == top, "back")
    small.type("\x1b[6~")
    small.wait(lambda seen: seen.row(1) != top, "a page further")
    small.type("\x1b[5~")
    small.wait(lambda seen: seen.row(1) == top, "back")
    small.type("\x1b[<65;60;10M")
    small.wait(lambda seen: seen.row(1) != top, "three lines further")
    small.type("\x1b[<64;60;10M")
    small.wait(lambda seen: seen.row(1) == top, "back")


def splitter_of(terminal):
    return terminal.row(3).find("│")


def test_moves_the_splitter_by_key_and_mouse(small, large):
    for terminal, first in ((small, 39), (large, 88)):
        assert splitter_of(terminal) == first
        terminal.type(",")
        terminal.wait(lambda seen: splitter_of(seen) == first - 4, "a narrower list")
        terminal.type(".")
        terminal.wait(lambda seen: splitter_of(seen) == first, "a wider list")
        terminal.type("\x1b[1;5D")
        terminal.wait(lambda seen: splitter_of(seen) == first - 4, "a narrower list")
        terminal.type("," * 30)
        terminal.wait(lambda seen: splitter_of(seen) == 32, "the narrowest list")
        terminal.type("." * 30)
        widest = min(100, terminal.columns - 33)
        terminal.wait(lambda seen: splitter_of(seen) == widest, "the widest list")
        terminal.click(widest, 10, release=False)
        terminal.type("\x1b[<32;41;10M")
        terminal.wait(lambda seen: splitter_of(seen) == 40, "a splitter that was dragged")
        terminal.type("\x1b[<0;41;10m\x1b[<32;61;10M")
        terminal.type("?")
        terminal.wait_for("Keys")
        terminal.type("?")
        terminal.wait(lambda seen: splitter_of(seen) == 40, "a splitter that was let go")


def test_clicks_select_calls_fold_sections_and_change_tabs(small):
    small.send(b"".join(Call(n).whole(answer=f"answer {n}") for n in range(1, 6)))
    small.wait_for("answer 5")
    small.click(5, 3)
    small.wait_for("answer 2")
    row = next(i for i, text in enumerate(small.lines()) if "▸ system" in text)
    small.click(40, row)
    small.wait_for("▾ system", "You are a coding agent.")
    small.click(40, row)
    small.wait_for("▸ system")
    small.click(50, row)  # the title itself only takes the cursor
    small.wait(lambda seen: seen.attributes(42, row).reverse and "▸ system" in seen.text(),
               "the cursor on what is folded still")
    small.click(20, 0)
    small.wait_for("nothing was denied so far")
    small.click(2, 0)
    small.wait_for("answer 2")


def test_panes_can_have_the_whole_screen(small):
    small.send(Call(1).whole())
    small.wait_for("Two files.")
    small.type("z")
    small.wait(lambda seen: splitter_of(seen) < 0 and "Two files." in seen.text(), "the detail")
    small.type("z")
    small.wait(lambda seen: "cost $" in seen.row(1) and "first" in seen.row(1) and
               "Two files." not in seen.text(), "the list")
    small.type("z")
    small.wait_for("Two files.", "│")


def test_follows_the_size_of_the_terminal(small):
    small.send(Call(1).whole())
    small.wait_for("Two files.")
    small.set_size(200, 50)
    small.wait(lambda seen: splitter_of(seen) == 88 and "q quit" in seen.row(49), "200x50")
    small.set_size(79, 23)
    small.wait_for("79x23: too small", "needs 80x24; q quits")
    small.set_size(20, 2)
    small.wait_for("20x2: too small")
    small.set_size(80, 24)
    small.wait(lambda seen: splitter_of(seen) == 39 and "Two files." in seen.text(), "80x24")
    small.set_size(40, 5)
    small.wait_for("too small")
    small.type("q")
    assert small.end() == 0


def test_copies_a_section_to_the_clipboard_when_asked(small):
    text = "Two files:\n\ta.txt \\ \x1b]52;c;ZXZpbA==\x07 ä\n"
    small.send(Call(1).whole(answer=text))
    small.wait_for("Two files:")
    small.type("y")
    small.wait_for("copied")
    small.type("/two files\ry")
    small.wait_raw(b"\x1b]52;c;" + base64.b64encode(text.encode()) + b"\x07")
    assert small.raw.count(b"\x1b]52;") == 2


@pytest.fixture
def folder():
    """One with a short name, for messages on 80 columns."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_saves_a_section_and_asks_before_it_overwrites(small, folder):
    text = "Two files:\n\ta.txt \\ \x1b[31m ä\n"
    small.send(Call(1).whole(answer=text))
    small.wait_for("Two files:")
    path = folder / "saved.txt"
    small.type("/two files\rs")
    small.wait_for("save to: call-1-text.txt")
    small.type(f"\x15{path}\r")
    small.wait_for("saved to")
    assert path.read_bytes() == text.encode()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("mine")
    small.type(f"s\x15{path}\r")
    small.wait_for("this file exists: overwrite it? (y/n)")
    small.type("n")
    small.wait_without("overwrite")
    assert path.read_text() == "mine"
    small.type(f"s\x15{path}\ry")
    small.wait_for("saved to")
    assert path.read_bytes() == text.encode()
    small.type(f"s\x15{folder}/no/file\r")
    small.wait_for("No such file or directory")
    link = folder / "link"
    link.symlink_to(path)
    path.write_text("mine")
    small.type(f"s\x15{link}\ry")
    small.wait_for("Too many levels of symbolic links")
    assert path.read_text() == "mine"


def test_fifty_thousand_calls_are_browsed(start, tmp_path):
    def short(number):
        return line("call", number, START_MS + number, provider="anthropic",
                    api="anthropic-messages", transport="h1", host="api.anthropic.com",
                    method="POST", path="/v1/messages")

    recording = tmp_path / "calls.jsonl"
    with recording.open("wb") as out:
        for first in range(1, 50000, 1000):
            out.write(b"".join(short(number) for number in range(first, first + 1000)))
    terminal = start(words=("--tui", "--utc", str(recording)))
    terminal.wait_for("[Calls 50,000]")
    for keys, number in ((">", 50000), ("[", 49999), ("<", 1), ("]", 2), ("g", 2), ("g", 2),
                         (">", 50000)):
        terminal.type(keys)
        terminal.wait_for(f"#{number} ")
