"""The full-screen view in terminals of both sizes that it is made for."""

from pathlib import Path

import pytest
from terminal import Terminal

TOP = Path(__file__).resolve().parents[2]
PROGRAM = TOP / "build" / "rootcell-spy"
SCREENS = Path(__file__).resolve().parent / "screens"


@pytest.fixture
def start():
    """Start the program: start(columns, rows, environment, words...); ended with the test."""
    running = []

    def begin(columns=80, rows=24, environment=None, words=("--tui", "--utc")):
        terminal = Terminal([str(PROGRAM), *words], columns, rows, environment)
        running.append(terminal)
        return terminal

    yield begin
    for terminal in running:
        terminal.close()


@pytest.fixture
def small(start):
    terminal = start(80, 24)
    terminal.wait_for("waiting for the first call")
    return terminal


@pytest.fixture
def large(start):
    terminal = start(200, 50)
    terminal.wait_for("waiting for the first call")
    return terminal


@pytest.fixture(params=[(80, 24), (200, 50)], ids=["80x24", "200x50"])
def any_size(start, request):
    terminal = start(*request.param)
    terminal.wait_for("waiting for the first call")
    return terminal


@pytest.fixture
def shows():
    """shows(terminal, name): the screen becomes that of screens/NAME-COLUMNSxROWS.txt, exactly."""

    def compare(terminal, name):
        path = SCREENS / f"{name}-{terminal.columns}x{terminal.rows}.txt"
        expected = path.read_text().rstrip("\n")
        try:
            terminal.wait(lambda seen: seen.text().rstrip("\n") == expected, path.name)
        except AssertionError:
            assert terminal.text().rstrip("\n") == expected, path.name

    return compare
