"""What `rootcell selftest` runs as root of the agent VM: attacks on the cell's own firewall.

usage: selftest.py CONTROL|- GET|-     CONTROL: an HTTPS name of the policy; GET: it may be read

One line an attack on standard output: its row of the table, "held", "failed" or "untried", and
what was seen, with tabs between. Nothing here is meant for an outside server: names that must be
denied end in .invalid (RFC 6761), addresses are of 192.0.2.0/24 and 2001:db8::/32, which nobody
has (RFC 5737, 3849), and requests to the allowed name are such as the firewall refuses, but for
one GET of its first page where the policy allows that."""

import concurrent.futures
import os
import secrets
import socket
import ssl
import struct
import sys
import time

CONTROL = sys.argv[1] if sys.argv[1] != "-" else None
MAY_GET = sys.argv[2] == "get"
STRANGER, STRANGE_RESOLVER, STRANGER6 = "192.0.2.77", "192.0.2.53", "2001:db8::77"
DENIED = f"{secrets.token_hex(12)}.rootcell-selftest.invalid"
PATIENCE = 15
NXDOMAIN, TXT, HTTPS = 3, 16, 65
CODES = {0: "no error", 1: "format error", 2: "server failure", 3: "NXDOMAIN", 5: "refused"}
ATTACKS = []


class Held(Exception):
    """The attack came to nothing, and how."""


class Failed(Exception):
    """It did not, or it cannot be told."""


class Untried(Exception):
    """Why not."""


def attack(row):
    def note(function):
        ATTACKS.append((row, function))
        return function

    return note


def gateway():
    for line in open("/etc/resolv.conf"):
        words = line.split()
        if words[:1] == ["nameserver"]:
            return words[1]
    raise Failed("no nameserver in /etc/resolv.conf")


def need_control():
    if CONTROL is None:
        raise Untried("the policy has no exact HTTPS name to try it with")


# Names


def question(name, kind):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return b"\x5e\x1f\x01\0\0\1\0\0\0\0\0\0" + labels + b"\0" + struct.pack("!HH", kind, 1)


def told(reply):
    """(code, number of answers) of a reply; code None: there was none."""
    if reply is None or len(reply) < 12:
        return None, 0
    return reply[3] & 15, struct.unpack("!H", reply[6:8])[0]


def ask(name, kind, server):
    for _ in range(3):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.settimeout(PATIENCE / 3)
            plain.connect((server, 53))
            plain.send(question(name, kind))
            try:
                return plain.recv(4096)
            except OSError:
                pass
    return None


def must_be_unknown(reply):
    code, answers = told(reply)
    if code == NXDOMAIN and answers == 0:
        raise Held("NXDOMAIN from the firewall")
    raise Failed("no answer" if code is None else f"{CODES.get(code, code)}, {answers} answers")


@attack("dns-tunnel")
def data_in_names():
    for name in (DENIED, f"{'x' * 60}.{'y' * 60}.{DENIED}", f"{DENIED}.example.com"):
        for kind in (1, TXT, 10, 5, 28, 255):
            code, answers = told(ask(name, kind, gateway()))
            if code != NXDOMAIN or answers:
                raise Failed(f"type {kind}: {'no answer' if code is None else CODES.get(code, code)}")
    raise Held("NXDOMAIN from the firewall")


@attack("dns-servers")
def another_server():
    must_be_unknown(ask(DENIED, TXT, STRANGE_RESOLVER))


@attack("dns-tcp")
def names_over_tcp():
    message = question(DENIED, TXT)
    with socket.create_connection((STRANGE_RESOLVER, 53), PATIENCE) as plain:
        plain.sendall(struct.pack("!H", len(message)) + message)
        must_be_unknown(read_some(plain)[2:])


@attack("dns-hints")
def records_that_lead_round():
    need_control()
    code, answers = told(ask(CONTROL, HTTPS, gateway()))
    if code == 0 and answers == 0:
        raise Held("no such record")
    raise Failed("no answer" if code is None else f"{CODES.get(code, code)}, {answers} answers")


# Raw connections


def read_some(plain):
    plain.settimeout(PATIENCE)
    return plain.recv(65536)


