"""The competition's part: held by officers, entered from the notebook, and shown on a board that says how
precise it is. Who may not take part, and what may not be known, is tried."""

from functools import partial
from typing import Any

from sandbox.standalone.demo_competition import CONTEST, TRACK, load_competition, model
from sandbox.standalone.tour.stage import Stage, check, refused

AT = f"/v1/competitions/{CONTEST}"


def hold(stage: Stage) -> str:
    """lin and tang hold a competition, if the city has none; three teams enter, and are scored. Neither an
    officer of the organiser nor a company takes part."""
    people = {account: stage.person(account) for account in ("lin", "tang", "wang", "li", "zhao")}
    known = {one["name"] for one in stage.person("lin").vault("GET", "/v1/datasets")}
    load_competition(stage.files["health.visits"].parent.parent, people, stage.policies, known)
    for other, code in (("lin", "organiser_does_not_compete"), ("chen", "no_permit")):
        new = {"name": f"tour-{stage.number}", "terms_sha256": _contest(stage)["terms_sha256"]}
        refused(
            partial(stage.person(other).vault, "POST", f"{AT}/teams", json=new),
            code=code,
            what=f"a team of {other}",
        )
    [split] = stage.person("xu").vault("GET", f"{AT}/splits")
    check("seed" not in split, "the seed of the split is told before the end")
    board = _board(stage)
    check("baseline" in board, "the board has no baseline")
    return (
        f"{len(board['lines'])} teams, {board['people']} people live; all entries share rho {board['rho']}, "
        f"about epsilon {board['epsilon']} of {board['dataset_epsilon']}"
    )


def enter(stage: Stage) -> str:
    """wang enters a model from the notebook. An entry that reads the target is refused; of the scores nothing
    is told but places."""
    cheat = model({"visits": 1.0, "often": 1.0}, -0.5)
    refused(
        partial(
            stage.person("wang").vault,
            "POST",
            f"{AT}/entries",
            json={"track": TRACK, "kind": "model", "content": cheat},
        ),
        code="bad_entry",
        what="an entry that reads the target",
    )
    quota = stage.person("wang").vault("GET", f"{AT}/my-team")["quotas"][0]
    if quota["today"] >= quota["per_day"] or quota["in_total"] >= quota["of_total"]:
        return f"the team has used its entries: {quota['in_total']} of {quota['of_total']}"
    cells = stage.cells()
    said = cells.run(
        "import cihu\n"
        f"entry = cihu.enter({CONTEST!r}, model={{'coefficients': [1.0], 'intercept': -1.5}}, "
        "features=['visits'], note='tour').wait()"
    )
    entry: dict[str, Any] = cells.value("entry.document")
    check(entry["state"] == "scored", f"the entry was not scored: {entry} {said[-300:]}")
    board = _board(stage)
    step = float(board["step"])
    for line in [*board["lines"], board["baseline"]]:
        places = float(line["score"]) / step
        check(abs(places - round(places)) < 1e-3, f"a score that is no place is shown: {line}")
        check(float(line["low"]) <= float(line["score"]) <= float(line["high"]), "no honest interval")
    score = entry["score"]
    return (
        f"entry {entry['id']}: the team stands at {float(score['score']):.3f} "
        f"({float(score['low']):.2f} to {float(score['high']):.2f}); places are {step:g} apart"
    )


def _contest(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.person("xu").vault("GET", AT)
    return found


def _board(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.person("xu").vault("GET", f"{AT}/board", params={"track": TRACK})
    return found
