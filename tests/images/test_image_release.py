"""Releases: from an image and a throw-away key to a machine that fetches and checks it."""

import json
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from image_server import FILES, Image, sha256
from program import ARCHITECTURE, TOP, Home


def write_key(path, key):
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                       serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    return path


@pytest.fixture
def server(tmp_path):
    server = Image(tmp_path, TOP / "data")
    yield server
    server.stop()


@pytest.fixture
def maker(server):
    """A home with an image that was built there; its data folder trusts the server's key."""
    home = Home(server.folder / "maker", server.data)
    for name, content in FILES.items():
        path = home.image / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    files = [{"name": name, "bytes": len(content), "sha256": sha256(content)}
             for name, content in sorted(FILES.items())]
    (home.image / "manifest.json").write_text(json.dumps(
        {"version": 1, "architecture": ARCHITECTURE, "release": "test", "files": files,
         "packages": []}))
    home.key = write_key(server.folder / "key.pem", server.key)
    home.output = server.folder / "release"
    return home


def assert_refused(maker, why, key=None):
    status, _, errors = maker.run("release", str(key or maker.key), str(maker.output))
    assert status == 1 and why in errors, errors
    assert not maker.output.exists() and not list(maker.output.parent.glob("release*"))


def test_refuses_a_key_that_nobody_checks_with(maker, server):
    other = write_key(server.folder / "other.pem", ed25519.Ed25519PrivateKey.generate())
    assert_refused(maker, "is not the private half of", other)


def test_refuses_a_key_of_another_kind(maker, server):
    other = write_key(server.folder / "other.pem", ec.generate_private_key(ec.SECP256R1()))
    assert_refused(maker, "no Ed25519 private key", other)
    assert_refused(maker, "no Ed25519 private key", server.data / "image/image-signing.pub")
    assert_refused(maker, "No such file", server.folder / "missing.pem")


def test_refuses_an_image_that_differs_from_its_manifest(maker):
    (maker.image / "vmlinuz").write_bytes(b"x" * len(FILES["vmlinuz"]))
    assert_refused(maker, "vmlinuz differs from the manifest")


def test_refuses_to_write_over_a_folder(maker):
    maker.output.mkdir()
    status, _, errors = maker.run("release", str(maker.key), str(maker.output))
    assert status == 1 and "is there already" in errors
    assert not list(maker.output.iterdir())


@pytest.mark.parametrize("words", [("release",), ("release", "key"), ("build", "more"),
                                   ("release", "key", "folder", "more")])
def test_refuses_other_numbers_of_words(maker, words):
    status, _, errors = maker.run(*words)
    assert status == 2 and "rootcell help image" in errors


def test_makes_what_another_machine_fetches_and_checks(maker, server):
    status, _, errors = maker.run("release", str(maker.key), str(maker.output))
    assert status == 0, errors
    assert not (maker.output / "agent.img").exists() and (maker.output / "agent.img.zst").exists()
    server.serve(maker.output)
    user = Home(server.folder / "user", server.data, CURL_CA_BUNDLE=str(server.certificate))
    user.set(ROOTCELL_IMAGE_MANIFEST_URL=server.url)
    status, _, errors = user.run("build")
    assert status == 0, errors
    for name, content in FILES.items():
        assert (user.image / name).read_bytes() == content
    status, output, errors = user.run("verify")
    assert status == 0 and output.endswith("signature            good\n"), (output, errors)


def test_makes_what_a_machine_with_another_key_refuses(maker, server):
    assert maker.run("release", str(maker.key), str(maker.output))[0] == 0
    server.serve(maker.output)
    user = Home(server.folder / "user", TOP / "data", CURL_CA_BUNDLE=str(server.certificate))
    user.set(ROOTCELL_IMAGE_MANIFEST_URL=server.url)
    status, _, errors = user.run("build")
    assert status == 1 and "signature does not fit" in errors
    assert not user.image.exists()


def test_signs_as_openssl_would(maker, server):
    """The documented format: 64 bytes of Ed25519 over manifest.json as it is."""
    assert maker.run("release", str(maker.key), str(maker.output))[0] == 0
    subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", server.data / "image/image-signing.pub",
         "-rawin", "-in", maker.output / "manifest.json",
         "-sigfile", maker.output / "manifest.json.sig"], check=True, stdout=subprocess.DEVNULL)
