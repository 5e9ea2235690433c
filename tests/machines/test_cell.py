"""One cell, used as a user and an agent use it. The tests run in their order on one boot."""

import hashlib
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

from calibration import Timing
from conftest import TOP
from attack.marks import row
from internet.provider import Answer, Script, Text, Thinking, Tool, Usage
from internet.provider.server import BEDROCK
from internet.wait import wait_until
from screen.terminal import Terminal
from spying import PATIENCE, Spy, attach, await_viewers, captures_in_the_vm

TASK = "run echo hello and tell me what it printed"
NODE_ECHO = """
const ws = new WebSocket("wss://ws.example.com/echo");
let sent = 0, received = 0;
const fill = () => { while (sent < 10000 && sent - received < 500) ws.send("message " + sent++); };
ws.onopen = fill;
ws.onmessage = (m) => {
  if (m.data !== "message " + received) { console.log("wrong", m.data); process.exit(1); }
  if (++received === 10000) { console.log("10000 echoes"); process.exit(0); }
  fill();
};
ws.onerror = (e) => { console.log("error", e.message); process.exit(1); };
"""


def test_ends_the_first_run_with_the_kernel_line_and_status_0(cell):
    first = cell.first_result
    assert first.returncode == 0, first.stderr[-3000:]
    assert re.fullmatch(rb"Linux agent \d\S+ .*GNU/Linux\n", first.stdout), first.stdout


def test_passes_exit_statuses_through(cell):
    assert cell.run("--", "bash", "-c", "exit 7").returncode == 7
    assert cell.run("true").returncode == 0
    assert cell.run("false").returncode == 1
    assert cell.run("--", "bash", "-c", "kill -TERM $$").returncode == 143
    missing = cell.run("--", "no-such-command")
    assert missing.returncode == 127


def test_passes_arguments_through_exactly(cell):
    words = ["a b", "c'd", '"e"', "$HOME", "*", "", "new\nline", "\\", ";true", "-x", "é"]
    result = cell.run("--", "printf", "%s\\0", *words)
    assert result.stdout == b"".join(word.encode() + b"\0" for word in words)


def test_passes_standard_streams_through_binary_safe(cell):
    data = os.urandom(1 << 20) + bytes(range(256))
    result = cell.run("--", "sh", "-c", "cat; echo oops >&2; exit 3", input=data)
    assert (result.returncode, result.stdout == data, result.stderr) == (3, True, b"oops\n")


def test_gives_a_login_shell_on_a_terminal_of_the_callers_size(cell):
    leader, follower = pty.openpty()
    ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 133, 0, 0))
    process = cell.start(stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
                         environment={"TERM": "xterm-256color"})
    os.close(follower)
    output = b""

    def read_until(mark, seconds=60):
        nonlocal output
        deadline = time.monotonic() + seconds
        while mark not in output:
            assert time.monotonic() < deadline, output
            if select.select([leader], [], [], 0.2)[0]:
                try:
                    output += os.read(leader, 65536)
                except OSError:
                    break

    read_until(b"$ ")
    os.write(leader, b"stty size; shopt -q login_shell && echo log''in; echo $TERM; id -un\n")
    read_until(b"login")
    read_until(b"xterm-256color")
    read_until(b"agent")
    assert b"41 133" in output
    os.write(leader, b"exit 5\n")
    assert process.wait(30) == 5
    os.close(leader)


def test_gives_the_agent_root_and_a_home(cell):
    assert cell.succeed("--", "id", "-un") == "agent\n"
    assert cell.succeed("--", "pwd") == "/home/agent\n"
    assert cell.succeed("--", "sudo", "-n", "id", "-u") == "0\n"


def test_tells_sessions_the_region_of_the_settings_unless_the_caller_has_one(cell):
    path = cell.folder / ".env"
    before = path.read_text()
    path.write_text(before + "AWS_REGION=eu-west-7\n")
    assert cell.succeed("--", "printenv", "AWS_REGION") == "eu-west-7\n"
    caller = {"AWS_REGION": "us-east-9"}
    assert cell.succeed("--", "printenv", "AWS_REGION", environment=caller) == "us-east-9\n"
    path.write_text(before)


