"""The small internet: one namespace that answers for every address.

    agent (203.0.113.3) --link-- (.2) firewall (.18) --uplink-- (.17) internet

The internet's namespace owns every IPv4 address there is: the real servers listen on a few of
198.51.100.0/24, everything else ends at a catcher that keeps each byte.
"""

import datetime
import shutil
import ssl
import tempfile
import warnings
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID

from internet.capture import Capture
from internet.certificates import Authority, Shop, self_signed
from internet.http2_origin import Http2Origin
from internet.linux import Namespace, link
from internet.origin import Catcher, Journal, TlsOrigin
from internet.resolver import OddServer
from internet.servers import Servers
from internet.wait import Late, wait_until

ADDRESSES = {
    "resolver": "198.51.100.53",
    "odd": "198.51.100.54",
    "web": "198.51.100.10",
    "origin": "198.51.100.11",
    "git": "198.51.100.12",
    "ssh": "198.51.100.13",
    "websocket": "198.51.100.14",
    "old": "198.51.100.15",
    "http2": "198.51.100.16",
    "nghttpd": "198.51.100.17",
}
SERVICES = (
    ("resolver", 53), ("web", 443), ("origin", 443), ("git", 443), ("ssh", 22),
    ("websocket", 443), ("old", 443),
    ("http2", 443), ("nghttpd", 443), ("web", 8443),
)
AGENT, FIREWALL_LINK, LINK_PREFIX = "203.0.113.3", "203.0.113.2", 28
FIREWALL_UPLINK, GATEWAY = "203.0.113.18", "203.0.113.17"
POOL = "198.18.0.0/15"

CATCH_ALL = """
table ip catch {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        ip daddr . tcp dport {{ {services} }} accept
        ip daddr . udp dport {{ {resolver} . 53, {odd} . 53 }} accept
        iifname "wan" tcp dport 1-65535 redirect to :9
        iifname "wan" udp dport 1-65535 redirect to :9
    }}
}}
"""


def only_old_versions(context):
    context.set_ciphers("ALL:@SECLEVEL=0")
    warnings.simplefilter("ignore", DeprecationWarning)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1


