"""What the READMEs tell a newcomer to type works, as it is written, in a city as `make up` starts it."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.standalone.fresh import fresh_city
from sandbox.standalone.settings import read_settings
from sandbox.standalone.welcome import load_demo

CHECKOUT = Path(__file__).parent.parent.parent
READMES = ("README.md", "README.zh-CN.md")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ALONE = re.compile(r"^    (\S.*)$", re.MULTILINE)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with fresh_city() as started:
        load_demo(started, read_settings())
        load_demo(started, read_settings())  # as at a second `make up`
        yield started


def typed(command: str, home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """As a person would: in a folder with the checkout's `.venv` in it, and the city's home known."""
    if not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env=os.environ | {"CIHU_HOME": str(home)},
    )


@pytest.mark.parametrize("readme", READMES)
def test_the_commands_of_a_readme_work_as_they_are_written(readme: str, home: Path, tmp_path: Path) -> None:
    type_the_blocks(readme, home, tmp_path)


def type_the_blocks(readme: str, home: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall((CHECKOUT / readme).read_text("utf-8"))
    assert blocks
    for block in blocks:
        done = typed(block, home, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Verified: entry" in done.stdout
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("readme", READMES)
def test_every_other_command_of_a_readme_is_make_up_or_the_tour(readme: str) -> None:
    text = BLOCK.sub("", (CHECKOUT / readme).read_text("utf-8"))
    fenced = re.sub(r"^```\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert ALONE.findall(fenced) == ["make up", ".venv/bin/cihu tour --against .cihu"]


def test_the_tour_that_a_readme_tells_of_plays_and_leaves_its_other_commands_working(
    home: Path, tmp_path: Path
) -> None:
    done = typed(f".venv/bin/cihu tour --against {home}", home, tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("✓") == 14
    assert "Every gate held." in done.stdout
    type_the_blocks(READMES[0], home, tmp_path)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (".venv/bin/cihu ask 'SELECT * FROM health.visits'", "SELECT *"),
        (".venv/bin/cihu ask 'SELECT COUNT(*) FROM nowhere.visits'", "There are: health.visits"),
        (".venv/bin/cihu ask 'SELECT COUNT(*) FROM health.visits' --epsilon none", "epsilon"),
        (".venv/bin/cihu ask 'SELECT COUNT(*) FROM health.visits' --as nobody", "wrong"),
        (".venv/bin/cihu stand-in nowhere.visits --out x.parquet", "There are: health.visits"),
        (".venv/bin/cihu stand-in health.visits --out /nowhere/x.parquet", "cannot be written"),
        (".venv/bin/cihu buy-stand-in health.visits --epsilon 100", "has not enough left"),
        (".venv/bin/cihu buy-stand-in health.visits --epsilon 1 --as wang", "officer"),
        (".venv/bin/cihu approve 99999", "no request"),
        (".venv/bin/cihu publish nothing.yaml nothing.csv", "cannot be read"),
        (".venv/bin/cihu audit verify nothing.json --key x", "not a receipt"),
        (".venv/bin/cihu audit receipt 99999999", "entr"),
        (".venv/bin/cihu request health.visits --purpose short", "purpose"),
        ("CIHU_HOME=/nowhere .venv/bin/cihu ask x", "No city runs"),
    ],
)
def test_a_mistake_at_the_command_line_is_a_line_that_says_what_to_do(
    command: str, says: str, home: Path, tmp_path: Path
) -> None:
    done = typed(f"export CIHU_PASSWORD=cihu-demo; {command}", home, tmp_path)
    assert done.returncode == 1
    assert says in done.stderr.replace("\n", " "), done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_an_officer_buys_stand_in_rows_and_sees_how_near_they_are(home: Path, tmp_path: Path) -> None:
    done = typed(
        "export CIHU_PASSWORD=cihu-demo; .venv/bin/cihu buy-stand-in health.visits --epsilon 1 && "
        ".venv/bin/cihu stand-in health.visits --out rows.parquet",
        home,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "doctor_visits" in done.stdout and "55 pairs of columns" in done.stdout.replace("\n", " ")
    assert b'"stand_in": "dp"' in (tmp_path / "rows.parquet").read_bytes()
