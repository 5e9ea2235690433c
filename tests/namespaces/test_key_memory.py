"""Where the key of the instance's authority stands in memory."""

import base64
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key


def shapes_of(pem):
    """The private number as OpenSSL and files hold it, and the text of the file."""
    number = load_pem_private_key(pem, None).private_numbers().private_value
    lines = pem.decode().splitlines()
    shapes = {
        "big-endian": number.to_bytes(32, "big"),
        "little-endian": number.to_bytes(32, "little"),
        "text": lines[2].encode(),
    }
    assert base64.b64decode("".join(lines[1:-1]))
    return shapes


def regions(pid):
    """(first, end, flags) of each mapping that can be written."""
    found, flags = [], ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = line.split(" ", 1)[0]
        if "-" in head and not head.endswith(":"):
            first, end = (int(word, 16) for word in head.split("-"))
            mode = line.split()[1]
        elif line.startswith("VmFlags:"):
            flags = line.split()[1:]
            if "r" in mode and "w" in mode:
                found.append((first, end, flags))
    return found


def places(pid, shapes):
    """(what, address, flags of the mapping) of each copy."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for first, end, flags in regions(pid):
            memory.seek(first)
            data = memory.read(end - first)
            for what, shape in shapes.items():
                at = data.find(shape)
                while at >= 0:
                    found.append((what, hex(first + at), flags))
                    at = data.find(shape, at + 1)
    return found


def test_stands_in_locked_memory_that_is_never_dumped_and_nowhere_else(wall, ordinary):
    ordinary()
    shapes = shapes_of(wall.ca_key.read_bytes())
    holders = 0
    for pid in [wall.process.pid, *wall.children()]:
        name = Path(f"/proc/{pid}/status").read_text()
        is_recorder = "Uid:\t61002" in name
        found = places(pid, shapes)
        holders += bool(found)
        exposed = [place for place in found if not {"dd", "lo"} <= set(place[2])]
        assert not exposed, (pid, name.split("Uid:")[1].split()[0], exposed)
        assert not (is_recorder and found), found
    assert holders == 2, "the search finds what is there"
