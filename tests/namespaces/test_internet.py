"""The small internet itself: what it serves, and that its witnesses miss nothing."""

import socket
import ssl

from internet.wait import wait_until
from internet.world import ADDRESSES


def test_witnesses_see_what_leaves_in_clear(world):
    start, streams = world.capture.position(), world.journal.position()
    with world.firewall.connect("192.0.2.200", 4444) as plain:
        assert plain.recv(100) == b"220 catcher\r\n"
        plain.sendall(b"marker-in-clear")
    with world.firewall.socket(kind=socket.SOCK_DGRAM) as plain:
        plain.sendto(b"marker-in-udp", ("10.20.30.40", 5555))
    wait_until(lambda: b"marker-in-clear" in world.journal.text()
               and b"marker-in-udp" in world.journal.text(), "the catcher to keep both")
    seen = world.capture.since(start)
    assert any(p.is_connect and (p.destination, p.port) == ("192.0.2.200", 4444) for p in seen)
    assert any(b"marker-in-udp" in p.payload and p.destination == "10.20.30.40" for p in seen)
    assert world.journal.position() >= streams + 2


def test_witnesses_see_what_leaves_inside_tls(world):
    context = ssl.create_default_context(cafile=str(world.upstream_ca))
    plain = world.firewall.connect(ADDRESSES["origin"], 443)
    with context.wrap_socket(plain, server_hostname="any.example.com") as secured:
        secured.sendall(b"GET /marker-in-tls HTTP/1.1\r\nHost: any.example.com\r\n\r\n")
        assert b"200 OK" in secured.recv(4096)
    assert b"/marker-in-tls" in world.journal.text()


def test_witnesses_see_what_is_asked(world):
    start = world.capture.position()
    result = world.firewall.run("dig", "+short", f"@{ADDRESSES['resolver']}", "mark.example.com")
    assert result.stdout.decode().strip() == ADDRESSES["origin"]
    wait_until(lambda: any(b"\x04mark" in packet.payload for packet in world.capture.since(start)),
               "the question in the capture")


def test_serves_bad_certificates_as_bad(world):
    for name in world.shop.bad:
        if name == "wildcard.example.com":
            continue
        context = ssl.create_default_context(cafile=str(world.upstream_ca))
        context.hostname_checks_common_name = False
        plain = world.firewall.connect(ADDRESSES["origin"], 443)
        try:
            context.wrap_socket(plain, server_hostname=name).close()
        except ssl.SSLCertVerificationError:
            continue
        finally:
            plain.close()
        raise AssertionError(f"{name} was believed")


def test_serves_old_tls_to_whoever_takes_it(world):
    result = world.firewall.run(
        "openssl", "s_client", "-tls1", "-cipher", "ALL:@SECLEVEL=0", "-connect",
        f"{ADDRESSES['old']}:443", "-servername", "old-tls.example.com", input=b"")
    assert b"Protocol  : TLSv1\n" in result.stdout and b"Cipher    : ECDHE" in result.stdout


def test_serves_real_servers(world):
    def direct(name, place):
        return world.firewall.run(
            "curl", "-sS", "--cacert", world.upstream_ca, "--resolve",
            f"{name}:443:{ADDRESSES[place]}", f"https://{name}/")

    assert direct("web.example.com", "web").stdout == b"hello from nginx\n"
    assert direct("git.example.com", "git").returncode == 0
    with world.firewall.connect(ADDRESSES["ssh"], 22) as plain:
        assert plain.recv(100).startswith(b"SSH-2.0-OpenSSH")
