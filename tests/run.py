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


def count_of_unit_program(entry):
    """(passed, failed) of one program in meson's log; a program that dies has failed."""
    output = entry.get("stdout", "") + entry.get("stderr", "")
    passed = len(re.findall(r"^\[       OK \] ", output, re.M))
    failed = len(re.findall(r"^\[  FAILED  \] \S+: Test failed|^\[  FAILED  \] [a-z]\w*$", output,
                            re.M))
    is_good = entry["result"] == "OK"
    if is_good:
        return max(passed, 1), 0
    return passed, max(failed, 1)


def suite_unit():
    """The cmocka programs under address and undefined-behaviour sanitizers."""
    if not build_checked():
        return 0, 1
    subprocess.run(
        ["meson", "test", "-C", CHECKED, "-q", "--no-rebuild", "--print-errorlogs"],
        stdin=subprocess.DEVNULL,
    )
    passed = failed = 0
    for line in (CHECKED / "meson-logs/testlog.json").read_text().splitlines():
        one = count_of_unit_program(json.loads(line))
        passed, failed = passed + one[0], failed + one[1]
    return passed, failed or int(not passed)


def fuzz_targets():
    """(name, program, corpus) of every fuzz target that stands in the tree."""
    for source in sorted((TOP / "tests/fuzz").glob("fuzz_*.c")):
        name = source.stem[len("fuzz_"):]
        yield name, FUZZ / "tests/fuzz" / source.stem, TOP / "tests/fuzz/corpus" / name


def suite_fuzz_replay():
    """Every corpus file through its fuzz target, one test a file."""
    if not build_fuzz():
        return 0, 1
    passed = failed = 0
    for name, program, corpus in fuzz_targets():
        files = sorted(path for path in corpus.glob("*") if path.is_file())
        if not files:
            say(f"fuzz target {name} has no corpus")
            failed += 1
            continue
        result = subprocess.run(
            [program, *files], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if result.returncode == 0:
            passed += len(files)
            continue
        output = result.stdout.decode(errors="replace")
        print(output[-4000:])
        passed += output.count("Executed ")
        failed += 1
    return passed, failed or int(not passed)


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
    passed = failed = 0
    if report.is_file():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            tests, bad = int(suite.get("tests")), sum(
                int(suite.get(kind, 0)) for kind in ("failures", "errors", "skipped")
            )
            passed, failed = passed + max(tests - bad, 0), failed + bad
    return passed, failed or int(status != 0 or not passed)


def suite_namespaces():
    """The real firewall between an agent's namespace and a small internet."""
    return run_pytest_suite("namespaces")


SUITES = {
    "checks": suite_checks,
    "unit": suite_unit,
    "namespaces": suite_namespaces,
}


def usage():
    print("usage: ./test [SUITE...]\n")
    for name, suite in SUITES.items():
        print(f"  {name:12} {suite.__doc__.splitlines()[0]}")


def main(arguments):
    if "--help" in arguments or "-h" in arguments:
        usage()
        return 0
    unknown = [name for name in arguments if name not in SUITES]
    if unknown:
        print(f"test: no suite '{unknown[0]}': there are {', '.join(SUITES)}", file=sys.stderr)
        return 2
    passed = failed = 0
    for name in arguments or SUITES:
        started = time.monotonic()
        say(f"{name}: {SUITES[name].__doc__.splitlines()[0]}")
        one = SUITES[name]()
        passed, failed = passed + one[0], failed + one[1]
        say(f"{name}: {one[0]} passed, {one[1]} failed ({time.monotonic() - started:.0f} s)")
    if not arguments or "checks" not in arguments:
        # Whoever ran ./test finds the release build in its place.
        failed += 0 if build_release() else 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