def test_shows_certificates_of_the_instance(cell):
    result = cell.shell("curl -sSv https://web.example.com/")
    assert result.stdout == b"hello from nginx\n", result.stderr
    issuer = subprocess.run(
        ["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in",
         next((cell.folder / "pki").glob("*.pem"))], stdout=subprocess.PIPE, check=True)
    name = issuer.stdout.decode().split("CN=")[1].split(",")[0].strip()
    assert name in result.stderr.decode(), (name, result.stderr)


def test_needs_no_proxy_setting_and_no_trust_setting(cell):
    environment = cell.succeed("--", "env").lower()
    assert "http_proxy" not in environment and "https_proxy" not in environment
    for script in (
        "python3 -c 'import urllib.request as u;print(u.urlopen(\"https://web.example.com/\").read())'",
        "node -e 'fetch(\"https://web.example.com/\").then(r=>r.text()).then(console.log)'",
        "sudo curl -sS https://web.example.com/",
        "sudo systemd-run --wait --pipe -q curl -sS https://web.example.com/",
        "wget -qO- https://web.example.com/ || curl -sS https://web.example.com/",
    ):
        result = cell.shell(script)
        assert b"hello from nginx" in result.stdout, (script, result.stdout, result.stderr)


def test_denies_allows_and_denies_a_name_again(cell):
    attempt = "curl -sS -m 20 https://spare.example.com/"
    started = time.monotonic()
    refused = cell.shell(attempt)
    assert refused.returncode == 6 and b"Could not resolve" in refused.stderr, refused.stderr
    assert time.monotonic() - started < 5
    log = cell.succeed("log", "--denied")
    assert "spare.example.com" in log and "rootcell allow spare.example.com" in log
    allowed = cell.run("allow", "spare.example.com")
    assert allowed.returncode == 0 and b"spare.example.com" in allowed.stdout + allowed.stderr
    assert cell.shell(attempt).returncode == 0
    holder = cell.start(
        "--", "bash", "-c",
        "python3 -c 'import ssl,socket;s=ssl.create_default_context().wrap_socket("
        "socket.create_connection((\"spare.example.com\",443)),server_hostname="
        "\"spare.example.com\");print(\"open\",flush=True);print(s.recv(10))'",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert holder.stdout.readline() == b"open\n"
    assert cell.run("allow", "--remove", "spare.example.com").returncode == 0
    holder.wait(15)
    assert cell.shell(attempt).returncode == 6


def test_tells_what_was_decided_as_json_too(cell):
    lines = cell.succeed("log", "--json").splitlines()
    records = [json.loads(line) for line in lines]
    assert any(r["kind"] == "http" and r.get("name") == "web.example.com"
               and r["decision"] == "allow" for r in records)
    denied = [json.loads(line) for line in
              cell.succeed("log", "--denied", "--json").splitlines()]
    assert denied and all(record["decision"] == "deny" for record in denied)


def test_clones_over_https(cell):
    result = cell.shell("rm -rf one && git clone -q https://git.example.com/project.git one && "
                        "cat one/hello.txt")
    assert result.stdout == b"hello\n", result.stderr


def test_clones_over_plain_ssh_with_its_own_key(cell, world):
    key = cell.succeed("pubkey")
    assert key.startswith("ssh-rsa ")
    (world.servers.folder / "authorized_keys").write_text(key)
    path = f"root@ssh.example.com:{world.servers.folder}/repositories/project.git"
    result = cell.shell(f"rm -rf two && git clone -q {path} two && cat two/hello.txt")
    assert result.stdout == b"hello\n", result.stderr
    assert cell.succeed("pubkey") == key


def test_echoes_ten_thousand_websocket_messages(cell):
    result = cell.run("--", "node", "-e", NODE_ECHO, timeout=300)
    assert result.stdout == b"10000 echoes\n", (result.stdout, result.stderr)


def test_installs_from_registries(cell, world):
    script = (
        "set -e; cd; rm -rf pk; mkdir pk; cd pk; npm init -y >/dev/null; "
        "npm install --no-audit --no-fund rootcell-test >/dev/null; "
        "node -p 'require(\"rootcell-test\")'")
    result = cell.shell(script, timeout=200)
    assert result.stdout == b"from npm\n", result.stderr
    script = (
        "cd pk && python3 -m pip download -q --no-deps --index-url "
        "https://origin.example.com/simple/ rootcell-test && ls *.whl")
    result = cell.shell(script, timeout=200)
    assert result.stdout == b"rootcell_test-1.0.0-py3-none-any.whl\n", result.stderr
    script = (
        "set -e; echo 'deb [trusted=yes] https://origin.example.com/apt ./' > /tmp/t.list; "
        "o='-o Dir::Etc::SourceList=/tmp/t.list -o Dir::Etc::SourceParts=/dev/null'; "
        "sudo apt-get $o -qq update; sudo apt-get $o -qq -y install rootcell-test >/dev/null; "
        "cat /usr/share/rootcell-test/hello")
    result = cell.shell(script, timeout=200)
    assert result.stdout.endswith(b"from apt\n"), result.stderr


def check_task_of_pi(result, provider):
    """Pi ran the command, told the model what it printed, and us what the model said."""
    assert result.returncode == 0 and b"The command printed: hello" in result.stdout, \
        (result.stdout, result.stderr, provider.others)
    asked, answered = provider.calls
    identifier, text = answered.results()[-1]
    assert (identifier, text) == (asked.answer.tools()[0].identifier, "hello\n")


def test_runs_pi_with_a_tool_call(cell, provider):
    folder = cell.folder / "pi" / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "auth.json").write_text(json.dumps(
        {"anthropic": {"type": "api_key", "key": "sk-ant-api03-standin"}}))
    cell.succeed("provision", timeout=300)
    with attach(cell, "--json") as spy:
        check_task_of_pi(cell.run("pi", "-p", TASK, timeout=200), provider)
        assert {call.host for call in provider.calls} == {"api.anthropic.com"}
        spy.check(provider)
        assert b"sk-ant-api03-standin" not in b"".join(spy.lines)


