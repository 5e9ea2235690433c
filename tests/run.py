"""Build the project and run its suites. usage: ./test [SUITE...]

Without arguments every suite of the default list runs, in its order. One line a suite with the
time it took; the last line is `N passed, N failed`. Nothing is ever skipped: what cannot run has
failed.
"""

import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
RELEASE = TOP / "build"
CHECKED = TOP / "build-test"
FUZZ = TOP / "build-fuzz"
REPORTS = CHECKED / "reports"


def say(text):
    print(f"test: {text}", flush=True)


def run_quietly(command, log, environment=None):
    """Run, output into `log`; on failure show its end. True on success."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as output:
        status = subprocess.run(
            command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **(environment or {})},
        ).returncode
    if status != 0:
        sys.stdout.write("".join(log.read_text(errors="replace").splitlines(True)[-40:]))
        say(f"failed with status {status}: {' '.join(map(str, command))}")
    return status == 0


def build(folder, options, environment=None):
    started = time.monotonic()
    log = folder / "rootcell-build.log"
    folder.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    if not (folder / "build.ninja").is_file():
        if not run_quietly(["meson", "setup", folder, *options], log, environment):
            return False
    if not run_quietly(["ninja", "-C", folder], log, environment):
        return False
    say(f"{folder.name}: built ({time.monotonic() - started:.0f} s)")
    return True


def build_release():
    return build(RELEASE, [])


def build_checked():
    return build(
        CHECKED, ["-Dtests=true", "-Dstatic=false", "-Db_sanitize=address,undefined"]
    )


def build_fuzz():
    return build(
        FUZZ,
        ["-Dfuzz=true", "-Dstatic=false", "-Db_sanitize=address,undefined", "-Db_lundef=false"],
        {"CC": "clang"},
    )


def suite_checks():
    """Layers, libraries, calls and style of the sources."""
    if not build_release():
        return 0, 1
    output = subprocess.run(
        [TOP / "tests/checks/run"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ).stdout.decode()
    passed = len(re.findall(r"^ok ", output, re.M))
    failed = len(re.findall(r"^FAIL ", output, re.M))
    if failed or not passed:
        print(output)
    return passed, failed or int(not passed)


def count_of_program(entry):
    """(passed, failed) of one program in meson's log: cmocka's tests, or the inputs of a replay.
    A program that dies has failed."""
    output = entry.get("stdout", "") + entry.get("stderr", "")
    passed = len(re.findall(r"^\[       OK \] ", output, re.M))
    failed = len(re.findall(r"^\[  FAILED  \] \w+$", output, re.M))
    inputs = re.search(r"^(\d+) inputs$", output, re.M)
    if entry["result"] == "OK":
        return int(inputs.group(1)) if inputs else max(passed, 1), 0
    return passed, max(failed, 1)


def run_meson_tests(*selection):
    if not build_checked():
        return 0, 1
    subprocess.run(
        ["meson", "test", "-C", CHECKED, "-q", "--no-rebuild", "--print-errorlogs", *selection],
        stdin=subprocess.DEVNULL,
    )
    passed = failed = 0
    for line in (CHECKED / "meson-logs/testlog.json").read_text().splitlines():
        one = count_of_program(json.loads(line))
        passed, failed = passed + one[0], failed + one[1]
    return passed, failed or int(not passed)


def suite_unit():
    """The cmocka programs under address and undefined-behaviour sanitizers."""
    return run_meson_tests("--no-suite", "fuzz-replay")


def suite_fuzz_replay():
    """Every corpus file and past crash through its fuzz target, one test a file."""
    return run_meson_tests("--suite", "fuzz-replay")


def fuzz_floors():
    """Edges that each target has to reach from its corpus: a build whose libraries are not
    instrumented reaches a handful, finds nothing, and would look fine."""
    lines = (TOP / "tests/fuzz/floors.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: int(edges) for name, edges in rows}


def reached_edges(log):
    """What libFuzzer says in its last line of progress."""
    found = re.findall(r"cov: (\d+)", log.read_text(errors="replace"))
    return int(found[-1]) if found else 0


def suite_fuzz(seconds=60):
    """Each fuzz target for so many seconds from its corpus: ./test fuzz SECONDS"""
    if not build_fuzz():
        return 0, 1
    floors = fuzz_floors()
    passed = failed = 0
    for source in sorted((TOP / "tests/fuzz").glob("fuzz_*.c")):
        name = source.stem[len("fuzz_"):]
        found = FUZZ / "found" / name
        found.mkdir(parents=True, exist_ok=True)
        log = REPORTS / f"fuzz-{name}.log"
        log.unlink(missing_ok=True)
        # With entropic schedules most of the time goes into the schedule of the large targets.
        command = [FUZZ / "tests/fuzz" / source.stem, f"-max_total_time={seconds}", "-timeout=20",
                   "-entropic=0", f"-artifact_prefix={found}/crash-", found,
                   TOP / "tests/fuzz/corpus" / name]
        is_good = run_quietly(command, log)
        edges, floor = reached_edges(log), floors.get(name)
        if not is_good:
            say(f"fuzz {name}: see {found}")
        elif floor is None or edges < floor:
            say(f"fuzz {name}: {edges} edges, the floor is {floor}: not instrumented?")
            is_good = False
        else:
            say(f"fuzz {name}: nothing found ({edges} edges)")
        passed, failed = passed + is_good, failed + (not is_good)
    return passed, failed or int(not passed)


def count_of_report(report, status):
    """(passed, failed) of a finished pytest run."""
    passed = failed = 0
    if report.is_file():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            tests, bad = int(suite.get("tests")), sum(
                int(suite.get(kind, 0)) for kind in ("failures", "errors", "skipped")
            )
            passed, failed = passed + max(tests - bad, 0), failed + bad
    return passed, failed or int(status != 0 or not passed)


def run_pytest_suite(name, arguments=()):
    """A folder of pytest files with its own `run`, counted from its JUnit report."""
    if not build_release():
        return 0, 1
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    status = subprocess.run(
        [TOP / "tests" / name / "run", f"--junit-xml={report}", *arguments],
        stdin=subprocess.DEVNULL if not sys.stdin.isatty() else None,
    ).returncode
    return count_of_report(report, status)


def start_proof_of_attacks(report, log):
    """The attack suite with a relay for a firewall, where each kind of case has to fail."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    with open(log, "wb") as output:
        return subprocess.Popen(
            [TOP / "tests/attack/run", f"--junit-xml={report}"], stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, env={**os.environ, "ROOTCELL_TESTS_STAND_IN": "relay"})


