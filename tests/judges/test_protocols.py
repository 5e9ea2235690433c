"""What runs over HTTP: gRPC, WebSocket, git, npm, apt."""

from pathlib import Path

import pytest
from servers import ZONE

HERE = Path(__file__).resolve().parent


def test_grpc_in_all_its_shapes(direct, through):
    seen = [way.json("node", HERE / "grpc_judge.js", "client", f"grpc.{ZONE}", way.ca)
            for way in (direct, through)]
    assert seen[0]["one"] == {"error": None, "response": "hello", "code": 0, "trailers": {
        "x-trailer": "told", "x-binary-bin": "0001ff"}}
    assert seen[0]["fail"]["code"] == 9 and seen[0]["fail"]["error"]["details"] == "as asked: ü%"
    assert seen[0]["down"]["length"] == 100_000 and seen[0]["up"] == "600000"
    assert seen[0]["deadline"] == 4 and seen[0]["cancel"] == 1 and seen[0]["serverHeard"]
    assert seen[1] == seen[0]


def test_ws_in_all_its_shapes(direct, through):
    seen = [way.json("node", HERE / "ws_judge.js", "client", f"ws.{ZONE}", way.ca)
            for way in (direct, through)]
    assert seen[0]["plain"]["protocol"] == "judge"
    assert seen[0]["plain"]["closed"] == {"code": 4001, "reason": "as asked"}
    assert seen[0]["plain"]["dropped"]["code"] == 1006
    assert "permessage-deflate" in seen[0]["deflated"]["extensions"]
    for kind in ("plain", "deflated"):
        assert seen[1][kind] == seen[0][kind]


@pytest.fixture
def identity(direct, through):
    return ["-c", "user.name=Judge", "-c", "user.email=judge@example.com"]


def test_git_clones_pushes_and_fetches(direct, through, identity, tmp_path):
    url = "https://git.example.com/project.git"
    through.run("git", "clone", "-q", url, tmp_path / "walled")
    (tmp_path / "walled" / "large").write_bytes(bytes(range(256)) * 8000)
    through.run("git", "-C", tmp_path / "walled", "add", ".")
    through.run("git", "-C", tmp_path / "walled", *identity, "commit", "-qm", "through the wall")
    through.run("git", "-C", tmp_path / "walled", "push", "-q", "origin", "HEAD:refs/heads/judge")
    direct.run("git", "clone", "-q", "-b", "judge", url, tmp_path / "straight")
    heads = [way.run("git", "-C", tmp_path / folder, "rev-parse", "HEAD").stdout
             for way, folder in ((through, "walled"), (direct, "straight"))]
    assert heads[0] == heads[1]
    direct.run("git", "-C", tmp_path / "straight", "fsck", "--strict")
    through.run("git", "clone", "-q", "--depth", "1", url, tmp_path / "shallow")


def test_npm_installs(direct, through, tmp_path):
    for way in (direct, through):
        folder = tmp_path / way.namespace.name
        folder.mkdir()
        way.run("npm", "install", "--registry", "https://origin.example.com/", "--no-audit",
                "--no-fund", "--cache", folder / "cache", "--prefix", folder, "rootcell-test",
                environment={"npm_config_cafile": way.ca})
        assert way.run("node", "-p", "require('rootcell-test')", cwd=folder,
                       environment={"NODE_PATH": ""}).stdout == b"from npm\n"


def test_apt_updates_and_downloads(direct, through, tmp_path):
    for way in (direct, through):
        folder = tmp_path / way.namespace.name
        (folder / "lists/partial").mkdir(parents=True)
        (folder / "archives/partial").mkdir(parents=True)
        (folder / "sources.list").write_text(
            "deb [trusted=yes] https://origin.example.com/apt ./\n")
        options = [f"-oDir::Etc::SourceList={folder}/sources.list", "-oDir::Etc::SourceParts=-",
                   f"-oDir::State::Lists={folder}/lists", f"-oDir::Cache={folder}",
                   f"-oDir::Cache::Archives={folder}/archives", "-oAPT::Sandbox::User=root",
                   f"-oAcquire::https::CAInfo={way.ca}", "-oAcquire::Languages=none"]
        way.run("apt-get", *options, "update")
        way.run("apt-get", *options, "download", "rootcell-test", cwd=folder)
        assert (folder / "rootcell-test_1.0_all.deb").stat().st_size > 0
