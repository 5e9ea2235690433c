"""Checks of the tree that need no run of the product.

Each check is a generator of complaints (`file:line: what is wrong`); a check without complaints
has passed. They look at the files that git tracks (and at those not yet added), and, for the pure
libraries, at the archives of the release build in build/.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

# Who may include whom (ARCHITECTURE.md): a folder's own files are always allowed.
LAYERS = {
    "base": set(),
    "wire": {"base"},
    "policy": {"base"},
    "record": {"base"},
    "llm": {"base", "wire", "record"},
    "system": {"base"},
    "firewall": {"base", "wire", "policy", "record", "llm", "system"},
    "init": {"base", "wire", "policy", "record", "system"},
    "host": {"base", "wire", "policy", "record", "system"},
    "spy": {"base", "wire", "policy", "record", "llm", "system"},
}
PURE = ("base", "wire", "policy", "record", "llm")

# Headers that mean the operating system: the pure folders include none of them.
SYSTEM_HEADERS = re.compile(
    r"(sys/|netinet/|arpa/|net/|linux/|unistd\.h|fcntl\.h|poll\.h|signal\.h|netdb\.h|uv\.h|"
    r"dirent\.h|pthread\.h|spawn\.h|sched\.h)"
)

# Libraries whose headers stand in a few named files only (library_headers.txt).
NAMED_LIBRARIES = (
    "openssl/", "nghttp2/", "ares", "ncurses", "jansson", "uv.h", "curl/", "zlib.h", "brotli/",
    "zstd",
)

BANNED_CALLS = (
    "strcpy strcat sprintf vsprintf strtok atoi atol atof gets system popen alloca "
    "strncpy strncat mktemp tmpnam tempnam sscanf scanf rand srand"
).split()

BANNED_MARKS = ("TO" + "DO", "FIX" + "ME", "X" + "XX")

# Words that name a place where the project is worked on, never the project. They are put
# together here so that this file passes its own check.
WORKPLACE_WORDS = (
    "/wo" + "rk/",
    "deb." + "debian.org",
    "security." + "debian.org",
    "snapshot." + "debian.org",
    "registry." + "npmjs.org",
    "deb." + "nodesource.com",
    "10.255." + "255.53",
)
WORKPLACE_EXCEPTIONS: set = set()

TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".md", ".txt", ".build", ".defaults", ".json", ""}


def tracked_files():
    listed = subprocess.run(
        ["git", "-C", str(TOP), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, stdout=subprocess.PIPE,
    ).stdout.decode()
    return sorted({name for name in listed.split("\0") if name and (TOP / name).is_file()})


FILES = tracked_files()
TEXT = {}


def text(name):
    if name not in TEXT:
        TEXT[name] = (TOP / name).read_text(errors="replace")
    return TEXT[name]


def sources(*folders):
    for name in FILES:
        if name.endswith((".c", ".h")) and name.split("/")[0] in (folders or ("src", "tests")):
            yield name


def without_comments(source):
    """The C source with comments and strings blanked, line numbers kept."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, source, flags=re.S
    )


def lines(source):
    return enumerate(source.split("\n"), 1)


def includes(name):
    for number, line in lines(text(name)):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def check_includes_follow_the_layers():
    for name in sources("src"):
        folder = name.split("/")[1]
        if folder not in LAYERS:
            yield f"{name}:1: folder {folder} is not in the table of layers"
            continue
        for number, quote, header in includes(name):
            if quote != '"':
                if folder in PURE and SYSTEM_HEADERS.match(header):
                    yield f"{name}:{number}: {folder} is pure and may not include <{header}>"
                continue
            if "/" not in header:
                yield f"{name}:{number}: \"{header}\": write the path from src/"
                continue
            target = header.split("/")[0]
            if target != folder and target not in LAYERS[folder]:
                yield f"{name}:{number}: {folder} may not include {target} (\"{header}\")"
            elif not (TOP / "src" / header).is_file():
                yield f"{name}:{number}: there is no src/{header}"


def check_library_headers_stand_in_named_files_only():
    allowed = {}
    for number, line in lines(text("tests/checks/library_headers.txt")):
        words = line.split("#")[0].split()
        if words:
            allowed.setdefault(words[0], []).extend(words[1:])
    for library, names in allowed.items():
        for name in names:
            if not (TOP / name).is_file():
                yield f"tests/checks/library_headers.txt: {library}: there is no {name}"
    for name in sources("src"):
        for number, quote, header in includes(name):
            for library in NAMED_LIBRARIES:
                if quote == "<" and header.startswith(library) and name not in allowed.get(
                    library, ()
                ):
                    yield (
                        f"{name}:{number}: <{header}> stands in few named files only: is this one "
                        f"of them? then add it to tests/checks/library_headers.txt"
                    )


