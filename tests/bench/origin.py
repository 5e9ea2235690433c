"""The servers behind the proxies: nginx, the origin of events and uploads, and a resolver."""

import os
from pathlib import Path

from internet.certificates import Authority, Shop
from internet.wait import wait_until
from network import RESOLVER, SERVICES, WAYS, service_address, service_name

TOP = Path(__file__).resolve().parents[2]
TOOLS = TOP / "build" / "tests" / "bench"
BULK_BYTES = 128 * 1024 * 1024
# A piece of an answer of Anthropic's API as it streams, and an answer that is 50 MB of them.
EVENT = b"""event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%08d and more"}}

"""
EVENTS = 50_000_000 // len(EVENT % 0)
STREAM_BYTES = EVENTS * len(EVENT % 0)

NGINX = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
user root;
error_log {folder}/origin-error.log;
pid {folder}/origin.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/origin-body;
    proxy_temp_path {folder}/origin-proxy;
    fastcgi_temp_path {folder}/origin-fastcgi;
    uwsgi_temp_path {folder}/origin-uwsgi;
    scgi_temp_path {folder}/origin-scgi;
    keepalive_requests 100000000;
    ssl_protocols TLSv1.2 TLSv1.3;
    root {folder}/www;
    default_type application/octet-stream;
    types {{ text/event-stream sse; }}
{servers}
}}
"""

SERVER = """\
    server {{
{listens}
        server_name {name};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        {life}
    }}
"""

# How long a connection and its TLS session live: what `warm`, `resumed` and `cold` mean.
LIVES = {
    "warm": "keepalive_timeout 600s;",
    "resumed": "keepalive_timeout 0;",
    "cold": "keepalive_timeout 0; ssl_session_tickets off; ssl_session_cache off;",
    "mint": "keepalive_timeout 600s;",
    "flip": "keepalive_timeout 600s;",
}


class Origin:
    """Everything that runs in the internet's namespace."""

    def __init__(self, network, folder):
        self.network, self.folder = network, folder
        self.processes = []
        self.authority = Authority("The bench's internet")
        network.upstream_ca = folder / "upstream-ca.pem"
        network.upstream_ca.write_bytes(self.authority.pem)
        shop_folder = folder / "shop"
        shop_folder.mkdir()
        self.shop = Shop(shop_folder, self.authority)
        self._write_files()
        self._start_nginx()
        self._start_events()
        self._start_resolver()

    def _write_files(self):
        root = self.folder / "www"
        root.mkdir()
        (root / "1k").write_bytes(os.urandom(1024))
        (root / "64k").write_bytes(os.urandom(64 * 1024))
        (root / "stream.sse").write_bytes(b"".join(EVENT % number for number in range(EVENTS)))
        with open(root / "bulk", "wb") as bulk:
            bulk.truncate(BULK_BYTES)
        with open(self.folder / "upload", "wb") as upload:
            upload.truncate(BULK_BYTES)

    def _start(self, *words):
        log = open(self.folder / "origin.output", "ab")
        self.processes.append(self.network.internet.start(*words, stdout=log, stderr=log))

    def _listens(self, address, port):
        def attempt():
            try:
                self.network.internet.connect(address, port, 1).close()
                return True
            except OSError:
                return False

        wait_until(attempt, f"a server at {address}:{port}")

    def _start_nginx(self):
        servers = []
        for service, life in LIVES.items():
            is_many = service in ("mint", "flip")
            name = f"*.{service_name(service)}" if is_many else service_name(service)
            certificate, key = self.shop.files(name)
            listens = "\n".join(
                f"        listen {service_address(service, way)}:443 ssl http2 backlog=4096;"
                for way in WAYS)
            servers.append(SERVER.format(listens=listens, name=name, certificate=certificate,
                                         key=key, life=life))
        path = self.folder / "origin.conf"
        path.write_text(NGINX.format(folder=self.folder, servers="".join(servers)))
        self._start("nginx", "-p", self.folder, "-c", path)
        self._listens(service_address("warm"), 443)

    def _start_events(self):
        certificate, key = self.shop.files(service_name("events"))
        for way in WAYS:
            address = service_address("events", way)
            self._start(TOOLS / "event-origin", address, "443", certificate, key)
            self._listens(address, 443)

    def _start_resolver(self):
        lines = ["no-resolv", "no-hosts", "no-daemon", "bind-interfaces",
                 f"listen-address={RESOLVER}", "local-ttl=300", "pid-file=", "user=root"]
        lines += [f"address=/{service_name(service)}/{service_address(service)}"
                  for service in SERVICES]
        path = self.folder / "resolver.conf"
        path.write_text("\n".join(lines) + "\n")
        self._start("dnsmasq", f"--conf-file={path}")
        self._listens(RESOLVER, 53)

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(10)


