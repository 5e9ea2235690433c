"""The real servers of the small internet: dnsmasq, nginx, git behind it, OpenSSH, WebSocket."""

import subprocess
import sys
from pathlib import Path

from internet.linux import command
from internet.wait import wait_until

HERE = Path(__file__).resolve().parent

DNSMASQ = """\
no-resolv
no-hosts
no-daemon
bind-interfaces
listen-address={resolver}
cache-size=0
local-ttl=30
log-queries
log-facility={folder}/dnsmasq.log
pid-file=
user=root
server=/odd.example.net/{odd}
"""

NGINX = """\
daemon off;
master_process off;
user root;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
    log_format facts '$host $ssl_protocol $ssl_session_reused $connection $server_protocol $uri';
    access_log {folder}/access.log facts;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_protocols TLSv1.2 TLSv1.3;
    keepalive_requests 100000;
    sendfile on;
{servers}
}}
"""

NGINX_WEB = """\
    server {{
        listen {address}:443 ssl http2;
        server_name {name};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        root {root};
        default_type application/octet-stream;
    }}
"""

NGINX_TLS_1_2 = """\
    server {{
        listen {address}:8443 ssl http2;
        server_name {name};
        ssl_protocols TLSv1.2;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        root {root};
    }}
"""

NGINX_GIT = """\
    server {{
        listen {address}:443 ssl http2;
        server_name {name};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
            fastcgi_param GIT_HTTP_EXPORT_ALL "";
            fastcgi_param GIT_PROJECT_ROOT {root};
            fastcgi_param PATH_INFO $uri;
            fastcgi_param REMOTE_USER tester;
            fastcgi_pass unix:{folder}/fcgi.sock;
        }}
    }}
"""

SSHD = """\
ListenAddress {address}:22
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
MaxStartups 100
"""


class Servers:
    """Starts everything and knows the names; every process ends with the tests."""

    def __init__(self, namespace, folder, shop, addresses):
        self.namespace, self.folder, self.shop, self.addresses = namespace, folder, shop, addresses
        self.names = {}
        self.processes = []

    def _start(self, name, *words):
        log = open(self.folder / f"{name}.output", "ab")
        self.processes.append(self.namespace.start(*words, stdout=log, stderr=log))

    def _listens(self, address, port):
        def attempt():
            try:
                self.namespace.connect(address, port, 1).close()
                return True
            except OSError:
                return False

        wait_until(attempt, f"a server at {address}:{port}")

    def start_dnsmasq(self, hosts):
        """hosts: (name or /zone/, address) pairs."""
        lines = [DNSMASQ.format(folder=self.folder, **self.addresses)]
        lines += [f"address=/{name}/{address}\n" for name, address in hosts]
        (self.folder / "dnsmasq.conf").write_text("".join(lines))
        self._start("dnsmasq", "dnsmasq", f"--conf-file={self.folder}/dnsmasq.conf")
        self._listens(self.addresses["resolver"], 53)

    def make_repository(self, root):
        """A bare repository with one commit, `project.git`."""
        bare = root / "project.git"
        work = self.folder / "work"
        identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
        command("git", "init", "-q", "--bare", "-b", "main", bare)
        command("git", "-C", bare, "config", "http.receivepack", "true")
        command("git", "init", "-q", "-b", "main", work)
        (work / "hello.txt").write_text("hello\n")
        command("git", "-C", work, "add", ".")
        command("git", *identity, "-C", work, "commit", "-qm", "first")
        command("git", "-C", work, "push", "-q", bare, "main")

    def start_nginx(self, web_names, git_name, tls12_name):
        root, repositories = self.folder / "www", self.folder / "repositories"
        root.mkdir()
        repositories.mkdir()
        (root / "index.html").write_text("hello from nginx\n")
        with open(root / "gigabyte", "wb") as sparse:
            sparse.truncate(1 << 30)
        self.make_repository(repositories)
        self._start("fcgiwrap", "fcgiwrap", "-c", "2", "-s", f"unix:{self.folder}/fcgi.sock")
        servers = []
        for name in web_names:
            certificate, key = self.shop.files(name)
            servers.append(NGINX_WEB.format(
                address=self.addresses["web"], name=name, certificate=certificate, key=key,
                root=root))
        certificate, key = self.shop.files(tls12_name)
        servers.append(NGINX_TLS_1_2.format(
            address=self.addresses["web"], name=tls12_name, certificate=certificate, key=key,
            root=root))
        certificate, key = self.shop.files(git_name)
        servers.append(NGINX_GIT.format(
            address=self.addresses["git"], name=git_name, certificate=certificate, key=key,
            root=repositories, folder=self.folder))
        path = self.folder / "nginx.conf"
        path.write_text(NGINX.format(folder=self.folder, servers="".join(servers)))
        self._start("nginx", "nginx", "-p", self.folder, "-c", path)
        self._listens(self.addresses["web"], 443)
        self._listens(self.addresses["git"], 443)

    def start_nghttpd(self, name):
        """HTTP/2 only: serves nginx's files with a trailer, and sends uploads back."""
        certificate, key = self.shop.files(name)
        self._start("nghttpd", "nghttpd", "--htdocs", self.folder / "www", "--echo-upload",
                    "--trailer", "x-served-by: nghttpd", "--address",
                    self.addresses["nghttpd"], "443", key, certificate)
        self._listens(self.addresses["nghttpd"], 443)

    def start_sshd(self):
        """Root may log in with `client_key`; the host key stands in `known_hosts`."""
        for name in ("host_key", "client_key"):
            command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name)
        public = (self.folder / "client_key.pub").read_bytes()
        (self.folder / "authorized_keys").write_bytes(public)
        path = self.folder / "sshd_config"
        path.write_text(SSHD.format(folder=self.folder, address=self.addresses["ssh"]))
        self._start("sshd", "/usr/sbin/sshd", "-D", "-e", "-f", path)
        self._listens(self.addresses["ssh"], 22)

    def known_hosts(self, *names):
        path = self.folder / "known_hosts"
        public = (self.folder / "host_key.pub").read_text().split()
        path.write_text("".join(f"{name} {public[0]} {public[1]}\n" for name in names))
        return path

    def start_websocket(self, name):
        certificate, key = self.shop.files(name)
        self._start("websocket", sys.executable, HERE / "websocket_echo.py",
                    self.addresses["websocket"], certificate, key)
        self._listens(self.addresses["websocket"], 443)

    def nginx_log(self, start=0):
        """What nginx served: (name, TLS version, `r` when resumed, connection, protocol, path)."""
        path = self.folder / "access.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [tuple(line.split(" ")) for line in lines[start:]]

    def stop(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                pass
