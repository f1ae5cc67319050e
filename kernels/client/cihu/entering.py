"""Enters a competition: a model or a predictor is tried on invented people, scored as the board scores, and
handed in.

%%entry competition=health-2026 note="older people go more often"
def predict(rows):
    return rows["age"] > 50
"""

import json
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from cihu.competition import at, read_board, read_competition
from cihu.judged_entry import checked_question, document_of
from cihu.messages import known, say
from cihu.problem import CihuError
from cihu.program import ANSWERS, notebook_folder
from cihu.runs import moment
from cihu.scoring import place, score, without_value
from cihu.sealed import PREDICTOR, interface_of, listed, read_program, settings
from cihu.show import foot, page
from cihu.trial import try_out
from cihu.vault import the_vault

NAME = "entry"
KNOWN = frozenset({"competition", "track", "features", "predicts", "note", "outside_data", "team", "submit"})
PREDICTED = "predicted"
OPEN = ("queued", "running")
LEAST_WAIT, MOST_WAIT = 0.5, 10.0
TRIAL_SECONDS = 120.0
RUN_SECONDS = 10
BY_METRIC = {
    "brier": "probability",
    "log_loss": "probability",
    "auc": "probability",
    "mae": "number",
    "rmse": "number",
    "balanced_accuracy": "boolean",
    "f1": "boolean",
}


@dataclass(frozen=True)
class Candidate:
    """What is tried and handed in: a predictor's files, what it declares, and for a linear model itself."""

    files: Mapping[str, str]
    columns: list[str]
    predicts: dict[str, Any]
    model: bytes | None = None
    kind: str = "program"
    entry: str = field(default=PREDICTOR)


class Entry:
    """An entry of your team. `.state` asks the vault; `.wait()` waits for its score; `.cancel()` takes it
    back while it waits; `.choose()` sends it to the final."""

    def __init__(
        self, competition: str, document: dict[str, Any], receipt: dict[str, Any] | None = None
    ) -> None:
        self.competition, self.document, self.receipt = competition, document, receipt

    @property
    def id(self) -> int:
        return int(self.document["id"])

    @property
    def state(self) -> str:
        """One of queued, running, scored, failed, not_run, cancelled; as it is now."""
        return str(self.refresh().document["state"])

    @property
    def score(self) -> dict[str, Any] | None:
        """Its place on the board with the interval; None before it has one."""
        return self.document.get("score")

    def refresh(self) -> "Entry":
        self.document = the_vault().get(at(self.competition, f"/entries/{self.id}"))
        return self

    def wait(self) -> "Entry":
        """Wait until it is scored. Interrupt to stop waiting: it keeps its place."""
        try:
            while self.refresh().document["state"] in OPEN:
                expected = self.document.get("expected_at")
                left = (
                    (datetime.fromisoformat(expected) - datetime.now(UTC)).total_seconds() if expected else 0
                )
                time.sleep(min(max(left, LEAST_WAIT), MOST_WAIT))
        except KeyboardInterrupt:
            raise CihuError(
                say("entry_wait_ended"), code="interrupted", remedy=say("waiting_ended_mend")
            ) from None
        return self

    def cancel(self) -> "Entry":
        """Take it back; it costs nothing while it waits."""
        self.document = the_vault().post(at(self.competition, f"/entries/{self.id}/cancel"), {})
        return self

    def choose(self) -> "Entry":
        """Choose it for the final."""
        self.document = the_vault().post(at(self.competition, f"/entries/{self.id}/choose"), {})
        return self

    def _lines(self) -> list[str]:
        said = self.document
        lines = [
            say(
                "entry_line",
                id=said["id"],
                track=said["track"],
                state=known(f"entry.{said['state']}", said["state"]),
            )
        ]
        if said["state"] in OPEN and said.get("expected_at"):
            position = say("entry_place", place=said["place"]) if "place" in said else ""
            lines.append(position + say("entry_expected", at=moment(said["expected_at"])))
        if said.get("score"):
            told = {key: f"{float(said['score'][key]):.3f}" for key in ("score", "low", "high")}
            lines.append(
                say("entry_score", **told) + say("entry_moved" if said["score"]["shown"] else "entry_same")
            )
        if failure := said.get("failure"):
            lines.append(known(f"failure.{failure}", failure))
            lines.append(say("entry_counts" if said["counts"] else "entry_free"))
        return lines

    def _repr_html_(self) -> str:
        lines = self._lines()
        return page(f"<strong>{escape(lines[0])}</strong>", *[foot(line) for line in lines[1:]])

    def __repr__(self) -> str:
        return "\n".join(self._lines())


