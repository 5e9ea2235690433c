"""Attacks from inside the agent VM: the selftest as its user runs it, and that it can fail."""

import json

import pytest

from attack.marks import row

LISTENER = """
import socket
one = socket.create_server(("192.0.2.77", 25))
print("listening", flush=True)
while True:
    peer, _ = one.accept()
    peer.recv(100)
    peer.sendall(b"220 here I am\\r\\n")
    peer.close()
"""


@pytest.fixture(scope="module")
def selftest(cell, world):
    """(result, packets that left meanwhile)."""
    start = world.capture.position()
    result = cell.run("selftest", "--json", timeout=300)
    return result, world.capture.since(start)


@row("host-selftest")
def test_selftest_finds_that_the_firewall_holds(cell, selftest):
    result, _ = selftest
    found = json.loads(result.stdout)
    wrong = [one for one in found if one["verdict"] != "held"]
    assert result.returncode == 0 and not wrong, (wrong, result.stderr)
    assert len(found) > 20


@row("host-selftest")
def test_selftest_sends_nothing_to_strangers(selftest):
    _, packets = selftest
    assert packets, "the allowed name was dialled"
    for packet in packets:
        assert not packet.destination.startswith("192.0.2."), packet
        assert b"rootcell-selftest" not in bytes(packet.payload), packet


@row("host-selftest")
def test_selftest_leaves_its_denials_in_the_log(cell, selftest):
    assert selftest[0].returncode == 0
    assert "rootcell-selftest.invalid" in cell.succeed("log", "--denied")


@row("host-selftest")
def test_selftest_says_so_when_an_attack_is_answered(cell, selftest):
    """The agent plays the stranger itself: a server that should not answer does."""
    assert selftest[0].returncode == 0
    cell.succeed("--", "sudo", "ip", "address", "add", "192.0.2.77/32", "dev", "lo")
    cell.succeed("--", "sudo", "systemd-run", "-q", "--unit", "stranger", "python3", "-c", LISTENER)
    result = cell.run("selftest", timeout=300)
    cell.succeed("--", "sudo", "systemctl", "stop", "stranger")
    cell.succeed("--", "sudo", "ip", "address", "del", "192.0.2.77/32", "dev", "lo")
    assert result.returncode == 1 and b"FAILED" in result.stdout, result.stdout
    assert b"220 here" in result.stdout and b"an attack got through" in result.stderr


@row("host-selftest")
def test_selftest_of_an_instance_that_is_not_there_fails(cell):
    result = cell.run("-i", "missing", "selftest")
    assert result.returncode == 1 and result.stderr.count(b"\n") == 1