def test_runs_pi_with_bedrock_whose_client_speaks_only_http2(cell, provider):
    """The SDK offers `h2` alone and the stand-in takes nothing else: HTTP/2 on both sides."""
    token = "bedrock-api-key-standin"
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    path = f"/model/{model.replace(':', '%3A')}/converse-stream"

    def records():
        lines = cell.succeed("log", "--json")
        assert token not in lines
        told = map(json.loads, lines.splitlines())
        return [record for record in told if record.get("name") == BEDROCK]

    provider.protocols = ("h2",)
    with attach(cell, "--json") as spy:
        check_task_of_pi(cell.run(
            "--", "env", "AWS_REGION=us-east-1", f"AWS_BEARER_TOKEN_BEDROCK={token}", "pi",
            "--provider", "amazon-bedrock", "--model", model, "-p", TASK, timeout=200), provider)
        spy.check(provider)
        assert token.encode() not in b"".join(spy.lines)
    for call in provider.calls:
        assert (call.transport, call.target, call.field(":authority")) == ("h2", path, BEDROCK)
        assert call.field("authorization") == f"Bearer {token}"
    wait_until(lambda: sum(r["kind"] == "http" for r in records()) == 2, "both requests' records")
    for record in records():
        assert record["decision"] != "deny", record
        if record["kind"] == "http":
            assert (record["method"], record["path"], record["status"]) == \
                ("POST", path, 200), record


def ask_model(cell, *words):
    """A call as small as it gets, from the agent VM."""
    body = json.dumps({"model": "claude-standin", "max_tokens": 100, "stream": True,
                       "messages": [{"role": "user", "content": "Tell me."}]})
    return cell.run("--", "curl", "-sS", "-N", *words, "https://api.anthropic.com/v1/messages",
                    "-H", "content-type: application/json", "-H", "x-api-key: sk-ant-secret",
                    "-H", "anthropic-version: 2023-06-01", "-d", body)


def test_spies_on_a_streamed_call_with_its_exact_texts_and_tokens(cell, provider):
    told = "caf\u00e9 \x1b[31m\u202e\U0001f600 <b>\\n\"" * 500
    provider.play = Script(Answer([Thinking("Well."), Text(told), Tool("bash", {"command": told})],
                                  usage=Usage(7, 11, 13, 17, 0)))
    with attach(cell, "--json") as spy, attach(cell, "--raw") as text:
        assert b"message_stop" in ask_model(cell).stdout
        spy.check(provider)
        wait_until(lambda: b", out 17" in b"".join(text.lines), "the end of the text view", 60)
        shown = b"".join(text.lines)
        assert b"sk-ant-secret" not in shown + b"".join(spy.lines)
        assert b"\x1b" not in shown and "\u202e".encode() not in shown
        assert spy.end() == (0, "") and text.end() == (0, "")


