"""HTTP/1.1 that is not exactly right, or not allowed, reaches no server."""

import json

import pytest

from attack.marks import holds_behind_relay, row
from internet.wait import Late

NAME = "origin.example.com"
HOST = b"Host: origin.example.com\r\n"

# why -> (bytes with %s for the marker, statuses that may come back; 0 is a bare close)
MALFORMED = {
    "leading empty line": b"\r\nGET /%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "two leading empty lines": b"\r\n\r\nGET /%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "leading line feed": b"\nGET /%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "leading space": b" GET /%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "bare line feeds": b"GET /%s HTTP/1.1\nHost: origin.example.com\n\n",
    "one bare line feed": b"GET /%s HTTP/1.1\r\nHost: origin.example.com\nX: y\r\n\r\n",
    "bare carriage return": b"GET /%s HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n",
    "carriage return before the end": b"GET /%s HTTP/1.1\r\n" + HOST + b"X: a\r\r\n\r\n",
    "nul in a value": b"GET /%s HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "nul in a name": b"GET /%s HTTP/1.1\r\n" + HOST + b"X\0: a\r\n\r\n",
    "nul in the target": b"GET /%s\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "control byte": b"GET /%s HTTP/1.1\r\n" + HOST + b"X: a\x01b\r\n\r\n",
    "escape": b"GET /%s HTTP/1.1\r\n" + HOST + b"X: \x1b[31m\r\n\r\n",
    "delete": b"GET /%s HTTP/1.1\r\n" + HOST + b"X: \x7f\r\n\r\n",
    "two spaces": b"GET  /%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces before the version": b"GET /%s  HTTP/1.1\r\n" + HOST + b"\r\n",
    "tab": b"GET\t/%s\tHTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the target": b"GET /%s a HTTP/1.1\r\n" + HOST + b"\r\n",
    "trailing space": b"GET /%s HTTP/1.1 \r\n" + HOST + b"\r\n",
    "no version": b"GET /%s\r\n" + HOST + b"\r\n",
    "lower version": b"GET /%s http/1.1\r\n" + HOST + b"\r\n",
    "version 1.2": b"GET /%s HTTP/1.2\r\n" + HOST + b"\r\n",
    "version 2": b"GET /%s HTTP/2.0\r\n" + HOST + b"\r\n",
    "version 1.10": b"GET /%s HTTP/1.10\r\n" + HOST + b"\r\n",
    "version 01.1": b"GET /%s HTTP/01.1\r\n" + HOST + b"\r\n",
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%s",
    "method no token": b"G(T /%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "method empty": b" /%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "method overlong": b"G" * 5000 + b" /%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "target without slash": b"GET %s HTTP/1.1\r\n" + HOST + b"\r\n",
    "target with fragment": b"GET /%s#a HTTP/1.1\r\n" + HOST + b"\r\n",
    "star for get": b"GET * HTTP/1.1\r\n" + HOST + b"X: %s\r\n\r\n",
    "absolute form http": b"GET http://origin.example.com/%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute form elsewhere": b"GET https://other.example.com/%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute form off the list": b"GET https://evil.example.org/%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute form with user": b"GET https://a@origin.example.com/%s HTTP/1.1\r\n" + HOST
    + b"\r\n",
    "absolute form other port": b"GET https://origin.example.com:444/%s HTTP/1.1\r\n" + HOST
    + b"\r\n",
    "absolute form ftp": b"GET ftp://origin.example.com/%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "connect": b"CONNECT origin.example.com:443 HTTP/1.1\r\n" + HOST + b"X: %s\r\n\r\n",
    "connect elsewhere": b"CONNECT evil.example.org:22 HTTP/1.1\r\n" + HOST + b"X: %s\r\n\r\n",
    "no host": b"GET /%s HTTP/1.1\r\n\r\n",
    "no host in 1.0": b"GET /%s HTTP/1.0\r\n\r\n",
    "empty host": b"GET /%s HTTP/1.1\r\nHost:\r\n\r\n",
    "other host": b"GET /%s HTTP/1.1\r\nHost: other.example.com\r\n\r\n",
    "host off the list": b"GET /%s HTTP/1.1\r\nHost: evil.example.org\r\n\r\n",
    "two hosts": b"GET /%s HTTP/1.1\r\n" + HOST + b"Host: evil.example.org\r\n\r\n",
    "the same host twice": b"GET /%s HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "host list": b"GET /%s HTTP/1.1\r\nHost: origin.example.com, evil.example.org\r\n\r\n",
    "host other port": b"GET /%s HTTP/1.1\r\nHost: origin.example.com:8443\r\n\r\n",
    "host empty port": b"GET /%s HTTP/1.1\r\nHost: origin.example.com:\r\n\r\n",
    "host zero port": b"GET /%s HTTP/1.1\r\nHost: origin.example.com:0443\r\n\r\n",
    "host user": b"GET /%s HTTP/1.1\r\nHost: a@origin.example.com\r\n\r\n",
    "host percent": b"GET /%s HTTP/1.1\r\nHost: origin%%2eexample.com\r\n\r\n",
    "host trailing dot": b"GET /%s HTTP/1.1\r\nHost: origin.example.com.\r\n\r\n",
    "host path": b"GET /%s HTTP/1.1\r\nHost: origin.example.com/x\r\n\r\n",
    "host ip": b"GET /%s HTTP/1.1\r\nHost: 198.51.100.11\r\n\r\n",
    "host with tab inside": b"GET /%s HTTP/1.1\r\nHost: origin.example.com\tx\r\n\r\n",
    "space before colon": b"GET /%s HTTP/1.1\r\nHost : origin.example.com\r\n\r\n",
    "folded field": b"GET /%s HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    "folded host": b"GET /%s HTTP/1.1\r\nHost:\r\n origin.example.com\r\n\r\n",
    "space before the first field": b"GET /%s HTTP/1.1\r\n " + HOST + b"\r\n",
    "empty field name": b"GET /%s HTTP/1.1\r\n" + HOST + b": x\r\n\r\n",
    "no colon": b"GET /%s HTTP/1.1\r\n" + HOST + b"X\r\n\r\n",
    "field name no token": b"GET /%s HTTP/1.1\r\n" + HOST + b"X(y: z\r\n\r\n",
    "pseudo field": b"GET /%s HTTP/1.1\r\n" + HOST + b":authority: evil.example.org\r\n\r\n",
    "not ascii field name": b"GET /%s HTTP/1.1\r\n" + HOST + b"X\xe9: z\r\n\r\n",
    "line of 9 KiB": b"GET /%s" + b"a" * 17000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "1 MiB target": b"GET /%s" + b"a" * (1 << 20) + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "head of 70 KiB": b"GET /%s HTTP/1.1\r\n" + HOST
    + b"".join(b"X-%d: " % n + b"a" * 4000 + b"\r\n" for n in range(18)) + b"\r\n",
    "10,000 fields": b"GET /%s HTTP/1.1\r\n" + HOST
    + b"".join(b"X%d: a\r\n" % n for n in range(10000)) + b"\r\n",
    "200 fields": b"GET /%s HTTP/1.1\r\n" + HOST
    + b"".join(b"X%d: a\r\n" % n for n in range(200)) + b"\r\n",
}

