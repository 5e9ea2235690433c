"""The traffic of a soak: each kind a thread that begins anew in segments."""

import asyncio
import hashlib
import os
import socket
import ssl
import threading
import time

import websockets

from internet.resolver import Answer, query
from load import Failed
from network import DOMAIN, WALL, service_name
from origin import TOOLS
from soak_control import Flips

SSH_BYTES = 256 * 1024
BULK_RATE = "8M"  # bytes a second


class Traffic:
    """Starts everything, counts what was done, and keeps what went wrong."""

    def __init__(self, soak, rates, segment_seconds):
        self.soak, self.rates, self.segment = soak, rates, segment_seconds
        self.agent, self.peer, self.load = soak.network.agent, soak.wall, soak.load
        self.lost, self.leaked, self.counts = [], [], {}
        self.is_stopping = threading.Event()
        self.flips = Flips(soak.control, lambda *where: self.agent.connect(*where, 10),
                           self.lost.append, self.leaked.append)
        kinds = [(f"{protocol} requests", self.requests, (protocol,)) for protocol in rates]
        kinds += [(f"{protocol} connections", self.connections, (protocol,)) for protocol in rates]
        kinds += [(f"{protocol} events", self.events, (protocol,)) for protocol in rates]
        kinds += [(f"{protocol} {direction}s", self.bulk, (protocol, direction))
                  for protocol in rates for direction in ("download", "upload")]
        kinds += [("WebSocket messages", self.websocket, ()), ("names", self.names, ()),
                  ("SSH sessions", self.ssh, ()), ("refusals", self.refusals, ())]
        self.threads = [threading.Thread(target=self.repeat, args=kind, daemon=True)
                        for kind in kinds]
        for work in (self.flips.reload, self.flips.probe, self.flips.probe):
            self.threads.append(threading.Thread(target=self.guard, args=(work,), daemon=True))

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.is_stopping.set()
        for thread in self.threads:
            thread.join(180)
            if thread.is_alive():
                self.lost.append(f"{thread.name} does not end")

    def summary(self):
        parts = [f"{count} {kind}" for kind, count in sorted(self.counts.items())]
        flips = self.flips
        parts.append(f"{flips.reload_count} policies, {flips.allowed_count} allowed and "
                     f"{flips.refused_count} refused by them, {flips.between_count} between two")
        return f"{', '.join(parts)}; {len(self.lost)} lost, {len(self.leaked)} leaked"

    def guard(self, work):
        try:
            work(self.is_stopping.is_set)
        except Exception as failure:
            if not self.is_stopping.is_set():
                self.lost.append(f"{work.__name__}: {failure!r}")

    def repeat(self, kind, work, arguments):
        while not self.is_stopping.is_set():
            try:
                self.counts[kind] = self.counts.get(kind, 0) + work(*arguments)
            except Exception as failure:
                self.lost.append(f"{kind}: {str(failure)[-300:]}")
                time.sleep(1)

    # --- kinds: each does some work that must succeed, and returns how much -------------------

    def requests(self, protocol):
        clients = 8
        return self.load.steady(self.peer, protocol, "/1k", clients,
                                max(self.rates[protocol] // clients, 1), self.segment)

    def connections(self, protocol):
        return self.load.connections(self.peer, protocol, "warm", 5 * self.segment, 5)

    def events(self, protocol):
        address, port = self.peer.endpoint("events", protocol)
        result = self.agent.run(TOOLS / "event-client", protocol, address, port,
                                service_name("events"), 40, 500, self.segment,
                                timeout=self.segment + 60)
        if result.returncode != 0:
            raise Failed(result.stderr.decode())
        return int(result.stdout.split()[0])

    def bulk(self, protocol, direction):
        return self.load.curl(self.peer, protocol, direction, "--limit-rate", BULK_RATE) and 1

    def websocket(self):
        return asyncio.run(self.echo_messages())

    async def echo_messages(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        plain = self.agent.connect(WALL, 443)
        name = service_name("websocket")
        until = time.monotonic() + self.segment
        count = 0
        async with websockets.connect(f"wss://{name}/", sock=plain, ssl=context,
                                      server_hostname=name) as connection:
            while time.monotonic() < until and not self.is_stopping.is_set():
                message = os.urandom(count * 37 % 4096)
                await connection.send(message)
                if await asyncio.wait_for(connection.recv(), 10) != message:
                    raise Failed("another message came back")
                count += 1
                await asyncio.sleep(0.05)
        return count

    def names(self):
        return self.load.queries(WALL, self.segment, "-Q", "200")

    def address_of(self, name):
        with self.agent.socket(kind=socket.SOCK_DGRAM) as plain:
            plain.settimeout(5)
            plain.connect((WALL, 53))
            plain.send(query(name))
            return Answer(plain.recv(4096)).addresses[0]

    def ssh(self):
        name, servers = service_name("ssh"), self.soak.servers
        data = os.urandom(SSH_BYTES)
        result = self.agent.run(
            "ssh", "-i", servers.folder / "client_key", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={servers.known_hosts(name)}", "-o", f"HostKeyAlias={name}",
            f"root@{self.address_of(name)}", "sha256sum", input=data, timeout=60)
        if result.stdout[:64].decode() != hashlib.sha256(data).hexdigest():
            raise Failed(f"ssh: {result.stdout!r} {result.stderr!r}")
        time.sleep(1)
        return 1

    def refusals(self):
        """What no rule allows, at any time."""
        expected = {("nobody.example.org", b"/1k"): 0, (f"rules.flip.{DOMAIN}", b"/64k"): 403,
                    (f"rules.flip.{DOMAIN}", b"/../64k"): 400}
        for (name, path), status in expected.items():
            found = self.flips.get(name, path)
            if found != status:
                self.leaked.append(f"{name}{path.decode()}: {found} and not {status}")
            time.sleep(0.05)
        return len(expected)
