"""Two hundred entries of twenty teams wait in a real vault: teams take turns, and a vault that is killed in
the middle loses none and scores none twice."""

import json
import re
import signal
import time
from base64 import b64encode
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from altered import altered
from asked_vault import AskedVault
from competition_story import DOCUMENT, NAME, ZONE, safetensors
from deaths import deeds
from sandbox.audit.tables import entries as log_entries
from sandbox.audit.tables import openings
from sandbox.budgets import Part, part_account, statement
from sandbox.competitions.board_plans import plan_of
from sandbox.competitions.entries.tables import scored_entries
from sandbox.competitions.record import document_of
from sandbox.competitions.tables import competition_entries, competition_splits
from sandbox.identity import create_account
from split_people import NAME as DATASET
from split_people import POLICY, people_csv

TEAMS, EACH = 20, 10
BEFORE_DEATH = 90
# Places are told at once. Whatever is scored first, the baseline, waits until all entries are handed in.
SCORING = f"""
from itertools import count as _count
_moments = _count()
def wait_until(moment):
    _stop_at("first")
    if next(_moments) == {BEFORE_DEATH}:
        _die_at("middle")
"""
# A competition is announced before it opens: an hour early, while the file is there.
CLOCK = """
from os.path import exists as _exists
from datetime import timedelta as _timedelta
_clock = _now
def _early():
    return _clock() - _timedelta(hours=1) if _exists({early!r}) else _clock()
CompetitionContext.__init__.__defaults__ = tuple(
    _early if one is _clock else one for one in CompetitionContext.__init__.__defaults__
)
"""
BOARD = (
    "board: {metric: accuracy, strata: [{name: often, people: 200, live: 60, final: 20, values: [true]}, "
    "{name: seldom, people: 400, live: 120, final: 40, values: [false]}], "
    f'rho: "0.4", final_rho: "0.1", smallest_difference: "1", expected_teams: {TEAMS}}}'
)


def document() -> str:
    """Its registration and its board have just opened."""
    now = datetime.now(ZONE)
    begun, closes, ended = ((now + timedelta(days=days)).strftime("%Y-%m-%d %H:%M") for days in (0, 1, 2))
    text = DOCUMENT[: DOCUMENT.index("  - id: design")] + DOCUMENT[DOCUMENT.index("teams: {largest") :]
    phases = f"""phases:
  - {{id: signup, kind: registration, title: {{zh: 报名, en: In}}, opens: {begun}, closes: {closes}}}
  - {{id: a_board, kind: board, title: {{zh: A 榜, en: A}}, opens: {begun}, closes: {closes}}}
  - {{id: finals, kind: final, title: {{zh: 决赛, en: Final}}, opens: {closes}, closes: {ended}}}
"""
    for pattern, own in (
        (r"(?s)phases:.*?(?=tracks:)", phases),
        (r"board: .*", BOARD),
        (r"prizes:\n(      - .*\n)+", "prizes: []\n"),
        (r"datasets: .*", f"datasets: [{{dataset: {DATASET}, version: 1, features: [age], target: often}}]"),
        (
            r"entries: \{kinds.*",
            f"entries: {{kinds: [model], per_day: {EACH}, in_total: {EACH}, compute_seconds: 600}}",
        ),
        (r"fixed_from: [-0-9: ]*[0-9]", f"fixed_from: {closes}"),
        (r"account_days: 30", "account_days: 0"),
    ):
        text = re.sub(pattern, own, text)
    return text


def content(cut: float) -> dict[str, Any]:
    """Who is older than `cut` goes often."""
    model = b64encode(safetensors(coefficients=[1.0], intercept=[-cut])).decode()
    return {"model": model, "columns": ["age"], "predicts": "boolean"}