def test_shows_a_call_on_the_full_screen(cell, provider, world):
    with world.firewall.entered():
        terminal = Terminal([str(TOP / "build" / "rootcell"), "spy", "--tui"], 200, 50,
                            cell.environment())
    try:
        terminal.wait_for("[Calls 0]")
        provider.play = Script(Answer([Text("The screen has this.")], usage=Usage(1003, output=17)))
        ask_model(cell)
        terminal.wait_for("[Calls 1]", "The screen has this.", " 1003 ", " 17 ")
        terminal.type("q")
        assert terminal.end() == 0
    finally:
        terminal.close()
    wait_until(lambda: captures_in_the_vm(cell) == 0, "the VM to be as before", PATIENCE)


def test_viewers_that_are_killed_give_their_places_back(cell):
    """Four may look at once, and whoever is killed, and however, leaves nothing in the VM."""
    for victim in ("rootcell", "viewer", "group", "reader"):
        viewers = [Spy(cell, "--json") for _ in range(4)]
        await_viewers(cell, viewers)
        fifth = cell.run("spy", "--json")
        assert (fifth.returncode, fifth.stdout) == (125, b"")
        assert fifth.stderr.startswith(b"rootcell: spy: the firewall refuses: 4 others"), fifth
        for spy in viewers:
            pid = spy.process.pid
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            by_name = {Path(f"/proc/{child}/comm").read_text().strip(): int(child)
                       for child in children}
            if victim == "rootcell":
                os.kill(pid, 9)
            elif victim == "viewer":
                os.kill(by_name["rootcell-spy"], 9)
            elif victim == "group":
                os.killpg(pid, 2)
            else:
                os.kill(by_name["ssh"], 9)
        ends = [spy.end() for spy in viewers]
        statuses = {"rootcell": -9, "viewer": 137, "group": 0, "reader": 125}
        assert [status for status, _ in ends] == [statuses[victim]] * 4, ends
        if victim == "reader":
            assert all("connection to the firewall VM was lost" in said for _, said in ends), ends
        wait_until(lambda: captures_in_the_vm(cell) == 0, f"nothing left of {victim}", PATIENCE)


def test_spy_ends_with_the_pipe_that_it_writes_to(cell):
    first = cell.start("spy", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: captures_in_the_vm(cell) == 1, "the viewer to be attached", PATIENCE)
    first.stdout.close()
    assert (first.wait(PATIENCE), first.stderr.read()) == (0, b"")
    first.stderr.close()
    wait_until(lambda: captures_in_the_vm(cell) == 0, "the VM to be as before", PATIENCE)


def firewall_memory_kib(cell):
    text = cell.firewall_shell(
        "for p in /proc/[0-9]*; do "
        "case $(cat $p/comm 2>/dev/null) in rootcell-firew*) cat $p/smaps_rollup;; esac; done "
        "2>/dev/null").stdout.decode()
    total = sum(int(n) for n in re.findall(r"^Pss:\s+(\d+)", text, re.M))
    assert total, text
    return total


