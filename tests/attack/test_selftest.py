"""What `rootcell selftest` sends into the agent VM, run here as the agent."""

from pathlib import Path

import pytest

from attack.marks import holds_behind_relay, proven_by_each, row

SCRIPT = Path(__file__).resolve().parents[2] / "data/selftest/selftest.py"
BLIND = "from inside one cannot tell it from silence"


@pytest.fixture(scope="module")
def told(agent):
    """row -> (verdict, what was seen)."""
    return run(agent, "web.example.com", "get")


def run(agent, *words):
    result = agent.run("/usr/bin/python3", "-I", "-", *words, input=SCRIPT.read_bytes(),
                       timeout=90)
    assert result.returncode == 0, result.stderr
    lines = [line.split("\t") for line in result.stdout.decode().splitlines()]
    return {name: (verdict, seen) for name, verdict, seen in lines}


@proven_by_each
@row("host-selftest")
@pytest.mark.parametrize("name", [
    "link-raw-443", "link-tcp-ports", "link-icmp", "dns-tunnel", "dns-servers", "dns-tcp",
    "dns-other-doors", "tls-no-name", "tls-denied-names", "http1-leading", "http1-host",
    "http1-framing", "http1-connect", "http2-authority", "ssh-addresses", "ssh-connect",
])
def test_selftest_sees_that_an_attack_comes_to_nothing(told, name):
    assert told[name][0] == "held", told[name]


@holds_behind_relay(BLIND)
@row("host-selftest")
@pytest.mark.parametrize("name", ["control", "link-udp", "link-ipv6", "dns-hints",
                                  "tls-foreign-address"])
def test_selftest_sees_what_it_can_of_the_rest(told, name):
    assert told[name][0] == "held", told[name]


@row("host-selftest")
def test_selftest_knows_what_no_policy_lets_it_try(agent, policy):
    policy.reload(https="", ssh="", dns="")
    found = run(agent, "-", "-")
    assert {verdict for verdict, _ in found.values()} == {"held", "untried"}, found
    assert found["control"][0] == "held" and found["http1-host"][0] == "untried"


@row("host-selftest")
def test_selftest_fails_when_nothing_is_allowed_that_should_be(agent, policy):
    policy.reload(https="origin.example.com\n")
    assert run(agent, "web.example.com", "get")["control"][0] == "failed"
