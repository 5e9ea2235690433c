"""Tools that look for holes, and what they say about the wall."""

import json
import re
import time

import pytest
from servers import ADDRESS_OF_TUNNEL, ZONE

from internet.wait import wait_until
from internet.world import FIREWALL_LINK

NAME = f"nginx.{ZONE}"

# The instance's own authority is not testssl.sh's, and its certificates live for a week.
OF_PRIVATE_AUTHORITY = {"cert_chain_of_trust", "cert_expirationStatus", "cert_notAfter",
                        "cert_revocation"}


@pytest.fixture(scope="session")
def findings(through, agent, tmp_path_factory):
    """What testssl.sh says, by the name of the finding."""
    path = tmp_path_factory.mktemp("testssl") / "findings.json"
    through.run("testssl", "--quiet", "--color", "0", "--warnings", "batch", "--ip",
                agent.address(NAME), "--nodns", "none", "--protocols", "--server-defaults",
                "--server-preference", "--fs", "--vulnerable", "--jsonfile", path, f"{NAME}:443", check=False,
                timeout=400)
    told = json.loads(path.read_text())
    return {one["id"]: (one["severity"], one["finding"]) for one in told}


def test_testssl_finds_only_tls_1_2_and_1_3(findings):
    for old in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
        assert findings[old][1].startswith("not offered"), (old, findings[old])
    for good in ("TLS1_2", "TLS1_3"):
        assert findings[good][1].startswith("offered"), (good, findings[good])
    assert findings["ALPN_HTTP2"][1].startswith("h2") or "h2" in findings["ALPN"][1], findings


def test_testssl_finds_no_weakness(findings):
    holes = ("heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_client_renego", "CRIME_TLS",
             "POODLE_SSL", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13",
             "RC4", "fallback_SCSV")
    for hole in holes:
        assert findings[hole][0] in ("OK", "INFO"), (hole, findings[hole])
    bad = {key: value for key, value in findings.items()
           if value[0] in ("LOW", "MEDIUM", "HIGH", "CRITICAL")
           and key not in OF_PRIVATE_AUTHORITY}
    assert not bad, bad


def test_testssl_finds_forward_secrecy_and_nothing_kept(findings):
    assert findings["PFS"][0] == "OK", findings["PFS"]
    assert set(findings["PFS_ECDHE_curves"][1].split()) == {"prime256v1", "X25519"}
    assert findings["cipher_order"][1] == "server"
    assert "renegotiation info" in findings["TLS_extensions"][1]
    assert findings["TLS_session_ticket"][1].startswith("no ")
    assert findings["sessionresumption_ticket"][1] == "not supported"
    assert findings["SSL_sessionID_support"][1] == "no"
    assert findings["cert_subjectAltName"][1] == NAME
    assert findings["cert_trust"][0] == "OK"


SLOW = {
    "headers": ("-H", "-i", "5", "-t", "GET"),
    "body": ("-B", "-i", "5", "-s", "100000", "-t", "POST"),
    "reading": ("-X", "-w", "10", "-y", "20", "-n", "5", "-z", "16", "-k", "3"),
}


@pytest.mark.parametrize("kind", SLOW)
def test_slowhttptest_denies_nobody_service(kind, through, agent, wall):
    """300 slow connections for 15 seconds: an ordinary client beside them is served at once."""
    process = through.namespace.start(
        "slowhttptest", *SLOW[kind], "-c", "300", "-r", "100", "-l", "15", "-p", "5",
        "-u", f"https://{NAME}/bytes/1000000", stdout=-1, stderr=-2)
    slowest, count, end = 0.0, 0, time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        begun = time.monotonic()
        assert agent.request("origin.example.com", "/beside")[0] == 200
        slowest, count = max(slowest, time.monotonic() - begun), count + 1
    printed = process.communicate(timeout=30)[0].decode(errors="replace")
    assert process.returncode == 0, printed[-800:]
    assert count >= 3 and slowest < 5, (count, slowest)
    wait_until(lambda: len(wall.children()) >= 2, "the roles to be there")


def test_dnsperf_loses_no_question(through, tmp_path):
    questions = tmp_path / "questions"
    names = [f"{NAME} A", f"{NAME} AAAA", "denied.invalid A", "x.names.example.com A",
             f"{NAME} HTTPS", "origin.example.com TXT"]
    questions.write_text("\n".join(names) + "\n")
    printed = through.run("dnsperf", "-s", FIREWALL_LINK, "-d", questions, "-n", "3000", "-c", "4",
                          "-q", "50", "-t", "5").stdout.decode()
    lost = re.search(r"Queries lost:\s+(\d+)", printed)
    done = re.search(r"Queries completed:\s+(\d+) \(100.00%\)", printed)
    codes = re.search(r"Response codes:\s+(.*)", printed).group(1)
    assert lost and lost.group(1) == "0" and done, printed
    assert set(re.findall(r"[A-Z]+", codes)) == {"NOERROR", "NXDOMAIN"}, printed


TUNNEL = "tunnel.judges.example.com"
IODINE = ADDRESS_OF_TUNNEL


def try_iodine(way, server, kind, tmp_path):
    """What the client says in the time that a tunnel takes to come up."""
    path = tmp_path / "iodine"
    with open(path, "wb") as output:
        client = way.namespace.start("iodine", "-f", "-r", "-P", "secret", "-T", kind, server,
                                     TUNNEL, stdout=output, stderr=output)

        def is_over():
            told = path.read_text(errors="replace")
            return client.poll() is not None or "Connection setup complete" in told

        try:
            wait_until(is_over, "iodine to make up its mind", 90)
        finally:
            client.kill()
            client.wait(5)
    return path.read_text(errors="replace")


@pytest.fixture
def iodined(world, judges, tmp_path):
    """The far end of a tunnel, which anybody can reach who is not behind the wall."""
    log = open(tmp_path / "iodined", "wb")
    server = world.internet.start("iodined", "-f", "-c", "-P", "secret", "-l", IODINE, "10.99.0.1",
                                  TUNNEL, stdout=log, stderr=log)
    wait_until(lambda: b"Listening to dns" in (tmp_path / "iodined").read_bytes()
               or server.poll() is not None, "iodined to listen")
    assert server.poll() is None, (tmp_path / "iodined").read_text(errors="replace")
    yield server
    server.kill()
    server.wait(5)


def test_iodine_gets_a_tunnel_without_the_wall(iodined, direct, tmp_path):
    assert "Connection setup complete" in try_iodine(direct, IODINE, "NULL", tmp_path)


@pytest.mark.parametrize("kind", ["NULL", "TXT", "CNAME", "A"])
@pytest.mark.parametrize("server", [FIREWALL_LINK, IODINE], ids=["gateway", "its-own-server"])
def test_iodine_gets_no_tunnel(server, kind, iodined, through, world, tmp_path):
    start = world.capture.position()
    told = try_iodine(through, server, kind, tmp_path)
    assert "Sending DNS queries for " + TUNNEL in told, told
    assert "Connection setup complete" not in told and "Version ok" not in told, told
    assert not [packet for packet in world.capture.since(start) if packet.destination == IODINE
                or b"tunnel" in bytes(packet.payload)]
