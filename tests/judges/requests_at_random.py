"""Requests from a seed: legal, odd and hostile ones, with what they mean where they mean anything.

A request is bytes (HTTP/1.1) or pairs and content (HTTP/2). Its meaning, in `model`, is what every
server has to read from it behind the wall; None where the wall has to refuse it."""

import random
import string

TOKEN = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "M-SEARCH", "REPORT"]
# Those that no parser but a lenient one takes. Others are refused by Node's before anybody reads.
PATH = string.digits + string.ascii_letters + "-._~!$&'()*+,;=:@/?%"
ODD_PATH = PATH + "\"<>\\^`{|}[]"
# Of one connection, or decided by the wall: these do not pass as they came.
OF_CONNECTION = {
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade",
    "expect", "proxy-connection", "proxy-authorization", "proxy-authenticate", "http2-settings",
    "trailer", "x-http-method-override", "accept-encoding",
}
LOOKALIKES = ["content_length", "content-lengthx", "x-content-length", "transfer_encoding",
              "x-transfer-encoding", "transfer-encodings", "hosts", "x-host", "x-forwarded-host",
              "x_connection", "content-length-", "-content-length", "range", "te-"]
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: %s\r\n\r\n"


class Request:
    def __init__(self, name):
        self.name = name
        self.method, self.target = "GET", "/echo"
        self.fields = []  # (name, value) as text, latin-1
        self.body = b""
        self.is_chunked = False
        self.trailers = []
        self.spoiled = None  # what was done to it that makes it illegal

    def model(self):
        """What it means: method, target, fields, body, trailers."""
        dropped = set()
        for key, value in self.fields:
            if key.lower() == "connection":
                dropped |= {option.strip().lower() for option in value.split(",")}
        fields = sorted([key.lower(), value.strip(" \t")] for key, value in self.fields
                        if key.lower() not in OF_CONNECTION | dropped)
        target = self.target
        for prefix in (f"https://{self.name}:443", f"https://{self.name}"):
            if target.startswith(prefix):
                target = target[len(prefix):] or ("*" if self.method == "OPTIONS" else "/")
                break
        return {"method": self.method, "target": target, "fields": fields, "body": self.body,
                "trailers": sorted([key.lower(), value.strip(" \t")]
                                   for key, value in self.trailers)}


def token(rng, most=20):
    return "".join(rng.choice(TOKEN) for _ in range(rng.randint(1, most)))


def value_of(rng):
    """A legal field value, perhaps with bytes that few have seen."""
    kind = rng.random()
    if kind < 0.1:
        return ""
    if kind < 0.5:
        return "".join(rng.choice(TOKEN + " ,;=\"/()") for _ in range(rng.randint(1, 60))).strip()
    if kind < 0.6:
        return "y" * rng.randint(1000, 7000)
    data = [rng.choice([0x09, *range(0x20, 0x7f), *range(0x80, 0x100)])
            for _ in range(rng.randint(1, 80))]
    return bytes(data).decode("latin-1").strip(" \t")


def path_of(rng):
    letters = ODD_PATH if rng.random() < 0.2 else PATH
    length = rng.choice([0, 1, 5, 40, 40, 300, 4000])
    path = "".join(rng.choice(letters) for _ in range(length))
    # A broken escape is refused by some servers, and by no rule of ours.
    if rng.random() < 0.95:
        parts = path.split("%")
        path = parts[0] + "".join("%" + rng.choice(["2F", "00", "0d%0a", "25", "e2"]) + part
                                  for part in parts[1:])
    return "/echo" + ("" if path.startswith("/") else "/") + path


def some_fields(rng):
    fields = []
    for _ in range(rng.choice([0, 1, 2, 5, 20, 90])):
        name = rng.choice(LOOKALIKES) if rng.random() < 0.2 else token(rng)
        if name.lower() in OF_CONNECTION or name.lower() in ("cookie", "content-type"):
            continue
        fields.append((name, value_of(rng)))
    total = 0
    kept = []
    for name, value in fields:
        total += len(name) + len(value) + 4
        if total < 40_000:
            kept.append((name, value))
    return kept


def some_body(rng, name):
    kind = rng.random()
    if kind < 0.3:
        return b""
    if kind < 0.6:
        return SMUGGLED % name.encode() * rng.randint(1, 3)
    if kind < 0.7:
        return b"0\r\n\r\n" + SMUGGLED % name.encode()
    return rng.randbytes(rng.choice([1, 10, 1000, 20_000, 100_000]))


