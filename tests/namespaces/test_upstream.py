"""The other side: which servers the wall believes, and which addresses it never dials."""

import json

import pytest

from internet.world import ADDRESSES

PRIVATE = ["10.1.2.3", "172.16.0.1", "172.31.255.1", "192.168.1.1", "100.64.0.1", "100.127.1.1",
           "fc00::1", "fd12:3456::1"]


@pytest.mark.parametrize("address", PRIVATE[:6])
def test_dials_private_addresses_where_the_rule_says_so(world, agent, address):
    """Nobody answers HTTPS there: that the wall dials is what is asked."""
    name = f"c{PRIVATE.index(address)}.private.odd.example.net"
    world.odd.names[name] = [address]
    start = world.capture.position()
    agent.try_request(name, "/private")
    assert world.dialled(start) == {address}


def test_dials_ipv6_where_the_firewall_has_it(world, agent):
    """The witness of the IPv6 rows above: an address outside the floor is dialled."""
    world.odd.names["six.odd.example.net"] = ["2001:db8:1::1"]
    start = world.capture.position()
    agent.try_request("six.odd.example.net", "/six")
    assert world.dialled(start) == {"2001:db8:1::1"}


def test_uses_the_next_address_when_one_refuses(world, agent):
    world.internet.command("nft", "add table ip refuse { chain prerouting { type filter hook "
                           "prerouting priority -300; ip daddr 198.51.100.201 tcp dport 443 "
                           "reject with tcp reset; }; }")
    name = "several.odd.example.net"
    world.odd.names[name] = ["198.51.100.201", ADDRESSES["origin"]]
    for _ in range(4):
        assert agent.request_json(name)["name"] == name


def test_accepts_a_wildcard_of_one_level(agent):
    assert agent.request_json("wildcard.example.com")["name"] == "wildcard.example.com"


def test_greets_every_server_the_same_way(world, agent):
    name = "other.example.com"
    with agent.tls(name, alpn=()) as peer:
        peer.send(b"GET / HTTP/1.1\r\nHost: other.example.com\r\n\r\n")
        assert json.loads(peer.read_response()[2])["name"] == name
    # A pooled connection may have served this one: what counts is every greeting so far.
    greetings = {greeting for greeting in world.origin.greetings if greeting[0] == name}
    assert greetings == {(name, "http/1.1", "TLSv1.3")}


@pytest.mark.parametrize("later", ["192.0.99.9/32", "2001:db8:7::9/128"])
def test_dials_no_address_that_the_machine_got_while_it_runs(world, wall, agent, later):
    """Loopback carries it here: the wall must notice by itself."""
    address = later.split("/")[0]
    name = f"later{len(later)}.odd.example.net"
    world.odd.names[name] = [address]
    start = world.capture.position()
    agent.try_request(name, "/before")
    assert world.dialled(start) == {address}
    since = wall.record_position()
    world.firewall.ip("addr", "add", later, "dev", "lo")
    try:
        wall.wait_record(since, kind="control", reason="own addresses changed")
        rules = world.firewall.command("nft", "list", "chain", "inet", "rootcell", "proxy")
        assert f"daddr {address} drop" in rules
        assert agent.try_request(name, "/after") in (0, 502, 503)
        assert wall.wait_record(since, kind="http", name=name)["decision"] == "deny"
    finally:
        since = wall.record_position()
        world.firewall.ip("addr", "del", later, "dev", "lo")
    wall.wait_record(since, kind="control", reason="own addresses changed")
    start = world.capture.position()
    agent.try_request(name, "/gone")
    assert world.dialled(start) == {address}