def entry_magic(line: str, cell: str) -> Entry | None:
    """Try the cell, a `predict(rows)`, on invented people; if it succeeds, enter it.

    competition   its name
    track         which track, if it has several
    features      the columns that it is given: [age, female]; without it, all of the track
    predicts      number, probability, integer, boolean or text; without it, what the metric asks for
    note          for your team
    outside_data  what you used from outside, where that is declared
    team          for which of your teams the predictor is submitted, if several could
    submit        no: only try it
    """
    said = settings(line, known=KNOWN, usage="entry_usage")
    if "competition" not in said or said.get("submit", "yes").lower() not in ("yes", "no"):
        raise CihuError(
            say("no_competition_named" if "competition" not in said else "bad_submit"),
            code="invalid_input",
            remedy=say("entry_usage"),
        )
    track = read_competition(said["competition"]).track(said.get("track"))
    columns = checked_features(listed(said.get("features", "")) or None, track)
    predicts = said.get("predicts") or kind_of(track)
    return hand_in(
        said["competition"],
        track,
        Candidate({PREDICTOR: cell}, columns, {PREDICTED: predicts}),
        note=said.get("note", ""),
        outside_data=said.get("outside_data", ""),
        team=said.get("team"),
        submit=said.get("submit", "yes").lower() == "yes",
    )


def enter(
    competition: str,
    track: str | None = None,
    *,
    model: Any = None,
    program: str | Path | None = None,
    question: Mapping[str, Any] | None = None,
    document: str | Path | None = None,
    features: Sequence[str] | None = None,
    predicts: str | None = None,
    note: str = "",
    outside_data: str = "",
    team: str | None = None,
    submit: bool = True,
) -> Entry | None:
    """Enter a competition with a `model` as data, with a `program` (predictor.py, or a folder), or for a jury
    with a named private `question` or a `document`.

    `model`: a fitted estimator of scikit-learn, {"coefficients": [...], "intercept": x}, or the path of a
    .skops or .safetensors file. A linear model is evaluated by the vault itself and needs no grant. Another
    one, and a program, is called for each person, which takes longer. `features`: the columns that it reads,
    in its order; else those that the estimator was fitted on, or all of the track. `predicts`: else what the
    metric asks for.

    It is tried on invented people here first, with all messages, and scored as the board scores; if it fails
    there, nothing is handed in. Raises `CihuError`.

    `question`: {"title", "purpose", "sql", "epsilon", "parameters"}. The SQL, a text or an expression, has
    :name for each parameter, such as {"name": "district", "type": "text", "values": ["north", "south"]}. The
    vault plans it and tries it on stand-in rows first, and says its price. `document`: Markdown, as a text or
    as the path of a .md file.
    """
    if [each is None for each in (model, program, question, document)].count(False) != 1:
        raise CihuError(say("one_entry"), code="invalid_input", remedy=say("entry_usage"))
    if question is not None or document is not None:
        kind = "questions" if question is not None else "document"
        judged = read_competition(competition).jury_track(track)
        require_kind(kind, judged)
        if question is not None:
            content = checked_question(competition, judged, question)
        else:
            content = document_of(document or "")
        return posted(competition, judged, kind, content, note, outside_data) if submit else None
    chosen = read_competition(competition).track(track)
    if program is not None:
        candidate = of_program(program, chosen, features, predicts)
    else:
        candidate = of_model(model, chosen, features, predicts)
    return hand_in(
        competition, chosen, candidate, note=note, outside_data=outside_data, team=team, submit=submit
    )


