"""Images made elsewhere: what is fetched, what is refused, and what a break leaves."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from attack.marks import row
from image_server import FILES, Image
from program import ARCHITECTURE, TOP, Home


@pytest.fixture
def image(tmp_path):
    image = Image(tmp_path, TOP / "data")
    yield image
    image.stop()


def home(image):
    return Home(image.folder / "home", image.data, CURL_CA_BUNDLE=str(image.certificate))


def build(image, url=None):
    """`rootcell image build` with the image's address in the settings: (status, errors)."""
    home(image).set(ROOTCELL_IMAGE_MANIFEST_URL=url or image.url)
    status, _, errors = home(image).run("build")
    return status, errors


def folder(image):
    return home(image).image


def assert_refused(image, why, **options):
    status, errors = build(image, **options)
    assert status != 0
    assert why in errors
    assert not folder(image).exists()


def test_refuses_a_manifest_signed_by_another_key(image):
    image.publish(ARCHITECTURE, key=ed25519.Ed25519PrivateKey.generate())
    assert_refused(image, "signature does not fit")
    assert {path for path, _ in image.requests} == {"/manifest.json", "/manifest.json.sig"}


def test_refuses_a_manifest_without_a_signature(image):
    image.publish(ARCHITECTURE)
    del image.contents["manifest.json.sig"]
    assert_refused(image, "404")


def test_refuses_a_manifest_that_was_changed_after_signing(image):
    image.publish(ARCHITECTURE)
    image.contents["manifest.json"] = image.contents["manifest.json"].replace(b'"test"', b'"evil"')
    assert_refused(image, "signature does not fit")


@row("host-images")
def test_refuses_a_file_with_another_hash(image):
    image.publish(ARCHITECTURE)
    image.contents["vmlinuz"] = b"x" * len(FILES["vmlinuz"])
    assert_refused(image, "hash")


def test_refuses_a_file_that_is_longer_than_the_manifest_says(image):
    image.publish(ARCHITECTURE)
    image.contents["agent.initramfs"] += b"more"
    assert_refused(image, "longer than")


def test_refuses_an_image_for_another_architecture(image):
    image.publish("riscv64")
    assert_refused(image, "riscv64")


def test_refuses_plain_http(image):
    image.publish(ARCHITECTURE)
    assert_refused(image, "https", url=image.url.replace("https:", "http:"))
    assert image.requests == []


def test_fetches_and_unpacks_every_file(image):
    image.publish(ARCHITECTURE)
    status, errors = build(image)
    assert status == 0, errors
    for name, content in FILES.items():
        assert (folder(image) / name).read_bytes() == content
    assert not list(folder(image).rglob("*.packed"))


def test_carries_on_where_a_broken_download_stopped(image):
    image.publish(ARCHITECTURE)
    image.break_once = "vmlinuz"
    status, _ = build(image)
    assert status != 0 and not folder(image).exists()
    status, errors = build(image)
    assert status == 0, errors
    assert ("/vmlinuz", f"bytes={len(FILES['vmlinuz']) // 2}-") in image.requests
    assert sum(1 for path, _ in image.requests if path == "/agent.img.zst") == 1
    assert (folder(image) / "vmlinuz").read_bytes() == FILES["vmlinuz"]


def test_fetches_nothing_again_that_is_there_unchanged(image):
    image.publish(ARCHITECTURE)
    assert build(image)[0] == 0
    image.requests.clear()
    status, errors = build(image)
    assert status == 0 and "is there already" in errors
    assert {path for path, _ in image.requests} == {"/manifest.json", "/manifest.json.sig"}
    (folder(image) / "vmlinuz").write_bytes(b"x" * len(FILES["vmlinuz"]))
    assert build(image)[0] == 0
    assert (folder(image) / "vmlinuz").read_bytes() == FILES["vmlinuz"]
