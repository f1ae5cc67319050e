"""Runs a service with one function changed, by a folder for its PYTHONPATH. The product has no hook for it.

`sitecustomize` is a module that Python imports, if it finds one, before anything else (docs.python.org,
`site`). Ours puts a finder in front of the others that runs a few lines of the test at the end of a module
of ours, in the module's own namespace: before anybody has imported a name from it, so that no caller holds
the unchanged function.

A process that was forked has imported them already (`forked_services.py`): there the lines run at once, and
what they change is changed wherever it was imported to.
"""

import importlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent
from types import FunctionType, ModuleType

CHANGES = "changes.json"
OURS = ("sandbox", "marketplace")
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
    (folder / CHANGES).write_text(json.dumps(lines))
    return {"PYTHONPATH": str(folder)}


def is_altered(folder: Path) -> bool:
    return (folder / CHANGES).is_file()


def alter_loaded(folder: Path) -> None:
    """Make the changes that `altered` has kept in `folder` in this process, whatever it has imported."""
    for name, lines in json.loads((folder / CHANGES).read_text()).items():
        _alter(importlib.import_module(name), lines)


def _alter(module: ModuleType, lines: str) -> None:
    before = dict(vars(module))
    exec(compile(lines, f"<altered {module.__name__}>", "exec"), vars(module))
    now = vars(module)
    importers = [
        one for name, one in sys.modules.items() if name.partition(".")[0] in OURS and one is not module
    ]
    for name, old in before.items():
        if now[name] is not old:
            _replace(name, old, now[name], importers)


def _replace(name: str, old: object, new: object, importers: Iterable[ModuleType]) -> None:
    """In the modules that imported it: a function or class under any name, another value under its own."""
    anywhere = isinstance(old, FunctionType | type)
    for module in importers:
        for other, value in list(vars(module).items()):
            if value is old and (anywhere or other == name):
                setattr(module, other, new)
