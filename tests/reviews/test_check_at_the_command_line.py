"""`cihu check` says on anybody's machine what a review's checks would say, and writes what would leave."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sandbox.cli.terminal import app
from sandbox.disclosure.clean_file import clean_file
from sandbox.disclosure.form import Form

WORDS = """
  statbarn: mean
  context: Mean visits of adults to a doctor by the share of the bill that they pay
  controls: Each person counts once, counts are rounded to 10, groups of ten or more
"""
MEANS = "coinsurance,n,mean_visits\n95,1200,2.345678\n0,1300,4.567891\n"
SMALL = "coinsurance,n,mean_visits\n95,7,2.3\n0,1300,4.5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "means.csv").write_text(MEANS)
    (tmp_path / "small.csv").write_text(SMALL)
    return tmp_path


def check(folder: Path, wish: str, *more: str) -> Result:
    (folder / "wish.yaml").write_text(wish)
    return CliRunner().invoke(app, ["check", str(folder), str(folder / "wish.yaml"), *more])


def test_a_good_table_passes_and_is_written_as_it_would_leave(folder: Path, tmp_path: Path) -> None:
    done = check(folder, f"means.csv:{WORDS}", "--save", str(tmp_path / "leaves"), "--json")
    assert done.exit_code == 0, done.output
    (file,) = json.loads(done.stdout)["files"]
    assert not file["blocked"] and "canonical_form" in {one["code"] for one in file["findings"]}
    leaves = b"coinsurance,n,mean_visits\n0,1300,4.57\n95,1200,2.35\n"
    assert (tmp_path / "leaves" / "means.csv").read_bytes() == leaves
    form = Form(counted=False, least_units=10)
    assert clean_file("means.csv", MEANS.encode(), form) == ("means.csv", leaves)


def test_what_would_be_blocked_is_said_with_its_remedy_and_nothing_is_written(
    folder: Path, tmp_path: Path
) -> None:
    done = check(folder, f"means.csv:{WORDS}small.csv:{WORDS}", "--save", str(tmp_path / "leaves"))
    assert done.exit_code == 1
    assert "small.csv: blocked" in done.stdout and "means.csv: would not be blocked" in done.stdout
    assert not (tmp_path / "leaves" / "small.csv").exists()
    (told,) = json.loads(check(folder, f"small.csv:{WORDS}", "--json").stdout)["files"]
    blocking = [one for one in told["findings"] if one["severity"] == "blocks"]
    shown = " ".join(done.stdout.split())
    assert blocking and all(one["message"] in shown and one["remedy"] in shown for one in blocking)


def test_another_grade_has_other_rules(folder: Path) -> None:
    words = WORDS.replace("counts are rounded to 10, groups of ten or more", "groups of five or more")
    assert check(folder, f"small.csv:{words}").exit_code == 1
    assert check(folder, f"small.csv:{words}", "--grade", "2").exit_code == 0


@pytest.mark.parametrize(
    ("wish", "more", "words"),
    [
        (f"absent.csv:{WORDS}", (), "There is no file 'absent.csv'"),
        (f"../wish.yaml:{WORDS}", (), "There is no file"),
        ("- means.csv", (), "does not say which files"),
        (f"means.csv:{WORDS}", ("--grade", "9"), "There is no grade '9'"),
        (f"means.csv:{WORDS}", ("--policies", "/nowhere"), "There is no disclosure.yaml in /nowhere"),
    ],
)
def test_what_cannot_be_checked_is_said(wish: str, more: tuple[str, ...], words: str, folder: Path) -> None:
    done = check(folder, wish, *more)
    assert done.exit_code == 1 and words in str(done.exception)
