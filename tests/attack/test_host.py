"""What reaches the host: names on its command line, its files, and what a VM writes to it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from attack.marks import holds_behind_relay, row

TOP = Path(__file__).resolve().parents[2]
pytestmark = holds_behind_relay("no packet is concerned")

HOSTILE_LINES = [
    b'{"time":"2026-01-01T00:00:00.000Z","kind":"http","decision":"deny","name":"a\x1b]0;x\x07"}',
    b'{"time":"2026-01-01T00:00:00.000Z","kind":"http","decision":"deny","name":"a\\u001b[2J",'
    b'"reason":"\\u202eevil\\r\\nforged"}',
    b"\x1b[2J\x07\x9b31m", b"{" * 5000, b"\xff\xfe\x00", b'"' + b"a" * 100000, b"null", b"[]",
    b'{"time":{},"kind":[],"decision":"deny"}',
]


@pytest.fixture
def home(tmp_path):
    """A home with one instance that was never started."""
    folder = tmp_path / "home/instances/default"
    (folder / "log").mkdir(parents=True)
    (folder / "proxy").mkdir()
    for kind in ("https", "ssh", "dns"):
        (folder / "proxy" / f"allowed-{kind}.txt").write_text("")
    return tmp_path / "home"


def rootcell(home, *words):
    environment = {**os.environ, "ROOTCELL_HOME": str(home), "ROOTCELL_DATA": str(TOP / "data"),
                   "HOME": str(home.parent), "XDG_RUNTIME_DIR": str(home.parent)}
    return subprocess.run(
        [TOP / "build/rootcell", *words], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)


def is_plain(text):
    """Nothing but lines that a terminal shows as they are."""
    shown = text.decode("utf-8")
    return not [one for one in shown if (ord(one) < 0x20 and one != "\n")
                or 0x7F <= ord(one) < 0xA0 or one == "\u202e"]


def is_one_plain_line(text):
    return text.count(b"\n") == 1 and is_plain(text)


@row("host-names")
@pytest.mark.parametrize("name", ["../x", "/etc", "a/b", "-x", "x-", ".", "..", "", "A", "é", "a b",
                                  "a\nb", "a\x1bb", "a" * 33, "$(id)", "*"])
def test_refuses_an_instance_name_that_leads_elsewhere(home, name):
    before = sorted(home.parent.rglob("*"))
    for words in (["list"], ["remove", "--yes"], ["stop"], ["true"]):
        result = rootcell(home, "-i", name, *words)
        assert result.returncode in (1, 2, 125) and is_one_plain_line(result.stderr), result
    assert sorted(home.parent.rglob("*")) == before


@row("host-state")
@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"\0" * 100, b"{" * 100000,
                                  b'{"subnet":"203.0.113.0/24","ssh_port":0}', b"a" * (1 << 16)])
def test_says_plainly_that_the_state_cannot_be_read_and_keeps_it(home, text):
    state = home / "instances/default/state.json"
    state.write_bytes(text)
    for words in (["log"], ["stop"], ["list"]):
        result = rootcell(home, *words)
        assert result.returncode in (0, 1) and is_plain(result.stdout + result.stderr), result
        assert result.stderr or result.returncode == 0, words
    kept = [path.read_bytes() for path in state.parent.glob("state.json*")]
    assert text in kept


@row("host-state")
@pytest.mark.parametrize("text", [b"\xff\xfe", b"ROOTCELL_AGENT_MEMORY=$(id)\n", 
                                  b"ROOTCELL_AGENT_MEMORY=-1\n", b"=\n"])
def test_refuses_settings_that_it_does_not_understand(home, text):
    (home / "instances/default/.env").write_bytes(text)
    result = rootcell(home, "stop")
    assert result.returncode == 1 and is_one_plain_line(result.stderr), result


@row("host-terminal")
@pytest.mark.parametrize("words", [["log"], ["log", "--denied"], ["log", "--json"]])
def test_shows_no_control_byte_that_a_vm_wrote_to_the_log(home, words):
    good = {"time": "2026-01-01T00:00:00.000Z", "kind": "dns", "decision": "deny",
            "name": "last.example.org", "reason": "no rule allows this name"}
    lines = [*HOSTILE_LINES, json.dumps(good, separators=(",", ":")).encode()]
    (home / "instances/default/log/audit.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (home / "instances/default/state.json").write_text("{")
    assert rootcell(home, "stop").returncode == 0, "it makes the state anew"
    result = rootcell(home, *words)
    assert result.returncode == 0, result.stderr
    assert "last.example.org" in result.stdout.decode("utf-8")
    assert is_plain(result.stdout), result.stdout[:500]