def check_pure_libraries_call_no_system():
    permitted = set(text("tests/checks/pure_symbols.txt").split())
    archives = {}
    for folder in PURE:
        archive = TOP / "build" / "src" / folder / f"lib{folder}.a"
        if archive.is_file():
            archives[folder] = archive
        elif any(name.endswith(".c") for name in FILES if name.startswith(f"src/{folder}/")):
            yield f"{archive.relative_to(TOP)}: not built (ninja -C build)"
    defined, wanted = set(), []
    for folder, archive in archives.items():
        listing = subprocess.run(
            ["nm", "-A", "-P", str(archive)], check=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ).stdout.decode()
        for line in listing.splitlines():
            match = re.match(r".*\[(.*)\]: (\S+) (\S)", line)
            if match and match.group(3) in "Uvw":
                wanted.append((folder, match.group(1), match.group(2)))
            elif match:
                defined.add(match.group(2))
    for folder, member, symbol in wanted:
        if symbol not in defined and symbol not in permitted:
            yield f"src/{folder} ({member}): a pure library calls {symbol}"


def check_no_banned_calls():
    pattern = re.compile(r"(?<![A-Za-z0-9_.>])(" + "|".join(BANNED_CALLS) + r")\s*\(")
    for name in sources():
        for number, line in lines(without_comments(text(name))):
            match = pattern.search(line)
            if match:
                yield f"{name}:{number}: {match.group(1)}() is banned"


def check_style_of_the_page():
    for name in sources():
        source = text(name)
        code = without_comments(source)
        for number, line in lines(code):
            if re.search(r"\btypedef\s+(struct|union|enum)\b", line):
                yield f"{name}:{number}: no typedef of structs"
        for number, line in lines(source):
            if any(mark in line for mark in BANNED_MARKS):
                yield f"{name}:{number}: unfinished work is not marked, it is done"
        length = source.count("\n")
        if length > 1000:
            yield f"{name}:{length}: a file of {length} lines has more than one noun"


def check_headers_are_guarded():
    for name in sources("src"):
        if name.endswith(".h"):
            guard = re.sub(r"[^A-Za-z0-9]", "_", name[len("src/"):]).upper()
            if f"#ifndef {guard}\n#define {guard}" not in text(name):
                yield f"{name}:1: wants the include guard {guard}"


def check_clang_format():
    names = list(sources())
    halves = [names[i::os.cpu_count() or 1] for i in range(os.cpu_count() or 1)]

    def run(part):
        if not part:
            return ""
        return subprocess.run(
            ["clang-format", "--dry-run", *part], cwd=TOP, stderr=subprocess.PIPE, check=True
        ).stderr.decode()

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for output in pool.map(run, halves):
            for line in output.splitlines():
                match = re.match(r"(.*?:\d+):\d+: warning: code should be clang-formatted", line)
                if match:
                    yield f"{match.group(1)}: not as clang-format writes it"


def check_nothing_names_a_workplace():
    for name in FILES:
        if name in WORKPLACE_EXCEPTIONS:
            continue
        data = (TOP / name).read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in lines(text(name)):
            for word in WORKPLACE_WORDS:
                if word in line:
                    yield f"{name}:{number}: names a workplace ({word})"


def check_each_source_is_built():
    for name in sources("src", "tests"):
        if not name.endswith(".c"):
            continue
        folder = TOP / Path(name).parent
        while not (folder / "meson.build").is_file():
            folder = folder.parent
        build = (folder / "meson.build").read_text()
        stem = Path(name).stem
        for prefix in ("test_", "fuzz_"):
            if name.startswith("tests/") and stem.startswith(prefix):
                stem = stem[len(prefix):]
        if not re.search(rf"['/]{re.escape(stem)}(\.c)?'", build):
            yield f"{name}:1: not listed in {(folder / 'meson.build').relative_to(TOP)}"


