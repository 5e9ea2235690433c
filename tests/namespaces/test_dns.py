"""Names: answered by the wall alone; no question goes anywhere."""

from internet.resolver import Answer, encode_name, query
from internet.world import FIREWALL_LINK

NXDOMAIN = 3
SERVERS = (FIREWALL_LINK, "198.51.100.53", "198.51.100.99", "192.0.2.1", "10.0.2.3")


def test_gives_each_exact_name_an_address_of_its_own(agent):
    names = ["web.example.com", "git.example.com", "origin.example.com", "ssh.example.com",
             "names.example.com", "other.example.com"]
    addresses = [agent.address(name) for name in names]
    assert len(set(addresses)) == len(names)
    assert all(address.startswith(("198.18.", "198.19.")) for address in addresses)
    assert addresses == [agent.address(name.upper()) for name in names]


def test_gives_all_names_of_a_wildcard_one_address(agent):
    assert agent.address("a.one.example.com") == agent.address("b.one.example.com")
    assert agent.ask("a.b.one.example.com").code == NXDOMAIN
    assert agent.ask("one.example.com").code == NXDOMAIN
    assert agent.address("a.b.deep.example.com") == agent.address("c.deep.example.com")


def test_answers_from_the_address_that_was_asked(agent):
    for server in SERVERS:
        answer = agent.ask("web.example.com", server=server)
        assert answer.addresses and answer.ttl == 60
        assert not answer.flags & 0x0200, "not truncated"
        assert answer.flags & 0x8000


def test_echoes_the_case_of_the_question(agent):
    reply = agent.ask_raw(query("wEb.ExAmPlE.cOm"))
    assert encode_name("wEb.ExAmPlE.cOm") in reply


def test_names_the_owner_of_a_pool_address(agent):
    octets = agent.address("web.example.com").split(".")
    reply = agent.ask_raw(query(".".join(reversed(octets)) + ".in-addr.arpa", 12))
    assert Answer(reply).code == 0 and encode_name("web.example.com") in reply


def test_answers_several_questions_on_one_tcp_connection(agent):
    names = ["web.example.com", "git.example.com", "nothing.example.org"] * 20
    messages = [query(name, identifier=number) for number, name in enumerate(names)]
    replies = {Answer(reply).identifier: Answer(reply) for reply in agent.ask_over_tcp(messages)}
    assert len(replies) == len(names)
    assert all(replies[number].code == (3 if number % 3 == 2 else 0) for number in replies)


def test_resolves_for_real_clients(agent):
    result = agent.run("dig", "+short", f"@{FIREWALL_LINK}", "web.example.com")
    assert result.stdout.decode().strip() == agent.address("web.example.com")
    looked_up = agent.run("/usr/bin/python3", "-c",
                          "import socket; print(socket.gethostbyname('web.example.com'))")
    assert looked_up.stdout.decode().strip() == agent.address("web.example.com")


def test_fails_at_once_for_real_clients_when_a_name_is_off_the_list(agent):
    result = agent.curl("-m", "5", "https://nothing.example.org/")
    assert result.returncode == 6, result.stderr
    assert b"Could not resolve" in result.stderr
