"""The audit log: one honest line for each thing that happened, whatever the agent writes."""

import json
import re

NAME = "origin.example.com"
KEYS = ["time", "kind", "decision", "name", "port", "method", "path", "rule", "reason", "status",
        "sent", "received", "duration_ms", "count", "detail"]
KINDS = {"dns", "tls", "http", "ssh", "connect", "link", "policy", "control"}


def test_writes_keys_in_one_order_and_only_known_ones(wall, agent):
    agent.request(NAME, "/order")
    agent.ask("denied.example.org")
    wall.wait_record(0, kind="dns", decision="deny")
    times = []
    for line in wall.records_path.read_bytes().splitlines():
        record = json.loads(line)
        places = [KEYS.index(key) for key in record]
        assert places == sorted(places), line
        assert record["kind"] in KINDS
        assert record["decision"] in ("allow", "deny", "info")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
        times.append(record["time"])
        assert record["decision"] != "deny" or record.get("reason")


def test_counts_bytes_and_says_the_rule(wall, agent):
    since = wall.record_position()
    agent.request("rules.example.com", "/upload/x", method="POST", body=b"b" * 5000)
    record = wall.wait_record(since, kind="http", name="rules.example.com")
    assert record["rule"].startswith("rules.example.com POST /upload/")
    assert record["sent"] >= 5000 and record["status"] == 200 and record["port"] == 443