def check_the_table_of_attacks_is_fresh():
    made = subprocess.run(
        ["/usr/bin/python3", "-B", "tests/attack/table.py"], cwd=TOP, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    yield from made.stderr.decode().splitlines()
    if not made.returncode and made.stdout.decode() != text("docs/attacks.md"):
        yield "docs/attacks.md: stale: run python3 tests/attack/table.py --write"


# Constants of the firewall's headers that are named like a limit and are none.
NO_LIMITS = {
    "DNS_MESSAGE_BYTES_MAX": "what two bytes of length can say",
    "HTTP2_FRAME_HEADER_BYTES": "a part of the format",
    "HTTP2_PREFACE_BYTES": "a part of the format",
    "RULE_INDEX_MATCHES_MAX": "follows from the length of a name",
    "LINUX_SECCOMP_CONDITIONS_MAX": "of lists that are part of the program",
    "LINUX_SECCOMP_PROGRAM_MAX": "of lists that are part of the program",
    "LINK_RULES_PORTS_MAX": "follows from POLICY_PORTS_MAX",
    "TLS_MEMORY_KEY_BLOCK_BYTES": "how locked memory is cut",
    "OWN_ADDRESSES_MAX": "the same as ADDRESS_FLOOR_OWN_MAX",
}
# The same in its sources, where no limit stands.
NO_LIMITS_OF_SOURCES = {
    "GROUP_NAME_MAX": "a part of the format",
    "KEPT_MAX": "follows from the program",
    "LEAF_COMMON_NAME_MAX": "a part of the format",
    "LINE_BYTES_MAX": "follows from AUDIT_DATAGRAM_MAX",
    "PADDED_EMPTY_MAX": "a part of what HTTP2_EMPTY_DATA_BURST counts",
    "POOL_PREFIX_MAX": "what --pool may be",
    "POOL_TICK_MS": "how exactly limits are kept",
    "RESOLVER_TICK_MS": "how exactly limits are kept",
    "RULES_MAX": "of lists that are part of the program",
    "SESSION_SETTINGS_MAX": "of lists that are part of the program",
    "SUMMARY_INTERVAL_MS": "how often counts are told",
    "TRIM_AFTER_MS": "when memory goes back to the machine",
    "UPSTREAM_TICK_MS": "how exactly limits are kept",
    "STREAM_LINGER_TICK_MS": "how exactly limits are kept",
}
LIMIT_FOLDERS = ("base", "firewall", "llm", "policy", "system", "wire")
LIMIT_HEADERS = ("src/record/audit_record.h", "src/record/control_message.h")
LIMIT_NAME = re.compile(
    r"\b([A-Z][A-Z0-9_]*_(?:MAX|LIMIT|MS|S|BYTES|BURST|RATE|PER_[A-Z]+))\s*=[^=]")


def limits_in_headers():
    for name in sources("src"):
        if name in LIMIT_HEADERS or (
                name.endswith(".h") and name.split("/")[1] in LIMIT_FOLDERS):
            for number, line in lines(without_comments(text(name))):
                for limit in LIMIT_NAME.findall(line):
                    yield limit, f"{name}:{number}"


def check_limits_of_the_firewall_stand_in_headers():
    found = set()
    for name in sources("src"):
        if not name.endswith(".c") or not (
                name.startswith("src/firewall/") or name == "src/system/stream.c"):
            continue
        for number, line in lines(without_comments(text(name))):
            for limit in LIMIT_NAME.findall(line):
                if not limit.endswith(("_MAX", "_LIMIT", "_MS", "_S")):
                    continue
                found.add(limit)
                if limit not in NO_LIMITS_OF_SOURCES:
                    yield f"{name}:{number}: {limit} belongs in a header, and in docs/limits.md"
    for limit in sorted(NO_LIMITS_OF_SOURCES.keys() - found):
        yield f"tests/checks/checks.py: there is no {limit} any more"


def check_the_table_of_limits_is_whole():
    table = text("tests/limits/limit_table.c")
    listed = set(re.findall(r"\bLIMIT\(([A-Z]\w+),", table))
    found = set()
    for limit, place in limits_in_headers():
        found.add(limit)
        is_none = limit in NO_LIMITS
        if limit not in listed and not is_none:
            yield f"{place}: {limit} is not in tests/limits/limit_table.c"
    for limit in sorted(NO_LIMITS.keys() - found):
        yield f"tests/checks/checks.py: there is no {limit} any more"
    tests = set()
    for name in FILES:
        if name.startswith("tests/") and name.endswith((".c", ".py")):
            tests |= set(re.findall(r"^static void (\w+)\(void \*\*state\)", text(name), re.M))
            tests |= set(re.findall(r"^def (test_\w+)\(", text(name), re.M))
    rows = re.findall(r"\bLIMIT\(([A-Z]\w+),((?:[^()\"]|\"[^\"]*\")*)\)", table)
    if len(rows) != len(listed):
        yield "tests/limits/limit_table.c: a row that this check cannot read, or one twice"
    for limit, rest in rows:
        last = re.findall(r'"([^"]*)"|\b(NULL)\b', rest)[-1]
        if not last[1] and last[0] not in tests:
            yield f"tests/limits/limit_table.c: {limit}: there is no test {last[0]}"


def check_the_document_of_limits_is_fresh():
    program = TOP / "build" / "tests" / "limits" / "limits"
    if not program.is_file():
        yield f"{program.relative_to(TOP)}: not built (ninja -C build)"
        return
    made = subprocess.run([str(program)], stdout=subprocess.PIPE, check=True).stdout.decode()
    if made != text("docs/limits.md"):
        yield "docs/limits.md: stale: run build/tests/limits/limits > docs/limits.md"


def check_entry_scripts_are_short():
    for name in ("rootcell", "test", ".ci/run"):
        if name in FILES and text(name).count("\n") > 60:
            yield f"{name}:60: an entry script only says what runs; move work elsewhere"


def main():
    failed = 0
    checks = [value for key, value in globals().items() if key.startswith("check_")]
    for check in checks:
        title = check.__name__[len("check_"):].replace("_", " ")
        complaints = list(check())
        print(("FAIL " if complaints else "ok ") + title)
        for complaint in complaints[:40]:
            print("  " + complaint)
        failed += bool(complaints)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