def read_to_end(plain):
    """All until the end; Failed when there is none."""
    deadline, data = time.monotonic() + PATIENCE, b""
    while True:
        plain.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            part = plain.recv(65536)
        except socket.timeout:
            raise Failed("the connection stays open") from None
        except OSError:
            return data
        if not part:
            return data
        data += part


def must_be_refused(address, port, data=b""):
    """Refused, or closed without a byte that somebody else said; how."""
    try:
        plain = socket.create_connection((address, port), PATIENCE)
    except ConnectionRefusedError:
        return "refused"
    except OSError as failure:
        raise Failed(f"{address}:{port}: {failure}") from None
    with plain:
        plain.sendall(data)
        answer = read_to_end(plain)
    if answer and answer[:1] != b"\x15":
        raise Failed(f"{address}:{port} answered {answer[:20]!r}")
    return "closed without an answer"


@attack("link-raw-443")
def raw_bytes():
    pool = [socket.gethostbyname(CONTROL)] if CONTROL else []
    for address in [STRANGER, *pool]:
        for data in (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", b"SSH-2.0-selftest\r\n", b"\0" * 40):
            how = must_be_refused(address, 443, data)
    raise Held(how)


@attack("link-tcp-ports")
def other_ports():
    for port in (21, 25, 80, 110, 143, 587, 993, 1080, 3306, 5432, 6379, 9418):
        how = must_be_refused(STRANGER, port, b"EHLO selftest\r\n")
    raise Held(how)


@attack("dns-other-doors")
def names_over_tls():
    raise Held(must_be_refused(STRANGE_RESOLVER, 853, b"\x16\x03\x01"))


@attack("ssh-addresses")
def port_22():
    raise Held(must_be_refused(STRANGER, 22, b"SSH-2.0-selftest\r\n"))


@attack("ssh-connect")
def connect_elsewhere():
    with socket.create_connection((gateway(), 8080), PATIENCE) as plain:
        plain.sendall(f"CONNECT {DENIED}:22 HTTP/1.1\r\nHost: {DENIED}:22\r\n\r\n".encode())
        answer = read_to_end(plain)
    if answer.split(b" ")[1:2] and answer.split(b" ")[1].startswith(b"2"):
        raise Failed(f"answered {answer[:20]!r}")
    raise Held(answer.split(b"\r\n")[0].decode("ascii", "replace") or "closed")


@attack("link-udp")
def datagrams():
    for port in (123, 443, 500, 4500, 51820):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.settimeout(0.5)
            plain.connect((STRANGER, port))
            plain.send(b"\xc3\0\0\0\1\x08selftest" + bytes(1200))
            try:
                answer = plain.recv(2048)
            except OSError:
                continue
            raise Failed(f"port {port} answered {answer[:20]!r}")
    raise Held("no answer")


@attack("link-icmp")
def echo_requests():
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        mark = secrets.token_bytes(16)
        message = b"\x08\0\0\0\0\1\0\1" + mark
        total = sum(struct.unpack(f"!{len(message) // 2}H", message))
        total = (total & 0xFFFF) + (total >> 16)
        value = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        raw.sendto(message[:2] + struct.pack("!H", value) + message[4:], (STRANGER, 0))
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            raw.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                if mark in raw.recv(2048):
                    raise Failed("an echo came back")
            except socket.timeout:
                break
    raise Held("no answer")


@attack("link-ipv6")
def ipv6():
    try:
        socket.create_connection((STRANGER6, 443), 2).close()
    except OSError as failure:
        raise Held(failure.strerror or "no answer") from None
    raise Failed("connected")


# TLS and HTTP


def handshake(name, address, protocols=("http/1.1",), is_checked=True):
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(protocols))
    if not is_checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection((address, 443), PATIENCE)
    plain.settimeout(PATIENCE)
    return context.wrap_socket(plain, server_hostname=name)


def must_get_no_certificate(name):
    try:
        handshake(name, STRANGER, is_checked=False).close()
    except socket.timeout:
        raise Failed("no answer") from None
    except ssl.SSLError as failure:
        raise Held((failure.reason or "closed").lower().replace("_", " ")) from None
    except OSError:
        raise Held("closed") from None
    raise Failed("a certificate was shown")


@attack("tls-no-name")
def greeting_without_a_name():
    must_get_no_certificate(None)


@attack("tls-denied-names")
def greeting_with_a_denied_name():
    must_get_no_certificate(DENIED)


