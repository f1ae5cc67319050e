"""Every committed mutant applies to the code as it is, so `make mutants` takes out what it names."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / "tests" / "mutants").glob("*.patch"))


@pytest.mark.parametrize("patch", PATCHES, ids=[patch.stem for patch in PATCHES])
def test_a_mutant_applies_and_names_tests_that_exist(patch: Path) -> None:
    what, tests, *_ = patch.read_text("utf-8").splitlines()
    assert what.endswith(".") and tests.startswith("Tests: ")
    assert all((ROOT / test).exists() for test in tests.removeprefix("Tests: ").split())
    done = subprocess.run(
        ["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
