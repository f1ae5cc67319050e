"""What reads hostile bytes runs in a seal: its answers are those of this process, and what becomes of it is a
finding, never an error and never a vault that waits for ever."""

import json
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bad_outputs import BAD
from good_outputs import GOOD
from review_people import POLICIES
from sandbox.disclosure.check_file import check_files
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.decode import Decoded, Undecoded, decode_here
from sandbox.disclosure.form import COUNTING
from sandbox.disclosure.plain_values import plain, read_plain
from sandbox.disclosure.taxonomy import load_disclosure
from sandbox.errors import Unavailable
from sandbox.reviews.sealed_decoder import FAILED, GIVEN, SealedDecoder, _Lines
from sandbox.seals import Limits, check_seal

TAXONOMY = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)
RULES, LIMITS = TAXONOMY.at("3"), TAXONOMY.file_limits
MIB = 1024 * 1024
TABLE = b"district,n\nnorth,120\nsouth,90\n"
DECLARED = Declaration("frequencies", "Visits of adults by district, for a study.", "Groups of ten or more.")

TAKEN_OVER = """
import json, os, time
from sandbox.disclosure.decode import Undecoded, decode_file
from sandbox.disclosure.files.file_limits import FileLimits
from sandbox.disclosure.form import COUNTING
from sandbox.disclosure.plain_values import plain, read_plain
os.write(1, b"ready\\n")
lines = open("/run/given")
limits = read_plain(FileLimits, json.loads(lines.readline()))
for line in lines:
    file = read_plain(Undecoded, json.loads(line))
    match file.name:
        case "crash.csv": os.abort()
        case "hang.csv": time.sleep(600)
        case "greedy.csv": held = [bytearray(os.urandom(1 << 20)) for _ in range(4096)]
        case "endless.csv":
            while True: os.write(1, b"x" * 65536)
        case "wrong.csv": os.write(1, b'{"opened": 7}\\n')
        case "deep.csv": os.write(1, b"[" * 200_000 + b"\\n")
        case _: os.write(1, json.dumps(plain(decode_file(file, limits))).encode() + b"\\n")
"""


def taken_over(program: str = TAKEN_OVER, **changed: Any) -> SealedDecoder:
    """A decoder that hostile bytes have taken over, in the seal of every decoder."""
    return replace(SealedDecoder(), command=("-I", "-B", "-c", program), **changed)


def files(*names: str) -> list[Undecoded]:
    return [Undecoded(name, TABLE, COUNTING) for name in names]


def test_its_answers_are_those_of_this_process() -> None:
    wanted = [Undecoded(one.file, one.content, TAXONOMY.at("3").form(one.declared)) for one in (*GOOD, *BAD)]
    sealed = SealedDecoder()(wanted, LIMITS)
    for file, here, there in zip(wanted, decode_here(wanted, LIMITS), sealed, strict=True):
        assert there == here, file.name
    assert (
        sum(one.opened is not None for one in sealed) > 50
        and sum(one.unfit is not None for one in sealed) > 5
    )


def test_one_that_crashes_is_a_finding_on_its_file_and_the_others_are_read() -> None:
    names = ("a.csv", "crash.csv", "b.csv", "wrong.csv", "deep.csv", "c.csv")
    found = taken_over()(files(*names), LIMITS)
    good = decode_here(files("a.csv"), LIMITS)[0]
    assert [one.unfit for one in found] == [None, FAILED, None, FAILED, FAILED, None]
    assert [one.leaves and one.leaves[1] for one in found if one.opened] == [
        good.leaves and good.leaves[1]
    ] * 3
    checked = check_files(dict.fromkeys(names, (TABLE, DECLARED)), RULES, None, taken_over())
    assert {path for path, file in checked.items() if file.leaves is None} == {
        "crash.csv",
        "wrong.csv",
        "deep.csv",
    }
    assert FAILED in checked["crash.csv"].findings and FAILED.severity == "blocks" and FAILED.remedy_zh


def test_one_that_hangs_ends_with_its_time_for_all_files_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Had each a time of its own, the last would be read. The clock jumps to the last half second once the
    first file is read, however long that took."""
    passed = 0.0
    read: list[bytes | None] = []
    wait_for = _Lines.next

    def next_line(lines: _Lines, deadline: float) -> bytes | None:
        nonlocal passed
        if len(read) == 2:  # "ready", and the first file
            passed = 600.0 - 0.5
        read.append(wait_for(lines, deadline))
        return read[-1]

    monkeypatch.setattr(_Lines, "next", next_line)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed)
    monkeypatch.setattr("sandbox.reviews.sealed_decoder.time", clock)
    found = taken_over(seconds=600.0)(files("a.csv", "hang.csv", "hang.csv", "b.csv"), LIMITS)
    assert found[0].opened is not None and [one.unfit for one in found[1:]] == [FAILED] * 3


def test_one_that_takes_memory_or_answers_without_end_is_ended() -> None:
    small = Limits(memory_bytes=2048 * MIB, tree_bytes=300 * MIB, processes=32, cpu_seconds=60)
    found = taken_over(limits=small, most_answer_bytes=8 * MIB)(
        files("greedy.csv", "a.csv", "endless.csv", "b.csv"), LIMITS
    )
    assert [one.unfit for one in found] == [FAILED, None, FAILED, None]


def test_a_seal_that_does_not_hold_is_said_to_be_so_and_is_no_finding() -> None:
    with pytest.raises(Unavailable) as refused:
        taken_over("raise SystemExit('no such library')")(files("a.csv"), LIMITS)
    assert "no such library" in refused.value.internal and refused.value.remedy_zh


def test_the_seal_holds_for_the_vaults_own_interpreter_and_shows_no_file_of_the_vault() -> None:
    check_seal(Path(sys.executable))
    look = f"import os; print(os.path.exists({str(POLICIES)!r}), sorted(os.environ)); raise SystemExit"
    with pytest.raises(Unavailable) as shown:
        taken_over(look)(files("a.csv"), LIMITS)
    assert shown.value.internal == "False ['HOME', 'LANG', 'OMP_NUM_THREADS', 'PWD']"


def test_what_is_read_is_of_the_types_that_are_awaited() -> None:
    (decoded,) = decode_here(files("a.csv"), LIMITS)
    written = json.loads(json.dumps(plain(decoded)))
    assert read_plain(Decoded, written) == decoded
    for field in fields(Decoded):
        for wrong in (7, True, "text", [], {}, ["a"], {"kind": "csv"}):
            if written[field.name] != wrong and not (field.name == "bits" and wrong == 7):
                with pytest.raises(ValueError):
                    read_plain(Decoded, written | {field.name: wrong})
    with pytest.raises(ValueError):
        read_plain(Decoded, written | {"more": 1})
    assert GIVEN.startswith("/run/")