@attack("tls-foreign-address")
def allowed_name_elsewhere():
    need_control()
    try:
        handshake(CONTROL, STRANGER).close()
    except socket.timeout:
        raise Failed("no answer: is the address dialled?") from None
    except ssl.SSLCertVerificationError:
        raise Failed("a certificate that is not the cell's") from None
    except OSError:
        raise Held("closed") from None
    raise Held("the firewall itself answers")


OWN_ANSWER = b'{"rootcell"'  # what the body of every answer of the firewall's own begins with


def must_be_rejected(request):
    """The firewall itself answers, and not the server behind it."""
    need_control()
    with handshake(CONTROL, socket.gethostbyname(CONTROL)) as secured:
        secured.sendall(request.replace("CONTROL", CONTROL).encode())
        answer = read_to_end(secured)
    status = answer.split(b" ")[1].decode("ascii", "replace") if b" " in answer else "nothing"
    if OWN_ANSWER in answer and status in ("400", "403", "405", "421"):
        raise Held(f"{status} from the firewall")
    raise Failed(f"{status}, not from the firewall")


@attack("http1-leading")
def leading_empty_line():
    must_be_rejected("\r\nGET / HTTP/1.1\r\nHost: CONTROL\r\n\r\n")


@attack("http1-host")
def another_host():
    must_be_rejected(f"GET / HTTP/1.1\r\nHost: {DENIED}\r\n\r\n")


@attack("http1-framing")
def two_framings():
    must_be_rejected("POST / HTTP/1.1\r\nHost: CONTROL\r\nContent-Length: 5\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


@attack("http1-connect")
def connect_inside():
    must_be_rejected(f"CONNECT {DENIED}:443 HTTP/1.1\r\nHost: CONTROL\r\n\r\n")


def literal(name, value):
    """RFC 7541 section 6.2.2, without Huffman coding."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


@attack("http2-authority")
def another_authority():
    need_control()
    pairs = ((":method", "GET"), (":scheme", "https"), (":authority", DENIED), (":path", "/"))
    head = b"".join(literal(name, value) for name, value in pairs)
    with handshake(CONTROL, socket.gethostbyname(CONTROL), ("h2",)) as secured:
        if secured.selected_alpn_protocol() != "h2":
            raise Failed("HTTP/2 is not offered")
        secured.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
                        + struct.pack("!I", len(head))[1:] + b"\1\5\0\0\0\1" + head)
        data, deadline = b"", time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                length, kind = int.from_bytes(data[:3], "big"), data[3]
                payload, data = data[9:9 + length], data[9 + length:]
                if kind in (3, 7):
                    raise Held("reset by the firewall")
                if kind == 0 and OWN_ANSWER in payload:
                    raise Held("refused by the firewall")
                if kind == 0:
                    raise Failed("answered, not by the firewall")
            part = read_some(secured)
            if not part:
                raise Held("closed")
            data += part
    raise Failed("no answer")


@attack("control")
def ordinary_request():
    if CONTROL is None:
        must_be_unknown(ask(DENIED, 1, gateway()))
    with handshake(CONTROL, socket.gethostbyname(CONTROL)) as secured:
        if not MAY_GET:
            raise Held("a certificate of the cell for the name")
        secured.sendall(f"GET / HTTP/1.1\r\nHost: {CONTROL}\r\nConnection: close\r\n\r\n".encode())
        answer = read_some(secured)
    status = answer.split(b" ")[1].decode("ascii", "replace") if b" " in answer else "nothing"
    if status == "403" and OWN_ANSWER in answer:
        raise Failed("denied")
    if not status.isdigit():
        raise Failed("no answer")
    is_own = OWN_ANSWER in answer
    raise Held("allowed; the server cannot be reached" if is_own else f"status {status}")


def run(row, function):
    try:
        function()
    except Held as how:
        return row, "held", str(how)
    except Failed as how:
        return row, "failed", str(how)
    except Untried as how:
        return row, "untried", str(how)
    except Exception as problem:  # whatever it was, the attack was not shown to fail
        return row, "failed", f"{type(problem).__name__}: {problem}"
    return row, "failed", "no verdict"


def main():
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for result in pool.map(lambda one: run(*one), ATTACKS):
            print("\t".join(" ".join(field.split()) for field in result), flush=True)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
