"""Computes a competition's scores and results again from its public record: a pure function.

The record's receipts lead to the signed log. What follows from the document and the places on boards (scores,
intervals, ranks, prizes, the jury's aggregates) is computed by the same functions that made it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sandbox.audit import NotProven, verify_receipt
from sandbox.competitions.board_plans import final_plan, plan_of
from sandbox.competitions.document import Competition
from sandbox.competitions.record import document_of
from sandbox.competitions.results import FinalScore, JudgedDocument, TrackInputs, compute_result
from sandbox.competitions.scores import told_again
from sandbox.errors import CihuError


@dataclass(frozen=True)
class Verified:
    """What was computed again; without faults everything fits."""

    steps: int
    scores: int
    results: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class _Step:
    kind: str
    index: int
    payload: Mapping[str, Any]


def verify_record(record: Mapping[str, Any], public_key: str) -> Verified:
    """Of a record as `GET /v1/competitions/{name}/record` gives it. `public_key`: the log's, as a vkey, from
    somebody whom you trust for it. Never raises for what a record says wrongly: that is a fault."""
    faults: list[str] = []
    steps = _opened(record, public_key, faults)
    announced = [step for step in steps if step.kind == "competition.announced"]
    digest = sha256(str(record["text"]).encode()).hexdigest()
    if len(announced) != 1 or announced[0].payload.get("sha256") != digest:
        faults.append("the document is not the one that was announced")
        return Verified(len(steps), 0, 0, tuple(faults))
    document = document_of(str(record["text"]))
    scored = [step for step in steps if step.kind == "competition.entry_scored"]
    opened = [step for step in steps if step.kind == "competition.final_opened"]
    if len(opened) > 1:
        faults.append("the final was opened more than once")
    finals = opened[0].payload["entries"] if opened else {}
    faults += _score_faults(document, scored, finals)
    faults += _baseline_faults(document, steps)
    results = [step for step in steps if step.kind == "competition.result_published"]
    for step in results:
        faults += _result_faults(document, step, steps, finals)
    return Verified(len(steps), len(scored), len(results), tuple(faults))


def _opened(record: Mapping[str, Any], public_key: str, faults: list[str]) -> list[_Step]:
    """The steps whose receipts hold, in the order of the log."""
    steps = []
    for each in record["steps"]:
        try:
            proven = verify_receipt(each["receipt"], public_key)
        except (NotProven, CihuError, KeyError, TypeError) as error:
            faults.append(f"a receipt of {each.get('kind')} does not hold: {error}")
            continue
        if proven.subject != f"competition:{record['competition']}" or proven.payload is None:
            faults.append(f"entry {proven.index} of the log is not opened, or is of another thing")
            continue
        steps.append(_Step(proven.kind, proven.index, proven.payload))
    return sorted(steps, key=lambda step: step.index)


def _score_faults(document: Competition, scored: Sequence[_Step], finals: Mapping[str, Any]) -> list[str]:
    faults, seen = [], set[int]()
    for step in scored:
        entry, score = step.payload["entry"], step.payload["score"]
        if entry in seen:
            faults.append(f"entry {entry} was scored twice")
        seen.add(entry)
        track = document.track(step.payload["track"])
        if track is None or track.board is None:
            faults.append(f"entry {entry} is of no track with a board")
            continue
        final = step.payload["phase"] in {phase.id for phase in document.phases_of("final")}
        plan = final_plan(track, len(finals[track.id])) if final else plan_of(document, track)
        again = told_again(plan, score)
        if again != score:
            faults.append(f"the score of entry {entry} does not follow from its place")
    return faults


def _baseline_faults(document: Competition, steps: Sequence[_Step]) -> list[str]:
    faults = []
    for step in steps:
        if step.kind != "competition.baseline_scored":
            continue
        track = document.track(step.payload["track"])
        fits = track is not None and track.board is not None
        if not fits or told_again(plan_of(document, track), step.payload["score"]) != step.payload["score"]:  # type: ignore[arg-type]
            faults.append(f"the baseline of {step.payload['track']} does not follow from its place")
    return faults


def _result_faults(
    document: Competition, step: _Step, steps: Sequence[_Step], finals: Mapping[str, Any]
) -> list[str]:
    result, faults = step.payload, []
    out = set[int]()
    for other in steps:
        if other.index < step.index and other.kind == "competition.team_disqualified":
            out.add(other.payload["team"])
        if other.index < step.index and other.kind == "competition.team_reinstated":
            out.discard(other.payload["team"])
    if out & set(result["teams"]):
        faults.append(f"revision {result['revision']} ranks a team that is disqualified")
    inputs = {track.id: _inputs(track.id, result, step, steps, document, finals) for track in document.tracks}
    if compute_result(document, result["teams"], inputs) != result["tracks"]:
        faults.append(f"revision {result['revision']} does not follow from the scores and marks")
    return faults


def _inputs(
    track: str,
    result: Mapping[str, Any],
    step: _Step,
    steps: Sequence[_Step],
    document: Competition,
    finals: Mapping[str, Any],
) -> TrackInputs:
    phases = {phase.id for phase in document.phases_of("final")}
    chosen = finals.get(track, {})
    scores = {}
    for other in steps:
        said = other.payload
        if other.kind != "competition.entry_scored" or other.index > step.index:
            continue
        if said["track"] == track and said["phase"] in phases and str(said["team"]) in chosen:
            of_team = chosen[str(said["team"])]
            scores[said["team"]] = FinalScore(
                of_team["entry"],
                float(said["score"]["score"]),
                float(said["score"]["low"]),
                float(said["score"]["high"]),
                datetime.fromisoformat(of_team["entered_at"]),
            )
    return TrackInputs(
        scores,
        [
            JudgedDocument(one["team"], one["entry"], datetime.fromisoformat(one["entered_at"]))
            for one in result["documents"].get(track, ())
        ],
        {
            round: {int(entry): dict(given) for entry, given in of_round.items()}
            for round, of_round in result["marks"].get(track, {}).items()
        },
    )
