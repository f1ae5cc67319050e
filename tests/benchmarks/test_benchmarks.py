"""Do the benchmarks run, and does their last line have its shape? Of times nothing is asked."""

import json
from pathlib import Path

import pytest

from benchmarks import bench_dp, bench_error, bench_ledger, bench_seal
from benchmarks.questions import FIRST, QUESTIONS
from benchmarks.taps import make_taps


def test_the_race_ends_with_a_line_that_names_every_question_and_contestant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench_dp.main(["--rows", "20000", "--rounds", "1", "--no-peers", "--cache", str(tmp_path)])
    *_, last = capsys.readouterr().out.strip().splitlines()
    told = json.loads(last)
    assert set(told["cihu_vs_duckdb"]) | set(told["cihu_says_no_to"]) == {
        question.name for question in QUESTIONS
    }
    assert {question.name for question in FIRST} <= set(told["cihu_vs_duckdb"])
    assert all(ratio > 0 for ratio in told["cihu_vs_duckdb"].values()) and told["geomean"] > 0
    assert (
        set(told["peak_memory_mb"]) == {"duckdb", "duckdb_in_memory", "cihu"}
        and min(told["peak_memory_mb"].values()) > 0
    )
    assert told["vs_best_peer"] is None
    assert set(told["cihu_vs_duckdb_in_memory"]) == set(told["cihu_vs_duckdb"])
    assert all(
        set(steps) == {"prepare", "engine", "noise", "table"}
        for steps in told["cihu_seconds_by_step"].values()
    )


def test_the_seals_cost_ends_with_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_seal.main(["--rows", "20000", "--rounds", "1", "--cache", str(tmp_path)])
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (
        set(told["alone_seconds"])
        == set(told["sealed_seconds"])
        == {"all", "import", "pandas", "duckdb", "to_first_line"}
    )
    assert all(seconds > 0 for part in ("alone_seconds", "sealed_seconds") for seconds in told[part].values())


def test_no_reservation_is_lost_or_charged_twice_while_they_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench_ledger.main(["--reservations", "50", "--threads", "4", "--answers", "3"])
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (
        told["reservations"]["lost_or_double"] == told["reservations_with_log"]["lost_or_double"] == [0, 0, 0]
    )
    assert told["ledger_and_log_ms_an_answer"] > 0


def test_the_table_is_the_same_from_the_same_seed(tmp_path: Path) -> None:
    first, again = (make_taps(tmp_path / folder, 5000).taps.read_bytes() for folder in ("first", "again"))
    assert first == again


def test_an_error_is_relative_and_a_missing_group_is_wholly_wrong() -> None:
    exact, told = [["a", 10, 2.0], ["b", 4, 1.0]], [["a", 9, 2.5]]
    assert bench_error.relative_errors(exact, told, 1) == [0.1, 0.25, 1.0, 1.0]
