"""The other side: which servers the wall believes, and which addresses it never dials."""

import ssl
import time

import pytest

from attack.marks import holds_behind_relay, row
from internet.origin import TlsOrigin
from internet.world import ADDRESSES, FIREWALL_LINK, FIREWALL_UPLINK

BAD_CERTIFICATES = [
    "expired.example.com", "future.example.com", "wrong-name.example.com", "cn-only.example.com",
    "self-signed.example.com", "stranger.example.com", "a.two-levels.example.com",
    "partial.example.com", "client-usage.example.com",
]

FLOOR = [
    "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "169.254.169.254", "169.254.0.1",
    "192.0.0.8", "198.18.0.5", "198.19.255.1", "224.0.0.1", "239.1.2.3", "240.0.0.1",
    "255.255.255.255", FIREWALL_LINK, FIREWALL_UPLINK,
    "::", "::1", "fe80::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1", "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1", "2001:0:5ef5:79fb:0:0:80ff:fffe",
]
PRIVATE = ["10.1.2.3", "172.16.0.1", "172.31.255.1", "192.168.1.1", "100.64.0.1", "100.127.1.1",
           "fc00::1", "fd12:3456::1"]


@row("upstream-certificate")
@pytest.mark.parametrize("name", BAD_CERTIFICATES)
def test_refuses_a_server_whose_certificate_is_bad(world, agent, refused, name):
    with refused(may_connect=True, is_recorded=False) as witness:
        assert agent.try_request(name, f"/{witness.marker}") in (0, 502, 503)
        witness.record(decision="deny", kind="http", name=name)


@row("upstream-old")
def test_refuses_a_server_that_speaks_only_old_tls(agent, refused):
    with refused(may_connect=True, is_recorded=False) as witness:
        status = agent.try_request("old-tls.example.com", f"/{witness.marker}")
        assert status in (0, 502, 503)
        witness.failure("old-tls.example.com")


@row("upstream-floor", "upstream-private")
@pytest.mark.parametrize("address", FLOOR + PRIVATE)
def test_never_dials_the_floor(world, agent, refused, address):
    name = f"a{(FLOOR + PRIVATE).index(address)}.odd.example.net"
    world.odd.names[name] = [address]
    with refused(may_ask=True, is_recorded=False) as witness:
        assert agent.try_request(name, f"/{witness.marker}") in (0, 502, 503)
        witness.record(decision="deny", kind="http", name=name)


@row("upstream-floor")
@pytest.mark.parametrize("address", [one for one in FLOOR if one != "::ffff:10.0.0.1"])
def test_never_dials_the_floor_under_private_either(world, agent, refused, address):
    name = f"b{FLOOR.index(address)}.private.odd.example.net"
    world.odd.names[name] = [address]
    with refused(may_ask=True, is_recorded=False) as witness:
        assert agent.try_request(name, f"/{witness.marker}") in (0, 502, 503)
        witness.record(decision="deny", kind="http", name=name)


@row("upstream-floor")
@pytest.mark.parametrize("name", ["loopback.example.com", "metadata.example.com"])
def test_believes_no_real_resolver_about_the_floor(agent, refused, name):
    with refused(may_ask=True, is_recorded=False) as witness:
        assert agent.try_request(name, f"/{witness.marker}") in (0, 502, 503)
        witness.record(decision="deny", kind="http", name=name)


@row("upstream-aliases")
def test_follows_no_alias_into_the_floor(world, agent, refused):
    names = world.odd.names
    names["alias.odd.example.net"] = ["-> one.alias.example.net"]
    names["one.alias.example.net"] = ["-> two.alias.example.net"]
    names["two.alias.example.net"] = ["127.0.0.1"]
    names["loop.odd.example.net"] = ["-> loop.odd.example.net"]
    for name in ("alias.odd.example.net", "loop.odd.example.net"):
        with refused(may_ask=True, is_recorded=False) as witness:
            assert agent.try_request(name, f"/{witness.marker}") in (0, 502, 503)
            witness.failure(name)


@row("upstream-mixed")
def test_dials_only_the_public_one_of_mixed_answers(world, agent):
    name = "mixed.odd.example.net"
    world.odd.names[name] = ["127.0.0.1", "10.0.0.1", ADDRESSES["origin"], "169.254.169.254"]
    start = world.capture.position()
    assert agent.request_json(name)["name"] == name
    assert world.dialled(start) == {ADDRESSES["origin"]}


@row("upstream-rebinding")
def test_checks_the_address_again_when_the_answer_changes(world, agent, refused):
    name = "rebinding.odd.example.net"
    answers = [[ADDRESSES["origin"]]]
    world.odd.names[name] = lambda: answers[0]
    assert agent.request_json(name)["name"] == name
    answers[0] = ["127.0.0.1"]
    with refused(may_connect=True, is_recorded=False) as witness:
        for _ in range(5):
            agent.try_request(name, "/again")
        witness.settle()
        assert {packet.destination for packet in witness.connects()} <= {ADDRESSES["origin"]}


@row("upstream-missing")
def test_says_so_when_a_name_does_not_exist(world, agent, refused):
    with refused(may_ask=True, is_recorded=False) as witness:
        status = agent.try_request("missing.odd.example.net", f"/{witness.marker}")
        assert status in (0, 502, 503)
        witness.failure("missing.odd.example.net")


@pytest.fixture
def special(world):
    """A server of its own at an address that the catcher had: special(adjust) -> its name."""
    address, name = "198.51.100.30", "special.odd.example.net"
    world.internet.ip("addr", "add", f"{address}/32", "dev", "lo")
    world.internet.command("nft", f"insert rule ip catch prerouting ip daddr {address} "
                                  "tcp dport 443 accept")
    world.odd.names[name] = [address]

    def start(adjust):
        TlsOrigin(world.internet, address, world.shop, world.journal, adjust=adjust)
        return name

    yield start
    world.odd.names[name] = []


@row("upstream-client-certificate")
@holds_behind_relay("the relay has no certificate either")
def test_has_no_certificate_for_a_server_that_wants_one(world, agent, refused, special):
    def want_certificate(context):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=world.authority.pem.decode())

    name = special(want_certificate)
    with refused(may_connect=True, is_recorded=False) as witness:
        assert agent.try_request(name, "/asks") in (0, 502, 503)
        witness.failure(name)


@row("upstream-chain")
@pytest.mark.parametrize("count,statuses", [
    pytest.param(100, (200, 502), marks=holds_behind_relay("either way is right")),
    (2500, (502,)),
])
def test_is_not_held_up_by_a_chain_of_certificates(world, agent, refused, count, statuses):
    name = f"chain{count}.deep.example.com"
    certificate, key = world.authority.issue(name)
    world.shop.bad[name] = lambda: (certificate + world.shop.stranger.pem * count, key)
    started = time.monotonic()
    with refused(may_connect=True, is_recorded=False) as witness:
        assert agent.try_request(name, "/chain") in statuses
        assert time.monotonic() - started < 10
        if 502 in statuses[:1]:
            witness.failure(name)
    del world.shop.bad[name]