POST = b"POST /%s HTTP/1.1\r\n" + HOST
HIDDEN = b"GET /%s HTTP/1.1\r\n" + HOST + b"\r\n"
FRAMING = {
    "length and chunked": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "length list": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "length with sign": POST + b"Content-Length: +5\r\n\r\nhello",
    "negative length": POST + b"Content-Length: -5\r\n\r\nhello",
    "hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "leading zero": POST + b"Content-Length: 05\r\n\r\nhello",
    "length with space inside": POST + b"Content-Length: 5 5\r\n\r\nhello",
    "length empty": POST + b"Content-Length:\r\n\r\nhello",
    "length with underscore": POST + b"Content-Length: 1_0\r\n\r\nhello",
    "length overflow": POST + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "length huge": POST + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "length quoted": POST + b"Content-Length: \"5\"\r\n\r\nhello",
    "encoding list": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "encoding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding chunked chunked": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "encoding identity": POST + b"Transfer-Encoding: identity\r\n\r\nhello",
    "encoding identity after": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "encoding misspelt": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "encoding with parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "encoding with vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "encoding with space in the name": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "encoding folded": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "encoding with comma": POST + b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
    "encoding in 1.0": b"POST /%s HTTP/1.0\r\n" + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}

CHUNKED = POST.replace(b"%s", b"chunks") + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = {
    "extension": b"5;a=b\r\n%s\r\n0\r\n\r\n",
    "quoted extension": b"5;a=\"\r\n\"\r\n%s\r\n0\r\n\r\n",
    "extension on the last": b"5\r\nhello\r\n0;%s\r\n\r\n",
    "sign": b"+5\r\n%s\r\n0\r\n\r\n",
    "hexadecimal prefix": b"0x5\r\n%s\r\n0\r\n\r\n",
    "leading space": b" 5\r\n%s\r\n0\r\n\r\n",
    "trailing space": b"5 \r\n%s\r\n0\r\n\r\n",
    "empty size": b"\r\n%s\r\n0\r\n\r\n",
    "17 digits": b"00000000000000005\r\n%s\r\n0\r\n\r\n",
    "size overflow": b"ffffffffffffffff5\r\n%s",
    "bare line feed": b"5\n%s\r\n0\r\n\r\n",
    "bare carriage return": b"5\r%s\r\n0\r\n\r\n",
    "no line end after data": b"5\r\nhello%s0\r\n\r\n",
    "data longer than its size": b"5\r\nhelloworld%s\r\n0\r\n\r\n",
    "not a number": b"zz\r\n%s\r\n0\r\n\r\n",
    "trailer that frames": b"0\r\nContent-Length: 5\r\nX: %s\r\n\r\n",
    "trailer that encodes": b"0\r\nTransfer-Encoding: chunked\r\nX: %s\r\n\r\n",
    "trailer that routes": b"0\r\nHost: evil.example.org\r\nX: %s\r\n\r\n",
    "trailer that authorises": b"0\r\nAuthorization: Bearer %s\r\n\r\n",
    "trailer with bare line feed": b"0\r\nX: %s\n\n",
    "trailer folded": b"0\r\nX: a\r\n %s\r\n\r\n",
}


