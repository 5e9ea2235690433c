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


def test_joins_cookie_crumbs_and_leaves_out_what_belongs_to_the_connection(world, agent):
    with http2_client.connect(agent, NAME) as client:
        told = client.request_json("/crumbs", fields=[
            ("cookie", "a=1"), ("x-between", "yes"), ("cookie", "b=2"), ("cookie", "c=3; d=4"),
            ("te", "trailers"), ("proxy-authorization", "Basic eDp5"), ("host", NAME)])
    fields = [(name.lower(), value) for name, value in told["fields"]]
    assert [value for name, value in fields if name == "cookie"] == ["a=1; b=2; c=3; d=4"]
    assert [value for name, value in fields if name == "host"] == [NAME]
    assert ("x-between", "yes") in fields
    assert not [name for name, _ in fields if name.startswith("proxy-")]


def test_keeps_secrets_out_of_the_table_of_the_agent(agent, script):
    """RFC 7541 section 7.1.3: what a table holds can be guessed by the size of later heads."""
    script("/login", lambda request, connection: connection.answer(
        b"in", fields=[("set-cookie", "session=secret"), ("x-plain", "plain")]) or True)
    with http2_client.connect(agent, NAME) as client:
        response = client.request("/login")
        assert (response.status, response.field("set-cookie")) == (200, "session=secret")
        held = {bytes(name) for name, _ in client.h2.decoder.header_table.dynamic_entries}
    assert b"x-plain" in held and b"set-cookie" not in held


def test_says_100_itself_when_the_server_does_not(agent, script):
    def serve(request, connection):
        body, _ = connection.read_body(request)
        connection.answer(body)
        return True

    script("/expect", serve)
    with http2_client.connect(agent, NAME) as client:
        stream = client.start("/expect", "POST", [("expect", "100-continue")], is_end=False)
        client.wait(lambda: client.responses[stream].interim == [100], 4)
        client.send_data(stream, b"after it", is_end=True)
        assert client.finish(stream).body == b"after it"


def test_passes_trailers_of_a_request(agent):
    with http2_client.connect(agent, NAME) as client:
        stream = client.start("/trailers", "POST", is_end=False)
        client.send_data(stream, b"body")
        client.h2.send_headers(stream, [("x-sum", "7")], end_stream=True)
        client.flush()
        told = json.loads(client.finish(stream).body)
    assert (told["length"], told["trailers"]) == (4, ["x-sum: 7"])


def test_serves_nghttp_and_h2load(agent):
    address = agent.address(NAME)
    shown = agent.run("nghttp", "-nv", "-H", "x-a: b", f"https://{NAME}/nghttp")
    assert b":status: 200" in shown.stdout, shown
    loaded = agent.run("h2load", "-n", "2000", "-c", "8", "-m", "8",
                       f"--connect-to={address}:443", f"https://{NAME}/load")
    assert b"2000 succeeded, 0 failed, 0 errored" in loaded.stdout, loaded.stdout