# A gigabyte takes minutes under emulation, so the namespaces suite carries that much and this one
# an eighth of it: ROOTCELL_TEST_BULK_MIB=1024 asks for all.
BULK_MIB = int(os.environ.get("ROOTCELL_TEST_BULK_MIB", "128"))


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_carries_bulk_with_flat_memory(cell, world, direction):
    def sink(request, connection):
        connection.answer(str(connection.sink_body(request)).encode())
        return True

    world.origin.scripts["/sink"] = sink
    size = BULK_MIB << 20
    before = firewall_memory_kib(cell)
    script = {
        "download": f"curl -sS -r 0-{size - 1} https://web.example.com/gigabyte | wc -c",
        "upload": f"rm -f bulk; truncate -s {size} bulk; "
                  "curl -sS -T bulk -H Expect: https://origin.example.com/sink; rm bulk",
    }[direction]
    started = time.monotonic()
    with world.capture.paused():
        process = cell.start("--", "bash", "-c", script, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        most = before
        while process.poll() is None:
            most = max(most, firewall_memory_kib(cell))
            assert time.monotonic() - started < 60 + BULK_MIB * 2
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                pass
        output = process.stdout.read()
    seconds = time.monotonic() - started
    print(f"{direction}: {BULK_MIB / seconds:.1f} MB/s, firewall {before} -> {most} KiB")
    assert output.strip() == str(size).encode(), process.stderr.read()
    assert most < before + 8 * 1024 and most < 24 * 1024


def test_leaves_no_vm_runner_spinning(cell):
    def ticks():
        total = 0
        for pid in cell.pids():
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total

    assert len(cell.pids()) == 2

    def is_calm():
        before = ticks()
        time.sleep(1)
        return ticks() - before < 40

    wait_until(is_calm, "both VM runners to rest below 40 % of a core", 20)


RAW_FROM_INSIDE = r"""
import errno, os, socket, struct, sys
mark = sys.argv[1].encode()
pool = socket.gethostbyname("origin.example.com")
bad = []
def tcp(address, port, data):
    s = socket.socket(); s.settimeout(3)
    try:
        s.connect((address, port))
    except OSError:
        return
    try:
        s.sendall(data)
        while True:
            got = s.recv(4096)
            if got.startswith((b"220", b"SSH-")): bad.append((address, port, got))
            if not got: break
    except socket.timeout:
        if port != 53: bad.append((address, port, "still open"))
    except OSError:
        pass
    s.close()
for address in (pool, "198.51.100.77", "198.51.100.11", "10.0.2.2", "10.0.2.3", "10.0.2.15"):
    for port in (443, 80, 22, 25, 53, 123, 853, 8080, 8443, 9418, 5432):
        tcp(address, port, b"\r\nGET /" + mark + b" HTTP/1.1\r\nHost: origin.example.com\r\n\r\n")
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for address in (pool, "198.51.100.77", "198.51.100.53", "10.0.2.2", "10.0.2.3"):
    for port in (53, 123, 443, 500, 5353, 51820):
        try: u.sendto(mark * 20, (address, port))
        except OSError: pass
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for address in (pool, "198.51.100.77", "10.0.2.2"):
    try: raw.sendto(b"\x08\0\0\0" + mark, (address, 0))
    except OSError: pass
for protocol in (47, 50, 132):
    r = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    try: r.sendto(mark, ("198.51.100.77", 0))
    except OSError: pass
try:
    p = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    name = [n for _, n in socket.if_nameindex() if n != "lo"][0]
    p.bind((name, 0))
    p.send(b"\xff" * 6 + bytes(6) + b"\x86\xdd" + b"\x60" + bytes(39) + mark)
except OSError: pass
print(bad or "nothing")
"""


@row("link-raw-443", "link-tcp-ports", "link-udp", "link-icmp", "link-protocols", "link-ipv6")
def test_lets_nothing_raw_out_from_inside(cell, world):
    start, streams = world.capture.position(), world.journal.position()
    result = cell.run("--", "sudo", "python3", "-c", RAW_FROM_INSIDE, "rctmarkerinside",
                      timeout=300)
    assert result.stdout == b"nothing\n", (result.stdout, result.stderr)
    assert cell.shell("curl -sS https://web.example.com/").returncode == 0
    for packet in world.capture.since(start):
        assert b"rctmarkerinside" not in bytes(packet.payload)
    for _, stream in world.journal.streams[streams:]:
        assert b"rctmarkerinside" not in b"".join(stream)


@row("link-ipv6")
def test_has_no_second_network_and_no_ipv6(cell):
    links = cell.succeed("--", "ls", "/sys/class/net").split()
    assert len([name for name in links if name != "lo" and not name.startswith("docker")]) == 1
    assert cell.shell("ping -6 -c1 -W1 2001:db8::1").returncode != 0


@row("upstream-floor")
def test_reaches_no_service_of_the_host(cell, world):
    """A server on the host's loopback and uplink, as a careless user would run it."""
    listener = world.firewall.socket()
    listener.bind(("0.0.0.0", 18080))
    listener.listen()
    world.odd.names["trap.odd.example.net"] = ["10.0.2.2"]
    cell.succeed("allow", "trap.odd.example.net:18080 +private")
    trapped = cell.shell("curl -sS -m 10 https://trap.odd.example.net:18080/")
    assert b"502" in trapped.stdout + trapped.stderr or b"address" in trapped.stdout, trapped
    cell.succeed("allow", "--remove", "trap.odd.example.net:18080 +private")
    script = ("for a in 10.0.2.2 127.0.0.1 203.0.113.18 10.0.2.15; do "
              "timeout 3 bash -c \"echo rctmark > /dev/tcp/$a/18080\" && echo reached $a; done; true")
    result = cell.shell(script)
    assert b"reached" not in result.stdout
    listener.settimeout(0.05)
    with pytest.raises(OSError):
        listener.accept()
    listener.close()


@pytest.mark.parametrize("what, words, limit", [
    ("warm entry", ["--", "true"], 0.4),
    ("allow", ["allow"], 0.4),
    ("list", ["list"], 0.02),
])
def test_answers_in_the_time_promised(cell, what, words, limit):
    cell.succeed(*words)
    Timing(what, limit).measure(lambda: cell.succeed(*words), times=7).check()


def test_works_with_plain_ssh_and_scp_by_the_generated_entry(cell, world):
    config = cell.succeed("ssh-config")
    path = cell.user_home / "ssh-config"
    path.write_text(config)
    host = re.search(r"^Host (\S+)", config, re.M).group(1)
    result = world.firewall.run("ssh", "-F", path, host, "echo through; exit 4",
                                env=cell.environment())
    assert (result.returncode, result.stdout) == (4, b"through\n"), result.stderr
    data = os.urandom(300_000)
    (cell.user_home / "file").write_bytes(data)
    result = world.firewall.run("scp", "-q", "-F", path, cell.user_home / "file", f"{host}:copied",
                                env=cell.environment())
    assert result.returncode == 0, result.stderr
    assert cell.succeed("--", "sha256sum", "copied").split()[0] == hashlib.sha256(data).hexdigest()


def test_keeps_files_over_stop_and_starts_cold_in_the_time_promised(cell):
    cell.succeed("--", "bash", "-c", "echo kept > ~/kept; sync")
    cell.succeed("stop")
    assert not cell.pids()
    spied = cell.run("spy")
    assert (spied.returncode, spied.stdout, spied.stderr) == (
        125, b"", b'rootcell: spy: instance "default" does not run; `rootcell -i default` starts it\n')
    timing = Timing("cold start of a made instance", 20)
    timing.measure(lambda: cell.succeed("--", "true", timeout=300))
    assert cell.succeed("--", "cat", "kept") == "kept\n"
    timing.check()


def test_a_recording_firewall_shows_what_was_said_before_anybody_watched(cell, provider, tmp_path):
    path = cell.folder / ".env"
    before = path.read_text()
    path.write_text(before + "ROOTCELL_RECORDING=on\n")
    cell.succeed("stop")
    cell.succeed("--", "true", timeout=300)
    provider.play = Script(Answer([Text("Said to nobody.")], usage=Usage(5, output=3)))
    assert b"message_stop" in ask_model(cell).stdout
    path.write_text(before)

    def shown():
        with Spy(cell, "--json", "--backlog") as spy:
            assert spy.process.wait(PATIENCE) == 0, spy.end()
            spy.end()
            return spy if spy.calls() else None

    wait_until(shown, "the call", PATIENCE).check(provider)
    kept = tmp_path / "calls.jsonl"
    assert cell.run("spy", "--json", "--backlog", "--record", kept).returncode == 0
    cell.succeed("stop")
    assert "Said to nobody." in cell.succeed("spy", kept)
    assert "Said to nobody." in cell.succeed("spy", "export", "--har", "-", kept)


@pytest.mark.parametrize("victim", ["both VMs", "one VM", "rootcell while starting"])
def test_recovers_from_kill_9(cell, victim):
    if victim == "rootcell while starting":
        cell.succeed("stop")
        process = cell.start("--", "true", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(cell.pids, "a VM of the new start", 60)
        process.kill()
        process.wait()
    else:
        for pid in cell.pids()[: 2 if victim == "both VMs" else 1]:
            os.kill(pid, 9)
    assert cell.succeed("--", "echo", "again", timeout=300) == "again\n"
    assert cell.succeed("--", "cat", "kept") == "kept\n"
    assert len(cell.pids()) == 2


def test_serves_two_commands_at_once(cell):
    cell.succeed("stop")
    both = [cell.start("--", "echo", str(number), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for number in range(2)]
    for number, process in enumerate(both):
        output, error = process.communicate(timeout=300)
        assert output == f"{number}\n".encode(), error
    assert len(cell.pids()) == 2


def test_removes_everything_after_a_confirmation(cell):
    assert cell.run("remove").returncode != 0, "nobody there to ask"
    assert cell.folder.is_dir()
    cell.succeed("remove", "--yes")
    assert not cell.folder.exists() and not cell.pids()
    assert '"default"' not in cell.succeed("list", "--json")
