"""The life of the program: start, refusal to start, killed roles, the end."""

import os
import signal
import subprocess

import pytest

from internet.agent import Agent
from internet.certificates import Authority, key_pem, new_key
from internet.linux import has_ended
from internet.wait import wait_until
from internet.wall import Wall
from internet.world import FIREWALL_LINK

NAME = "origin.example.com"


def try_start(wall, words):
    """(status, standard output, standard error) of a start that is to be refused."""
    result = wall.world.firewall.run(*words, timeout=10)
    return result.returncode, result.stdout, result.stderr.decode()


def changed(words, option, value):
    """The command line with one value changed, doubled or (None) without the option."""
    words = list(words)
    place = words.index(option)
    if value is None:
        return words[:place] + words[place + 2:]
    words[place + 1] = value
    return words


@pytest.fixture
def spare(world, tmp_path):
    """A second wall's files; it is never started beside the suite's."""
    made = Wall(world, tmp_path / "spare", https="web.example.com\n")
    return made


def bad_command_lines(wall, folder):
    words = wall.command_line()
    other = Authority("another authority")
    leaf, leaf_key = other.issue("leaf.example.com")
    files = {
        "other-key.pem": key_pem(new_key()), "leaf.pem": leaf, "leaf.key": leaf_key,
        "garbage.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "empty.pem": b"",
        "long.pem": wall.ca.read_bytes() + b"\n" * 64 * 1024,
        "long-bundle.pem": wall.world.upstream_ca.read_bytes() + b"\n" * 8 * 1024 * 1024,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    yield "no arguments", words[:1]
    for option in words[1::2]:
        if option not in ("--control", "--providers"):
            yield f"without {option}", changed(words, option, None)
        yield f"{option} twice", words + [option, words[words.index(option) + 1]]
        yield f"{option} without a value", changed(words, option, None) + [option]
        yield f"{option} empty", changed(words, option, "")
    yield "unknown option", words + ["--verbose", "1"]
    yield "surplus word", words + ["surplus"]
    yield "no such interface", changed(words, "--agent-interface", "nowhere0")
    yield "interface name too long", changed(words, "--agent-interface", "x" * 40)
    yield "no such policy folder", changed(words, "--policy", folder / "missing")
    for option in ("--ca-cert", "--ca-key", "--upstream-ca"):
        yield f"{option} missing", changed(words, option, folder / "missing.pem")
        yield f"{option} empty file", changed(words, option, folder / "empty.pem")
        yield f"{option} garbage", changed(words, option, folder / "garbage.pem")
    yield "--ca-cert too long", changed(words, "--ca-cert", folder / "long.pem")
    yield "--upstream-ca too long", changed(words, "--upstream-ca", folder / "long-bundle.pem")
    yield "key of another", changed(words, "--ca-key", folder / "other-key.pem")
    yield "certificate that is no CA", changed(
        changed(words, "--ca-cert", folder / "leaf.pem"), "--ca-key", folder / "leaf.key")
    for address in ("nobody", "198.51.100.53:0", "198.51.100.53:99999", "198.51.100.53:x",
                    "198.51.100", "198.51.100.53:53:53"):
        yield f"--upstream-dns {address}", changed(words, "--upstream-dns", address)
    for pool in ("198.18.0.0", "198.18.0.0/33", "198.18.0.0/x", "203.0.113.0/28",
                 "203.0.113.0/24", "0.0.0.0/0", "198.18.0.1/15"):
        yield f"--pool {pool}", words + ["--pool", pool]
    yield "records in a folder that is not there", changed(
        words, "--records", folder / "missing" / "records")


def test_refuses_every_bad_command_line_with_status_2_and_one_line(own, spare, tmp_path):
    own.stop()
    wrong = []
    for why, words in bad_command_lines(spare, tmp_path):
        status, output, error = try_start(spare, words)
        if status != 2 or output or error.count("\n") != 1 or len(error) < 10:
            wrong.append((why, status, output, error))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("kind", ["https", "ssh", "dns"])
def test_refuses_to_start_without_a_policy_file(spare, kind):
    spare.write_policy(**{kind: None})
    status, _, error = try_start(spare, spare.command_line())
    assert status == 2 and f"allowed-{kind}.txt" in error, error


def test_refuses_to_start_with_a_broken_policy(spare):
    spare.write_policy(https="web.example.com\n\nw*b.example.com\n")
    status, _, error = try_start(spare, spare.command_line())
    assert status == 2 and "allowed-https.txt:3" in error, error


@pytest.fixture
def own(world, wall):
    """The suite's wall made anew: it was stopped and started around the test."""
    yield wall
    if wall.process is None or wall.process.poll() is not None:
        wall.process = None
        wall.start()


def serves(agent):
    try:
        return agent.request(NAME, "/serves")[0] == 200
    except (OSError, AssertionError):
        return False


def test_starts_again_over_the_leftovers_of_a_kill(world, own, agent):
    for _ in range(2):
        own.process.kill()
        own.process.wait(5)
        own.process.stdout.close()
        own.start()
        wait_until(lambda: serves(agent), "service after a restart", 5)


def routing(world):
    """What a firewall has set beside its packet rules: each of it once."""
    rules = world.firewall.command("ip", "rule", "list").splitlines()
    tables = [world.firewall.command("ip", "route", "show", "table", table).splitlines()
              for table in ("local", "100")]
    return ([rule for rule in rules if "iif link" in rule],
            [route for route in tables[0] if "198.18.0.0/15" in route], tables[1])


def test_sets_its_routes_and_its_rule_once_over_those_of_another_run(world, own):
    before = routing(world)
    assert [len(part) for part in before] == [1, 1, 1], before
    assert "lookup 100" in before[0][0] and before[0][0].startswith("100:")
    assert before[1][0].startswith("local 198.18.0.0/15 dev lo")
    assert before[2][0].startswith("local default dev lo")
    own.stop()
    own.start()
    assert routing(world) == before
    own.stop()
    # Somebody else's route in their place gives way.
    world.firewall.ip("rule", "del", "iif", "link")
    world.firewall.ip("route", "replace", "blackhole", "default", "table", "100")
    own.start()
    assert routing(world) == before


def test_starts_where_there_are_no_packet_rules(world, own, agent):
    own.stop()
    world.firewall.command("nft", "delete table inet rootcell")
    own.start()
    rules = world.firewall.command("nft", "list", "table", "inet", "rootcell")
    own.stop()
    own.start()
    assert world.firewall.command("nft", "list", "table", "inet", "rootcell") == rules
    wait_until(lambda: serves(agent), "service", 5)


def test_leaves_no_child_behind_when_it_is_killed(own):
    children = own.children()
    assert len(children) >= 2
    own.process.kill()
    own.process.wait(5)
    wait_until(
        lambda: all(has_ended(pid) for pid in children),
        "the roles to end with their supervisor", 3)


def test_ends_with_status_0_when_told_to(own):
    assert own.stop() == 0, own.stderr()


def test_passes_nothing_after_its_end(world, own, agent):
    address = agent.address(NAME)
    own.stop()
    for target in (address, "198.51.100.11"):
        with pytest.raises(OSError):
            agent.namespace.connect(target, 443, 0.5)
    assert world.firewall.command("cat", "/proc/sys/net/ipv4/ip_forward").strip() == "0"


@pytest.mark.parametrize("which", [0, 1])
def test_recovers_when_a_role_is_killed(own, agent, ordinary, which):
    ordinary()
    before = own.children()
    since = own.record_position()
    os.kill(before[which], signal.SIGKILL)
    wait_until(lambda: serves(agent), "service after a role died", 5)
    wait_until(lambda: len(own.children()) >= len(before), "the role to be there again", 5)
    own.wait_record(since, kind="control")
    own.wait_record(since, kind="http", name=NAME)


def test_runs_the_roles_under_ids_of_their_own(own):
    ids = []
    for pid in own.children():
        status = dict(line.split(":\t", 1) for line in
                      open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)
        ids.append(status["Uid"].split()[0])
        assert int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0
        assert status["NoNewPrivs"] == "1"
    assert "0" not in ids and len(set(ids)) == len(ids), ids


def test_takes_at_most_12_megabytes_at_rest(own):
    print(f"at rest: {own.memory_kib()} KiB")
    own.stop()
    own.start()
    print(f"at rest, fresh: {own.memory_kib()} KiB")
    assert own.memory_kib() <= 12 * 1024


def test_shows_no_secret_in_arguments_or_environment(own):
    key = own.ca_key.read_text().splitlines()[1].encode()
    for pid in [own.process.pid, *own.children()]:
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as shown:
                assert key not in shown.read()


def test_is_usable_as_root_of_any_namespace(own, world):
    agent = Agent(world, own, FIREWALL_LINK, world.folder / "home")
    assert serves(agent)
    assert subprocess.run(["true"], check=True)
