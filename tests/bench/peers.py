"""The proxies under test: how each is set up, where it listens, and what it can do.

All of them log a line a request, verify the server's certificate, keep TLS 1.2 and 1.3 and run
with one worker. Apart from that they are as their packages come.
"""

import shutil
import time

import capture_cost
from internet.certificates import Authority, Shop
from internet.linux import command
from internet.wait import Late
from internet.wall import Wall
from network import (
    DOMAIN, PEERS, PLAIN_SERVICES, RESOLVER, SERVICES, WALL, service_address, service_name,
)
from origin import TOOLS

NAMES = [service_name(service) for service in PLAIN_SERVICES]


class Peer:
    """A proxy that runs. `can` says which cases make sense for it:
    h1, h2      what it speaks with the agent
    pool        keeps connections to servers and uses them again
    mint        makes a certificate when a name is asked for
    services    reaches all services, not just `warm`
    idle        holds connections that do nothing"""

    name = ""
    can = frozenset()
    version_words = ()
    is_slow = False  # so far from the others that one round says enough

    def __init__(self, setting):
        self.setting = setting
        self.namespace = setting.network.peers
        self.folder = setting.folder / self.name.replace(" ", "-")
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.processes = []

    def prepare(self):
        """Write what the program reads."""

    def command_lines(self):
        return []

    def endpoint(self, service, protocol):
        """(address, port) that the agent dials."""
        return PEERS, self.port

    def version(self):
        if not self.version_words:
            return ""
        output = self.namespace.run(*self.version_words)
        text = (output.stdout + output.stderr).decode(errors="replace")
        return next((word.strip(",") for word in text.replace("/", " ").split()
                     if word[:1].isdigit() and "." in word), "")

    def start(self):
        """Run it; the seconds until it accepted its first connection."""
        log = open(self.folder / "output", "ab")
        started = time.monotonic()
        for words in self.command_lines():
            self.processes.append(self.namespace.start(*words, stdout=log, stderr=log))
        for service, protocol in self.first_endpoints():
            self.await_accept(*self.endpoint(service, protocol))
        return time.monotonic() - started

    def first_endpoints(self):
        return [("warm", "h2" if "h2" in self.can else "h1")]

    def await_accept(self, address, port):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self.setting.network.agent.connect(address, port, 1).close()
                return
            except OSError:
                if any(process.poll() is not None for process in self.processes):
                    raise Late(f"{self.name} ended: {self.output()}") from None
                time.sleep(0.0005)
        raise Late(f"{self.name} does not listen: {self.output()}")

    def output(self):
        return (self.folder / "output").read_text(errors="replace")[-2000:]

    def roots(self):
        return [process.pid for process in self.processes]

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except Exception:
                process.kill()
                process.wait(10)
        self.processes = []


class Setting:
    """What the proxies share: the network, a folder, an authority for the agent's side."""

    def __init__(self, network, folder):
        self.network, self.folder = network, folder
        self.authority = Authority("The bench's proxies")
        shop_folder = folder / "front"
        shop_folder.mkdir()
        self.shop = Shop(shop_folder, self.authority)
        self.ca, self.ca_key = folder / "front-ca.pem", folder / "front-ca.key"
        self.ca.write_bytes(self.authority.pem)
        self.ca_key.write_bytes(self.authority.key_pem)
        self.ca_both = folder / "front-ca-both.pem"
        self.ca_both.write_bytes(self.authority.pem + self.authority.key_pem)
        certificate, key = self.authority.issue(*NAMES)
        self.front, self.front_key = folder / "front.pem", folder / "front.key"
        self.front.write_bytes(certificate)
        self.front_key.write_bytes(key)
        self.front_both = folder / "front-both.pem"
        self.front_both.write_bytes(certificate + key)


class Direct(Peer):
    """No proxy."""

    name = "direct"
    can = frozenset({"h1", "h2", "services", "reference"})

    def endpoint(self, service, protocol):
        return service_address(service, "direct"), 443

    def start(self):
        return 0.0


class PlainRelay(Peer):
    name = "plain relay"
    can = frozenset({"h1", "h2", "reference"})
    ports = {"warm": 8101, "events": 8102}

    def endpoint(self, service, protocol):
        return PEERS, self.ports[service]

    def command_lines(self):
        return [
            (TOOLS / "plain-relay", PEERS, port, self.setting.front, self.setting.front_key,
             service_address(service), 443, service_name(service),
             self.setting.network.upstream_ca)
            for service, port in self.ports.items()
        ]


