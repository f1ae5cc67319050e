"""Prints the licence of each package that a city installs, and fails on one that we could not ship.

What is installed for the demo only (requirements/demo.lock), for tests and for the documentation is not
shipped, and not looked at.
"""

import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = {"requirements/city.lock": ".venv", "kernels/requirements.lock": ".venv-kernel"}
# neither may be in what we ship under Apache-2.0; the LGPL may, unchanged and apart
REFUSED = re.compile(r"\bA?GPL|Affero|(?<!Lesser )General Public|Business Source|\bBUSL", re.IGNORECASE)
NOT_IN_METADATA = {"cedarpy": "Apache-2.0", "resvg-py": "MIT", "skops": "MIT"}  # read in their LICENSE


def main() -> int:
    refused = 0
    for lock, environment in ENVIRONMENTS.items():
        locked = {
            plain(name)
            for name in re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text("utf-8"), re.MULTILINE)
        }
        (folder,) = (ROOT / environment / "lib").glob("python3*/site-packages")
        for one in sorted(distributions(path=[str(folder)]), key=lambda one: plain(one.name)):
            if plain(one.name) in locked:
                licence = licence_of(one)
                bad = not licence or REFUSED.search(licence)
                refused += bool(bad)
                print(f"{lock:26} {one.name:32} {licence or 'not said'}{'   REFUSED' if bad else ''}")
    if refused:
        print(
            f"{refused} packages could not be shipped: replace them, or move them out of these locks.",
            file=sys.stderr,
        )
    return int(bool(refused))


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(one: Distribution) -> str:
    """As its metadata says it (PEP 639, or the classifiers of before), or as we read it."""
    said = one.metadata
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in said.get_all("Classifier", [])
        if line.startswith("License") and line != "License :: OSI Approved"
    ]
    first_line = (said.get("License") or "").strip().partition("\n")[0]
    read_by_us = NOT_IN_METADATA.get(plain(one.name), "")
    return said.get("License-Expression") or "; ".join(classifiers) or first_line or read_by_us


if __name__ == "__main__":
    sys.exit(main())
