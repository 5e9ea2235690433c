"""TLS sessions with servers: resumed for the same name, never for another."""

import pytest

from internet.wait import wait_until

WEB, OTHER, OLD = "web.example.com", "web-other.example.com", "tls12.example.com"


@pytest.fixture
def served(world, agent, policy):
    """served(name, port): one request over a new connection; what nginx noted of it."""
    turns = []

    def ask(name, port=443):
        turns.append(name)
        # A reload leaves no connection in the pool. Sessions stay.
        policy.reload(https=(policy.policy / "allowed-https.txt").read_text()
                      + f"turn-{len(turns)}.example.com\n")
        start = len(world.servers.nginx_log())
        assert agent.request(name, "/", port=port)[0] == 200
        return wait_until(lambda: world.servers.nginx_log(start), "a line of nginx")[0]

    return ask


def test_resumes_no_session_of_another_name_on_the_same_server(served):
    """nginx would take the ticket: both names share its key."""
    served(WEB)
    for _ in range(12):
        served(WEB)
    first = served(OTHER)
    assert first[0] == OTHER and first[2] == "."


def test_resumes_sessions_of_tls_1_3(served):
    connections = set()
    resumed = 0
    served(WEB)
    for _ in range(10):
        line = served(WEB)
        assert line[1] == "TLSv1.3"
        connections.add(line[3])
        resumed += line[2] == "r"
    assert len(connections) == 10 and resumed == 10


def test_resumes_sessions_of_tls_1_2(served):
    served(OLD, 8443)
    lines = [served(OLD, 8443) for _ in range(10)]
    assert {line[1] for line in lines} == {"TLSv1.2"}
    assert [line[2] for line in lines] == ["r"] * 10
