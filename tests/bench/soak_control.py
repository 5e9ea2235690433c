"""Policies through the control socket, and requests to the two names that come and go."""

import json
import random
import socket
import ssl
import threading
import time

from network import DOMAIN, PLAIN_SERVICES, WALL, service_name

RELOAD_SECONDS = 0.1
FLIPPING = [f"one.flip.{DOMAIN}", f"other.flip.{DOMAIN}"]
STEADY = [*(service_name(service) for service in PLAIN_SERVICES), service_name("websocket"),
          f"rules.flip.{DOMAIN} GET /1k"]


class Control:
    """The firewall's control socket."""

    def __init__(self, wall):
        self.path = str(wall.control)

    def is_there(self):
        try:
            return bool(self.ask(b"status\n"))
        except OSError:
            return False

    def ask(self, message):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(self.path)
            connection.sendall(message)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while data := connection.recv(65536):
                answer += data
            return json.loads(answer)

    def first(self):
        return FLIPPING[0]

    def put_in_force(self, name):
        """The steady rules and one of the two names; returns when it is in force."""
        policy = {"https": "\n".join([*STEADY, name, ""]), "ssh": service_name("ssh") + "\n",
                  "dns": f"names.{DOMAIN}\n", "groups": {}}
        answer = self.ask(b"policy\n" + json.dumps(policy).encode())
        if not answer.get("ok"):
            raise RuntimeError(f"the policy was not accepted: {answer}")


class Flips:
    """Reloads, and requests whose fate the policy of their moment decides.

    A request counts when one and the same policy was in force from before it began until after it
    ended; between two policies both answers are right."""

    def __init__(self, control, connect, note_lost, note_leaked):
        self.control, self.connect = control, connect
        self.note_lost, self.note_leaked = note_lost, note_leaked
        self.lock = threading.Lock()
        self.allowed, self.epoch, self.is_changing = control.first(), 0, False
        self.reload_count = self.allowed_count = self.refused_count = self.between_count = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.set_alpn_protocols(["http/1.1"])

    def reload(self, is_over):
        due = time.monotonic()
        while not is_over():
            name = FLIPPING[1 - FLIPPING.index(self.allowed)]
            with self.lock:
                self.is_changing = True
            self.control.put_in_force(name)
            with self.lock:
                self.allowed, self.is_changing = name, False
                self.epoch += 1
                self.reload_count += 1
            due = max(due + RELOAD_SECONDS, time.monotonic())
            time.sleep(max(0, due - time.monotonic()))

    def state(self):
        with self.lock:
            return self.epoch, self.is_changing, self.allowed

    def get(self, name, path=b"/1k"):
        """The status of a request on a connection of its own; 0 when TLS was refused."""
        with self.connect(WALL, 443) as plain:
            try:
                with self.context.wrap_socket(plain, server_hostname=name) as secured:
                    secured.sendall(b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                                    % (path, name.encode()))
                    answer = secured.recv(65536)
            except OSError:
                return 0
        return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0

    def probe(self, is_over):
        while not is_over():
            name = random.choice(FLIPPING)
            before = self.state()
            status = self.get(name)
            after = self.state()
            if before[0] != after[0] or before[1] or after[1]:
                self.between_count += 1
            elif name == before[2]:
                self.allowed_count += 1
                if status != 200:
                    self.note_lost(f"{name} was allowed: {status}")
            else:
                self.refused_count += 1
                if status:
                    self.note_leaked(f"{name} was not allowed: {status}")
            time.sleep(0.01)
