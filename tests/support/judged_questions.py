"""Questions and documents of a competition's jury track, from the entries to the published result."""

from collections.abc import Mapping
from typing import Any

from competition_story import DOCUMENT, NAME, Contest, local
from sandbox.competitions import finals, jury
from sandbox.competitions import team_entries as entries
from sandbox.identity import create_account, create_organisation

QUESTION: dict[str, Any] = {
    "title": "各区就诊费用",
    "purpose": "门诊规划",
    "sql": "SELECT year, AVG(cost) AS cost FROM clinic.visits WHERE district = :district GROUP BY year",
    "parameters": [{"name": "district", "type": "text", "values": ["north", "south"]}],
    "epsilon": "0.5",
}
DATA = "datasets: [{dataset: clinic.visits, version: 1, features: [district, year, cost]}]"
JURORS = ("mei", "nan", "ou")
CLOSED = local("04-20")
"""When the public notice of the result has ended."""


def with_questions() -> str:
    """The competition's document, whose jury track takes questions, too."""
    head, tail = DOCUMENT.replace("account_days: 30", "account_days: 0").split("  - id: design", 1)
    tail = tail.replace("kinds: [document]", "kinds: [document, questions]", 1)
    tail = tail.replace("    entries:", f"    {DATA}\n    entries:", 1)
    return f"{head}  - id: design{tail}"


def entered(contest: Contest, wanted: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, int]:
    """Announce the competition, and let each person form a team and enter a kind with its content: the number
    of each entry."""
    contest.announced(with_questions())
    contest.now = local("03-05")
    numbers = {}
    for person, (kind, content) in wanted.items():
        contest.form(person, person)
        made, _ = entries.enter(
            contest.context,
            contest.person(person),
            NAME,
            track="design",
            kind=kind,
            content=content,
            note="",
            outside_data="",
        )
        numbers[person] = made["id"]
    return numbers


def judged(contest: Contest) -> list[str]:
    """Let three jurors of another organisation mark all entries alike, and publish the result: the texts that
    they read."""
    context, lin, read = contest.context, contest.person("lin"), []
    with contest.story.database.transaction() as tx:
        create_organisation(tx, organisation_id="jury", display_name="jury", by="system")
        for id in JURORS:
            create_account(tx, account_id=id, display_name=id, organisation="jury", roles=[], by="system")
    for juror in JURORS:
        jury.appoint(context, lin, NAME, track="design", juror=juror)
    contest.now = local("03-26")
    for round, marks in (("written", {"value": 40, "craft": 20}), ("defence", {"talk": 70})):
        jury.assign_round(context, lin, NAME, track="design", round=round)
        for juror in JURORS:
            who = contest.person(juror)
            for one in jury.own_documents(context, who, NAME):
                read.append(one["text"])
                if one["round"] == round:
                    jury.give_marks(context, who, NAME, one["entry"], round=round, marks=marks, comment="")
    contest.now = local("03-30", "18:00")
    finals.open_final(context, lin, NAME)
    finals.publish_result(context, lin, NAME)
    return read
