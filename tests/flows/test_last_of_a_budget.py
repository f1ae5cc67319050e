"""Two hundred people ask at once, and there is room for nineteen:
nineteen are answered, and the budget is spent to the end."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from asked_vault import AskedVault, asked_vault
from sandbox.budgets import Account, Level
from sandbox.budgets.tables import reservations
from sandbox.releases.tables import questions
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from story import POLICY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ASKERS = 200
ROOM = 19


@pytest.fixture(scope="module")
def vault(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    with asked_vault(postgres, template, s3) as made, made.start():
        yield made


def priced(vault: AskedVault, dataset: str, epsilon: str) -> int:
    # nobody asks it, so it is never free
    told = vault.person("wang").send(
        "POST", "/v1/explain", json={"sql": question(dataset, -1), "epsilon": epsilon}
    )
    return int(told.json()["picorho"])


def question(dataset: str, number: int) -> str:
    return f"SELECT COUNT(*) AS n FROM {dataset} WHERE cost > {number}"


def all_at_once(
    vault: AskedVault, sqls: list[str], people: tuple[str, ...], **more: Any
) -> list[httpx.Response]:
    """Every question from a thread of its own, on a connection of its own, all let go at the same moment."""
    askers = [vault.person(people[number % len(people)]) for number in range(len(sqls))]
    together = Barrier(len(sqls))

    def one(number: int) -> httpx.Response:
        together.wait(60)
        return askers[number].ask(sqls[number], **more)

    with ThreadPoolExecutor(len(sqls)) as pool:
        return list(pool.map(one, range(len(sqls))))


def test_two_hundred_different_questions_on_the_last_of_a_budget_spend_it_exactly(vault: AskedVault) -> None:
    """Two people of one team ask; the grant has room for nineteen questions and most of a twentieth."""
    dataset, grant = vault.dataset(epsilon="2")
    limit = vault.account(grant.account).limit.picorho
    # a question's price goes with the square of its epsilon: find the one of which nineteen
    # fit, and twenty do not
    epsilon = next(
        str(Decimal(step) / 1000)
        for step in range(300, 600)
        if limit // priced(vault, dataset, str(Decimal(step) / 1000)) == ROOM
    )
    price = priced(vault, dataset, epsilon)
    before = vault.spent(grant)
    size = vault.log().size()

    told = all_at_once(
        vault, [question(dataset, number) for number in range(ASKERS)], ("wang", "song"), epsilon=epsilon
    )

    outcomes = Counter((answer.status_code, answer.json().get("code", "answered")) for answer in told)
    assert outcomes == {(200, "answered"): ROOM, (402, "budget_exhausted"): ASKERS - ROOM}
    account = vault.account(grant.account)
    assert account.spent.picorho == ROOM * price <= limit
    assert account.left.picorho < price, "nothing that was asked would still have fitted"
    lost = vault.lost(grant, before)
    assert lost == dict.fromkeys(lost, ROOM * price)
    with vault.story.database.transaction() as tx:
        rows = tx.execute(select(reservations).where(reservations.c.grant == grant.account.key)).all()
        released = tx.scalars(
            select(questions.c.sql).where(questions.c.grant == grant.id, questions.c.status == "released")
        ).all()
    assert [row.status for row in rows] == ["settled"] * ROOM
    answered = [answer.json()["sql"] for answer in told if answer.status_code == 200]
    assert sorted(released) == sorted(answered) and len(set(answered)) == ROOM
    counts = Counter(vault.kinds()[size:])
    assert counts["query.asked"] == counts["query.released"] == ROOM
    assert vault.log().verify_whole().verified

    # what was answered stays free, and the rest of the budget can still be spent on something that fits
    wang = vault.person("wang")
    assert wang.answer(answered[0], epsilon=epsilon)["stored"]
    assert wang.refusal(question(dataset, ASKERS), epsilon=epsilon) == (402, "budget_exhausted")
    left = account.left.picorho
    small = next(
        (
            str(Decimal(step) / 1000)
            for step in range(int(Decimal(epsilon) * 1000), 0, -1)
            if priced(vault, dataset, str(Decimal(step) / 1000)) <= left
        ),
        None,
    )
    assert small is not None and wang.answer(question(dataset, ASKERS), epsilon=small)
    assert vault.account(grant.account).spent.picorho <= limit


def test_two_hundred_times_the_same_question_is_bought_once(vault: AskedVault) -> None:
    """Everybody at once, before anybody has the answer: one price, one set of numbers."""
    dataset, grant = vault.dataset()
    before = vault.spent(grant)
    sql = f"SELECT district, SUM(visits) AS visits FROM {dataset} GROUP BY district"
    told = all_at_once(vault, [sql] * ASKERS, ("wang", "song"))
    assert {answer.status_code for answer in told} == {200}
    assert len({str(answer.json()["rows"]) for answer in told}) == 1
    assert [answer.json()["stored"] for answer in told].count(False) == 1
    price = next(answer.json()["price"]["picorho"] for answer in told if not answer.json()["stored"])
    lost = vault.lost(grant, before)
    assert lost == dict.fromkeys(lost, price)
    assert vault.log().verify_whole().verified


def test_two_teams_that_ask_at_once_each_spend_their_own_share_and_nothing_of_the_others(
    vault: AskedVault,
) -> None:
    """What a dataset cannot promise to both is refused when the second grant is decided,
    and never a question in a share."""
    dataset, first = vault.dataset(
        policy=POLICY.replace('dataset_epsilon: "8"', 'dataset_epsilon: "4"'), epsilon="2.5"
    )
    qin, lin = vault.person("qin"), vault.person("lin")
    asked = qin.send(
        "POST",
        "/v1/requests",
        json={
            "dataset": dataset,
            "team": "river",
            "epsilon": "4",
            "purpose": "to have a share of our own",
            "until": in_days(30),
        },
    ).json()
    refused = lin.send("POST", f"/v1/requests/{asked['id']}/approve", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "budget_promised")
    most = refused.json()["remedy"].split("epsilon ")[1].split(",")[0]
    more = lin.send(
        "POST", f"/v1/requests/{asked['id']}/approve", json={"epsilon": str(Decimal(most) + Decimal("0.01"))}
    )
    assert more.status_code == 409
    approved = lin.send("POST", f"/v1/requests/{asked['id']}/approve", json={"epsilon": most})
    assert approved.status_code == 200, approved.text

    price = priced(vault, dataset, "0.9")
    second = Account(Level.GRANT, f"river/{dataset}")
    rooms = [vault.account(account).limit.picorho // price for account in (first.account, second)]
    assert all(0 < room < 30 for room in rooms)
    told = all_at_once(
        vault, [question(dataset, number) for number in range(60)], ("wang", "qin"), epsilon="0.9"
    )
    outcomes = Counter((answer.status_code, answer.json().get("code", "answered")) for answer in told)
    assert outcomes == {(200, "answered"): sum(rooms), (402, "budget_exhausted"): 60 - sum(rooms)}
    for account, room in zip((first.account, second), rooms, strict=True):
        assert vault.account(account).spent.picorho == room * price
    assert vault.log().verify_whole().verified


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
