"""Real clients at real servers: with the wall between them everything is as without it."""

import json
from pathlib import Path

import pytest
from cases import CASES, answer_of, asked_of, body_of, digest
from servers import GO_PROGRAM, WEB

HERE = Path(__file__).resolve().parent


def curl_case(way, version, name, one, folder):
    """What one run of curl has seen."""
    head, body = folder / "head", folder / "body"
    words = ["curl", "-sS", version, "--path-as-is", "--globoff", "-o", body, "-D", head,
             "-w", "%{http_version}", "-X", one["method"]]
    words += [word for key, value in one["fields"] for word in ("-H", f"{key}: {value}")]
    data = None
    if one["method"] == "HEAD":
        words.append("--head")
    if one["body"] is not None:
        data = body_of(one["body"])
        words += ["--data-binary", "@-", "-H", "content-type: application/octet-stream"]
        if one["streamed"]:
            words += ["-T", "-"]
            words.remove("--data-binary")
            words.remove("@-")
    body.write_bytes(b"")
    used = way.run(*words, f"https://{name}{one['target']}", input=data).stdout.decode()
    blocks = head.read_bytes().decode("latin-1").strip().split("\r\n\r\n")
    lines = [block for block in blocks if not block.split(" ")[1].startswith("1")][-1].split("\r\n")
    content = b"" if one["method"] == "HEAD" else body.read_bytes()
    return {"name": one["name"], "status": int(lines[0].split(" ")[1]), "version": used,
            "fields": [line.split(": ", 1) if ": " in line else [line.rstrip(":"), ""]
                       for line in lines[1:]],
            "length": len(content), "sha256": digest(content),
            "body": content.decode("latin-1")}


class Curl:
    def __init__(self, version):
        self.version = version

    def ask(self, way, name, folder):
        return [curl_case(way, self.version, name, one, folder) for one in CASES]


class Program:
    """A client that takes all cases at once."""

    def __init__(self, *words):
        self.words = words

    def ask(self, way, name, folder):
        return way.json(*self.words, name, way.ca, given=CASES)


PYTHON = ("/usr/bin/python3", HERE / "client.py")
CLIENTS = {
    "curl-http1": (Curl("--http1.1"), "1.1"),
    "curl-http2": (Curl("--http2"), "2"),
    "node-fetch": (Program("node", HERE / "client.js", "fetch"), "fetch"),
    "node-http2": (Program("node", HERE / "client.js", "http2"), "HTTP/2"),
    "python-requests": (Program(*PYTHON, "requests"), "HTTP/1.1"),
    "python-httpx-http1": (Program(*PYTHON, "httpx"), "HTTP/1.1"),
    "python-httpx-http2": (Program(*PYTHON, "httpx2"), "HTTP/2"),
    "go-http1": (Program(GO_PROGRAM, "client", "http1"), "HTTP/1.1"),
    "go-http2": (Program(GO_PROGRAM, "client", "http2"), "HTTP/2.0"),
}


def echo_of(seen):
    """What the server says in the body of an answer that it was asked; None of other answers."""
    body = seen.get("body") or ""
    told = json.loads(body) if body.startswith("{") else None
    return told if told and "target" in told else None


def differences(straight, walled, ignored=()):
    """The cases in which the answer, or what the server was asked, is not the same."""
    found = []
    for before, after in zip(straight, walled):
        if before["name"] in ("megabytes", "window"):
            assert after["length"] == before["length"] > 0
        told = [echo_of(before), echo_of(after)]
        views = [answer_of(before), answer_of(after)]
        if told[0] and told[1]:
            views = [{**view, "asked": asked_of(each)} for view, each in zip(views, told)]
            for view in views:
                # The echo tells fields of the connection, which differ: so does its length.
                del view["length"], view["sha256"]
                view["fields"] = [pair for pair in view["fields"] if pair[0] != "content-length"]
        for view in views:
            view["fields"] = [pair for pair in view["fields"] if pair[0] not in ignored]
        if views[0] != views[1]:
            found.append((before["name"], views[0], views[1]))
    return found


@pytest.mark.parametrize("name", WEB)
@pytest.mark.parametrize("client", CLIENTS)
def test_is_as_without_the_wall(client, name, direct, through, tmp_path):
    asker, version = CLIENTS[client]
    straight = asker.ask(direct, name, tmp_path)
    walled = asker.ask(through, name, tmp_path)
    assert len(straight) == len(walled) == len(CASES)
    assert {one["version"] for one in straight} == {version}
    # Apache counts a script's output itself, when it has all of it at the moment of the head.
    ignored = ["content-length"] if name.startswith("apache") else []
    found = differences(straight, walled, ignored)
    assert not found, "\n".join(f"{case}:\n  {before}\n  {after}" for case, before, after in found)


def test_the_comparison_sees_a_changed_answer():
    seen = {"name": "plain", "status": 200, "fields": [["a", "b"]], "length": 1, "sha256": "x",
            "trailers": [], "version": "2"}
    assert differences([seen], [seen]) == []
    for change in ({"status": 201}, {"fields": []}, {"length": 2}, {"sha256": "y"},
                   {"version": "1.1"}, {"trailers": [["x", "y"]]}):
        assert differences([seen], [{**seen, **change}]) != []


EXTRA = [
    {**CASES[0], "name": "trailers", "target": "/trailers"},
]


@pytest.mark.parametrize("name", WEB[2:])
@pytest.mark.parametrize("words", [
    ("node", HERE / "client.js", "http2"), (GO_PROGRAM, "client", "http2"),
    (GO_PROGRAM, "client", "http1")], ids=["node-http2", "go-http2", "go-http1"])
def test_trailers_of_a_response_pass(words, name, direct, through):
    seen = [way.json(*words, name, way.ca, given=EXTRA)[0] for way in (direct, through)]
    assert ["x-sum", "42"] in seen[0]["trailers"]
    assert seen[1]["trailers"] == seen[0]["trailers"]
    assert (seen[1]["status"], seen[1]["sha256"]) == (seen[0]["status"], seen[0]["sha256"])


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("name", WEB[2:])
def test_early_hints_pass(name, version, direct, through):
    for way in (direct, through):
        head = way.run("curl", "-sS", version, "-D", "-", f"https://{name}/early").stdout.decode()
        assert "103" in head.split("\r\n")[0], head
        assert "link: </style.css>" in head.lower() and head.endswith("early\n")


def test_nghttp_sees_the_same(direct, through):
    name = WEB[0]
    seen = []
    for way in (direct, through):
        printed = way.run("nghttp", "-v", "--no-dep", f"https://{name}/bytes/70000",
                          ).stdout.decode(errors="replace")
        assert "The negotiated protocol: h2" in printed
        seen.append(sorted({line.split("recv (stream_id=")[1].split(") ", 1)[1]
                            for line in printed.splitlines() if "recv (stream_id=" in line
                            and "date:" not in line}))
    assert seen[0] == seen[1] and any(line.startswith(":status: 200") for line in seen[1])


@pytest.mark.parametrize("name", WEB[2:])
@pytest.mark.parametrize("words", [("-c8", "-m10"), ("-c8", "--h1")], ids=["http2", "http1"])
def test_h2load_loses_nothing(words, name, through):
    printed = through.run("h2load", "-n4000", *words, f"https://{name}/bytes/2000").stdout.decode()
    assert "4000 succeeded, 0 failed, 0 errored, 0 timeout" in printed, printed
    assert "status codes: 4000 2xx" in printed, printed
    assert ("Application protocol: h2" if "--h1" not in words
            else "Application protocol: http/1.1") in printed, printed
