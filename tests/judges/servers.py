"""The servers of the judges, each at an address and a name of its own."""

import os
import shutil
import subprocess
from pathlib import Path

from internet.wait import wait_until

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
GO_PROGRAM = TOP / "build/judges/judge"

ZONE = "judges.example.com"
NETWORK = "198.51.100.64/27"
ADDRESSES = {
    f"{name}.{ZONE}": f"198.51.100.{65 + number}"
    for number, name in enumerate(["nginx", "apache", "node", "go", "grpc", "ws", "h11", "h2"])
}
ADDRESS_OF_TUNNEL = "198.51.100.90"
# Those that answer the paths of cases.py.
WEB = [f"{name}.{ZONE}" for name in ("nginx", "apache", "node", "go")]

NGINX = """\
daemon off;
master_process off;
user root;
error_log {folder}/nginx-error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_max_body_size 0;
    large_client_header_buffers 8 32k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address}:443 ssl http2;
        server_name {name};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME {script};
            fastcgi_param HTTP_PROXY "";
            fastcgi_pass unix:{folder}/judges-fcgi.sock;
        }}
    }}
}}
"""

APACHE = """\
ServerRoot {folder}
ServerName {name}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache-error.log
LogLevel warn
User www-data
Group www-data
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule cgid_module {modules}/mod_cgid.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule http2_module {modules}/mod_http2.so
ScriptSock {folder}/apache-cgi.sock
DefaultRuntimeDir {folder}
StartServers 1
MinSpareThreads 4
ThreadsPerChild 16
LimitRequestFields 200
Listen {address}:443
SSLEngine on
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}
Protocols h2 http/1.1
ScriptAlias / {script}/
AcceptPathInfo On
AllowEncodedSlashes NoDecode
<Directory {scripts}>
    Require all granted
</Directory>
"""


class Judges:
    """Starts them in the internet of a world; they end with the tests."""

    def __init__(self, world):
        self.world = world
        self.folder = world.folder / "judges"
        self.folder.mkdir()
        self.processes = []
        # Where other users may read it, too.
        self.script = Path(shutil.copy(HERE / "answer.cgi", self.folder))
        world.internet.command("nft", "insert", "rule", "ip", "catch", "prerouting", "ip", "daddr",
                               NETWORK, "accept")
        for address in [*ADDRESSES.values(), ADDRESS_OF_TUNNEL]:
            world.internet.ip("addr", "add", f"{address}/32", "dev", "lo")

    def start(self, name, *words, **options):
        log = open(self.folder / f"{name}.output", "ab")
        self.processes.append(
            self.world.internet.start(*words, stdout=log, stderr=log, **options))

    def listens(self, name):
        def attempt():
            try:
                self.world.internet.connect(ADDRESSES[name], 443, 1).close()
                return True
            except OSError:
                return False

        def said():
            return "".join(path.read_text(errors="replace")[-300:]
                           for path in self.folder.glob("*.output"))

        try:
            wait_until(attempt, f"{name} to listen", 20)
        except AssertionError as late:
            raise AssertionError(f"{late}: {said()}") from None

    def parts(self, name):
        certificate, key = self.world.shop.files(name)
        return {"name": name, "address": ADDRESSES[name], "certificate": certificate, "key": key}

    def start_nginx(self, name):
        self.start("fcgiwrap", "fcgiwrap", "-c", "2", "-s",
                   f"unix:{self.folder}/judges-fcgi.sock")
        path = self.folder / "nginx.conf"
        path.write_text(NGINX.format(folder=self.folder, script=self.script,
                                     **self.parts(name)))
        self.start("nginx", "nginx", "-p", self.folder, "-c", path)

    def start_apache(self, name):
        path = self.folder / "apache.conf"
        path.write_text(APACHE.format(
            folder=self.folder, modules="/usr/lib/apache2/modules", scripts=self.folder,
            script=self.script, **self.parts(name)))
        self.start("apache", "apache2", "-X", "-f", path)

    def start_program(self, name, *words):
        parts = self.parts(name)
        self.start(name, *words, parts["address"], parts["certificate"], parts["key"],
                   env={**os.environ})

    def start_all(self):
        self.start_nginx(f"nginx.{ZONE}")
        self.start_apache(f"apache.{ZONE}")
        self.start_program(f"node.{ZONE}", "node", "--max-http-header-size=131072",
                           HERE / "server.js")
        self.start_program(f"go.{ZONE}", GO_PROGRAM, "server")
        self.start_program(f"grpc.{ZONE}", "node", HERE / "grpc_judge.js", "server")
        self.start_program(f"ws.{ZONE}", "node", HERE / "ws_judge.js", "server")
        for kind in ("h11", "h2"):
            self.start_program(f"{kind}.{ZONE}", "/usr/bin/python3", HERE / "parser_server.py",
                               kind)
        for name in ADDRESSES:
            self.listens(name)

    def stop(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                pass
