"""`rootcell image ...` in a home of its own."""

import os
import platform
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ARCHITECTURE = platform.machine()


class Home:
    def __init__(self, folder, data, **environment):
        self.folder, self.data, self.more = folder, data, environment

    @property
    def image(self):
        return self.folder / "images" / ARCHITECTURE

    def set(self, **settings):
        instance = self.folder / "instances/default"
        instance.mkdir(parents=True, exist_ok=True)
        (instance / ".env").write_text(
            "".join(f"{name}={value}\n" for name, value in settings.items()))

    def run(self, *words):
        """(status, standard output, standard error)"""
        result = subprocess.run(
            [TOP / "build/rootcell", "image", *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.more,
                 "ROOTCELL_HOME": str(self.folder), "ROOTCELL_DATA": str(self.data)})
        return result.returncode, result.stdout, result.stderr
