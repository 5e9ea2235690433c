"""HTTP/2 as ordinary clients speak it, through the wall."""

import json

from internet import http2_client
from internet.wait import wait_until

NAME = "origin.example.com"
CANCEL = 8


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


def test_ordinary_use_for_long_is_no_flood(agent):
    with http2_client.connect(agent, NAME) as client:
        for number in range(150):
            client.h2.ping(b"12345678") if number % 10 == 0 else None
            assert client.request(f"/long/{number}", method="POST", body=b"x").status == 200
        streams = [client.start("/cancelled") for _ in range(50)]
        for stream in streams:
            client.h2.reset_stream(stream, CANCEL)
        client.flush()
        assert client.request("/after").status == 200
        assert client.goaway is None


def test_the_table_of_every_setting_that_is_offered(agent):
    with http2_client.connect(agent, NAME) as client:
        client.request("/settings")
        offered = client.h2.remote_settings
        assert offered.max_concurrent_streams == 100
        assert offered.max_header_list_size == 65536
        assert offered.initial_window_size == 65536
        assert offered.get(8, 0) == 0, "RFC 8441 is not offered"


def test_an_agent_that_breaks_off_breaks_off_at_the_server(world, agent, script):
    ends = []

    def answer(request, connection):
        ends.append(connection.is_at_end(5))

    script("/broken-off", answer)
    with http2_client.connect(agent, NAME) as client:
        stream = client.start("/broken-off")
        wait_until(lambda: any(r.target == "/broken-off" for r in world.origin.requests),
                   "the request")
        client.h2.reset_stream(stream, CANCEL)
        client.flush()
        wait_until(lambda: ends, "the end at the server")
        assert ends == [True]
        assert client.request("/after").status == 200