def exchange(agent, raw, name=NAME, seconds=2):
    with agent.tls(name) as peer:
        peer.send(raw)
        return peer.read_to_end(seconds)


def first_answer(agent, raw, name=NAME, seconds=3):
    """The first head that comes back after any 1xx; the connection may stay open. Empty: closed."""
    with agent.tls(name) as peer:
        peer.send(raw)
        head = b"HTTP/1.1 102 "
        while head.startswith(b"HTTP/1.1 102 "):
            try:
                head = peer.read_until(b"\r\n\r\n", seconds)
            except (AssertionError, OSError) as closed:
                assert not isinstance(closed, Late), closed
                return b""
        return head


def status_of(answer):
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@row("http1-leading", "http1-line", "http1-fields", "http1-host", "http1-connect", "http1-size")
@pytest.mark.parametrize("why", MALFORMED)
def test_refuses_a_malformed_head(agent, refused, why):
    with refused(kind="http", name=NAME) as witness:
        raw = MALFORMED[why].replace(b"%s", witness.marker.encode()).replace(b"%%", b"%")
        answer = exchange(agent, raw)
        assert status_of(answer) in (0, 400, 403, 405, 414, 421, 431, 501, 505), answer
        assert answer.count(b"HTTP/1.1 ") <= 1


@row("http1-framing")
@pytest.mark.parametrize("why", FRAMING)
def test_refuses_conflicting_framing(agent, refused, why):
    with refused(kind="http", name=NAME) as witness:
        mark = witness.marker.encode()
        raw = FRAMING[why].replace(b"%s", mark) + HIDDEN.replace(b"%s", mark)
        answer = exchange(agent, raw)
        assert status_of(answer) in (0, 400, 501, 505), answer
        assert answer.count(b"HTTP/1.1 ") <= 1


