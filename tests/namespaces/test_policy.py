"""The policy: what is broken changes nothing, what is right takes effect at once."""

import json
import time

import pytest

from internet.fixtures import DNS, HTTPS

NAME = "origin.example.com"


def test_allows_a_name_as_soon_as_its_rule_is_there(policy, agent):
    assert not agent.is_allowed("fresh.example.com")
    record = policy.reload(https=HTTPS + "fresh.example.com\n")
    assert "fresh.example.com" in json.dumps(record)
    assert agent.is_allowed("fresh.example.com")


def test_opens_and_closes_ports_with_the_policy(policy, agent):
    address = agent.address(NAME)
    with pytest.raises(ConnectionRefusedError):
        agent.namespace.connect(address, 9443, 2)
    policy.reload(https=HTTPS + "origin.example.com:9443\n")
    agent.namespace.connect(address, 9443, 2).close()
    policy.reload(https=HTTPS)
    with pytest.raises(ConnectionRefusedError):
        agent.namespace.connect(address, 9443, 2)


def test_keeps_addresses_over_reloads(policy, agent):
    names = [NAME, "web.example.com", "ssh.example.com", "x.one.example.com"]
    before = [agent.address(name) for name in names]
    policy.reload(https=HTTPS + "".join(f"n{number}.example.net\n" for number in range(500)))
    assert [agent.address(name) for name in names] == before
    policy.reload(https=HTTPS)
    assert [agent.address(name) for name in names] == before


def test_takes_groups_from_their_files(policy, agent):
    folder = policy.policy / "groups"
    folder.mkdir(exist_ok=True)
    (folder / "mine.txt").write_text("https grouped.example.com\ndns grouped-dns.example.com\n")
    policy.reload(https=HTTPS + "@mine\n", dns=DNS + "@mine\n")
    assert agent.is_allowed("grouped.example.com")
    assert agent.ask("grouped-dns.example.com").code == 0


def test_reloads_quickly(policy, agent):
    """From the signal to in force, DNS as the witness."""
    times = []
    for turn in range(5):
        policy.write_policy(https=HTTPS + f"quick{turn}.example.com\n")
        started = time.monotonic()
        policy.process.send_signal(1)
        while agent.ask(f"quick{turn}.example.com").code != 0:
            assert time.monotonic() - started < 3
        times.append((time.monotonic() - started) * 1000)
    print(f"reload to in force: {sorted(times)[2]:.1f} ms")
    assert sorted(times)[2] < 100
