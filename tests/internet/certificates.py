"""Certificate authorities and certificates of every good and bad kind, on P-256 keys."""

import datetime
import functools
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """A CA with its key: `pem`, `key_pem`, and certificates that it issues."""

    def __init__(self, name, issuer=None, path_length=None):
        self.key = new_key()
        self.name = _name(name)
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(issuer.name if issuer else self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 3650 * DAY)
            .add_extension(x509.BasicConstraints(True, path_length), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False
            )
            .add_extension(
                x509.KeyUsage(False, False, False, False, False, True, True, False, False),
                critical=True,
            )
        )
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.key_pem = key_pem(self.key)

    def issue(self, *names, common_name=None, start=-DAY, end=30 * DAY,
              usage=ExtendedKeyUsageOID.SERVER_AUTH, key=None):
        """(certificate, key) in PEM; no names means no subject alternative name at all."""
        key = key or new_key()
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name or (names[0] if names else "nobody")))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + start)
            .not_valid_after(now + end)
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]),
                critical=False,
            )
        certificate = builder.sign(self.key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM), key_pem(key)


def self_signed(name):
    """(certificate, key) that nobody vouches for."""
    authority = Authority(name)
    certificate, key = authority.issue(name, key=authority.key)
    return certificate, key


class Shop:
    """The server side of TLS: a context for any name, good unless `bad` says otherwise."""

    def __init__(self, folder, authority):
        self.folder = folder
        self.authority = authority
        self.stranger = Authority("an authority that nobody trusts")
        self.bad = {}  # name -> function that returns (certificate, key) in PEM
        self.adjust = {}  # name -> function that changes the context

    def files(self, name):
        """Paths of a good certificate and its key, for servers that read files."""
        certificate, key = self.authority.issue(name)
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        paths[0].write_bytes(certificate)
        paths[1].write_bytes(key)
        return paths

    @functools.lru_cache(maxsize=4096)
    def context(self, name, *protocols):
        """For a name, with the protocols of ALPN that the server takes; HTTP/1.1 unless named."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(list(protocols) or ["http/1.1"])
        certificate, key = self.bad.get(name, lambda: self.authority.issue(name))()
        path = self.folder / f"served-{threading.get_ident()}.pem"
        path.write_bytes(certificate + key)
        context.load_cert_chain(path)
        if name in self.adjust:
            self.adjust[name](context)
        return context