@row("http1-chunks")
@pytest.mark.parametrize("why", CHUNKS)
def test_refuses_tricks_with_chunks(agent, refused, why):
    with refused(kind="http", name=NAME, may_connect=True) as witness:
        mark = witness.marker.encode()
        raw = CHUNKED + CHUNKS[why].replace(b"%s", mark) + HIDDEN.replace(b"%s", mark)
        answer = exchange(agent, raw)
        assert status_of(answer) in (0, 400, 502), answer
        assert answer.count(b"HTTP/1.1 ") <= 1


@row("http1-second")
@pytest.mark.parametrize("first", ["GET", "POST"])
def test_forwards_no_second_request_that_is_malformed(world, agent, refused, first):
    with refused(kind="http", name=NAME, may_connect=True) as witness:
        mark = witness.marker.encode()
        body = b"Content-Length: 5\r\n\r\nhello" if first == "POST" else b"\r\n"
        raw = first.encode() + b" /first HTTP/1.1\r\n" + HOST + body
        raw += b"GET /" + mark + b" HTTP/1.1\r\nHost: other.example.com\r\n\r\n"
        answer = exchange(agent, raw)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert world.origin.requests[-1].target == "/first"


# Rules with methods and paths

REFUSED_BY_RULE = [
    ("POST", "/public/%s"), ("DELETE", "/public/%s"), ("GET", "/%s"), ("GET", "/publicx/%s"),
    ("GET", "/PUBLIC/%s"), ("GET", "/upload/%s"), ("POST", "/upload/a/%s"), ("POST", "/upload"),
    ("get", "/public/%s"), ("GETX", "/public/%s"), ("OPTIONS", "/public/%s"),
]
EVASIONS = [
    "/public/../%s", "/public/..", "/public/.", "/public/./%s", "//public/%s", "/public//%s",
    "/public/%%2e%%2e/%s", "/public/.%%2e/%s", "/public/%%2E./%s", "/public%%2f%s",
    "/public/%%2F..%%2F%s", "/public/%%5c..%%5c%s", "/public\\..\\%s", "/public/%%00%s",
    "/public/%%252e%%252e/%s", "/%%70ublic/../%s", "/public/..;/%s", "/./public/%s",
    "/public/%s/..", "/public/%%c0%%ae%%c0%%ae/%s",
    "/public/\xc3\xa9/%s", "/public/\xc0\xae\xc0\xae/%s",
]


@row("http1-rules")
@pytest.mark.parametrize("method,target", REFUSED_BY_RULE)
def test_refuses_what_no_rule_names(agent, refused, method, target):
    with refused(kind="http", name="rules.example.com") as witness:
        path = target.replace("%s", witness.marker)
        raw = f"{method} {path} HTTP/1.1\r\nHost: rules.example.com\r\n" \
              f"X: {witness.marker}\r\nContent-Length: 0\r\n\r\n"
        with agent.tls("rules.example.com") as peer:
            peer.send(raw.encode())
            status, fields, body = peer.read_response(2)
        assert status == 403
        assert fields["content-type"] == "application/json"
        assert json.loads(body)


@row("http1-paths")
@pytest.mark.parametrize("target", EVASIONS)
def test_refuses_every_spelling_of_a_way_round_a_path_rule(agent, refused, target):
    with refused(kind="http", name="rules.example.com") as witness:
        path = target.replace("%s", witness.marker).replace("%%", "%")
        if "..;" in path or "c0%ae" in path or "%70" in path:
            path = path.replace("/public", "/outside", 1)
        raw = f"GET {path} HTTP/1.1\r\nHost: rules.example.com\r\nX: {witness.marker}\r\n\r\n"
        answer = first_answer(agent, raw.encode("latin-1"), "rules.example.com")
        assert status_of(answer) in (400, 403), answer


@row("http1-override")
@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
                                  "x-http-method-override"])
def test_refuses_method_override_where_methods_are_ruled(agent, refused, name):
    with refused(kind="http", name="rules.example.com") as witness:
        raw = f"GET /public/{witness.marker} HTTP/1.1\r\nHost: rules.example.com\r\n" \
              f"{name}: DELETE\r\n\r\n"
        answer = first_answer(agent, raw.encode(), "rules.example.com")
        assert status_of(answer) in (400, 403), answer


# WebSocket and upgrades

