"""Aggregates the marks of a jury: normalised per juror where jurors can be compared, else raw means.

Method "additive": a mark is the document's merit plus the juror's own severity plus chance, fitted by least
squares with severities that add up to 0; a document's score is its merit. It is the two-way analysis of
variance without interaction for incomplete blocks (Scheffé, The Analysis of Variance, 1959, chapter 5). A
mean per juror (z-scores) would punish a juror whose documents happen to be the better ones; this does not.
It needs at least `per_juror` documents of each juror, and jurors that are linked by shared documents.
Method "raw": the mean of the marks.

Scores are shares of the rubric's points, in [0, 1]. Pure functions.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Method = Literal["additive", "raw"]
Marks = Mapping[int, Mapping[str, int]]
"""Document -> juror -> points."""
Z = 1.96


@dataclass(frozen=True)
class Aggregate:
    """A document's score, the raw mean, the standard deviation of its (normalised) marks, and an approximate
    95 % interval from the spread of all marks around the model."""

    score: float
    raw: float
    spread: float
    jurors: int
    low: float
    high: float


def aggregate(marks: Marks, *, points: int, per_juror: int) -> tuple[Method, dict[int, Aggregate]]:
    """Of every document. `points`: the most that a juror can give."""
    shares = {
        document: {juror: given / points for juror, given in sorted(of_jurors.items())}
        for document, of_jurors in sorted(marks.items())
        if of_jurors
    }
    if not shares:
        return "raw", {}
    severity = _severities(shares) if _comparable(shares, per_juror) else None
    method: Method = "raw" if severity is None else "additive"
    normal = {
        document: [share - (severity or {}).get(juror, 0.0) for juror, share in of_jurors.items()]
        for document, of_jurors in shares.items()
    }
    lost = len(shares) + (len(severity) - 1 if severity else 0)
    sd = _residual_sd(normal, lost)
    return method, {
        document: _aggregate(values, list(shares[document].values()), sd)
        for document, values in normal.items()
    }


def _aggregate(values: list[float], raw: list[float], sd: float) -> Aggregate:
    mean = sum(values) / len(values)
    reach = Z * sd / math.sqrt(len(values))
    return Aggregate(
        _share(mean),
        sum(raw) / len(raw),
        float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
        len(values),
        _share(mean - reach),
        _share(mean + reach),
    )


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


def _comparable(shares: Mapping[int, Mapping[str, float]], per_juror: int) -> bool:
    """Whether each juror has enough documents, and all are linked by documents that they share."""
    loads: dict[str, int] = {}
    for of_jurors in shares.values():
        for juror in of_jurors:
            loads[juror] = loads.get(juror, 0) + 1
    if min(loads.values()) < per_juror:
        return False
    linked: set[str] = {min(loads)}
    grew = True
    while grew:
        near = {juror for of_jurors in shares.values() if linked & of_jurors.keys() for juror in of_jurors}
        grew = not near <= linked
        linked |= near
    return linked == loads.keys()


def _severities(shares: Mapping[int, Mapping[str, float]]) -> dict[str, float]:
    documents = list(shares)
    jurors = sorted({juror for of_jurors in shares.values() for juror in of_jurors})
    rows, given = [], []
    for document, of_jurors in shares.items():
        for juror, share in of_jurors.items():
            row = np.zeros(len(documents) + len(jurors))
            row[documents.index(document)] = row[len(documents) + jurors.index(juror)] = 1.0
            rows.append(row)
            given.append(share)
    zero = np.zeros(len(documents) + len(jurors))
    zero[len(documents) :] = 1.0  # the severities add up to 0
    fitted = np.linalg.lstsq(np.array([*rows, zero]), np.array([*given, 0.0]), rcond=None)[0]
    return dict(zip(jurors, map(float, fitted[len(documents) :]), strict=True))


def _residual_sd(normal: Mapping[int, list[float]], lost: int) -> float:
    """Of the marks around their documents' means; `lost`: the parameters that were fitted."""
    total = sum(len(values) for values in normal.values())
    squares = sum((value - sum(values) / len(values)) ** 2 for values in normal.values() for value in values)
    return math.sqrt(squares / max(1, total - lost))