def hand_in(
    competition: str,
    track: Mapping[str, Any],
    candidate: Candidate,
    *,
    note: str,
    outside_data: str,
    team: str | None,
    submit: bool,
) -> Entry | None:
    """Try, score, and hand in. Raises `CihuError`; then nothing was handed in."""
    require_kind(candidate.kind, track)
    tried(competition, track, candidate)
    if not submit:
        return None
    content: dict[str, Any]
    if candidate.model is not None:
        (kind,) = candidate.predicts.values()
        content = {
            "model": b64encode(candidate.model).decode(),
            "columns": candidate.columns,
            "predicts": kind,
        }
    else:
        content = {"run": submitted(competition, track, candidate, team)}
    return posted(competition, track, candidate.kind, content, note, outside_data)


def posted(
    competition: str,
    track: Mapping[str, Any],
    kind: str,
    content: Mapping[str, Any],
    note: str,
    outside_data: str,
) -> Entry:
    """Hand it in."""
    body = {"track": track["id"], "kind": kind, "content": dict(content), "note": note}
    made = the_vault().post(at(competition, "/entries"), body | {"outside_data": outside_data})
    return Entry(competition, made["entry"], made["receipt"])


def require_kind(kind: str, track: Mapping[str, Any]) -> None:
    """Raises `CihuError` for a kind that the track does not take."""
    if kind not in track["kinds"]:
        raise CihuError(
            say("kind_not_taken", kind=kind, kinds=", ".join(track["kinds"])),
            code="entry_kind_not_taken",
            remedy=say("kind_not_taken_remedy"),
        )


def tried(competition: str, track: Mapping[str, Any], candidate: Candidate) -> float | None:
    """Call it for each invented person, show what it prints, and score it. Raises `CihuError`."""
    print(say("entry_trying", dataset=track["dataset"]))
    unit = the_vault().get(f"/v1/datasets/{track['dataset']}")["unit"]["column"]
    interface = {
        "columns": candidate.columns,
        "predicts": candidate.predicts,
        "unit": unit,
        "target": track["target"],
    }
    trial = try_out(
        candidate.files, candidate.entry, [track["dataset"]], TRIAL_SECONDS, interface, "cihu.entry_trial"
    )
    made = notebook_folder() / "outbox" / ANSWERS
    if not trial.ok or not made.exists():
        why = say("trial_failed", status=trial.status) if trial.in_time else say("entry_late")
        raise CihuError(why, code="trial_failed", remedy=say("entry_trial_remedy"))
    answers = json.loads(made.read_text("utf-8"))
    made.unlink()
    value = score(track, answers["truth"], answers["predicted"])
    if value is None:
        print(say("entry_no_score", people=len(answers["truth"])))
        return None
    if without := without_value(track, answers["truth"], answers["predicted"]):
        print(say("entry_without_value", rows=without))
    step = float(read_board(competition, track["id"]).document["step"])
    print(
        say(
            "entry_local_score",
            people=len(answers["truth"]),
            score=f"{value:.4f}",
            metric=track["metric"],
            place=f"{place(value, step):.3f}",
        )
    )
    return value


def submitted(competition: str, track: Mapping[str, Any], candidate: Candidate, team: str | None) -> str:
    """The run of a predictor that is called for each person."""
    body = {
        "name": f"entry of {competition}",
        "entry": candidate.entry,
        "files": dict(candidate.files),
        "inputs": [track["dataset"]],
        "limit_seconds": RUN_SECONDS,
        "interface": {"columns": candidate.columns, "predicts": candidate.predicts},
    }
    return str(the_vault().post("/v1/runs", body | ({"team": team} if team else {}))["id"])


def of_program(
    path: str | Path, track: Mapping[str, Any], features: Sequence[str] | None, predicts: str | None
) -> Candidate:
    """A predictor: one file, or a folder with a cihu.yaml that may declare columns and predicts."""
    files, entry, said = read_program(path)
    if Path(path).is_file():
        files, entry = {PREDICTOR: next(iter(files.values()))}, PREDICTOR
    declared = interface_of(said) or {}
    columns = checked_features(features or declared.get("columns"), track)
    kinds = {PREDICTED: predicts or kind_of(track)}
    if declared and not predicts:
        kinds = dict(declared["predicts"])
    return Candidate(files, columns, kinds, entry=entry)


