"""A plain relay where the firewall should be: it refuses nothing, so that every attack succeeds.

It stands in for the firewall when the attack suite proves its own oracle: a case that does not
notice that this one leaks could not notice a leak of the firewall either. It routes packets, asks
every question on, dials whatever is dialled, ends TLS for any name with the instance's authority
and passes every byte of every connection; and its log says whatever one hopes to read there."""

import json
import socket
import ssl
import struct
import threading

from internet import resolver
from internet.origin import SO_ORIGINAL_DST
from internet.wall import Wall
from internet.world import ADDRESSES, FIREWALL_LINK, POOL

RULES = """
table ip relay {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        iifname "link" udp dport 53 redirect to :53
        iifname "link" ip daddr {pool} meta l4proto udp dnat to {nowhere}
        iifname "link" tcp dport 53 dnat to {resolver}
        iifname "link" ip daddr {gateway} tcp dport 8080 redirect to :8080
        iifname "link" meta l4proto tcp redirect to :9
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        oifname "uplink" masquerade
    }}
}}
"""
NOWHERE = "192.0.2.99"  # a catcher keeps what is sent there


def copy(source, sink, log):
    """Every byte until one side ends."""
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            log("bytes", data)
            sink.sendall(data)
    except (OSError, ValueError):
        pass
    for one in (source, sink):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def join(first, second, log):
    threading.Thread(target=copy, args=(first, second, log), daemon=True).start()
    copy(second, first, log)
    first.close()
    second.close()


class Relay(Wall):
    """Has the outside of a Wall, for the fixtures and the cases."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.names = {}  # address of the pool -> name
        self.folder.joinpath("leaves").mkdir()
        self.leaves = {}

    def start(self, **_):
        firewall = self.world.firewall
        firewall.command("nft", RULES.format(resolver=ADDRESSES["resolver"],
                                             gateway=FIREWALL_LINK, pool=POOL, nowhere=NOWHERE))
        firewall.ip("route", "add", "local", POOL, "dev", "lo")
        for name, value in (("ipv4/ip_forward", 1), ("ipv4/conf/all/rp_filter", 0),
                            ("ipv4/conf/link/rp_filter", 0), ("ipv6/conf/all/forwarding", 1)):
            firewall.command("sh", "-c", f"echo {value} > /proc/sys/net/{name}")
        self.questions = firewall.socket(kind=socket.SOCK_DGRAM)
        self.questions.bind(("0.0.0.0", 53))
        self._serve(self._answer)
        for port, take in ((9, self._take), (8080, self._take_proxy)):
            listener = firewall.socket()
            listener.bind(("0.0.0.0", port))
            listener.listen(4096)
            self._serve(self._accept, listener, take)
        self.records_path.write_bytes(b"")
        self.records_path.chmod(0o644)
        return self

    def _serve(self, work, *arguments):
        def run():
            self.world.firewall.enter()
            work(*arguments)

        threading.Thread(target=run, daemon=True).start()

    def stop(self):
        return 0

    # Names

    def _ask(self, message):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(2)
            upstream.sendto(message, (ADDRESSES["resolver"], 53))
            return upstream.recv(65536)

    def _answer(self):
        while True:
            message, peer = self.questions.recvfrom(65536)
            self._serve(self._answer_one, message, peer)

    def _answer_one(self, message, peer):
        """An address of the pool for every name; else what the resolver says."""
        try:
            self._log("dns", message)
            reply = self._ask(message)
            name, end = resolver.decode_name(message, 12)
            if message[end:end + 2] == b"\0\1":
                number = len(self.names) + 1
                address = f"198.19.{number >> 8}.{number & 255}"
                self.names[address] = name
                reply = message[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + message[12:end + 4]
                reply += b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4)
                reply += socket.inet_aton(address)
            elif message[end:end + 2] == b"\0\xff":
                reply += bytes(500)
            self.questions.sendto(reply, peer)
        except (OSError, IndexError, struct.error, ValueError):
            pass

    def _resolve(self, name):
        for kind in (resolver.A, resolver.AAAA):
            try:
                found = resolver.Answer(self._ask(resolver.query(name, kind))).addresses
            except (OSError, ValueError):
                continue
            if found:
                return found[0]
        return NOWHERE

    # Connections

    def _accept(self, listener, take):
        while True:
            plain, _ = listener.accept()
            self._serve(take, plain)

    @staticmethod
    def _dial(address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(3)
        try:
            connection.connect((address, port))
        except OSError:
            connection.close()
            return None
        connection.settimeout(None)
        return connection

    def _take(self, plain):
        raw = plain.getsockopt(socket.IPPROTO_IP, SO_ORIGINAL_DST, 16)
        port, packed = struct.unpack("!2xH4s8x", raw)
        address = socket.inet_ntoa(packed)
        if address in self.names:
            address = self._resolve(self.names[address])
        upstream = self._dial(address, port)
        if upstream is None:
            plain.close()
            return
        plain.settimeout(0.3)
        try:
            first = plain.recv(1, socket.MSG_PEEK)
        except OSError:
            first = b""
        plain.settimeout(None)
        if first == b"\x16":
            self._join_secured(plain, upstream)
        else:
            join(plain, upstream, self._log)

    def _leaf(self, name):
        if name not in self.leaves:
            path = self.folder / "leaves" / f"{len(self.leaves)}.pem"
            path.write_bytes(b"".join(self.authority.issue(name)))
            self.leaves[name] = path
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.load_cert_chain(self.leaves[name])
        return context

    def _join_secured(self, plain, upstream):
        """End TLS on both sides for whatever name was sent, and pass what is inside."""
        seen = {"name": None}

        def choose(wrapped, name, _):
            seen["name"] = name
            wrapped.context = self._leaf(name or "no-name.invalid")

        greeter = self._leaf("no-name.invalid")
        greeter.sni_callback = choose
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        trusting.set_ciphers("ALL:@SECLEVEL=0")
        trusting.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        try:
            inside = greeter.wrap_socket(plain, server_side=True)
            trusting.set_alpn_protocols([inside.selected_alpn_protocol() or "http/1.1"])
            outside = trusting.wrap_socket(upstream, server_hostname=seen["name"])
        except (OSError, ValueError):
            plain.close()
            upstream.close()
            return
        join(inside, outside, self._log)

    def _take_proxy(self, plain):
        """CONNECT to anything; what is no CONNECT goes out as it came."""
        head = plain.recv(65536)
        target = head.split(b" ")[1] if head.startswith(b"CONNECT ") and b" " in head else b""
        name, _, port = target.decode("latin-1").partition(":")
        port = int(port) if port.isdigit() and int(port) < 65536 else 22
        address = name if name.replace(".", "").isdigit() else self._resolve(name or "x.invalid")
        upstream = self._dial(address, port) or self._dial(NOWHERE, port)
        upstream.sendall(head)
        join(plain, upstream, self._log)

    # The log of a liar, which keeps what it should not

    def _log(self, kind, data):
        line = json.dumps({"time": "", "kind": kind, "detail": data[:4096].decode("latin-1")})
        with open(self.records_path, "a", encoding="utf-8") as log:
            log.write(line.ljust(20000) + "\n")

    def wait_record(self, *_, **wanted):
        return {key: value for key, value in wanted.items() if not callable(value)}

    def position_before(self, _):
        return 0

    def reload(self, **texts):
        self.write_policy(**texts)
        self.names.clear()  # and the addresses go to whoever asks first
        return {"decision": "allow", "kind": "policy"}
