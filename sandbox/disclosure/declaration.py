"""Defines what the author declares about a file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Declaration:
    """What the file is (a statbarn or an analysis of the taxonomy), what it is about,
    what was done to make it safe.

    `counts` is the content of a file of supporting counts (CSV or Parquet): how many units stand behind each
    line of the output, with the output's label columns and `n`. For sums or means it also has
    `total`, `top1` and `top2`, the two largest contributions. For a model it also has `member` and `loss`, a
    row for each unit, for the membership test. It is for the checks and the reviewers, and is never released.
    `measured`: the vault computed the file itself, from what was written before any raw row was read.
    `counted`: the vault counted the units behind each number, whatever it was computed from.
    `known`: texts that were fixed before any raw row was read (`Form.known`).
    `expressions`: those of the author's own that decided what it computed, if there are any.
    """

    statbarn: str
    context: str
    controls: str
    counts: bytes | None = None
    measured: bool = False
    expressions: tuple[str, ...] = ()
    counted: bool = False
    known: tuple[str, ...] = ()
