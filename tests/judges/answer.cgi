#!/usr/bin/python3
"""The paths of cases.py behind nginx and Apache."""

import base64
import hashlib
import json
import os
import sys

GZIP = base64.b64decode("H4sIAAAAAAACA8tIzcnJ5wIAIDA6NgYAAAA=")


def say(fields, body=b"", status=None):
    out = sys.stdout.buffer
    if status:
        out.write(b"Status: %s\r\n" % status.encode())
    for name, value in fields:
        out.write(f"{name}: {value}\r\n".encode())
    out.write(b"\r\n")
    out.write(body)


def echo():
    body = sys.stdin.buffer.read()
    fields = [[key[5:].replace("_", "-").lower(), value] for key, value in os.environ.items()
              if key.startswith("HTTP_") and key not in ("HTTP_PROXY",)]
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if os.environ.get(key):
            fields.append([key.replace("_", "-").lower(), os.environ[key]])
    told = {"method": os.environ["REQUEST_METHOD"], "target": os.environ["REQUEST_URI"],
            "fields": sorted(fields), "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest()}
    data = json.dumps(told).encode()
    say([("content-type", "application/json"), ("content-length", len(data))], data)


def main():
    path = os.environ["REQUEST_URI"].split("?")[0]
    if path.startswith("/bytes/"):
        length = int(path[len("/bytes/"):])
        body = (b"0123456789abcdef" * (length // 16 + 1))[:length]
        if os.environ["REQUEST_METHOD"] == "HEAD":
            body = b""
        say([("content-type", "application/octet-stream"), ("content-length", length)], body)
    elif path == "/chunked":
        say([("content-type", "text/plain")], b"one\ntwo\nthree\n")
    elif path == "/events":
        say([("content-type", "text/event-stream")],
            b"".join(b"data: %d\n\n" % number for number in range(5)))
    elif path == "/empty":
        say([], status="204 No Content")
    elif path == "/missing":
        say([("content-type", "text/plain"), ("content-length", 8)], b"missing\n", "404 Not Found")
    elif path == "/moved":
        say([("location", "/echo?moved"), ("content-length", 0)], status="302 Found")
    elif path == "/cookies":
        say([("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2; Secure; HttpOnly"),
             ("content-length", 0)])
    elif path == "/etag":
        if os.environ.get("HTTP_IF_NONE_MATCH") == '"judge"':
            say([("etag", '"judge"')], status="304 Not Modified")
        else:
            say([("etag", '"judge"'), ("content-length", 3)], b"tag")
    elif path == "/gzip":
        say([("content-encoding", "gzip"), ("content-length", len(GZIP))], GZIP)
    else:
        echo()


main()
