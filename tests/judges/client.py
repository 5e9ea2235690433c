"""The requests of standard input with requests or httpx.

usage: client.py requests|httpx|httpx2 NAME CA"""

import hashlib
import json
import sys

from cases import body_of


def told(one, status, fields, data, version):
    return {"name": one["name"], "status": status, "fields": fields, "version": version,
            "length": len(data), "sha256": hashlib.sha256(data).hexdigest(), "trailers": [],
            "body": data.decode("latin-1") if len(data) < 65536 else None}


def content_of(one):
    if one["body"] is None:
        return None
    body = body_of(one["body"])
    if one["streamed"]:
        return (body[start:start + 10000] for start in range(0, len(body), 10000))
    return body


def ask_by_requests(name, authority, cases):
    import requests

    session = requests.Session()
    session.verify = authority
    for one in cases:
        answer = session.request(one["method"], f"https://{name}{one['target']}",
                                 headers=dict(one["fields"]), data=content_of(one),
                                 allow_redirects=False, stream=True, timeout=30)
        data = answer.raw.read(decode_content=False)
        version = "HTTP/1.1" if answer.raw.version == 11 else str(answer.raw.version)
        yield told(one, answer.status_code, list(answer.raw.headers.items()), data, version)
        session.cookies.clear()


def ask_by_httpx(name, authority, cases, is_http2):
    import httpx

    with httpx.Client(verify=authority, http2=is_http2, timeout=30) as client:
        for one in cases:
            with client.stream(one["method"], f"https://{name}{one['target']}",
                               headers=one["fields"], content=content_of(one)) as answer:
                data = b"".join(answer.iter_raw())
                yield told(one, answer.status_code, list(answer.headers.multi_items()), data,
                           answer.http_version)
            client.cookies.clear()


def main(kind, name, authority):
    cases = json.load(sys.stdin)
    if kind == "requests":
        answers = ask_by_requests(name, authority, cases)
    else:
        answers = ask_by_httpx(name, authority, cases, kind == "httpx2")
    json.dump(list(answers), sys.stdout)


main(*sys.argv[1:])