UPGRADE = (
    "GET /{path} HTTP/1.1\r\nHost: origin.example.com\r\nConnection: Upgrade\r\n"
    "Upgrade: {protocol}\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)


@row("http1-upgrade")
@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
])
def test_opens_no_tunnel_without_a_right_101(agent, refused, script, answer):
    with refused(may_connect=True, is_recorded=False) as witness:
        def serve(request, connection):
            connection.send(answer)
            connection.is_at_end(3)
            return False

        script("/tunnel", serve)
        with agent.tls(NAME) as peer:
            peer.send(UPGRADE.format(path="tunnel", protocol="websocket", more="").encode())
            peer.read_until(b"\r\n\r\n", 3)
            peer.send(b"\x82\x10" + witness.marker.encode())
            peer.read_to_end(3)


@row("http1-upgrade")
def test_sends_nothing_that_came_before_the_101(agent, refused, script):
    with refused(may_connect=True, is_recorded=False) as witness:
        def serve(request, connection):
            connection.is_at_end(1)
            return False

        script("/early", serve)
        with agent.tls(NAME) as peer:
            peer.send(UPGRADE.format(path="early", protocol="websocket", more="").encode()
                      + b"\x82\x10" + witness.marker.encode())
            peer.read_to_end(4)


@row("http1-upgrade")
@pytest.mark.parametrize("protocol,more", [
    ("h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"), ("tunnel", ""), ("tls/1.2", ""),
    ("websocket, h2c", ""), ("h2c, websocket", ""), ("connect-udp", ""),
])
def test_upgrades_to_nothing_but_websocket(world, agent, protocol, more):
    before = len(world.origin.requests)
    raw = UPGRADE.format(path="upgrade", protocol=protocol, more=more)
    with agent.tls(NAME) as peer:
        peer.send(raw.encode())
        head = peer.read_until(b"\r\n\r\n", 3)
    assert b" 101 " not in head
    for request in world.origin.requests[before:]:
        assert request.field("upgrade") is None and request.field("http2-settings") is None
        assert "upgrade" not in (request.field("connection") or "").lower()


@row("http1-upgrade")
@pytest.mark.parametrize("change", [
    ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
    ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short"),
    ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"),
    ("GET ", "POST "),
    ("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 13\r\nContent-Length: 3\r\n"),
])
def test_refuses_a_broken_websocket_handshake(world, agent, script, change):
    def serve(request, connection):
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        connection.is_at_end(1)
        return False

    script("/broken", serve)
    raw = UPGRADE.format(path="broken", protocol="websocket", more="").replace(*change)
    assert raw != UPGRADE.format(path="broken", protocol="websocket", more="")
    answer = first_answer(agent, raw.encode())
    assert answer and b" 101 " not in answer


# Responses that lie

BAD_RESPONSES = {
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked"
    b"\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc",
    "unknown encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "no status": b"HTTP/1.1\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status 999999": b"HTTP/1.1 999999 OK\r\nContent-Length: 0\r\n\r\n",
    "no http": b"220 mail\r\n\r\n",
    "version 2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "splitting": b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "head of 1 MiB": b"HTTP/1.1 200 OK\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n",
    "flood of 1xx": b"HTTP/1.1 102 Processing\r\n\r\n" * 5000,
    "nothing": b"",
}


@row("http1-responses")
@pytest.mark.parametrize("why", BAD_RESPONSES)
def test_turns_a_response_that_lies_into_502(agent, ordinary, script, why):
    def serve(request, connection):
        connection.send(BAD_RESPONSES[why])
        return False

    script("/lies", serve)
    answer = first_answer(agent, b"GET /lies HTTP/1.1\r\n" + HOST + b"\r\n")
    assert status_of(answer) in (0, 502), answer[:300]
    ordinary()