def suite_namespaces():
    """The real firewall between an agent's namespace and a small internet."""
    return run_pytest_suite("namespaces")


def suite_attack():
    """Every way out that we know of, tried against the real firewall; see docs/attacks.md."""
    report, log = REPORTS / "attack-proof.xml", REPORTS / "attack-proof.log"
    proof = start_proof_of_attacks(report, log)
    attacks = run_pytest_suite("attack")
    proven = count_of_report(report, proof.wait())
    say(f"behind a plain relay {proven[0]} cases fail as they must, {proven[1]} do not")
    if proven[1]:
        sys.stdout.write("".join(log.read_text(errors="replace").splitlines(True)[-40:]))
    return attacks[0] + proven[0], attacks[1] + proven[1]


def suite_screen():
    """The full-screen view of calls to models, as it is drawn in terminals of two sizes."""
    return run_pytest_suite("screen")


def suite_spy():
    """Calls of models pass the wall and are shown, byte for byte."""
    return run_pytest_suite("spy")


def suite_images():
    """Fetching signed images of the VMs from a server on the loopback, and what is refused."""
    return run_pytest_suite("images")


def suite_judges():
    """Clients, servers and tools that others wrote, with the wall between them and without."""
    return run_pytest_suite("judges")


def suite_harnesses():
    """Pi, Claude Code and Codex at stand-ins for their providers, and what spy shows; 5 minutes."""
    return run_pytest_suite("harnesses")


