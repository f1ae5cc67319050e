"""A program's text is kept exactly, and what cannot be kept or started is refused with what to do."""

import hashlib
from pathlib import Path

import pytest

from marketplace.portal.pages.runs import described, forms
from sandbox.cli.declared_files import described_of
from sandbox.cli.program_folder import LIMITS, read_folder
from sandbox.errors import InvalidInput
from sandbox.jobs.disclosure_time import LIMITS_SECONDS, checked_limit
from sandbox.jobs.program import checked_name, checked_program

EXACT = "print('磁湖')\r\n\tpass  \n# no end"


def test_the_text_and_its_hash_are_kept_exactly() -> None:
    program = checked_program("main.py", {"main.py": EXACT, "part/b.py": ""})
    assert program.files == {"main.py": EXACT, "part/b.py": ""}
    said = '["main.py",{"main.py":"print(\'磁湖\')\\r\\n\\tpass  \\n# no end","part/b.py":""}]'
    assert program.sha256 == hashlib.sha256(said.encode()).hexdigest()
    assert program.sha256 != checked_program("main.py", {"main.py": EXACT + " ", "part/b.py": ""}).sha256


@pytest.mark.parametrize(
    ("entry", "files", "why"),
    [
        ("main.py", {}, "1 to 40 files"),
        ("main.py", {f"f{n}.py": "x" for n in range(41)}, "1 to 40 files"),
        ("../a.py", {"../a.py": "x"}, "cannot be called"),
        ("/a.py", {"/a.py": "x"}, "cannot be called"),
        ("a//b.py", {"a//b.py": "x"}, "cannot be called"),
        ("a\n.py", {"a\n.py": "x"}, "cannot be called"),
        ("b.py", {"a.py": "x"}, "is not a .py file of the program"),
        ("a.txt", {"a.txt": "x"}, "is not a .py file"),
        ("a.py", {"a.py": "x\0"}, "cannot be kept exactly|not text"),
        ("a.py", {"a.py": "\ud800"}, "not text"),
        ("a.py", {"a.py": " \n"}, "empty"),
        ("a.py", {"a.py": "x" * 60_000}, "larger than"),
    ],
)
def test_what_cannot_be_kept_or_started_is_refused(entry: str, files: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        checked_program(entry, files)
    assert refused.value.remedy


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\u202eb", "a\x00b"])
def test_a_name_is_a_line_that_people_can_read(name: str) -> None:
    with pytest.raises(InvalidInput):
        checked_name(name)
    assert checked_name("  各区\t就诊 ") == "各区 就诊"


def test_a_limit_is_one_of_a_few_or_refused() -> None:
    assert set(LIMITS.values()) == set(LIMITS_SECONDS) == {checked_limit(limit) for limit in LIMITS_SECONDS}
    with pytest.raises(InvalidInput, match="limit of 11 seconds"):
        checked_limit(11)


def folder(path: Path, yaml: str | None) -> Path:
    (path / ".hidden").mkdir()
    (path / ".hidden" / "x.py").write_text("x")
    (path / "main.py").write_bytes(EXACT.encode())
    if yaml is not None:
        (path / "cihu.yaml").write_text(yaml)
    return path


def test_a_folder_says_how_it_is_run(tmp_path: Path) -> None:
    read = read_folder(folder(tmp_path, "name: 各区\ninputs: [health.visits]\nlimit: 5m\n"))
    assert read == {
        "name": "各区",
        "entry": "main.py",
        "files": {"main.py": EXACT},
        "inputs": ["health.visits"],
        "limit_seconds": 300,
    }


@pytest.mark.parametrize(
    ("yaml", "why"),
    [
        (None, "no cihu.yaml"),
        ("a: [", "cannot be read"),
        ("- a", "something else"),
        ("inptus: [a]", "something else"),
        ("limit: 2m", "no limit '2m'"),
    ],
)
def test_a_fault_of_the_folder_is_told(tmp_path: Path, yaml: str | None, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read_folder(folder(tmp_path, yaml))


def test_outputs_that_a_program_describes_are_not_dropped_in_silence(tmp_path: Path) -> None:
    given = folder(tmp_path, "inputs: [health.visits]\n")
    (given / "main.py").write_text("import cihu\ncihu.out.means('health.visits', {'visits': 'visits'})\n")
    with pytest.raises(InvalidInput, match="describes outputs") as refused:
        read_folder(given)
    assert "%%sealed" in refused.value.remedy and "recipes.json" in refused.value.remedy
    (given / "recipes.json").write_text("[]")
    assert read_folder(given)["files"]["recipes.json"] == "[]"


def test_described_outputs_are_asked_for_as_they_are_declared() -> None:
    words = {"statbarn": "mean", "context": "visits", "controls": "suppressed", "counts": None}
    run = {"kind": "program", "outputs": [{"path": "measured/a.csv", "measured": True, **words}]}
    assert described_of(run) == [{"path": "measured/a.csv", **words}]
    expected = {"path": "measured/a.csv", **words, "counts": ""}
    assert described(run) == [expected] and forms(run, None, 2)[0] == expected
    with pytest.raises(InvalidInput, match="no outputs"):
        described_of({"outputs": []})