def legal(rng, name):
    """A request that the wall has to pass on."""
    request = Request(name)
    request.method = rng.choice(METHODS)
    request.target = path_of(rng)
    if rng.random() < 0.1:
        request.target = f"https://{name}{rng.choice(['', ':443'])}{request.target}"
    request.fields = some_fields(rng)
    if rng.random() < 0.6:
        request.body = some_body(rng, name)
        request.is_chunked = rng.random() < 0.5
    if request.is_chunked and rng.random() < 0.3:
        request.trailers = [("x-" + token(rng, 8), value_of(rng)[:200])
                            for _ in range(rng.randint(1, 4))]
    return request


# --- HTTP/1.1 ---------------------------------------------------------------------------------

def chunks_of(rng, body):
    out = b""
    while body:
        length = rng.randint(1, min(len(body), rng.choice([1, 16, 5000, 70_000])))
        size = f"{length:{rng.choice('xX')}}"
        out += size.encode() + b"\r\n" + body[:length] + b"\r\n"
        body = body[length:]
        if len(out) > 60_000 and len(body) > 0:
            out += f"{len(body):x}\r\n".encode() + body + b"\r\n"
            body = b""
    return out


def hop_fields(rng, request):
    """Fields of the connection, which stay behind."""
    if rng.random() < 0.2:
        request.fields.append(("Connection", rng.choice(
            ["keep-alive", "Keep-Alive, te", "x-private", "TE, x-private", ",, keep-alive ,"])))
        request.fields.append(("X-Private", "stays"))
        request.fields.append(("TE", rng.choice(["trailers", "gzip", "trailers, deflate;q=0.5"])))
    if rng.random() < 0.1:
        request.fields.append(("Keep-Alive", "timeout=5"))
    if rng.random() < 0.1:
        request.fields.append(("Proxy-Connection", "keep-alive"))
        request.fields.append(("Proxy-Authorization", "Basic c2VjcmV0"))
    if rng.random() < 0.1:
        request.fields += [("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
                           ("Connection", "Upgrade, HTTP2-Settings")]


def head_lines(rng, request):
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    host = rng.choice([request.name, request.name.upper(), request.name + ":443"])
    fields = [("Host", host), *request.fields]
    rng.shuffle(fields)
    for key, value in fields:
        lines.append(f"{key}:{rng.choice(['', ' ', '  ', chr(9)])}{value}"
                     f"{rng.choice(['', ' ', chr(9)])}")
    if request.is_chunked:
        lines.append("Transfer-Encoding: chunked")
    elif request.body or rng.random() < 0.2:
        lines.append(f"Content-Length: {len(request.body)}")
    return lines


def write_http1(rng, request):
    lines = head_lines(rng, request)
    if request.is_chunked:
        content = chunks_of(rng, request.body) + b"0\r\n"
        for key, value in request.trailers:
            content += f"{key}: {value}\r\n".encode("latin-1")
        content += b"\r\n"
    else:
        content = request.body
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n", content


def insert(rng, head, line):
    """A line somewhere behind the first."""
    lines = head.split(b"\r\n")
    lines.insert(rng.randint(1, len(lines) - 2), line)
    return b"\r\n".join(lines)


SPOILERS = {
    "two lengths": lambda rng, h, n: insert(rng, insert(rng, h, b"Content-Length: 3"),
                                            b"Content-Length: 3"),
    "length list": lambda rng, h, n: insert(rng, h, b"Content-Length: 3, 3"),
    "length signed": lambda rng, h, n: insert(rng, h, b"Content-Length: +3"),
    "length hexadecimal": lambda rng, h, n: insert(rng, h, b"Content-Length: 0x3"),
    "length padded": lambda rng, h, n: insert(rng, h, b"Content-Length: 003"),
    "length too large": lambda rng, h, n: insert(rng, h, b"Content-Length: 18446744073709551619"),
    "length empty": lambda rng, h, n: insert(rng, h, b"Content-Length:"),
    "both framings": lambda rng, h, n: insert(
        rng, insert(rng, h, b"Content-Length: 3"), b"Transfer-Encoding: chunked"),
    "encoding twice": lambda rng, h, n: insert(
        rng, insert(rng, h, b"Transfer-Encoding: chunked"), b"Transfer-Encoding: chunked"),
    "encoding list": lambda rng, h, n: insert(rng, h, b"Transfer-Encoding: chunked, chunked"),
    "encoding identity": lambda rng, h, n: insert(rng, h, b"Transfer-Encoding: identity"),
    "encoding gzip": lambda rng, h, n: insert(rng, h, b"Transfer-Encoding: gzip, chunked"),
    "encoding case": lambda rng, h, n: insert(rng, h, b"Transfer-Encoding: Chunked"),
    "encoding vertical tab": lambda rng, h, n: insert(rng, h, b"Transfer-Encoding: \x0bchunked"),
    "encoding spaced": lambda rng, h, n: insert(rng, h, b"Transfer-Encoding : chunked"),
    "host twice": lambda rng, h, n: insert(rng, h, b"Host: " + n),
    "host other": lambda rng, h, n: h.replace(n, b"other.example.com").replace(
        n.upper(), b"other.example.com"),
    "host with path": lambda rng, h, n: h.replace(b"Host:", b"Host: x/").replace(
        b"HOST:", b"Host: x/"),
    "fold": lambda rng, h, n: insert(rng, h, b" folded: yes"),
    "fold with tab": lambda rng, h, n: insert(rng, h, b"\tfolded"),
    "no colon": lambda rng, h, n: insert(rng, h, b"nothing"),
    "no name": lambda rng, h, n: insert(rng, h, b": value"),
    "name with space": lambda rng, h, n: insert(rng, h, b"X Y: value"),
    "name of high bytes": lambda rng, h, n: insert(rng, h, b"X\xc3\xbc: value"),
    "nul": lambda rng, h, n: insert(rng, h, b"X-Nul: a\x00b"),
    "bare carriage return": lambda rng, h, n: insert(rng, h, b"X-Cr: a\rX-Smuggled: b"),
    "bare line feed": lambda rng, h, n: insert(rng, h, b"X-Lf: a\nX-Smuggled: b"),
    "escape": lambda rng, h, n: insert(rng, h, b"X-Esc: a\x1b[2Jb"),
    "delete": lambda rng, h, n: insert(rng, h, b"X-Del: a\x7fb"),
    "line feeds only": lambda rng, h, n: h.replace(b"\r\n", b"\n"),
    "empty line first": lambda rng, h, n: b"\r\n" + h,
    "version 1.2": lambda rng, h, n: h.replace(b" HTTP/1.1\r\n", b" HTTP/1.2\r\n", 1),
    "version 2.0": lambda rng, h, n: h.replace(b" HTTP/1.1\r\n", b" HTTP/2.0\r\n", 1),
    "version lower": lambda rng, h, n: h.replace(b" HTTP/1.1\r\n", b" http/1.1\r\n", 1),
    "no version": lambda rng, h, n: h.replace(b" HTTP/1.1\r\n", b"\r\n", 1),
    "two spaces": lambda rng, h, n: h.replace(b" ", b"  ", 1),
    "tab for space": lambda rng, h, n: h.replace(b" ", b"\t", 1),
    "space in path": lambda rng, h, n: h.replace(b"/echo", b"/ec ho", 1),
    "fragment": lambda rng, h, n: h.replace(b"/echo", b"/echo#f", 1),
    "connect": lambda rng, h, n: b"CONNECT " + n + b":443 HTTP/1.1\r\nHost: " + n + b"\r\n\r\n",
    "upgrade with body": lambda rng, h, n: insert(
        rng, h, b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3"),
    "connection names length": lambda rng, h, n: insert(rng, h, b"Connection: content-length"),
    "connection names host": lambda rng, h, n: insert(rng, h, b"Connection: close, Host"),
    "absolute other": lambda rng, h, n: h.replace(b" /echo", b" https://other.example.com/echo", 1)
    .replace(b" https://" + n, b" https://other.example.com", 1),
    "absolute http": lambda rng, h, n: b"GET http://" + n + b"/echo HTTP/1.1\r\nHost: " + n
    + b"\r\n\r\n",
    "too many fields": lambda rng, h, n: insert(
        rng, h, b"\r\n".join(b"x-%d: y" % number for number in range(140))),
    "line too long": lambda rng, h, n: insert(rng, h, b"X-Long: " + b"z" * 9000),
}

CHUNK_SPOILERS = {
    "extension": b"5;a=b\r\nhello\r\n0\r\n\r\n",
    "size signed": b"+5\r\nhello\r\n0\r\n\r\n",
    "size prefixed": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size spaced": b"5 \r\nhello\r\n0\r\n\r\n",
    "size empty": b"\r\nhello\r\n0\r\n\r\n",
    "size too long": b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    "size too large": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "no end of chunk": b"5\r\nhelloXX0\r\n\r\n",
    "line feed": b"5\nhello\r\n0\r\n\r\n",
    "carriage return": b"5\rhello\r\n0\r\n\r\n",
    "trailer of framing": b"5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
    "trailer of routing": b"5\r\nhello\r\n0\r\nHost: other\r\n\r\n",
    "trailer folded": b"5\r\nhello\r\n0\r\nx: a\r\n b\r\n\r\n",
    "trailer with nul": b"5\r\nhello\r\n0\r\nx: a\x00\r\n\r\n",
    "trailer without colon": b"5\r\nhello\r\n0\r\nx\r\n\r\n",
}


def next_http1(rng, name):
    """(request, bytes, bytes) where request.spoiled says what the wall has to refuse it for."""
    request = legal(rng, name)
    hop_fields(rng, request)
    head, content = write_http1(rng, request)
    if rng.random() < 0.25:
        request = Request(name)
        request.fields = some_fields(rng)[:3]
        head, content = write_http1(rng, request)
        request.spoiled = rng.choice(sorted(SPOILERS))
        head = SPOILERS[request.spoiled](rng, head, name.encode())
        content = rng.choice([b"", b"abc", b"0\r\n\r\n"]) + SMUGGLED % name.encode()
    elif rng.random() < 0.07:
        request = Request(name)
        request.method, request.is_chunked = "POST", True
        head, _ = write_http1(rng, request)
        request.spoiled = rng.choice(sorted(CHUNK_SPOILERS))
        content = CHUNK_SPOILERS[request.spoiled] + SMUGGLED % name.encode()
    return request, head, content


# --- HTTP/2 -----------------------------------------------------------------------------------

PAIR_SPOILERS = {
    "value with line end": ("x-evil", "a\r\nx-smuggled: b"),
    "value with line feed": ("x-evil", "a\nx-smuggled: b"),
    "value with nul": ("x-evil", "a\0b"),
    "value with a space before": ("x-evil", " a"),
    "value with a space behind": ("x-evil", "a "),
    "name with line end": ("x-a\r\nx-b", "c"),
    "name with colon": ("x-a: b\r\nx-c", "d"),
    "name with space": ("x a", "b"),
    "name in upper case": ("X-Upper", "b"),
    "name empty": ("", "b"),
    "pseudo unknown": (":evil", "b"),
    "pseudo behind fields": (":path", "/smuggled"),
    "connection": ("connection", "close"),
    "transfer-encoding": ("transfer-encoding", "chunked"),
    "keep-alive": ("keep-alive", "timeout=5"),
    "upgrade": ("upgrade", "h2c"),
    "te other": ("te", "gzip"),
    "host other": ("host", "other.example.com"),
    "length wrong": ("content-length", "7"),
    "length list": ("content-length", "0, 0"),
    "length signed": ("content-length", "+0"),
}
PSEUDO_SPOILERS = {
    "method with space": (":method", "GET /smuggled HTTP/1.1\r\nx:"),
    "method empty": (":method", ""),
    "method connect": (":method", "CONNECT"),
    "scheme http": (":scheme", "http"),
    "authority other": (":authority", "other.example.com"),
    "authority with user": (":authority", "user@{name}"),
    "authority with port": (":authority", "{name}:444"),
    "path empty": (":path", ""),
    "path relative": (":path", "echo"),
    "path with space": (":path", "/echo HTTP/1.1\r\nx: y"),
    "path with line end": (":path", "/echo\r\nx: y"),
    "path with high bytes": (":path", "/\u00fc"),
    "path with fragment": (":path", "/echo#f"),
    "path absolute": (":path", "https://other.example.com/echo"),
}


def next_http2(rng, name):
    """(request, pairs, content); `spoiled` as above."""
    request = legal(rng, name)
    request.target = path_of(rng)
    request.is_chunked = False
    request.trailers = request.trailers if request.body else []
    # Two frames have room for a head: fewer fields than HTTP/1.1 may have.
    while sum(len(key) + len(value) + 4 for key, value in request.fields) > 20_000:
        request.fields.pop()
    request.fields = [(key.lower(), value) for key, value in request.fields]
    pairs = [(":method", request.method), (":scheme", "https"),
             (":authority", rng.choice([name, name.upper(), name + ":443"])),
             (":path", request.target)]
    rng.shuffle(pairs)
    pairs += request.fields
    # HTTP/1.1 has no trailers behind a body of announced length.
    if rng.random() < 0.3 and not request.trailers:
        pairs.append(("content-length", str(len(request.body))))
    if rng.random() < 0.25:
        request.trailers = []
        if rng.random() < 0.6:
            request.spoiled = rng.choice(sorted(PAIR_SPOILERS))
            pair = PAIR_SPOILERS[request.spoiled]
            pairs = [each for each in pairs if each[0] != "content-length"]
            if request.spoiled == "length wrong" and len(request.body) == 7:
                request.body = b""
            pairs.append(pair)
        else:
            request.spoiled = rng.choice(sorted(PSEUDO_SPOILERS))
            key, value = PSEUDO_SPOILERS[request.spoiled]
            pairs = [(key, value.format(name=name)) if each[0] == key else each for each in pairs]
    return request, pairs


def random_of(seed):
    return random.Random(seed)