def run_program_suite(name, arguments=()):
    """A program of tests/bench, counted from its last line `N passed, N failed`."""
    tools = ["event-origin", "event-client", "plain-relay", "decision-cost"]
    log = RELEASE / "rootcell-build.log"
    if not build_release() or not run_quietly(
            ["ninja", "-C", RELEASE, *(f"tests/bench/{tool}" for tool in tools)], log):
        return 0, 1
    process = subprocess.Popen(
        [TOP / "tests/bench/run", name, *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True)
    counts = None
    for line in process.stdout:
        print(line, end="", flush=True)
        counts = re.fullmatch(r"(\d+) passed, (\d+) failed\n", line) or counts
    if process.wait() != 0 and counts is None:
        return 0, 1
    passed, failed = (int(number) for number in counts.groups())
    return passed, failed or int(process.returncode != 0)


def suite_bench(*words):
    """The cost beside other proxies, and its targets: ./test bench [--quick]; 20 minutes."""
    return run_program_suite("bench", words)


def suite_soak(*words):
    """Mixed traffic at half of saturation and a reload each 100 ms: ./test soak [MINUTES]"""
    return run_program_suite("soak", words)


def image_folder():
    """The images for the VMs: those of ROOTCELL_IMAGE_DIR, else our own, made when missing."""
    if os.environ.get("ROOTCELL_IMAGE_DIR"):
        return Path(os.environ["ROOTCELL_IMAGE_DIR"])
    home = CHECKED / "machines"
    home.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    environment = {"ROOTCELL_HOME": str(home), "ROOTCELL_DATA": str(TOP / "data")}
    log = REPORTS / "images.log"
    log.unlink(missing_ok=True)
    say("making the images of the VMs")
    if not run_quietly([RELEASE / "rootcell", "image", "build"], log, environment):
        return None
    say(f"images: made ({time.monotonic() - started:.0f} s)")
    return next(iter(sorted(path.parent for path in (home / "images").glob("*/manifest.json"))),
                None)


def suite_machines():
    """Both VMs under the real program, real clients in the agent VM; about 20 minutes."""
    if not build_release():
        return 0, 1
    folder = image_folder()
    if folder is None:
        return 0, 1
    os.environ["ROOTCELL_IMAGE_DIR"] = str(folder)
    return run_pytest_suite("machines", ("-s",))


# Suites of ./test without arguments, then those that run when they are named.
SUITES = {
    "checks": suite_checks,
    "unit": suite_unit,
    "fuzz-replay": suite_fuzz_replay,
    "images": suite_images,
    "namespaces": suite_namespaces,
    "attack": suite_attack,
    "screen": suite_screen,
    "spy": suite_spy,
    "machines": suite_machines,
}
EXTRA_SUITES = {
    "fuzz": suite_fuzz,
    "judges": suite_judges,
    "harnesses": suite_harnesses,
    "bench": suite_bench,
    "soak": suite_soak,
}


def usage():
    print("usage: ./test [SUITE...]\n")
    for name, suite in {**SUITES, **EXTRA_SUITES}.items():
        print(f"  {name:12} {suite.__doc__.splitlines()[0]}")


def main(arguments):
    if "--help" in arguments or "-h" in arguments:
        usage()
        return 0
    known = {**SUITES, **EXTRA_SUITES}
    chosen = []  # (name, its words); numbers and options belong to the extra suite before them
    for word in arguments:
        if word in known:
            chosen.append((word, []))
        elif chosen and chosen[-1][0] in EXTRA_SUITES and (word.isdigit() or word[:2] == "--"):
            chosen[-1][1].append(word)
        else:
            print(f"test: no suite '{word}': there are {', '.join(known)}", file=sys.stderr)
            return 2
    passed = failed = 0
    for name, words in chosen or [(name, []) for name in SUITES]:
        started = time.monotonic()
        say(f"{name}: {known[name].__doc__.splitlines()[0]}")
        one = known[name](*words)
        passed, failed = passed + one[0], failed + one[1]
        say(f"{name}: {one[0]} passed, {one[1]} failed ({time.monotonic() - started:.0f} s)")
    # Whoever ran ./test finds the release build in its place.
    failed += 0 if build_release() else 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
