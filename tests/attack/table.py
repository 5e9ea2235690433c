"""Make docs/attacks.md from the suite. usage: table.py [--write]   (without: print it)

Cases are read from the sources: a test's name is a sentence, its @row(...) says where it belongs."""

import ast
import re
import sys
from pathlib import Path

from rows import KNOWN_HOLES, ROWS, SECTIONS

TESTS = Path(__file__).resolve().parents[1]
TOP = TESTS.parent
SELFTEST = TOP / "src/host/selftest.c"
PLACE = TOP / "docs/attacks.md"

HEAD = """\
# What the attack suite tries

<!-- Made by tests/attack/table.py from the suite: change the rows and cases there. -->

Each row below is tried by one or more cases against the real `rootcell-firewall`, as an agent with
root would try it. A case passes only if nothing came of the attack: not one byte of a marker that
the attacker sent arrives at any server, no question and no connection of the attacker's choice
leaves the firewall, a refused connection ends (within two seconds of the refused byte, or at its
deadline), a record says why, and an ordinary request still works afterwards.

The suite proves its own eyes: it runs a second time with a plain relay where the firewall should
be, and there each kind of case has to fail.

*namespaces*: `./test attack`, between an agent's network namespace and a small internet whose every
address records. *VM*: `./test machines`, from inside an agent VM. *selftest*: `rootcell selftest`,
from inside your own agent VM against your own firewall. *host*: the command line alone.

Not tried here: secrets at the firewall, which are not there yet; what a listed host does with what
it is allowed to receive; the hypervisor.
"""


def decorated(path, names):
    """(function, words of its decorator) for each test that has one of these decorators."""
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for one in node.decorator_list:
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in names:
                yield node, [word.value for word in one.args if isinstance(word, ast.Constant)]


def sentence(function):
    return function.name.removeprefix("test_").replace("_", " ")


def collect():
    """row -> {place: [sentence]}, in the order of the sources."""
    found = {}
    for place, folder in (("namespaces", "attack"), ("VM", "machines"), ("host", "images")):
        for path in sorted((TESTS / folder).glob("test_*.py")):
            for function, rows in decorated(path, ("row",)):
                for name in rows:
                    place = "host" if path.name == "test_host.py" else place
                    found.setdefault(name, {}).setdefault(place, []).append(sentence(function))
    for name in re.findall(r'^    \{"([a-z0-9-]+)", "', SELFTEST.read_text(), re.M):
        if name != "control":
            found.setdefault(name, {}).setdefault("selftest", [])
    return found


def table():
    """The whole document, and what is wrong with the rows."""
    found, wrong = collect(), []
    wrong += [f"tests/attack/rows.py: no case tries {name}" for name in ROWS if name not in found]
    wrong += [f"tests/attack/rows.py: there is no row {name}" for name in found if name not in ROWS]
    holes = {name: hole for hole, names in KNOWN_HOLES.items() for name in names}
    wrong += [f"tests/attack/rows.py: no row {name}" for name in holes if name not in ROWS]
    text = HEAD
    for section, title in SECTIONS.items():
        text += f"\n## {title}\n\n| tried | the cases | where |\n|---|---|---|\n"
        for name, what in ROWS.items():
            if name.split("-")[0] != section:
                continue
            places = found.get(name, {})
            told = f"**{holes[name]}**: {what}" if name in holes else what
            cases = "; ".join(dict.fromkeys(one for many in places.values() for one in many))
            text += f"| {told} | {cases} | {', '.join(places)} |\n"
    return text, wrong


def main(arguments):
    text, wrong = table()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    if "--write" in arguments:
        PLACE.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
