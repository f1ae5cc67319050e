"""Computes a result from what the log holds: pure, so that anybody can compute it again.

Its inputs: the document, which teams take part, the scores of the final, and the marks of the jury without
names. Numbers are decimal texts of six digits; places follow them, and equal ones share a place or go by who
entered first, as the document says. Ranks are the ranges that the intervals allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.competitions.boards.intervals import Interval
from sandbox.competitions.boards.ranks import rank_ranges
from sandbox.competitions.document import Competition, JuryRound, Track
from sandbox.competitions.jury_scores import Aggregate, aggregate


@dataclass(frozen=True)
class FinalScore:
    """A team's score on the final split, in [0, 1]."""

    entry: int
    score: float
    low: float
    high: float
    entered_at: datetime


@dataclass(frozen=True)
class JudgedDocument:
    """A document that a team handed in."""

    team: int
    entry: int
    entered_at: datetime


@dataclass(frozen=True)
class TrackInputs:
    """`marks`: round -> entry -> juror without name -> points."""

    finals: Mapping[int, FinalScore] = field(default_factory=dict)
    documents: Sequence[JudgedDocument] = ()
    marks: Mapping[str, Mapping[int, Mapping[str, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """A team before it has a place. `rounds`: how many of the jury's rounds its document reached."""

    team: int
    entry: int
    rounds: int
    score: float
    low: float
    high: float
    entered_at: datetime
    more: Mapping[str, str]


def digits(number: float) -> str:
    """As it stands in results and in the log."""
    return f"{number:.6f}"


def compute_result(
    document: Competition, teams: Sequence[int], inputs: Mapping[str, TrackInputs]
) -> list[dict[str, Any]]:
    """The lines of every track, as they are published and logged, without the teams' names."""
    return [
        _track_result(document, track, teams, inputs.get(track.id, TrackInputs()))
        for track in document.tracks
    ]


def admitted(track: Track, round: JuryRound, inputs: TrackInputs, teams: Sequence[int]) -> list[int]:
    """The entries that take part in a round: the best of the rounds before it, as many as it admits."""
    assert track.jury is not None
    before = track.jury.rounds[: track.jury.rounds.index(round)]
    entries = [one for one in inputs.documents if one.team in teams]
    if not before or round.admits is None:
        return sorted(one.entry for one in entries if not before or _reached(inputs, before[-1], one.entry))
    _, scores, rounds = _jury(track, before, inputs)
    best = sorted(
        (one for one in entries if rounds.get(one.entry, 0) == len(before)),
        key=lambda one: (-float(digits(scores[one.entry].score)), one.entered_at, one.entry),
    )
    return sorted(one.entry for one in best[: round.admits])


def _reached(inputs: TrackInputs, round: JuryRound, entry: int) -> bool:
    return entry in inputs.marks.get(round.id, {})


def _track_result(
    document: Competition, track: Track, teams: Sequence[int], inputs: TrackInputs
) -> dict[str, Any]:
    result: dict[str, Any] = {"track": track.id}
    if track.jury is None:
        standings = [
            Standing(team, one.entry, 0, one.score, one.low, one.high, one.entered_at, {})
            for team, one in sorted(inputs.finals.items())
            if team in teams
        ]
    else:
        result["method"], standings = _judged(track, teams, inputs)
    result["lines"] = _placed(document, track, standings)
    return result


def _judged(track: Track, teams: Sequence[int], inputs: TrackInputs) -> tuple[str, list[Standing]]:
    """The jury's score of each document, combined with the team's board by the stated weight."""
    assert track.jury is not None
    method, scores, rounds = _jury(track, track.jury.rounds, inputs)
    weight, standings = track.jury.board_weight / 100, []
    for one in inputs.documents:
        if one.team not in teams or one.entry not in scores:
            continue
        jury = scores[one.entry]
        more = {"jury": digits(jury.score), "spread": digits(jury.spread)}
        score, low, high = jury.score, jury.low, jury.high
        if weight:
            board = inputs.finals.get(one.team)
            # a team without an entry on the board has nothing of the board's weight
            parts = (board.score, board.low, board.high) if board else (0.0, 0.0, 0.0)
            more["board"] = digits(parts[0])
            score, low, high = (
                weight * part + (1 - weight) * own
                for part, own in zip(parts, (score, low, high), strict=True)
            )
        standings.append(
            Standing(one.team, one.entry, rounds[one.entry], score, low, high, one.entered_at, more)
        )
    return method, standings


def _jury(
    track: Track, rounds: Sequence[JuryRound], inputs: TrackInputs
) -> tuple[str, dict[int, Aggregate], dict[int, int]]:
    """Methods by round, the weighted score of each document, and how many rounds it reached."""
    assert track.jury is not None
    methods, reached = [], dict[int, int]()
    sums: dict[int, list[tuple[float, Aggregate]]] = {}
    for round in rounds:
        points = sum(criterion.points for criterion in round.rubric)
        method, scores = aggregate(
            inputs.marks.get(round.id, {}), points=points, per_juror=track.jury.per_juror
        )
        methods.append(f"{round.id}: {method}")
        for entry, score in scores.items():
            reached[entry] = reached.get(entry, 0) + 1
            sums.setdefault(entry, []).append((round.weight / 100, score))
    whole = sum(round.weight for round in rounds) / 100
    return "; ".join(methods), {entry: _weighted(parts, whole) for entry, parts in sums.items()}, reached


def _weighted(parts: Sequence[tuple[float, Aggregate]], whole: float) -> Aggregate:
    """Rounds that a document did not reach count 0."""

    def mean(of: str) -> float:
        return sum(weight * float(getattr(part, of)) for weight, part in parts) / whole

    return Aggregate(
        mean("score"),
        mean("raw"),
        mean("spread"),
        min(part.jurors for _, part in parts),
        mean("low"),
        mean("high"),
    )


def _placed(document: Competition, track: Track, standings: Sequence[Standing]) -> list[dict[str, Any]]:
    ordered = sorted(
        standings, key=lambda one: (-one.rounds, -float(digits(one.score)), one.entered_at, one.team)
    )
    ranges = rank_ranges({str(one.team): Interval(one.low, one.high) for one in ordered})
    lines: list[dict[str, Any]] = []
    for number, one in enumerate(ordered, 1):
        place = number
        if document.ties == "share" and lines and _equal(ordered[number - 2], one):
            place = lines[-1]["place"]
        own = ranges[str(one.team)]
        line = {
            "place": place,
            # whoever is placed by rounds or by time stands within the range that scores alone allow
            "ranks": [min(own.best, place), max(own.worst, place)],
            "team": one.team,
            "entry": one.entry,
            "score": digits(one.score),
            "low": digits(one.low),
            "high": digits(one.high),
            **one.more,
        }
        lines.append(line | _prize(track, place))
    return lines


def _equal(first: Standing, second: Standing) -> bool:
    return first.rounds == second.rounds and digits(first.score) == digits(second.score)


def _prize(track: Track, place: int) -> dict[str, Any]:
    for prize in track.prizes:
        if prize.first_place <= place <= prize.last_place:
            return {
                "prize": {"en": prize.title.en, "zh": prize.title.zh},
                "amount_fen": prize.amount_fen,
            }
    return {}
