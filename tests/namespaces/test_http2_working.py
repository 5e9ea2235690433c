"""HTTP/2 as ordinary clients speak it, through the wall."""

import json

from internet import http2_client

NAME = "origin.example.com"


def test_serves_curl_over_http2(agent, wall):
    since = wall.record_position()
    result = agent.curl("--http2", "-w", "%{http_version} %{http_code}",
                        "https://web.example.com/")
    assert result.stdout == b"hello from nginx\n2 200", result.stderr
    record = wall.wait_record(since, kind="http", name="web.example.com")
    assert (record["decision"], record["method"], record["path"], record["status"]) == \
        ("allow", "GET", "/", 200)


def test_many_requests_one_after_the_other(agent):
    with http2_client.connect(agent, NAME) as client:
        for number in range(100):
            told = client.request_json(f"/keep/{number}")
            assert told["target"] == f"/keep/{number}"
