"""The reviewers' part: what may leave a sealed run, and what may not."""

import hashlib
import json
import re
from functools import partial
from typing import Any

from sandbox.audit import verify_receipt
from sandbox.city.tour.stage import Stage, check, refused

COPIED = "raw_row"


def review(stage: Stage) -> str:
    """lin and zhou look and vote, blind to each other; nobody of the team reviews or reads what waits in quarantine."""
    place, file = _waiting(stage, "people"), "people.csv"
    for other, code in (("wang", "review_own_team"), ("li", "review_own_team"), ("xu", "no_permit")):
        for path, what in ((place, "a review"), (f"{place}/files/{file}", "a look into quarantine")):
            refused(partial(stage.person(other).vault, "GET", path), code=code, what=f"{what} by {other}")
    _nothing_left(stage, "people", file)
    seen = stage.person("lin").vault("GET", place)
    check(seen["program"]["files"]["main.py"], "the program does not stand beside the file")
    blocks = [one["message"] for one in seen["files"][0]["findings"] if one["severity"] == "blocks"]
    check(not blocks, f"a good file is blocked: {blocks}")
    shown = stage.person("lin").vault("GET", f"{place}/files/{file}")
    check(shown.startswith(b"site,people"), "the reviewer does not see the file")
    _vote(stage, "lin", place, "approve", "Six large groups, rounded.")
    check(not stage.person("zhou").vault("GET", place)["votes"], "a reviewer sees another's vote before their own")
    _nothing_left(stage, "people", file)
    ended = _vote(stage, "zhou", place, "approve", "Rounded; nothing small.")
    check(ended["outcome"] == "released", f"two approvals made it {ended['outcome']}")
    stage.known["shown_sha256"] = hashlib.sha256(shown).hexdigest()
    return "1 of 2 votes released nothing, the second did; 3 people of no part in it refused"


def release(stage: Stage) -> str:
    """The team reads the file in its notebook; the receipt of its release is verified from itself and the public key."""
    run = f"cihu.runs()['{stage.known['people']}']"
    cells = stage.cells()
    rows = cells.value(f"{run}.files().df('people.csv').values.tolist()")
    told: dict[str, Any] = cells.value(f"{run}.files().document")
    key = stage.person("xu").vault("GET", "/v1/log/key")["key"]
    proven = verify_receipt(told["receipt"], key)
    payload: dict[str, Any] = dict(proven.payload or {})
    check(proven.kind == "output.released" and payload["reviewers"] == 2, "the receipt is of something else")
    check([one["sha256"] for one in payload["files"]] == [stage.known["shown_sha256"]],
          "the receipt does not hold the file that reviewers saw")
    check(not re.search(r"\b(lin|zhou)\b", json.dumps([told["receipt"]["opening"], told["receipt"]["entry"]])),
          "the receipt names a reviewer")
    check(len(rows) == 6 and all(number % 10 == 0 for _, number in rows), f"the released table is {rows}")
    return f"people.csv: {len(rows)} sites, {sum(number for _, number in rows):.0f} people; entry {proven.index}"


def refuse(stage: Stage) -> str:
    """A file of copied rows: the checks find the quotes, nobody can approve it, and the team is told the reason alone."""
    place = _waiting(stage, "rows")
    findings = stage.person("lin").vault("GET", place)["files"][0]["findings"]
    blocking = {one["code"]: one["message"] for one in findings if one["severity"] == "blocks"}
    check(COPIED in blocking, f"copied rows are not found; what blocks is {sorted(blocking)}")
    refused(partial(_vote, stage, "lin", place, "approve", "It looks fine."), code="blocked", what="copied rows")
    for officer in ("lin", "zhou"):
        ended = _vote(stage, officer, place, "refuse", "These are rows of single people.", "individual_values")
    check(ended["outcome"] == "refused", f"two refusals made it {ended['outcome']}")
    _nothing_left(stage, "rows", "rows.csv")
    told = stage.cells().value(f"cihu.runs()['{stage.known['rows']}'].release().document")
    check(told["outcome"] == "refused" and "findings" not in str(told), "the team is told more than the outcome")
    check({reason for one in told["comments"] for reason in one["reasons"]} == {"individual_values"}, "the reason is not told")
    return f"rows.csv: {blocking[COPIED].lower().rstrip('.')}, so nobody can approve it; the team reads the reason alone"


def _waiting(stage: Stage, name: str) -> str:
    """The address of the review of a run, as officers find it in their queue."""
    found = [one["id"] for one in stage.person("lin").vault("GET", "/v1/reviews") if one["run"] == stage.known[name]]
    check(len(found) == 1, f"the review of {name}.csv is not in the queue")
    return f"/v1/reviews/{found[0]}"


def _vote(stage: Stage, officer: str, place: str, choice: str, comment: str, *reasons: str) -> dict[str, Any]:
    person = stage.person(officer)
    seen = person.vault("GET", place)
    done: dict[str, Any] = person.vault("POST", f"{place}/votes", json={"revision": seen["revision"], "votes": [
        {"path": one["path"], "vote": choice, "comment": comment, "reasons": list(reasons)} for one in seen["files"]]})
    return done


def _nothing_left(stage: Stage, name: str, file: str) -> None:
    """The team has no file of the run, and no receipt."""
    wang, run = stage.person("wang"), f"/v1/runs/{stage.known[name]}"
    told = wang.vault("GET", f"{run}/files")
    check(not told["files"] and told["receipt"] is None, f"{file} is with the team before it was released")
    refused(partial(wang.vault, "GET", f"{run}/files/{file}"), code="not_found", what=f"{file} that was not released")