def hold(vault: AskedVault, text: str, early: Path) -> list[str]:
    """The competition, with its teams; gives their captains."""
    captains = [f"captain{number}" for number in range(TEAMS)]
    with vault.story.database.transaction() as tx:
        for id in captains:
            create_account(
                tx, account_id=id, display_name=id, organisation="hbpu", roles=["analyst"], by="system"
            )
    assert vault.publish(POLICY.format(name=DATASET), people_csv()).status_code == 201
    lin, contest = vault.person("lin"), f"/v1/competitions/{NAME}"
    draft = sent(lin.send("POST", "/v1/competition-drafts", json={"text": text}))
    agreed = {"sha256": draft["sha256"]}
    sent(vault.person("tang").send("POST", f"/v1/competitions/{NAME}/agree", json=agreed))
    terms = sent(lin.send("POST", f"{contest}/announce"))["terms_sha256"]
    earlier = sent(lin.send("GET", f"{contest}/left-earlier", params={"track": "smoking"}))
    left = [one["name"] for one in earlier]
    sent(lin.send("POST", f"{contest}/splits", json={"track": "smoking", "accepted": left}))
    early.unlink()
    for captain in captains:
        new = {"name": f"team of {captain}", "terms_sha256": terms}
        sent(vault.person(captain).send("POST", f"{contest}/teams", json=new))
    return captains


def sent(told: Any) -> Any:
    assert told.status_code < 300, told.text
    return told.json()


def steps(vault: AskedVault, kind: str) -> list[dict[str, Any]]:
    """What the log says of steps of a kind, in its order."""
    with vault.story.database.transaction() as tx:
        rows = tx.execute(
            select(log_entries.c.entry, openings.c.content)
            .join(openings, openings.c.index == log_entries.c.index)
            .order_by(log_entries.c.index)
        ).all()
    return [json.loads(content)["payload"] for entry, content in rows if json.loads(entry)["kind"] == kind]


def await_scored(vault: AskedVault) -> None:
    """Until no entry waits or runs."""
    until = time.monotonic() + 300
    count = select(func.count()).where(competition_entries.c.state.in_(("queued", "running")))
    while True:
        with vault.story.database.transaction() as tx:
            if not tx.execute(count).scalar_one():
                return
        assert time.monotonic() < until
        time.sleep(0.05)  # the vault tells nobody when it has scored


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_teams_take_turns_and_a_killed_vault_loses_no_entry_and_scores_none_twice(
    mortal_vault: AskedVault, tmp_path: Path
) -> None:
    vault, at, early, text = mortal_vault, tmp_path / "at", tmp_path / "early", document()
    early.touch()
    changed = altered(
        tmp_path,
        {
            "sandbox.competitions.entries.score": deeds(tmp_path) + SCORING,
            "sandbox.competitions.context": CLOCK.format(early=str(early)),
        },
    )
    at.write_text("stop first")
    with vault.start(changed) as process:
        # team after team: in the order in which they came, the last would wait for all the others
        for person in map(vault.person, hold(vault, text, early)):
            for number in range(EACH):
                entry = {"track": "smoking", "kind": "model", "content": content(40 + number)}
                told = sent(person.send("POST", f"/v1/competitions/{NAME}/entries", json=entry))["entry"]
                assert told["state"] == "queued" and told["place"] >= 1
        at.write_text("middle")
        at.with_name("at.go").touch()
        assert process.wait(300) == -signal.SIGKILL
    at.unlink()
    with vault.start(changed):
        await_scored(vault)
    starts = steps(vault, "competition.entry_started")
    with vault.story.database.transaction() as tx:
        rows = {row.id: row for row in tx.execute(select(competition_entries)).all()}
        split = tx.scalar(select(competition_splits.c.split))
        spent = statement(tx, part_account(split, Part.LIVE)).spent
        assert tx.scalar(select(func.count()).select_from(scored_entries)) == len(rows) + 1  # the baseline
    assert len(rows) == TEAMS * EACH and all(row.state == "scored" for row in rows.values())
    # who is served has not been served more often than anybody who waits
    waiting, served = Counter(rows[one["entry"]].team for one in starts), Counter[int]()
    for team in (rows[one["entry"]].team for one in starts):
        assert served[team] <= min(served[other] for other, left in waiting.items() if left)
        served[team] += 1
        waiting[team] -= 1
    # the one that was cut off begins twice; each is charged once, and its place told once
    assert Counter(one["attempt"] for one in starts) == {1: len(rows), 2: 1}
    told = Counter(one["entry"] for one in steps(vault, "competition.entry_scored"))
    assert set(told.values()) == {1} and told.keys() == rows.keys()
    contest = document_of(text)
    assert spent == plan_of(contest, contest.tracks[0]).loss.times(len(rows) + 1)