class Ours(Peer):
    name = "rootcell"
    can = frozenset({"h1", "h2", "pool", "mint", "services", "idle", "capture"})
    policy = "\n".join([*NAMES, f"*.mint.{DOMAIN}", ""])

    def prepare(self):
        self.wall = Wall(self.setting.network, self.folder / "wall", https=self.policy,
                         dns=f"names.{DOMAIN}\n")
        (self.wall.providers / "bench.provider").write_text(capture_cost.PROVIDER)

    def endpoint(self, service, protocol):
        return WALL, 443

    def start(self, **changes):
        log = open(self.folder / "output", "ab")
        words = self.wall.command_line(upstream_dns=RESOLVER, **changes)
        started = time.monotonic()
        self.wall.process = self.setting.network.firewall.start(*words, stdout=log, stderr=log)
        self.processes = [self.wall.process]
        self.await_accept(WALL, 443)
        return time.monotonic() - started


NGINX = """\
daemon off;
worker_processes 1;
user root;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
    access_log {folder}/access.log;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    ssl_protocols TLSv1.2 TLSv1.3;
    map $ssl_server_name $service {{ {map} }}
{upstreams}
    server {{
        listen {address}:{port} ssl http2 backlog=4096;
        ssl_certificate {front};
        ssl_certificate_key {front_key};
        ssl_session_tickets off;
        location / {{
            proxy_pass https://$service;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $ssl_server_name;
            proxy_ssl_server_name on;
            proxy_ssl_name $ssl_server_name;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {upstream_ca};
            proxy_request_buffering off;
            proxy_read_timeout 600s;
        }}
    }}
}}
"""


class Nginx(Peer):
    name = "nginx"
    can = frozenset({"h1", "h2", "pool", "services", "idle"})
    version_words = ("nginx", "-v")
    port = 8103

    def prepare(self):
        upstreams = "".join(
            f"    upstream {service} {{ server {service_address(service)}:443; keepalive 64;\n"
            "        keepalive_requests 100000000; keepalive_timeout 600s; }\n"
            for service in PLAIN_SERVICES)
        names = " ".join(f"{service_name(service)} {service};"
                         for service in PLAIN_SERVICES)
        setting = self.setting
        (self.folder / "nginx.conf").write_text(NGINX.format(
            folder=self.folder, map=names, upstreams=upstreams, address=PEERS, port=self.port,
            front=setting.front, front_key=setting.front_key,
            upstream_ca=setting.network.upstream_ca))

    def command_lines(self):
        return [("nginx", "-p", self.folder, "-c", self.folder / "nginx.conf")]


HAPROXY = """\
global
    nbthread 1
    maxconn 8000
    log stdout format raw local0
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
defaults
    mode http
    log global
    option httplog
    timeout connect 10s
    timeout client 600s
    timeout server 600s
    http-reuse aggressive
frontend agents
    bind {address}:{port} ssl crt {front_both} ca-sign-file {ca_both} generate-certificates alpn h2,http/1.1
{choices}
{backends}
"""


class Haproxy(Peer):
    """An agent's protocol is also that of the connection to the server."""

    name = "HAProxy"
    can = frozenset({"h1", "h2", "pool", "mint", "services", "idle"})
    version_words = ("haproxy", "-v")
    port = 8104

    def prepare(self):
        choices, backends = [], []
        for service in (*PLAIN_SERVICES, "mint"):
            for protocol, alpn in (("h2", "h2"), ("h1", "http/1.1")):
                matcher = "-m end ." if service == "mint" else ""
                is_h2 = "{ ssl_fc_alpn h2 }" if protocol == "h2" else ""
                choices.append(f"    use_backend {service}-{protocol} if "
                               f"{{ ssl_fc_sni {matcher}{service_name(service)} }} {is_h2}")
                name = "warm" if service == "mint" else service
                alpn = "http/1.1" if service == "events" else alpn  # all that it knows
                backends.append(
                    f"backend {service}-{protocol}\n    server origin {service_address(name)}:443 "
                    f"ssl verify required ca-file {self.setting.network.upstream_ca} "
                    f"sni str({service_name(name)}) alpn {alpn}\n")
        (self.folder / "haproxy.cfg").write_text(HAPROXY.format(
            address=PEERS, port=self.port, front_both=self.setting.front_both,
            ca_both=self.setting.ca_both, choices="\n".join(choices),
            backends="\n".join(backends)))

    def command_lines(self):
        return [("haproxy", "-f", self.folder / "haproxy.cfg")]