class World:
    """Namespaces `agent`, `firewall`, `internet`, the servers, and what they saw."""

    def __init__(self, hosts=()):
        """`hosts`: more (name, address) pairs for the resolver."""
        self.folder = Path(tempfile.mkdtemp(prefix="rootcell-tests-"))
        self.folder.chmod(0o755)
        self.agent = Namespace("agent")
        self.firewall = Namespace("firewall")
        self.internet = Namespace("internet")
        self._connect()
        self.authority = Authority("The test internet's authority")
        self.upstream_ca = self.folder / "upstream-ca.pem"
        self.upstream_ca.write_bytes(self.authority.pem)
        self.shop = Shop(self._subfolder("shop"), self.authority)
        self._stock_bad_certificates()
        self.journal = Journal()
        self.capture = Capture(self.internet, "wan")
        self.inside = Capture(self.firewall, "lo")  # what the firewall sends to itself
        self.catcher = Catcher(self.internet, self.journal)
        self.origin = TlsOrigin(self.internet, ADDRESSES["origin"], self.shop, self.journal)
        self.old_origin = TlsOrigin(
            self.internet, ADDRESSES["old"], self.shop, self.journal, adjust=only_old_versions)
        self.http2 = Http2Origin(
            self.internet, ADDRESSES["http2"], self.shop, self.journal)
        self.odd = OddServer(self.internet, ADDRESSES["odd"])
        self.servers = Servers(self.internet, self._subfolder("servers"), self.shop, ADDRESSES)
        self._start_servers(hosts)

    def _subfolder(self, name):
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _connect(self):
        link(self.agent, "eth0", self.firewall, "link")
        link(self.firewall, "uplink", self.internet, "wan")
        self.agent.ip("addr", "add", f"{AGENT}/{LINK_PREFIX}", "dev", "eth0")
        self.agent.ip("route", "add", "default", "via", FIREWALL_LINK)
        self.firewall.ip("addr", "add", f"{FIREWALL_LINK}/{LINK_PREFIX}", "dev", "link")
        self.firewall.ip("addr", "add", f"{FIREWALL_UPLINK}/28", "dev", "uplink")
        self.firewall.ip("route", "add", "default", "via", GATEWAY)
        self.internet.ip("addr", "add", f"{GATEWAY}/28", "dev", "wan")
        # A global IPv6 address, so that the wall asks for AAAA; nobody answers there.
        self.firewall.ip("addr", "add", "2001:db8:1::2/64", "dev", "uplink", "nodad")
        self.firewall.ip("route", "add", "default", "via", "2001:db8:1::1", "dev", "uplink")
        self.internet.ip("addr", "add", "2001:db8:1::1/64", "dev", "wan", "nodad")
        for address in ADDRESSES.values():
            self.internet.ip("addr", "add", f"{address}/32", "dev", "lo")
        # Every other address is ours too, but for the firewall's and its resolver's way back.
        self.internet.ip("route", "add", "203.0.113.16/28", "dev", "wan", "table", "local")
        self.internet.ip("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "local")
        services = ", ".join(f"{ADDRESSES[name]} . {port}" for name, port in SERVICES)
        self.internet.command("nft", CATCH_ALL.format(services=services, **ADDRESSES))

    def _stock_bad_certificates(self):
        day = datetime.timedelta(days=1)
        issue, bad = self.authority.issue, self.shop.bad
        bad["expired.example.com"] = lambda: issue("expired.example.com", start=-9 * day, end=-day)
        bad["future.example.com"] = lambda: issue("future.example.com", start=2 * day)
        bad["wrong-name.example.com"] = lambda: issue("other.example.com")
        bad["cn-only.example.com"] = lambda: issue(common_name="cn-only.example.com")
        bad["self-signed.example.com"] = lambda: self_signed("self-signed.example.com")
        bad["stranger.example.com"] = lambda: self.shop.stranger.issue("stranger.example.com")
        bad["a.two-levels.example.com"] = lambda: issue("*.example.com")
        bad["partial.example.com"] = lambda: issue("part*.example.com")
        bad["wildcard.example.com"] = lambda: issue("*.example.com")
        bad["client-usage.example.com"] = lambda: issue(
            "client-usage.example.com", usage=ExtendedKeyUsageOID.CLIENT_AUTH
        )

    def _start_servers(self, hosts):
        self.servers.start_dnsmasq([
            *hosts,
            ("example.com", ADDRESSES["origin"]),
            ("web.example.com", ADDRESSES["web"]),
            ("web-other.example.com", ADDRESSES["web"]),
            ("tls12.example.com", ADDRESSES["web"]),
            ("git.example.com", ADDRESSES["git"]),
            ("ssh.example.com", ADDRESSES["ssh"]),
            ("ws.example.com", ADDRESSES["websocket"]),
            ("old-tls.example.com", ADDRESSES["old"]),
            ("h2.example.com", ADDRESSES["http2"]),
            ("nghttpd.example.com", ADDRESSES["nghttpd"]),
            ("h2-other.example.com", ADDRESSES["http2"]),
            ("loopback.example.com", "127.0.0.1"),
            ("metadata.example.com", "169.254.169.254"),
        ])
        self.servers.start_nginx(
            ["web.example.com", "web-other.example.com"], "git.example.com", "tls12.example.com")
        self.servers.start_nghttpd("nghttpd.example.com")
        self.servers.start_sshd()
        self.servers.start_websocket("ws.example.com")

    def dialled(self, start):
        """Where the wall dialled since a position of the capture; waits until there is one."""

        def search():
            return {packet.destination for packet in self.capture.since(start)
                    if packet.is_connect and packet.destination != ADDRESSES["resolver"]}

        try:
            return wait_until(search, "a dial", 3)
        except Late:
            return set()

    def stop(self):
        self.servers.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
