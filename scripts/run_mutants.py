"""Takes out one gate or check after another and runs the tests that must notice: `make mutants`.

A mutant is a patch in tests/mutants/: its first line says what it takes out, its second which tests must fail
(`Tests: path ...`). Beside them every check of outputs is left out of its registry in turn. Each runs in a
copy of the tracked files. A mutant whose tests pass has survived, and the command fails.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
MUTANTS = ROOT / "tests" / "mutants"
CHECK_TESTS = (
    "tests/reviews/test_catalog_of_outputs.py",
    "tests/reviews/test_files_and_rules.py",
    "tests/reviews/test_hostile_kinds.py",
    "tests/reviews/test_quotes.py",
    "tests/reviews/test_membership_attack.py",
    "tests/reviews/test_margins.py",
)
REGISTRY = "sandbox/disclosure/checks/registry.py"


@dataclass(frozen=True)
class Mutant:
    """One change, and the tests that must fail with it. `patch` is empty for a check that is left out."""

    name: str
    what: str
    tests: tuple[str, ...]
    patch: Path | None = None

    def apply(self, copy: Path) -> None:
        if self.patch is not None:
            git(copy, "apply", str(self.patch))
            return
        registry = copy / REGISTRY
        check = self.name.removeprefix("check-")
        left_out = f"CHECKS[{check!r}] = lambda subject: iter(())\n"
        registry.write_text(registry.read_text("utf-8") + left_out, "utf-8")


def committed() -> Iterator[Mutant]:
    """The patches of tests/mutants/. Raises `SystemExit` for one without its two lines."""
    for patch in sorted(MUTANTS.glob("*.patch")):
        what, tests, *_ = patch.read_text("utf-8").splitlines()
        if not tests.startswith("Tests: "):
            sys.exit(f"{patch.name}: its second line must be `Tests: path ...`.")
        yield Mutant(patch.stem, what, tuple(tests.removeprefix("Tests: ").split()), patch)


def checks_left_out() -> Iterator[Mutant]:
    from sandbox.disclosure.checks.registry import CHECKS

    for name in CHECKS:
        yield Mutant(f"check-{name}", f"The check {name} finds nothing.", CHECK_TESTS)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def copied(folder: Path) -> Path:
    """A copy of what git tracks, as it is now, that is a repository of its own."""
    copy = folder / "checkout"
    for name in git(ROOT, "ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    for beside in (".venv", ".venv-kernel", "node_modules"):
        if (ROOT / beside).exists():
            (copy / beside).symlink_to(ROOT / beside)
    git(copy, "init", "--quiet")
    git(copy, "add", "--all")
    return copy


def run_tests(copy: Path, tests: tuple[str, ...]) -> tuple[bool, str]:
    """Whether they pass in the copy, up to the first that fails, and what pytest wrote."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        sys.exit(f"pytest ended with {done.returncode} for {' '.join(tests)}: see whether these tests exist.")
    return done.returncode == 0, done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these mutants")
    names = parser.parse_args().names
    mutants = [one for one in (*committed(), *checks_left_out()) if not names or one.name in names]
    with tempfile.TemporaryDirectory(prefix="cihu-mutants-") as folder:
        copy = copied(Path(folder))
        every = tuple(dict.fromkeys(test for one in mutants for test in one.tests))
        print(f"{len(mutants)} mutants; their tests first, without any ...", flush=True)
        passed, written = run_tests(copy, every)
        if not passed:
            sys.exit(f"{written}\nThese tests fail without a mutant, so they would tell nothing.")
        survivors = [one.name for one in mutants if not killed(one, copy)]
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants were noticed.")
    return 1 if survivors else 0


def killed(mutant: Mutant, copy: Path) -> bool:
    started = time.monotonic()
    mutant.apply(copy)
    try:
        survived, _ = run_tests(copy, mutant.tests)
    finally:
        git(copy, "checkout", "--quiet", "--", ".")
    seconds = time.monotonic() - started
    print(
        f"{'SURVIVED' if survived else 'noticed '} {seconds:4.0f} s  {mutant.name}: {mutant.what}", flush=True
    )
    return not survived


if __name__ == "__main__":
    sys.exit(main())