class Nghttpx(Peer):
    """Two of them, because one has one protocol towards its servers."""

    name = "nghttpx"
    can = frozenset({"h1", "h2", "pool", "services", "idle"})
    version_words = ("nghttpx", "--version")
    ports = {"h1": 8105, "h2": 8106}

    def endpoint(self, service, protocol):
        return PEERS, self.ports[protocol]

    def first_endpoints(self):
        return [("warm", "h1"), ("warm", "h2")]

    def command_lines(self):
        lines = []
        for protocol, port in self.ports.items():
            backends = []
            for service in PLAIN_SERVICES:
                # The server of events knows HTTP/1.1 only.
                proto = "h2" if protocol == "h2" and service != "events" else "http/1.1"
                pattern = "" if service == "warm" else f"{service_name(service)}/"
                backends += ["-b", f"{service_address(service)},443;{pattern};tls;proto={proto};"
                             f"sni={service_name(service)}"]
            lines.append((
                "nghttpx", f"-f{PEERS},{port};tls", *backends, "--workers=1",
                "--single-process", f"--cacert={self.setting.network.upstream_ca}",
                "--tls-max-proto-version=TLSv1.3", "--no-ocsp", "--no-server-rewrite",
                f"--accesslog-file={self.folder}/access.log", "--no-via", "--no-add-x-forwarded-proto",
                "--backend-keep-alive-timeout=600", "--frontend-keep-alive-timeout=600",
                "--frontend-http2-read-timeout=600", "--tls-no-postpone-early-data",
                f"--errorlog-file={self.folder}/error.log", "--conf=/dev/null",
                self.setting.front_key, self.setting.front))
        return lines


class Redirected(Peer):
    """A proxy that dials whatever address the agent dialled: it has addresses of its own, which
    are turned to its port."""

    way = ""

    def prepare(self):
        addresses = ", ".join(service_address(service, self.way) for service in SERVICES)
        self.namespace.command(
            "nft", f"add table ip {self.way}; "
            f"add chain ip {self.way} in {{ type nat hook prerouting priority dstnat; }}; "
            f"add rule ip {self.way} in ip daddr {{ {addresses} }} tcp dport 443 "
            f"redirect to :{self.port}")

    def endpoint(self, service, protocol):
        return service_address(service, self.way), 443


SQUID = """\
http_port {address}:{plain_port}
https_port {port} intercept ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB cert={ca_both}
sslcrtd_program /usr/lib/squid/security_file_certgen -s {folder}/certificates -M 4MB
sslcrtd_children 1
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
tls_outgoing_options cafile={upstream_ca} min-version=1.2
http_access allow all
cache deny all
cache_mem 8 MB
access_log stdio:{folder}/access.log
cache_log {folder}/cache.log
coredump_dir {folder}
pid_filename {folder}/squid.pid
host_verify_strict off
pinger_enable off
visible_hostname squid.bench.test
dns_nameservers {resolver}
shutdown_lifetime 0 seconds
max_filedescriptors 8192
"""


class Squid(Redirected):
    name = "squid"
    is_slow = True
    can = frozenset({"h1", "pool", "mint", "services", "idle"})
    version_words = ("squid", "-v")
    way, port = "squid", 8107

    def prepare(self):
        super().prepare()
        command("/usr/lib/squid/security_file_certgen", "-c", "-s", self.folder / "certificates",
                "-M", "4MB")
        command("chmod", "-R", "777", self.folder / "certificates")
        (self.folder / "squid.conf").write_text(SQUID.format(
            address=PEERS, plain_port=8108, port=self.port, ca_both=self.setting.ca_both,
            folder=self.folder, upstream_ca=self.setting.network.upstream_ca, resolver=RESOLVER))

    def command_lines(self):
        return [("squid", "-N", "-f", self.folder / "squid.conf")]


class Sslsplit(Peer):
    """Its `ssl` mode, which leaves HTTP alone: its `https` mode ends each connection after one
    request, and generators that expect more of it never come to an end."""

    name = "sslsplit"
    is_slow = True
    can = frozenset({"h1", "mint", "services", "idle"})
    version_words = ("sslsplit", "-V")
    port = 8109

    def command_lines(self):
        return [("sslsplit", "-k", self.setting.ca_key, "-c", self.setting.ca,
                 "-u", "root", "-l", self.folder / "connections.log",
                 "ssl", PEERS, self.port, "sni", "443")]


class Mitmproxy(Redirected):
    name = "mitmproxy"
    is_slow = True
    can = frozenset({"h1", "h2", "pool", "mint", "services", "idle"})
    version_words = ("mitmdump", "--version")
    way, port = "mitmproxy", 8110

    def prepare(self):
        super().prepare()
        shutil.copy(self.setting.ca_both, self.folder / "mitmproxy-ca.pem")

    def command_lines(self):
        return [("mitmdump", "--mode", "transparent", "--showhost", "-p", self.port,
                 "--set", f"confdir={self.folder}", "--set", "stream_large_bodies=1",
                 "--set", f"ssl_verify_upstream_trusted_ca={self.setting.network.upstream_ca}")]


ALL = (Direct, PlainRelay, Ours, Nginx, Haproxy, Nghttpx, Squid, Sslsplit, Mitmproxy)


def make(kind, setting):
    peer = kind(setting)
    peer.prepare()
    return peer
