"""SSH: to the exact names that the policy holds, by their own addresses or by CONNECT."""

import json

import pytest

NAME = "ssh.example.com"


@pytest.fixture(scope="module")
def ssh_options(world):
    known = world.servers.known_hosts(NAME)
    return [
        "-F", "none", "-i", str(world.servers.folder / "client_key"), "-o", "IdentitiesOnly=yes",
        "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes",
        "-o", "BatchMode=yes",
    ]


def test_runs_a_command_over_plain_ssh(agent, wall, ssh_options):
    since = wall.record_position()
    result = agent.run("ssh", *ssh_options, f"root@{NAME}", "cat; exit 7", input=bytes(range(256)))
    assert (result.returncode, result.stdout) == (7, bytes(range(256))), result.stderr
    record = wall.wait_record(since, kind="ssh", decision="allow", name=NAME)
    assert record["sent"] > 1000 and record["received"] > 1000


def test_runs_a_command_through_connect(agent, ssh_options):
    proxy = (
        "import socket,sys,threading,os\n"
        f"s=socket.create_connection(('{agent.gateway}',8080))\n"
        "s.sendall(b'CONNECT %s:22 HTTP/1.1\\r\\nHost: %s:22\\r\\n\\r\\n' % ((sys.argv[1].encode(),)*2))\n"
        "h=b''\n"
        "while b'\\r\\n\\r\\n' not in h: h+=s.recv(1)\n"
        "assert b' 200 ' in h, h\n"
        "def up():\n"
        "  while True:\n"
        "    d=os.read(0,65536)\n"
        "    if not d: s.shutdown(1); return\n"
        "    s.sendall(d)\n"
        "threading.Thread(target=up,daemon=True).start()\n"
        "while True:\n"
        "  d=s.recv(65536)\n"
        "  if not d: break\n"
        "  os.write(1,d)\n"
    )
    script = agent.home / "through_connect.py"
    script.write_text(proxy)
    result = agent.run("ssh", *ssh_options, "-o", f"ProxyCommand=/usr/bin/python3 {script} %h",
                       f"root@{NAME}", "echo through")
    assert result.stdout == b"through\n", result.stderr


def test_carries_ten_megabytes_both_ways_intact(agent, ssh_options):
    data = bytes(range(256)) * 40000
    result = agent.run("ssh", *ssh_options, f"root@{NAME}", "cat", input=data)
    assert result.stdout == data


def test_clones_and_pushes_over_ssh(world, agent, ssh_options):
    clone = agent.home / "over-ssh"
    address = f"ssh://root@{NAME}{world.servers.folder}/repositories/project.git"
    environment = {"GIT_SSH_COMMAND": "ssh " + " ".join(ssh_options)}
    result = agent.run("git", "clone", "-q", address, clone, environment=environment)
    assert result.returncode == 0, result.stderr
    (clone / "over-ssh.txt").write_text(json.dumps({"pushed": "over ssh"}))
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    for words in (["add", "."], [*who, "commit", "-qm", "over ssh"], ["push", "-q"]):
        result = agent.run("git", "-C", clone, *words, environment=environment)
        assert result.returncode == 0, result.stderr
