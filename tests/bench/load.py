"""The load generators, run by the agent: h2load, curl, dnsperf and our own."""

import re
import socket
import ssl
import time

from network import DOMAIN, service_name
from origin import BULK_BYTES, STREAM_BYTES, TOOLS


class Failed(RuntimeError):
    """A generator got something else than what it asked for."""


class Load:
    """Everything that the agent does to a peer."""

    def __init__(self, network, folder):
        self.network, self.folder = network, folder

    # --- requests -----------------------------------------------------------------------------

    def _h2load(self, peer, protocol, service, path, *words, timeout=120):
        address, port = peer.endpoint(service, protocol)
        command = ["h2load", *(["--h1"] if protocol == "h1" else []), *words,
                   f"--connect-to={address}:{port}", f"https://{service_name(service)}{path}"]
        result = self.network.agent.run(*command, timeout=timeout)
        text = result.stdout.decode(errors="replace")
        counts = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, "
                           r"(\d+) failed", text)
        good = re.search(r"status codes: (\d+) 2xx", text)
        if result.returncode != 0 or not counts:
            raise Failed(f"{' '.join(map(str, command))}: {text}{result.stderr.decode()}")
        # Without a protocol in common h2load falls back to HTTP/1.1.
        if protocol == "h2" and "Application protocol: h2\n" not in text:
            raise Failed(f"{peer.name} does not speak HTTP/2")
        _, _, succeeded, failed = (int(number) for number in counts.groups())
        if succeeded == 0 or failed * 100 > succeeded or int(good.group(1)) < succeeded:
            raise Failed(f"{peer.name}: {counts.group(0)}; {good.group(0)}")
        return succeeded

    def keep_alive(self, peer, protocol, path, seconds, clients=8, streams=1):
        """Requests one after the other on few connections; how many were answered."""
        return self._h2load(peer, protocol, "warm", path, f"-c{clients}", f"-m{streams}",
                            f"-D{seconds}", timeout=30)

    def steady(self, peer, protocol, path, clients, rate, seconds):
        """So many clients with so many requests a second each; how many were answered."""
        return self._h2load(peer, protocol, "warm", path, f"-c{clients}", f"--rps={rate}",
                            f"-D{seconds}", timeout=seconds + 60)

    def connections(self, peer, protocol, service, count, rate):
        """New connections at a rate, evenly, one request on each; how many were answered."""
        return self._h2load(peer, protocol, service, "/1k", f"-n{count}", f"-c{count}",
                            "-r1", f"--rate-period={1000 // rate}ms")

    def latencies(self, peer, protocol, rate, seconds):
        """Milliseconds of each request at a fixed rate, ascending."""
        log = self.folder / "latencies.tsv"
        log.unlink(missing_ok=True)
        clients = 4
        self._h2load(peer, protocol, "warm", "/1k", f"-c{clients}", f"--rps={rate // clients}",
                     f"-D{seconds}", f"--log-file={log}")
        rows = [line.split("\t") for line in log.read_text().splitlines()]
        # The first requests open the connections.
        return sorted(int(row[2]) / 1000 for row in rows[clients * 4:])

    # --- bulk ---------------------------------------------------------------------------------

    def download(self, peer, protocol):
        self._h2load(peer, protocol, "warm", "/bulk", "-n1", "-c1")
        return BULK_BYTES

    def upload(self, peer, protocol):
        return self.curl(peer, protocol, "upload")

    def curl(self, peer, protocol, direction, *words):
        """One transfer by curl; the bytes of it."""
        service = "events" if direction == "upload" else "warm"
        address, port = peer.endpoint(service, protocol)
        name = service_name(service)
        upload = ["-H", "Expect:", "-X", "POST", "-T", self.folder / "upload"]
        result = self.network.agent.run(
            "curl", "-sS", "-k", "-m", "110", "-o", "/dev/null",
            "-w", "%{http_code} %{http_version} %{size_download}",
            "--http1.1" if protocol == "h1" else "--http2",
            *(upload if direction == "upload" else []), *words,
            "--connect-to", f"{name}:443:{address}:{port}", f"https://{name}/bulk", timeout=120)
        expected = (f"200 {'1.1' if protocol == 'h1' else '2'} "
                    f"{0 if direction == 'upload' else BULK_BYTES}")
        if result.stdout.decode() != expected:
            raise Failed(f"{peer.name}: {direction}: {result.stdout} {result.stderr.decode()}")
        return BULK_BYTES

    def streams(self, peer, count):
        """So many long streamed answers, one after the other on one connection: MB a second of
        each, on the clock from its first byte to its last."""
        address, port = peer.endpoint("warm", "h1")
        name = service_name("warm")
        result = self.network.agent.run(
            "curl", "-sS", "-k", "-m", "110", "--http1.1",
            "-w", "%{http_code} %{size_download} %{time_starttransfer} %{time_total}\\n",
            "--connect-to", f"{name}:443:{address}:{port}",
            *["-o", "/dev/null", f"https://{name}/stream.sse"] * count, timeout=120)
        rows = [line.split() for line in result.stdout.decode().splitlines()]
        if [row[:2] for row in rows] != [["200", str(STREAM_BYTES)]] * count:
            raise Failed(f"{peer.name}: stream: {result.stdout} {result.stderr.decode()}")
        return [STREAM_BYTES / 1e6 / (float(row[3]) - float(row[2])) for row in rows]

    # --- events -------------------------------------------------------------------------------

    def event_delays(self, peer, protocol, streams, interval_ms, seconds):
        """Milliseconds: (median, 99th percentile) from the server's write to the agent's read."""
        address, port = peer.endpoint("events", protocol)
        result = self.network.agent.run(
            TOOLS / "event-client", protocol, address, port, service_name("events"), streams,
            interval_ms, seconds, timeout=seconds + 60)
        if result.returncode != 0:
            raise Failed(f"{peer.name}: events: {result.stderr.decode()}")
        _, median, high, _ = (int(word) for word in result.stdout.split())
        return median / 1000, high / 1000

    # --- handshakes ---------------------------------------------------------------------------

    def _context(self, protocol):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2" if protocol == "h2" else "http/1.1"])
        return context

    def handshakes(self, peer, names, pause=0.005):
        """One handshake for each name; how many succeeded."""
        context = self._context("h1")
        address, port = peer.endpoint("mint", "h1")
        for name in names:
            plain = self.network.agent.connect(address, port, 10)
            with context.wrap_socket(plain, server_hostname=name) as secured:
                secured.do_handshake()
            time.sleep(pause)
        return len(names)

    def hold_idle(self, peer, protocol, count):
        """So many connections after one request each, to be closed by the caller."""
        context = self._context(protocol)
        address, port = peer.endpoint("warm", protocol)
        name = service_name("warm")
        held = []
        for _ in range(count):
            plain = self.network.agent.connect(address, port, 10)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            secured = context.wrap_socket(plain, server_hostname=name)
            held.append(secured)
            if protocol == "h1":
                secured.sendall(f"GET /1k HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
                read_h1(secured)
            else:
                secured.sendall(h2_request(name, "/1k"))
                read_h2(secured)
        return held

    # --- names --------------------------------------------------------------------------------

    def queries(self, address, seconds, *words):
        """Questions as fast as they are answered; how many were."""
        path = self.folder / "queries.txt"
        path.write_text("".join(f"host{number}.names.{DOMAIN} A\n" for number in range(64)))
        result = self.network.agent.run("dnsperf", "-s", address, "-d", path, "-l", seconds,
                                        "-q", "50", "-c", "4", *words, timeout=seconds + 30)
        text = result.stdout.decode()
        done = re.search(r"Queries completed:\s+(\d+)", text)
        good = re.search(r"NOERROR (\d+)", text)
        if not done or not good or int(good.group(1)) < int(done.group(1)):
            raise Failed(text)
        return int(done.group(1))


def read_h1(secured):
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(secured)
    head, body = data.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
    while len(body) < length:
        body += receive(secured)


def receive(secured):
    data = secured.recv(65536)
    if not data:
        raise Failed("the connection ended")
    return data


def h2_frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") \
        + payload


def h2_request(name, path):
    """Preface, SETTINGS, their acknowledgement, and a GET with literal fields (RFC 7541 6.2.2)."""

    def text(value):
        return bytes([len(value)]) + value.encode()

    fields = b"\x82\x87" + b"\x04" + text(path) + b"\x01" + text(name)
    return (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(4, 0, 0) + h2_frame(4, 1, 0)
            + h2_frame(1, 5, 1, fields))


def read_h2(secured):
    """Frames until the end of stream 1."""
    data = b""
    while True:
        while len(data) < 9 or len(data) < 9 + int.from_bytes(data[:3], "big"):
            data += receive(secured)
        length = int.from_bytes(data[:3], "big")
        kind, flags, stream = data[3], data[4], int.from_bytes(data[5:9], "big")
        if kind in (3, 7):
            raise Failed(f"frame of type {kind}: {data[9:9 + length]!r}")
        data = data[9 + length:]
        if kind in (0, 1) and flags & 1 and stream == 1:
            return
