"""The TLS greeting: which names pass, and what the wall itself shows."""

import datetime
import ssl
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from internet.agent import client_hello
from internet.tls_client import flood_with_key_updates
from internet.wait import Late

ALLOWED = "origin.example.com"


def test_ends_at_once_when_a_later_segment_shows_another_message(agent, ordinary):
    with agent.connect(ALLOWED) as peer:
        peer.send(b"\x16\x03\x01\x02\x00")
        with pytest.raises(Late):
            peer.read_to_end(0.3)
        peer.send(b"\x02")
        peer.read_to_end(2)
    ordinary()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_shows_a_leaf_of_the_instances_authority_for_that_name_only(agent, wall, version):
    context = agent.context()
    context.minimum_version = context.maximum_version = version
    with agent.tls("a.one.example.com", context=context) as peer:
        der = peer.socket.getpeercert(binary_form=True)
        leaf = x509.load_der_x509_certificate(der)
        assert peer.socket.selected_alpn_protocol() == "http/1.1"
    assert leaf.issuer == wall.authority.certificate.subject
    extension = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    assert extension.value.get_values_for_type(x509.DNSName) == ["a.one.example.com"]
    usage = leaf.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    now = datetime.datetime.utcnow()
    assert leaf.not_valid_before < now - datetime.timedelta(hours=23)
    assert leaf.not_valid_after < now + datetime.timedelta(days=8)
    assert leaf.serial_number.bit_length() > 64


def test_offers_http_1_1_when_the_client_names_no_protocol(agent):
    with agent.tls(ALLOWED, alpn=()) as peer:
        assert peer.socket.selected_alpn_protocol() is None
        peer.send(f"GET / HTTP/1.1\r\nHost: {ALLOWED}\r\n\r\n".encode())
        assert peer.read_response()[0] == 200


def test_accepts_a_greeting_of_two_segments(agent):
    """Post-quantum key shares make greetings of up to 1.9 kB."""
    hello = client_hello(ALLOWED, extensions=[(0xFAFA, bytes(1700)), (0xFE0D, bytes(200))])
    with agent.connect(ALLOWED) as peer:
        peer.send(hello[:1400])
        time.sleep(0.02)
        peer.send(hello[1400:])
        assert peer.read_exactly(3)[:1] == b"\x16"


def test_speaks_with_openssl_in_both_versions(agent, wall):
    for version in ("-tls1_2", "-tls1_3"):
        result = agent.run(
            "openssl", "s_client", version, "-brief", "-verify_return_error", "-CAfile", wall.ca,
            "-verify_hostname", ALLOWED, "-servername", ALLOWED,
            "-connect", f"{agent.address(ALLOWED)}:443", input=b"",
        )
        assert b"Verification: OK" in result.stderr, result.stderr


def test_lets_a_client_change_its_key_now_and_then(agent):
    with agent.connect(ALLOWED) as peer:
        peer.socket.settimeout(None)
        assert flood_with_key_updates(peer.socket.fileno(), ALLOWED, 50) == 50
        with pytest.raises(Late):
            peer.read_to_end(0.5)
