"""The officers' part: publish, be asked, approve."""

from functools import partial
from typing import Any

from sandbox.client.session import ClientSession
from sandbox.standalone.demo_reviews import answer_reviews
from sandbox.standalone.tour.stage import Stage, check, refused


def publish(stage: Stage) -> str:
    """lin and zhou publish their departments' data;
    nobody else can, and nobody logs in with a wrong password."""
    refused(
        lambda: ClientSession(stage.where, "lin", "not the password"),
        code="wrong_password",
        what="a wrong password",
    )
    stage.known["first_checkpoint"] = stage.person("xu").vault("GET", "/v1/log/checkpoint")
    made = []
    for officer, other, dataset in (("lin", "zhou", "health.visits"), ("zhou", "wang", "market.inspections")):
        policy, rows = stage.policies / "datasets" / f"{dataset}.yaml", stage.files[dataset]
        refused(
            partial(stage.person(other).publish, policy, rows),
            code="no_permit",
            what=f"publishing by {other}",
        )
        done = stage.person(officer).publish(policy, rows)
        made.append(f"{done['dataset']}@{done['version']} ({done['rows']} rows)")
        if "held" in done:
            made.append(open_held(stage, done, officer))
    shown = stage.person("wang").vault("GET", "/v1/datasets/health.visits")
    check(bool(shown["licence"] and shown["source"]), "the catalogue does not say source and licence")
    return "; ".join(made)


def open_held(stage: Stage, published: dict[str, Any], officer: str) -> str:
    """Who published answers what is asked of them, and tang what is asked of a second person. Until then
    nobody uses the version."""
    review = published["held"]["review"]
    refused(
        partial(stage.person("wang").vault, "GET", f"/v1/datasets/{published['dataset']}"),
        code="dataset_not_found",
        what="a dataset that is held",
    )
    for person in (officer, "tang"):
        answer_reviews(stage.person(person))
    asked = stage.person(officer).vault("GET", f"/v1/openings/{review}")
    check(asked["state"] == "opened", "the version is still held")
    return f"opened after review {review}"


def request(stage: Stage) -> str:
    """wang asks for the health data, for the team, with a purpose and a budget."""
    refused(
        lambda: stage.person("chen").vault(
            "POST", "/v1/ask", json={"sql": "SELECT COUNT(*) FROM health.visits"}
        ),
        code="no_grant",
        what="a question without a grant",
    )
    made = stage.person("wang").vault(
        "POST",
        "/v1/requests",
        json={
            "dataset": "health.visits",
            "team": "cihu-lake",
            "epsilon": "2",
            "until": stage.until,
            "purpose": "How does the share that people pay themselves change how often they see a doctor?",
        },
    )
    stage.known["request"] = made["id"]
    return f"request {made['id']}: epsilon {made['epsilon']} until {made['until'][:10]}"


def approve(stage: Stage) -> str:
    """lin approves with a smaller budget; another department's officer and the team itself cannot."""
    path = f"/v1/requests/{stage.known['request']}/approve"
    for other, code in (("zhou", "no_permit"), ("wang", "decide_own_team")):
        refused(
            partial(stage.person(other).vault, "POST", path, json={}), code=code, what=f"approval by {other}"
        )
    grant = stage.person("lin").vault(
        "POST", path, json={"epsilon": "1.5", "note": "enough for this purpose"}
    )
    stage.known["grant"] = grant["id"]
    check(grant["status"] == "live" and grant["epsilon"] == "1.5", "the grant is not as it was approved")
    return f"grant {grant['id']}: epsilon {grant['epsilon']} of 2 asked"
