"""Sends a program to the data.
It is tried on stand-in rows here; then the same text is submitted to the vault.

%%sealed name="visits by site" inputs=[health.visits] limit=1m
import cihu
rows = cihu.inputs["health.visits"]
rows.groupby("site")["doctor_visits"].mean().to_csv(cihu.outbox / "visits.csv")
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cihu.computed import NOTED, prepared_trial
from cihu.messages import say
from cihu.problem import CihuError
from cihu.runs import Run
from cihu.trial import Trial, try_out
from cihu.vault import the_vault
from cihu.waiting import shell

NAME = "sealed"
SETTING = re.compile(r"""(\w+)\s*=\s*(\[[^\]]*\]|"[^"]*"|'[^']*'|[^\s,]+)[\s,]*""")
KNOWN = frozenset({"name", "inputs", "models", "limit", "team", "submit", "hint"})
IN_YAML = frozenset(
    {"name", "entry", "inputs", "models", "limit", "team", "hint", "kind", "columns", "predicts"}
)
MODELS = (".skops", ".safetensors", ".onnx")
LIMITS = {"10s": 10, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 4 * 3600}
ENTRY, PREDICTOR = "main.py", "predictor.py"


def sealed(line: str, cell: str) -> Run | None:
    """Try the cell on stand-in rows, in a process of its own;
    if it succeeds, submit the same text to run on the real ones.

    name    what it does, in a few words
    inputs  the datasets that it reads: [health.visits]
    models  models of the library that it reads: [high-cost@1], by cihu.models.path("high-cost@1")
    limit   10s, 1m, 5m, 15m, 1h or 4h: when it is ended, and its end disclosed; never before,
            so declare a short one
    team    for which of your teams, if several could
    submit  no: only try it
    hint    yes: its end comes with its class, where the datasets' officers allow it; bits are counted
    """
    said = settings(line)
    if said.get("hint", "no").lower() not in ("yes", "no"):
        raise CihuError(say("bad_hint"), code="invalid_input", remedy=say("sealed_usage"))
    if said.get("submit", "yes").lower() not in ("yes", "no"):
        raise CihuError(say("bad_submit"), code="invalid_input", remedy=say("sealed_usage"))
    return hand_in(
        {ENTRY: cell},
        ENTRY,
        name=said.get("name", ""),
        inputs=listed(said.get("inputs", "")),
        models=listed(said.get("models", "")),
        limit=said.get("limit", "1m"),
        team=said.get("team"),
        submit=said.get("submit", "yes").lower() == "yes",
        hint=said.get("hint", "no").lower() == "yes",
    )


def hand_in(
    files: Mapping[str, str],
    entry: str,
    *,
    name: str,
    inputs: Sequence[str],
    limit: str,
    team: str | None,
    submit: bool = True,
    hint: bool = False,
    interface: Mapping[str, Any] | None = None,
    models: Sequence[str] = (),
) -> Run | None:
    """Try, show what was left, and submit.
    Raises `CihuError` when the trial failed: nothing is submitted then."""
    if not name or not inputs or limit not in LIMITS:
        fault = "no_name" if not name else "no_inputs" if not inputs else "bad_limit"
        raise CihuError(
            say(fault, given=limit, limits=", ".join(LIMITS)),
            code="invalid_input",
            remedy=say("sealed_usage"),
        )
    print(say("trying", inputs=", ".join(inputs)))
    trial = try_out(files, entry, inputs, LIMITS[limit], interface, models=models)
    show(trial)
    if not trial.ok:
        why = say("trial_failed", status=trial.status) if trial.in_time else say("trial_late", limit=limit)
        raise CihuError(why, code="trial_failed", remedy=say("trial_mend"))
    if trial.wrongly_named:
        raise CihuError(
            say("never_collected", names=", ".join(trial.wrongly_named)[:200]),
            code="never_collected",
            remedy=say("odd_name"),
        )
    if not submit:
        return None
    recipes = prepared_trial().get("recipes")
    body: dict[str, Any] = {
        "name": name,
        "entry": entry,
        "files": {**files, **({NOTED: recipes} if recipes else {})},
        "inputs": list(inputs),
        "limit_seconds": LIMITS[limit],
        **({"models": list(models)} if models else {}),
        **({"hint": True} if hint else {}),
        **({"interface": dict(interface)} if interface is not None else {}),
    }
    return Run(the_vault().post("/v1/runs", body | ({"team": team} if team else {})))


def show(trial: Trial) -> None:
    if shell():
        from IPython.display import display  # there, as there is a shell

        display(trial)
    else:
        print(trial)


def settings(line: str, *, known: frozenset[str] = KNOWN, usage: str = "sealed_usage") -> dict[str, str]:
    """The options after the magic's name. Raises `CihuError` for an option that is not `known`."""
    found: dict[str, str] = {}
    end = 0
    line = line.strip()
    while match := SETTING.match(line, end):
        end = match.end()
        found[match[1]] = match[2].strip("\"'")
    if end < len(line) or not found.keys() <= known:
        stray = line[end:] or ", ".join(sorted(found.keys() - known))
        raise CihuError(say("bad_setting", given=stray), code="invalid_input", remedy=say(usage))
    return found


def listed(text: str) -> list[str]:
    """The names in [a, "b"]."""
    return [name for part in text.strip("[]").split(",") if (name := part.strip().strip("\"'"))]


def read_program(path: str | Path) -> tuple[dict[str, str], str, dict[str, Any]]:
    """A program's files, which is started, and what its cihu.yaml says: of one .py file, or of a folder."""
    place = Path(path)
    try:
        if place.is_file():
            return {ENTRY: _text(place)}, ENTRY, {}
        said = _document(_text(place / "cihu.yaml"))
        own = [
            one
            for one in sorted(place.rglob("*"))
            if one.is_file() and not any(part.startswith(".") for part in one.relative_to(place).parts)
        ]
        files = {str(one.relative_to(place)): _text(one) for one in own if one.suffix == ".py"}
        files |= {
            f"{one.relative_to(place)}.b64": b64encode(one.read_bytes()).decode()
            for one in own
            if one.suffix in MODELS
        }
    except (OSError, UnicodeDecodeError) as error:
        raise CihuError(
            say("unreadable", path=place, why=str(error)), code="invalid_input", remedy=say("unreadable_mend")
        ) from None
    return files, str(said.pop("entry", PREDICTOR if said.get("kind") == "predictor" else ENTRY)), said


def interface_of(said: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a predictor's cihu.yaml declares; None for another program.
    Raises `CihuError`. The vault reports what else is wrong."""
    if said.get("kind", "program") == "program" and not said.keys() & {"columns", "predicts"}:
        return None
    columns, predicts = said.get("columns"), said.get("predicts")
    if (
        said.get("kind") != "predictor"
        or not isinstance(columns, list)
        or not isinstance(predicts, dict)
        or not predicts
    ):
        raise CihuError(say("bad_interface"), code="invalid_input", remedy=say("bad_interface_mend"))
    return {"columns": columns, "predicts": predicts}


def _text(path: Path) -> str:
    return path.read_bytes().decode()  # not read_text: the exact text, its ends of lines too


def _document(text: str) -> dict[str, Any]:
    import yaml  # only a folder needs it

    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError:
        said = None
    if (
        not isinstance(said, dict)
        or not said.keys() <= IN_YAML
        or not isinstance(said.get("hint", False), bool)
    ):
        raise CihuError(say("bad_yaml"), code="invalid_input", remedy=say("bad_yaml_mend"))
    return said
