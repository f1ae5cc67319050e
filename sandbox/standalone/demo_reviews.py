"""Answers the reviews before the demo's datasets open, as the officers of the demo city would."""

from sandbox.client.session import ClientSession

NOTE = "looked at for the demo city"


def answer_reviews(officer: ClientSession) -> None:
    """Answer with yes what waits for this officer. Safe to repeat."""
    for review in officer.vault("GET", "/v1/openings", params={"state": "waiting"}):
        answers = [
            {"item": item["id"], "yes": True, "note": NOTE} for item in review["items"] if item["yours"]
        ]
        if answers:
            officer.vault("POST", f"/v1/openings/{review['id']}/answers", json={"answers": answers})
