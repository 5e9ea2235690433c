"""How much slower this machine is at the moment than the idle one that the time limits are for."""

import hashlib
import threading
import time

ROUNDS = 600_000
THREADS = 2
# Seconds of the work below on that machine: two cores, nothing else to do.
IDLE_SECONDS = 0.155


def slowdown():
    """1.0 on an idle machine of that speed or a faster one; 3.0 when all takes three times as long.

    A fixed piece of work on two cores at once, as the two VMs are."""
    def work():
        hashlib.pbkdf2_hmac("sha256", b"rootcell", b"calibration", ROUNDS)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(1.0, (time.monotonic() - started) / IDLE_SECONDS)


class Timing:
    """Durations of one action, with the slowdown measured beside each."""

    def __init__(self, what, limit):
        self.what, self.limit = what, limit
        self.seconds, self.slowdowns = [], []

    def measure(self, action, times=1):
        for _ in range(times):
            before = slowdown()
            started = time.monotonic()
            action()
            self.seconds.append(time.monotonic() - started)
            self.slowdowns.append(max(before, slowdown()))
        return self

    @staticmethod
    def _median(values):
        return sorted(values)[len(values) // 2]

    def check(self):
        """Within its limit, stretched by what else the machine had to do."""
        seconds, factor = self._median(self.seconds), self._median(self.slowdowns)
        text = (f"{self.what}: {seconds:.3f} s of {self.limit:g} s, machine slowed down "
                f"{factor:.1f} times")
        print(text)
        assert seconds <= self.limit * factor, text
