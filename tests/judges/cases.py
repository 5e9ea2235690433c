"""What every client is asked to do at every server, and what may differ through the wall."""

import hashlib

AGENT = [["user-agent", "judge/1"], ["x-judge", "one"], ["accept", "*/*"]]


def case(name, target, method="GET", fields=(), body=None, is_streamed=False):
    return {"name": name, "method": method, "target": target, "body": body,
            "streamed": is_streamed, "fields": AGENT + [list(pair) for pair in fields]}


CASES = [
    case("plain", "/echo?x=1&y=%20z"),
    case("odd-path", "/echo/~a;b=c,d!$&'()*+:@%C3%BC"),
    case("many-fields", "/echo", fields=[(f"x-{n}", "v" * n) for n in range(1, 60)]),
    case("long-field", "/echo", fields=[("x-long", "w" * 3900)]),
    case("small-body", "/echo", "POST", body=5),
    case("no-body", "/echo", "POST", body=0),
    case("large-body", "/echo", "POST", body=300_000),
    case("streamed-body", "/echo", "POST", body=200_000, is_streamed=True),
    case("put", "/echo", "PUT", body=10),
    case("patch", "/echo", "PATCH", body=10),
    case("delete", "/echo", "DELETE"),
    case("options", "/echo", "OPTIONS"),
    case("head", "/bytes/1000", "HEAD"),
    case("zero-bytes", "/bytes/0"),
    case("one-byte", "/bytes/1"),
    case("window", "/bytes/65536"),
    case("megabytes", "/bytes/3000000"),
    case("open-ended", "/chunked"),
    case("events", "/events"),
    case("empty", "/empty"),
    case("missing", "/missing"),
    case("moved", "/moved"),
    case("cookies", "/cookies", fields=[("cookie", "a=1; b=2; c=3")]),
    case("etag", "/etag"),
    case("not-modified", "/etag", fields=[("if-none-match", '"judge"')]),
    case("compressed", "/gzip", fields=[("accept-encoding", "gzip")]),
]

# Fields of one connection, and of the moment; alt-svc names ports that do not pass the wall.
OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "te", "proxy-connection",
                 "upgrade"}
ANSWER_IGNORED = OF_CONNECTION | {"date", "alt-svc", "x-powered-by-time"}
ASKED_IGNORED = OF_CONNECTION | {"expect", "http2-settings"}


def answer_of(seen):
    """An answer as a client has seen it, without what belongs to its connection."""
    fields = sorted([key.lower(), value] for key, value in seen["fields"]
                    if key.lower() not in ANSWER_IGNORED and not key.startswith(":"))
    return {"name": seen["name"], "status": seen["status"], "fields": fields,
            "length": seen["length"], "sha256": seen["sha256"],
            "trailers": sorted(seen.get("trailers") or []), "version": seen.get("version")}


def asked_of(told):
    """What a server says that it was asked."""
    fields = [[key.lower(), value] for key, value in told["fields"]
              if key.lower() not in ASKED_IGNORED]
    # The wall writes the name as the policy has it: without the port that goes without saying.
    for pair in fields:
        if pair[0] == "host":
            pair[1] = pair[1].removesuffix(":443")
    return {**told, "fields": sorted(fields), "number": None}


def body_of(length):
    return (b"0123456789abcdef" * (length // 16 + 1))[:length]


def digest(data):
    return hashlib.sha256(data).hexdigest()
