"""The name servers that ours is measured beside; one at a time has the port."""

from network import DOMAIN, PEERS
from peers import Peer


class Dnsmasq(Peer):
    name = "dnsmasq"
    can = frozenset({"dns"})
    version_words = ("dnsmasq", "--version")

    def command_lines(self):
        return [("dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--bind-interfaces",
                 f"--listen-address={PEERS}", "--conf-file=/dev/null", "--user=root",
                 "--pid-file=", "--local-ttl=60", f"--address=/names.{DOMAIN}/198.18.0.1")]

    def first_endpoints(self):
        return [("", "")]

    def endpoint(self, service, protocol):
        return PEERS, 53


UNBOUND = """\
server:
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: "{folder}/unbound.pid"
    interface: {address}
    access-control: 0.0.0.0/0 allow
    num-threads: 1
    module-config: "iterator"
    do-daemonize: no
    use-syslog: no
    local-zone: "names.{domain}." redirect
    local-data: "names.{domain}. 60 IN A 198.18.0.1"
remote-control:
    control-enable: no
"""


class Unbound(Dnsmasq):
    name = "unbound"
    version_words = ("unbound", "-V")

    def prepare(self):
        (self.folder / "unbound.conf").write_text(
            UNBOUND.format(folder=self.folder, address=PEERS, domain=DOMAIN))

    def command_lines(self):
        return [("unbound", "-d", "-c", self.folder / "unbound.conf")]


ALL = (Dnsmasq, Unbound)
