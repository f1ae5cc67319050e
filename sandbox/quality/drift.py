"""Compares a column's classes with those of the last version: the population stability index.

PSI = sum over classes of (p - q) * ln(p / q), with p and q the shares in the new and the last version. A
share of less than one in ten thousand counts as that, so that an empty class has a finite weight (Siddiqi,
Credit Risk Scorecards, 2006). Below 0.1 a column is steady; above 0.25 it has moved far.
"""

from collections.abc import Mapping
from math import log
from typing import Any

LEAST = 1e-4


def stability_index(now: Mapping[str, Any], before: Mapping[str, Any]) -> float | None:
    """Of two distributions (`measures.distribution`). None where the classes differ, or one is empty."""
    if now["labels"] != before["labels"]:
        return None
    totals = sum(now["counts"]), sum(before["counts"])
    if not all(totals):
        return None
    index = 0.0
    for new, old in zip(now["counts"], before["counts"], strict=True):
        p, q = max(new / totals[0], LEAST), max(old / totals[1], LEAST)
        index += (p - q) * log(p / q)
    return round(index, 6)


def compare(column: dict[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What has changed of a column since the last version's report; nothing where it had no such column."""
    known = (
        next((one for one in before["columns"] if one["name"] == column["name"]), None) if before else None
    )
    if known is None or known["type"] != column["type"]:
        return {}
    said: dict[str, Any] = {"completeness_before": known["completeness"]}
    if "distribution" in column and "distribution" in known:
        index = stability_index(column["distribution"], known["distribution"])
        if index is not None:
            said |= {"drift": index, "counts_before": known["distribution"]["counts"]}
    return said
