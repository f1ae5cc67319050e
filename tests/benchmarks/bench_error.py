"""How far off is each contestant at the same loss, on the same table?
A table of median relative errors and one JSON line.

"The same loss" has two meanings, and peers are asked in both: `epsilon` means the question's epsilon at its
delta, `rho` the same question's zCDP loss, which is what Cihu's ledger counts. A single Laplace total is
cheap in the first and dear in the other. A group that a contestant does not show counts as 100 % off.

Usage: python -m benchmarks.bench_error [--rows 10000000] [--rounds 5] [--peer-rounds 5]
[--no-peers] [--cache .bench]
"""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from math import sqrt
from statistics import median
from typing import Any

from benchmarks.bench_dp import options
from benchmarks.contestant import CIHU, DUCKDB, OPENDP, SMARTNOISE, Seat, seated
from benchmarks.ground import published
from benchmarks.questions import QUESTIONS, Question
from benchmarks.taps import make_taps
from sandbox.privacy import PrivacyLoss

Rows = Sequence[Sequence[Any]]
MISSING = 1.0


def relative_errors(exact: Rows, told: Rows, keys: int) -> list[float]:
    """One for each value of each group of the exact answer."""
    found = {tuple(row[:keys]): row[keys:] for row in told}
    errors: list[float] = []
    for row in exact:
        values = found.get(tuple(row[:keys]), [None] * (len(row) - keys))
        errors += [
            MISSING if value is None else abs(float(value) - float(true)) / abs(float(true))
            for true, value in zip(row[keys:], values, strict=True)
            if true
        ]
    return errors


def asked(seat: Seat, question: Question, exact: Rows, rounds: int) -> float | None:
    """The median over groups, values and rounds; None where it says no."""
    errors: list[float] = []
    for _ in range(rounds):
        told = seat.ask(question)
        if "no" in told:
            return None
        errors += relative_errors(exact, told["rows"], question.keys)
    return median(errors)


def entered(settings: dict[str, Any], *, peers: bool) -> list[tuple[str, Any, dict[str, Any]]]:
    """Who is asked, under which name and loss: peers twice."""
    rho = float(PrivacyLoss(settings["picorho"]).rho)
    pure = sqrt(2 * rho)  # pure epsilon-DP is epsilon**2/2-zCDP: Bun and Steinke 2016, Proposition 1.4
    house = [(contestant.name, contestant, settings) for contestant in (DUCKDB, CIHU)]
    return house + (
        [
            ("smartnoise:epsilon", SMARTNOISE, settings),
            ("smartnoise:rho", SMARTNOISE, settings | {"epsilon": str(pure)}),
            ("opendp:epsilon", OPENDP, settings),
            ("opendp:rho", OPENDP, settings | {"rho": rho}),
        ]
        if peers
        else []
    )


def main(argv: Sequence[str] | None = None) -> None:
    said = options(argv, __doc__ or "")
    folder = said.cache.resolve()
    with published(make_taps(folder, said.rows)) as ground, ExitStack() as stack:
        seats = [
            (name, stack.enter_context(seated(contestant, settings, folder)))
            for name, contestant, settings in entered(ground.settings, peers=said.peers)
        ]
        plain, private = seats[0][1], seats[1:]
        errors: dict[str, dict[str, float | None]] = {}
        for question in QUESTIONS:
            exact = plain.ask(question)["rows"]
            errors[question.name] = {}
            for name, seat in private:
                rounds = said.peer_rounds if seat.contestant.peer else said.rounds
                errors[question.name][name] = asked(seat, question, exact, rounds)
                print(f"{question.name} {name}", file=sys.stderr, flush=True)
        names = [name for name, _ in private]
        print(f"{'median relative error, percent':44}" + "".join(f"{name:>20}" for name in names))
        for question in QUESTIONS:
            said_errors = [errors[question.name][name] for name in names]
            print(
                f"{question.name:4}{question.about:40}"
                + "".join(f"{'no':>20}" if error is None else f"{100 * error:20.4f}" for error in said_errors)
            )
        print(
            f"{said.rows} rows; epsilon {ground.settings['epsilon']}, delta {ground.settings['delta']}, "
            f"rho {float(PrivacyLoss(ground.settings['picorho']).rho):.6f}; at most "
            f"{ground.settings['max_rows']} rows a card"
        )
        print(json.dumps({"median_relative_error": errors}))


if __name__ == "__main__":
    main()
