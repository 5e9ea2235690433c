"""A terminal of made-up size with the program in it: what it draws is read as a screen (pyte)."""

import codecs
import fcntl
import os
import select
import signal
import struct
import termios
import threading
import time

import pyte

DEADLINE = 60 # seconds: for machines that have much else to do


class Terminal:
    """The program with a pipe for its standard input and a terminal of its own."""

    def __init__(self, command, columns=80, rows=24, environment=None):
        self.columns, self.rows = columns, rows
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.Stream(self.screen)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.raw = b""
        self.is_over = False
        self.status = None
        read_end, self.events = os.pipe()
        self.master, terminal = os.openpty()
        self.name = os.ttyname(terminal)
        self._set_size_of_terminal()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            for number, end in enumerate((read_end, terminal, terminal)):
                os.dup2(end, number)
            os.closerange(3, 100)
            os.execve(command[0], command, {
                "TERM": "linux", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin",
                **(environment or {})})
        os.close(read_end)
        os.close(terminal)
        self.stopped, self.stop = os.pipe()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        data = b"-"
        while data:
            ready = select.select([self.master, self.stopped], [], [])[0]
            try:
                data = os.read(self.master, 65536) if self.stopped not in ready else b""
            except OSError:  # nobody has the terminal open any more
                data = b""
            with self.changed:
                self.is_over = not data
                self.raw += data
                # pyte would print an operating-system command, such as that of copying.
                self.stream.feed(self.decoder.decode(without_commands(data)))
                self.changed.notify_all()

    def set_size(self, columns, rows):
        with self.lock:
            self.columns, self.rows = columns, rows
            self.screen.resize(rows, columns)
        self._set_size_of_terminal()

    def _set_size_of_terminal(self):
        size = struct.pack("HHHH", self.rows, self.columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def hang_up(self):
        """Close the terminal under the program."""
        os.close(self.stop)
        self.reader.join(DEADLINE)
        os.close(self.master)
        self.master = self.stop = -1

    def send(self, data):
        """Events."""
        while data:
            data = data[os.write(self.events, data):]

    def end_events(self):
        os.close(self.events)
        self.events = -1

    def type(self, keys):
        os.write(self.master, keys.encode())

    def click(self, column, row, button=0, release=True):
        self.type(f"\x1b[<{button};{column + 1};{row + 1}M")
        if release:
            self.type(f"\x1b[<{button};{column + 1};{row + 1}m")

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def row(self, number):
        return self.lines()[number]

    def wait(self, condition, what):
        """Until `condition(self)` is true of the screen; what it gave."""
        deadline = time.monotonic() + DEADLINE
        with self.changed:
            while True:
                value = condition(self)
                if value:
                    return value
                left = deadline - time.monotonic()
                if left <= 0 or (self.is_over and not condition(self)):
                    raise AssertionError(f"waited in vain for {what}; the screen:\n" + self.text())
                self.changed.wait(left)

    def wait_for(self, *texts):
        self.wait(lambda terminal: all(text in terminal.text() for text in texts), repr(texts))

    def wait_without(self, text):
        self.wait(lambda terminal: text not in terminal.text(), f"no {text!r}")

    def wait_raw(self, data):
        self.wait(lambda terminal: data in terminal.raw, repr(data))

    def attributes(self, column, row):
        return self.screen.buffer[row][column]

    def end(self):
        """Wait for the program's end; its status as of waitpid."""
        self.reader.join(DEADLINE)
        return self.wait_status()

    def wait_status(self):
        deadline = time.monotonic() + DEADLINE
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
            elif time.monotonic() > deadline:
                raise AssertionError("the program does not end")
            else:
                select.select([], [], [], 0.01)
        return self.status

    def close(self):
        if self.events >= 0:
            self.end_events()
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(self.pid, 0)
            self.status = -1
        if self.stop >= 0:
            os.close(self.stop)
        self.reader.join(DEADLINE)
        os.close(self.stopped)
        if self.master >= 0:
            os.close(self.master)


def without_commands(data):
    """Without operating-system commands."""
    while (start := data.find(b"\x1b]")) >= 0:
        end = data.find(b"\x07", start)
        data = data[:start] + (data[end + 1:] if end >= 0 else b"")
    return data