@row("http1-ends", "upstream-truncation")
@holds_behind_relay("a relay of bytes adds no end")
@pytest.mark.parametrize("head,body", [
    (b"Content-Length: 1000", b"a" * 500),
    (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
    (b"Transfer-Encoding: chunked", b"5\r\nhel"),
    (b"Transfer-Encoding: chunked", b"0\r\n"),
])
def test_never_fakes_a_clean_end(agent, ordinary, script, head, body):
    def serve(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body)
        return False

    script("/cut", serve)
    with agent.tls(NAME) as peer:
        peer.send(b"GET /cut HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = peer.read_to_end(3)
    assert not answer.endswith(b"0\r\n\r\n")
    if b"content-length" in answer.lower().split(b"\r\n\r\n")[0] and b" 200 " in answer[:20]:
        assert len(answer.split(b"\r\n\r\n", 1)[1]) < 1000
    ordinary()


@row("http1-ends")
@pytest.mark.parametrize("after", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstole",
                                   b"surplus", b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_gives_no_byte_after_a_complete_response_to_the_next_request(agent, script, after):
    def serve(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" + after)
        return True

    script("/poison", serve)
    with agent.tls(NAME) as peer:
        peer.send(b"GET /poison HTTP/1.1\r\n" + HOST + b"\r\n")
        assert peer.read_response()[2] == b"good"
        if peer.send(b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"):
            try:
                status, _, body = peer.read_response(3)
                assert status == 200 and json.loads(body)["target"] == "/next"
            except (AssertionError, OSError) as closed:
                assert "closed" in str(closed) or isinstance(closed, OSError)


@row("http1-ends")
@pytest.mark.parametrize("status,method", [("204 No Content", "GET"), ("304 Not Modified", "GET"),
                                           ("200 OK", "HEAD")])
def test_passes_no_body_where_there_can_be_none(agent, script, status, method):
    def serve(request, connection):
        connection.send(f"HTTP/1.1 {status}\r\nX-Mark: yes\r\n".encode()
                        + (b"Content-Length: 7\r\n" if status[0] != "2" or method == "HEAD" else b"")
                        + b"\r\nsmuggle")
        return False

    script("/bodiless", serve)
    with agent.tls(NAME) as peer:
        peer.send(f"{method} /bodiless HTTP/1.1\r\n".encode() + HOST + b"Connection: close\r\n\r\n")
        answer = peer.read_to_end(3)
    assert b"smuggle" not in answer and status_of(answer) == int(status[:3])


GIT_RULES = "git.example.com GET,POST /project.git?service=git-upload-pack\norigin.example.com\n"
PUSHES = [
    ("GET", "/project.git/info/refs?service=git-receive-pack"),
    ("GET", "/project.git/info/refs?service=git-upload-pack&service=git-receive-pack"),
    ("GET", "/project.git/info/refs?service=git%2Dreceive-pack"),
    ("GET", "/project.git/info/refs?service=git-receive-pack&service=git-upload-pack"),
    ("GET", "/project.git/info/refs"),
    ("POST", "/project.git/git-receive-pack"),
    ("POST", "/project.git/git-receive-pack?service=git-upload-pack"),
    ("POST", "/project.git/git-upload-pack/../git-receive-pack"),
    ("POST", "/project.git//git-receive-pack"),
    ("POST", "/other.git/git-upload-pack"),
]


@row("http1-git")
@pytest.mark.parametrize("method,target", PUSHES)
def test_refuses_to_push_where_only_fetching_is_allowed(agent, policy, refused, method, target):
    policy.reload(https=GIT_RULES)
    with refused(kind="http", name="git.example.com"):
        raw = f"{method} {target} HTTP/1.1\r\nHost: git.example.com\r\nContent-Length: 0\r\n\r\n"
        assert status_of(first_answer(agent, raw.encode(), "git.example.com")) in (400, 403)


@row("http1-early")
def test_gives_no_answer_to_what_an_early_response_left_behind(agent, script):
    """The server answers at once and takes the body for its next request."""
    def serve(request, connection):
        connection.answer(b"early", status="413 Content Too Large")
        return True

    script("/early-answer", serve)
    hidden = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
    with agent.tls(NAME) as peer:
        peer.send(b"POST /early-answer HTTP/1.1\r\n" + HOST
                  + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden)
        assert peer.read_response()[0] == 413
        if peer.send(b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"):
            try:
                told = json.loads(peer.read_response(3)[2])
            except (AssertionError, OSError) as closed:
                assert not isinstance(closed, Late), closed
            else:
                assert told["target"] == "/next", told
    for number in range(5):
        assert agent.request_json(NAME, f"/after/{number}")["target"] == f"/after/{number}"
