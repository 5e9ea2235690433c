"""What a process and its descendants cost: processor time and memory, from /proc."""

from pathlib import Path


def members(root):
    """Process ids of the tree, its root first."""
    found = [root]
    for pid in found:
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found += [int(word) for word in (thread / "children").read_text().split()]
        except OSError:
            pass
    return found


def processor_seconds(roots):
    """User and system time of all threads, to the nanosecond (schedstat, not ticks)."""
    nanoseconds = 0
    for root in roots:
        for pid in members(root):
            try:
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    nanoseconds += int((thread / "schedstat").read_text().split()[0])
            except OSError:
                pass
    return nanoseconds / 1e9


def memory_mib(roots):
    """Sum of the proportional set sizes."""
    kibibytes = 0
    for root in roots:
        for pid in members(root):
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            kibibytes += sum(int(line.split()[1]) for line in text.splitlines()
                             if line.startswith("Pss:"))
    return kibibytes / 1024


def descriptor_count(roots):
    count = 0
    for root in roots:
        for pid in members(root):
            try:
                count += len(list(Path(f"/proc/{pid}/fd").iterdir()))
            except OSError:
                pass
    return count
