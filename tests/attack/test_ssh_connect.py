"""SSH: to the exact names that the policy holds, by their own addresses or by CONNECT."""

import pytest

from attack.marks import row

NAME = "ssh.example.com"


@row("ssh-addresses")
@pytest.mark.parametrize("target", ["198.51.100.13", "198.51.100.77", "web.example.com",
                                    "names.example.com"])
def test_refuses_port_22_of_every_other_address(agent, refused, target):
    with refused() as witness:
        address = target if target[0].isdigit() else agent.address(target)
        try:
            with agent.connect(address, 22) as peer:
                peer.send(b"SSH-2.0-" + witness.marker.encode() + b"\r\n")
                assert b"SSH" not in peer.read_to_end(2)
        except (ConnectionRefusedError, ConnectionResetError):
            pass


@row("ssh-client")
@pytest.mark.parametrize("banner", [
    b"GET /%s HTTP/1.1\r\n\r\n", b"SSH-1.5-%s\r\n", b"ssh-2.0-%s\r\n", b" SSH-2.0-%s\r\n",
    b"\x16\x03\x01%s", b"SSH-3.0-%s\r\n", b"%s" + b"x" * 400, b"SSH-2.0-%s" + b"y" * 400 + b"\r\n",
    b"\r\nSSH-2.0-%s\r\n",
])
def test_refuses_a_client_that_speaks_no_ssh(agent, refused, banner):
    with refused(may_connect=True, kind="ssh") as witness, agent.connect(NAME, 22) as peer:
        peer.send(banner % witness.marker.encode())
        peer.read_to_end(2)


@row("ssh-client")
def test_ends_a_client_that_stays_silent(agent, refused):
    with refused(may_connect=True, kind="ssh"), agent.connect(NAME, 22) as peer:
        peer.read_to_end(7)


@row("ssh-server")
def test_passes_nothing_to_a_server_that_speaks_no_ssh(world, agent, refused):
    """odd-ssh.example.com is an HTTPS server's address: a catcher greets on its port 22."""
    with refused(may_connect=True, kind="ssh") as witness:
        with agent.connect("odd-ssh.example.com", 22) as peer:
            peer.send(b"SSH-2.0-client\r\n" + witness.marker.encode())
            assert b"220" not in peer.read_to_end(7)


def connect_request(agent, line, fields=b"", after=b"", seconds=2):
    with agent.connect(agent.gateway, 8080) as peer:
        peer.send(line + b"\r\n" + fields + b"\r\n" + after)
        return peer.read_to_end(seconds)


REFUSED_LINES = {
    "other port": b"CONNECT ssh.example.com:443 HTTP/1.1",
    "https name": b"CONNECT web.example.com:22 HTTP/1.1",
    "https name and port": b"CONNECT web.example.com:443 HTTP/1.1",
    "doubled port": b"CONNECT ssh.example.com:22:22 HTTP/1.1",
    "no port": b"CONNECT ssh.example.com HTTP/1.1",
    "empty port": b"CONNECT ssh.example.com: HTTP/1.1",
    "leading zero": b"CONNECT ssh.example.com:022 HTTP/1.1",
    "sign": b"CONNECT ssh.example.com:+22 HTTP/1.1",
    "huge port": b"CONNECT ssh.example.com:65558 HTTP/1.1",
    "nul": b"CONNECT ssh.example.com\0.evil.example.org:22 HTTP/1.1",
    "percent": b"CONNECT ssh%2eexample.com:22 HTTP/1.1",
    "userinfo": b"CONNECT git@ssh.example.com:22 HTTP/1.1",
    "comma": b"CONNECT ssh.example.com,evil.example.org:22 HTTP/1.1",
    "trailing dot": b"CONNECT ssh.example.com.:22 HTTP/1.1",
    "ipv4": b"CONNECT 198.51.100.13:22 HTTP/1.1",
    "ipv6": b"CONNECT [2001:db8::1]:22 HTTP/1.1",
    "mapped": b"CONNECT [::ffff:198.51.100.13]:22 HTTP/1.1",
    "number": b"CONNECT 3325256717:22 HTTP/1.1",
    "off the list": b"CONNECT evil.example.org:22 HTTP/1.1",
    "below the name": b"CONNECT a.ssh.example.com:22 HTTP/1.1",
    "get": b"GET https://web.example.com/ HTTP/1.1",
    "get of a path": b"GET / HTTP/1.1",
    "post": b"POST http://web.example.com/ HTTP/1.1",
    "lower case": b"connect ssh.example.com:22 HTTP/1.1",
    "leading space": b" CONNECT ssh.example.com:22 HTTP/1.1",
    "leading line": b"\r\nCONNECT ssh.example.com:22 HTTP/1.1",
    "two spaces": b"CONNECT  ssh.example.com:22 HTTP/1.1",
    "tab": b"CONNECT\tssh.example.com:22\tHTTP/1.1",
    "http 2": b"CONNECT ssh.example.com:22 HTTP/2.0",
    "http 0.9": b"CONNECT ssh.example.com:22",
    "huge": b"CONNECT " + b"a" * 20000 + b":22 HTTP/1.1",
    "scheme": b"CONNECT ssh://ssh.example.com:22 HTTP/1.1",
    "tls": b"\x16\x03\x01\x00\x05hello",
    "socks": b"\x05\x01\x00",
}


@row("ssh-connect")
@pytest.mark.parametrize("why", REFUSED_LINES)
def test_refuses_what_is_no_connect_to_an_ssh_name(agent, refused, why):
    with refused(kind="connect") as witness:
        fields = b"X-Mark: " + witness.marker.encode() + b"\r\n"
        answer = connect_request(agent, REFUSED_LINES[why], fields)
        assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")), answer


@row("ssh-pipelined")
def test_refuses_bytes_pipelined_behind_a_connect(agent, refused):
    with refused(may_connect=True) as witness:
        after = b"GET /" + witness.marker.encode() + b" HTTP/1.1\r\n\r\n"
        connect_request(agent, b"CONNECT ssh.example.com:22 HTTP/1.1",
                        b"Host: ssh.example.com:22\r\n", after, seconds=7)


@row("ssh-connect", "link-half-done")
def test_ends_an_unfinished_connect_at_its_deadline(agent, refused):
    with refused(kind="connect"), agent.connect(agent.gateway, 8080) as peer:
        peer.send(b"CONNECT ssh.example.com:22 HTTP/1.1\r\nX: ")
        peer.read_to_end(12)


@row("ssh-connect")
def test_offers_connect_on_the_gateway_address_only(agent, refused):
    with refused(is_recorded=False):
        for address in ("198.51.100.77", agent.address("web.example.com")):
            try:
                with agent.connect(address, 8080) as peer:
                    peer.send(b"CONNECT evil.example.org:22 HTTP/1.1\r\n\r\n")
                    assert not peer.read_to_end(2).startswith(b"HTTP/1.1 2")
            except ConnectionRefusedError:
                pass


@row("ssh-cut")
def test_cuts_ssh_to_a_name_that_is_taken_off_the_list(agent, policy):
    with agent.connect(NAME, 22) as peer:
        peer.send(b"SSH-2.0-client\r\n")
        assert peer.read_until(b"\r\n").startswith(b"SSH-2.0-OpenSSH")
        policy.reload(ssh="odd-ssh.example.com\n")
        peer.read_to_end(2)
