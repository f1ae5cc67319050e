"""How fast is Cihu beside plain DuckDB and its peers, and how much memory does each take?
A table and one JSON line; no verdict.

Usage: python -m benchmarks.bench_dp [--rows 10000000] [--rounds 5] [--peer-rounds 5]
[--no-peers] [--cache .bench]
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from math import exp, log
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestant import (
    CIHU,
    DUCKDB,
    DUCKDB_IN_MEMORY,
    HOUSE,
    PEERS,
    Contestant,
    Seat,
    seated,
)
from benchmarks.ground import published
from benchmarks.questions import FIRST, QUESTIONS, SECOND, Question
from benchmarks.taps import make_taps

Medians = dict[str, dict[str, float]]
"""By contestant and question: the median of its seconds. What it said no to is not in it."""


def race(seats: Sequence[Seat], rounds: int, peer_rounds: int) -> tuple[Medians, dict[str, dict[str, str]]]:
    """Everybody is asked everything in turn, round by round, so that a busy minute of the
    machine meets all of them."""
    seconds: dict[str, dict[str, list[float]]] = {seat.contestant.name: {} for seat in seats}
    refused: dict[str, dict[str, str]] = {seat.contestant.name: {} for seat in seats}
    for round in range(max(rounds, peer_rounds)):
        for question in QUESTIONS:
            for seat in seats:
                name = seat.contestant.name
                if (
                    round >= (peer_rounds if seat.contestant.peer else rounds)
                    or question.name in refused[name]
                ):
                    continue
                told = seat.ask(question)
                print(f"round {round + 1} {question.name} {name}", file=sys.stderr, flush=True)
                if "no" in told:
                    refused[name][question.name] = told["no"]
                    seconds[name].pop(question.name, None)
                else:
                    seconds[name].setdefault(question.name, []).append(told["seconds"])
    return {
        name: {question: median(times) for question, times in asked.items()}
        for name, asked in seconds.items()
    }, refused


def compared(medians: Medians, seats: Iterable[Seat]) -> dict[str, Any]:
    """The JSON line: Cihu's times over DuckDB's (below 1 is faster), the fastest peer's over Cihu's
    (above 1 is faster)."""
    ours = medians[CIHU.name]
    ratios, in_memory = (
        {question: ours[question] / times[question] for question in ours if question in times}
        for times in (medians[DUCKDB.name], medians[DUCKDB_IN_MEMORY.name])
    )
    house = {contestant.name for contestant in HOUSE}
    peers = [times for name, times in medians.items() if name not in house]
    best = {
        question: min(times[question] for times in peers if question in times) / ours[question]
        for question in ours
        if any(question in times for times in peers)
    }
    return {
        "cihu_vs_duckdb": {question: round(ratio, 3) for question, ratio in ratios.items()},
        "cihu_vs_duckdb_in_memory": {question: round(ratio, 3) for question, ratio in in_memory.items()},
        "cihu_seconds_by_step": {
            question: {step: round(median(times), 4) for step, times in steps.items()}
            for seat in seats
            for question, steps in seat.steps.items()
        },
        "cihu_says_no_to": [question.name for question in QUESTIONS if question.name not in ours],
        "geomean": _geomean(ratios, FIRST),
        "geomean_second": _geomean(ratios, SECOND),
        "vs_best_peer": _geomean(best, QUESTIONS),
        "vs_best_peer_by_question": {name: round(by, 1) for name, by in best.items()},
        "peak_memory_mb": {seat.contestant.name: seat.peak_memory_mb for seat in seats if not seat.absent},
    }


def _geomean(ratios: dict[str, float], questions: Sequence[Question]) -> float | None:
    """Over those of the questions that were answered; None if none was."""
    logs = [log(ratios[question.name]) for question in questions if question.name in ratios]
    return round(exp(sum(logs) / len(logs)), 3) if logs else None


def shown(medians: Medians, refused: dict[str, dict[str, str]]) -> str:
    names = list(medians)
    lines = [f"{'seconds':44}" + "".join(f"{name:>12}" for name in names)]
    for question in QUESTIONS:
        told = [
            f"{medians[name][question.name]:12.3f}" if question.name in medians[name] else f"{'no':>12}"
            for name in names
        ]
        lines.append(f"{question.name:4}{question.about:40}" + "".join(told))
    lines += [
        f"{name} says no to {question}: {why}"
        for name, noes in refused.items()
        for question, why in noes.items()
    ]
    return "\n".join(lines)


def options(argv: Sequence[str] | None, about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-rounds", type=int, default=5)
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--cache", type=Path, default=Path(".bench"))
    return parser.parse_args(argv)


def contestants(*, peers: bool) -> tuple[Contestant, ...]:
    return HOUSE + PEERS if peers else HOUSE


def main(argv: Sequence[str] | None = None) -> None:
    said = options(argv, __doc__ or "")
    folder = said.cache.resolve()
    with published(make_taps(folder, said.rows)) as ground, ExitStack() as stack:
        seats = [
            stack.enter_context(seated(contestant, ground.settings, folder))
            for contestant in contestants(peers=said.peers)
        ]
        medians, refused = race(seats, said.rounds, said.peer_rounds)
        print(shown(medians, refused))
        print(
            f"published in {ground.publish_seconds:.1f} s; {said.rows} rows, "
            f"{ground.settings['threads']} threads"
        )
        print(json.dumps(compared(medians, seats)))


if __name__ == "__main__":
    main()
