"""Runs a service with one function changed, by a folder for its PYTHONPATH. The product has no hook for it.

`sitecustomize` is a module that Python imports, if it finds one, before anything else (docs.python.org,
`site`). Ours puts a finder in front of the others that runs a few lines of the test at the end of a module
of ours, in the module's own namespace: before anybody has imported a name from it, so that no caller holds
the unchanged function.
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

SITE = """
import importlib.machinery
import sys

CHANGES = {changes!r}


class Altering:
    @staticmethod
    def find_spec(name, path, target=None):
        if name not in CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        load = spec.loader.exec_module

        def load_and_alter(module):
            load(module)
            exec(compile(CHANGES[name], "<altered " + name + ">", "exec"), module.__dict__)

        spec.loader.exec_module = load_and_alter
        return spec


sys.meta_path.insert(0, Altering)
"""


def altered(folder: Path, changes: Mapping[str, str]) -> dict[str, str]:
    """The environment that makes a Python process run `changes` (module -> lines at its end).
    Kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {module: dedent(text) for module, text in changes.items()}
    (folder / "sitecustomize.py").write_text(SITE.format(changes=lines))
    return {"PYTHONPATH": str(folder)}