def of_model(
    model: Any, track: Mapping[str, Any], features: Sequence[str] | None, predicts: str | None
) -> Candidate:
    """A model as data. Raises `CihuError` for one that is of no format that is evaluated."""
    named = getattr(model, "feature_names_in_", None)
    columns = checked_features(features or (list(map(str, named)) if named is not None else None), track)
    kind = predicts or kind_of(track)
    suffix, content = as_file(model, kind)
    name = f"model{suffix}"
    # exactly the text that the vault makes of a model (sandbox/competitions/entries/model_entry.py)
    text = (
        "from cihu.model_entry import predict_with\n\n"
        f"predict = predict_with({json.dumps(name)}, {kind!r}, __file__)\n"
    )
    files = {PREDICTOR: text, f"{name}.b64": b64encode(content).decode()}
    linear = content if suffix == ".safetensors" else None
    return Candidate(files, columns, {PREDICTED: kind}, linear, "model")


def as_file(model: Any, kind: str) -> tuple[str, bytes]:
    """The suffix and bytes of a model."""
    if isinstance(model, str | Path):
        path = Path(model)
        if path.suffix not in (".skops", ".safetensors"):
            raise CihuError(
                say("bad_model_file", name=path.name), code="bad_model_entry", remedy=say("bad_model_remedy")
            )
        try:
            return path.suffix, path.read_bytes()
        except OSError as error:
            raise CihuError(
                say("unreadable", path=path, why=str(error)),
                code="invalid_input",
                remedy=say("unreadable_mend"),
            ) from None
    weights = linear_weights(model, kind)
    if weights is not None:
        coefficients, intercept = (np.asarray(part, dtype="float64").ravel() for part in weights)
        arrays = {"coefficients": coefficients, "intercept": intercept}
        return ".safetensors", bytes(import_module("safetensors.numpy").save(arrays))
    if not hasattr(model, "predict"):
        raise CihuError(
            say("bad_model_object", got=type(model).__name__),
            code="bad_model_entry",
            remedy=say("bad_model_remedy"),
        )
    return ".skops", bytes(import_module("skops.io").dumps(model))


def linear_weights(model: Any, kind: str) -> tuple[Any, Any] | None:
    """Coefficients and intercept, where the model is linear and predicts this kind; else None."""
    if isinstance(model, Mapping):
        if model.keys() != {"coefficients", "intercept"}:
            raise CihuError(
                say("bad_model_object", got=", ".join(map(str, model))[:60]),
                code="bad_model_entry",
                remedy=say("bad_model_remedy"),
            )
        return model["coefficients"], model["intercept"]
    coefficients, intercept = getattr(model, "coef_", None), getattr(model, "intercept_", None)
    if coefficients is None or intercept is None or np.size(intercept) != 1:
        return None
    classes = getattr(model, "classes_", None)
    of_classes = classes is not None and len(classes) == 2 and not classes[0] and bool(classes[1])
    logistic = type(model).__name__ == "LogisticRegression"
    fits = {
        "boolean": of_classes and hasattr(model, "decision_function"),
        "probability": of_classes and logistic,
        "number": classes is None
        and type(model).__name__ in ("LinearRegression", "Ridge", "Lasso", "ElasticNet"),
    }
    return (coefficients, intercept) if fits.get(kind, False) else None


def kind_of(track: Mapping[str, Any]) -> str:
    """What the metric asks for; for accuracy, the type of the target."""
    if "predicts" in track:
        return str(track["predicts"])
    if track["metric"] in BY_METRIC:
        return BY_METRIC[track["metric"]]
    columns = the_vault().get(f"/v1/datasets/{track['dataset']}")["columns"]
    return str(next(one["type"] for one in columns if one["name"] == track["target"]))


def checked_features(features: Sequence[str] | None, track: Mapping[str, Any]) -> list[str]:
    """Raises `CihuError` for a column that is no feature of the track."""
    if features is None:
        return list(track["features"])
    if strange := [name for name in features if name not in track["features"]]:
        raise CihuError(
            say("no_feature", name=strange[0], track=track["id"]),
            code="bad_entry",
            remedy=say("no_feature_remedy", features=", ".join(track["features"])),
        )
    return list(features)
