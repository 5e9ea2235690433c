"""An HTTPS server on the loopback with a small signed image, and means to spoil it."""

import datetime
import hashlib
import http.server
import ipaddress
import json
import shutil
import ssl
import subprocess
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

FILES = {
    "vmlinuz": b"kernel" * 1000,
    "firewall.initramfs": b"\x00\x01" * 2000,
    "agent.initramfs": b"initramfs",
    "agent.img": bytes(range(256)) * 8192,
    "groups/npm.txt": b"https packages.test GET,HEAD\n",
}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def make_certificate(folder):
    """A server certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "image test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return pem


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        image = self.server.image
        image.requests.append((self.path, self.headers.get("Range")))
        content = image.contents.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        start = 0
        if self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if image.break_once == self.path.lstrip("/"):
            image.break_once = None
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        self.wfile.write(content[start:])

    def log_message(self, *arguments):
        pass


class Image:
    def __init__(self, folder, data):
        self.folder = folder
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.requests = []
        self.break_once = None
        self.contents = {}
        self.data = folder / "data"
        shutil.copytree(data, self.data)
        (self.data / "image/image-signing.pub").write_bytes(self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self.certificate = make_certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.image = self
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.server.server_address[1]}/manifest.json"

    def serve(self, folder):
        """What stands in a folder, and nothing else."""
        self.contents = {str(path.relative_to(folder)): path.read_bytes()
                         for path in folder.rglob("*") if path.is_file()}

    def publish(self, architecture, key=None):
        """The files, agent.img compressed, with their manifest and its signature."""
        files = []
        for name, content in sorted(FILES.items()):
            entry = {"name": name, "bytes": len(content), "sha256": sha256(content)}
            if name == "agent.img":
                packed = subprocess.run(["zstd", "-q", "-c"], input=content, check=True,
                                        stdout=subprocess.PIPE).stdout
                self.contents["agent.img.zst"] = packed
                entry["download"] = {"name": "agent.img.zst", "bytes": len(packed),
                                     "sha256": sha256(packed)}
            else:
                self.contents[name] = content
            files.append(entry)
        manifest = json.dumps({"version": 1, "architecture": architecture, "release": "test",
                               "files": files, "packages": []}).encode()
        self.contents["manifest.json"] = manifest
        self.contents["manifest.json.sig"] = (key or self.key).sign(manifest)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
