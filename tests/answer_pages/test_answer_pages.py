"""Saved pages of a team's answers: who sees them, what a refresh costs and does, and what is kept."""

from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest

from sandbox.answer_pages.pages import (
    change_page,
    list_pages,
    page_history,
    read_page,
    remove_page,
    save_page,
)
from sandbox.answer_pages.refresh import price_page, refresh_page
from sandbox.audit import Log, Signer
from sandbox.budgets import Account, Level, statement
from sandbox.errors import BudgetExhausted, Conflict, InvalidInput, NotFound, TooMany
from sandbox.grants import revoke
from sandbox.identity import create_team, join_team
from sandbox.identity.teams import leave_team
from sandbox.policy import Refused
from sandbox.releases import ask
from story import Story, rows_csv

BY_DISTRICT = "SELECT district, COUNT(*) AS n FROM clinic.visits GROUP BY district"
BY_YEAR = "SELECT year, COUNT(*) AS n FROM clinic.visits GROUP BY year"


class Pages:
    """A city with a team of two (wang, li) that has asked twice, at two epsilons."""

    def __init__(self, story: Story, log: Log) -> None:
        self.story, self.log = story, log
        story.publish()
        self.grant = story.grant()
        with story.database.transaction() as tx:
            join_team(tx, team_id="lake", account_id="li", by="system")
        self.answers = [
            ask(story.context, principal=self.who("wang"), sql=sql, epsilon=Fraction(epsilon))
            for sql, epsilon in ((BY_DISTRICT, "0.25"), (BY_YEAR, "0.125"))
        ]

    def who(self, name: str) -> Any:
        return self.story.principal(name)

    def save(self, name: str = "wang", **more: Any) -> Any:
        answers = [(UUID(each["answer_id"]), "") for each in self.answers]
        content = {"team": "lake", "title": "Visits", "text": "", "answers": answers} | more
        return save_page(self.story.context, self.log, self.who(name), **content)

    def read(self, name: str, page: UUID, number: int | None = None) -> Any:
        return read_page(self.story.context, self.log, self.who(name), page, number)

    def price(self, page: UUID, name: str = "wang") -> Any:
        return price_page(self.story.context, self.who(name), page)

    def refresh(self, page: UUID, priced: str, name: str = "wang") -> Any:
        return refresh_page(self.story.context, self.log, self.who(name), page, priced=priced)

    def spent(self) -> int:
        with self.story.database.transaction() as tx:
            return statement(tx, Account(Level.GRANT, "lake/clinic.visits")).spent.picorho


@pytest.fixture
def pages(story: Story, tmp_path) -> Pages:
    return Pages(story, Log(story.database, Signer(tmp_path / "log")))


def test_a_page_is_its_teams_alone_and_stays_with_it(pages: Pages) -> None:
    page = pages.save(title=" Visits ", text="By district, by year.")
    assert page["title"] == "Visits" and page["number"] == page["newest"] == 1
    assert [each["sql"] for each in page["questions"]] == [BY_DISTRICT, BY_YEAR]
    assert [each["epsilon"] for each in page["questions"]] == ["0.25", "0.125"]
    first = page["questions"][0]["answer"]
    assert first["rows"] == pages.answers[0]["rows"] and first["errors"] == pages.answers[0]["errors"]
    assert first["receipt"]["format"] == "cihu-receipt/1"
    with pages.story.database.transaction() as tx:
        create_team(tx, team_id="other", display_name="other", by="system")
        join_team(tx, team_id="other", account_id="wang", by="system")
    for stranger in ("lin", "zhou"):
        with pytest.raises(NotFound):
            pages.read(stranger, page["id"])
        with pytest.raises(NotFound):
            pages.price(page["id"], stranger)
        with pytest.raises(NotFound):
            remove_page(pages.story.context, pages.who(stranger), page["id"])
        assert list_pages(pages.story.context, pages.who(stranger)) == []
        with pytest.raises(Refused):
            pages.save(stranger)
    with pytest.raises(InvalidInput) as other:
        pages.save(team="other")
    assert other.value.code == "answer_of_another_team"
    with pages.story.database.transaction() as tx:
        leave_team(tx, team_id="lake", account_id="wang", by="system")
    with pytest.raises(NotFound):
        pages.read("wang", page["id"])
    assert [each["title"] for each in list_pages(pages.story.context, pages.who("li"))] == ["Visits"]
    assert pages.read("li", page["id"])["questions"][1]["answer"]["rows"] == pages.answers[1]["rows"]


def test_a_refresh_is_free_on_the_same_version_and_paid_as_shown_on_the_next(pages: Pages) -> None:
    page, context = pages.save()["id"], pages.story.context
    free, before = pages.price(page), pages.spent()
    assert (
        free["picorho"] == 0
        and free["refreshable"]
        and [each["picorho"] for each in free["levels"]] == [0] * 3
    )
    assert pages.refresh(page, free["priced"])["picorho"] == 0 and pages.spent() == before
    pages.story.publish(rows_csv(seed=8))
    with pytest.raises(Conflict) as changed:
        pages.refresh(page, free["priced"])
    assert changed.value.code == "price_changed" and pages.spent() == before
    price = pages.price(page, "li")
    assert [(each["answered_version"], each["version"]) for each in price["questions"]] == [
        (1, "clinic.visits@2")
    ] * 2
    # the loss of a question is that of its own epsilon, by rho: a quarter of it for half the epsilon
    first, second = (each["picorho"] for each in price["questions"])
    assert [each["price"]["picorho"] for each in pages.answers] == [first, second] and first > second > 0
    assert {each["level"].value for each in price["levels"]} == {"grant", "dataset", "population"}
    assert {each["picorho"] for each in price["levels"]} == {first + second} == {price["picorho"]}
    done = pages.refresh(page, price["priced"], "li")
    assert done["picorho"] == first + second == pages.spent() - before
    assert [each["answer"]["version"] for each in done["questions"]] == [2, 2]
    assert all(each["not_refreshed"] is None for each in done["questions"])
    with pytest.raises(Conflict):  # a double click pays once
        pages.refresh(page, price["priced"], "li")
    history = page_history(context, pages.who("wang"), page)
    assert [(each["number"], each["change"], each["saved_by"]) for each in history] == [
        (3, "refreshed", "li"),
        (2, "refreshed", "wang"),
        (1, "saved", "wang"),
    ]
    old = pages.read("wang", page, 1)
    assert old["newest"] == 3 and old["questions"][0]["answer"]["version"] == 1


def test_a_version_that_is_published_during_a_refresh_is_not_asked(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, before = pages.save()["id"], pages.spent()
    free = pages.price(page)

    def ask_then_publish(*given: Any, **more: Any) -> Any:
        answer = ask(*given, **more)
        pages.story.publish(rows_csv(seed=8))
        return answer

    monkeypatch.setattr("sandbox.answer_pages.refresh.ask", ask_then_publish)
    first, second = pages.refresh(page, free["priced"])["questions"]
    assert pages.spent() == before, "what was shown as free is free"
    assert first["not_refreshed"] is None and second["not_refreshed"]["code"] == "price_changed"
    assert second["answer"]["version"] == 1


def test_what_was_spent_before_a_grant_ended_is_told(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    page, before = pages.save()["id"], pages.spent()
    pages.story.publish(rows_csv(seed=8))
    priced = pages.price(page)["priced"]
    engine = pages.story.context.engine
    totals = engine.totals

    def revoke_then_compute(*given: Any, **more: Any) -> Any:
        gate, officer = pages.story.gate, pages.who("lin")
        revoke(pages.story.database, gate=gate, officer=officer, grant_id=pages.grant.id, reason="over")
        return totals(*given, **more)

    monkeypatch.setattr(engine, "totals", revoke_then_compute)
    refreshed = pages.refresh(page, priced)
    assert all(each["not_refreshed"] for each in refreshed["questions"])
    told = page_history(pages.story.context, pages.who("wang"), page)
    assert max(told, key=lambda each: each["number"])["picorho"] == pages.spent() - before > 0


def test_a_page_has_so_many_states_and_can_still_be_removed(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = pages.save()["id"]
    free = pages.price(page)["priced"]
    monkeypatch.setattr("sandbox.answer_pages.pages.MOST_STATES", 1)
    with pytest.raises(TooMany):
        pages.refresh(page, free)
    remove_page(pages.story.context, pages.who("wang"), page)
    assert list_pages(pages.story.context, pages.who("wang")) == []


def test_what_cannot_be_asked_again_keeps_its_answer_and_says_why(pages: Pages) -> None:
    page = pages.save()["id"]
    pages.story.publish(rows_csv(seed=8))
    # of rho, which grows with the square of epsilon, less is left than both questions cost together
    other = "SELECT SUM(visits) AS n FROM clinic.visits"
    ask(pages.story.context, principal=pages.who("wang"), sql=other, epsilon=Fraction("3.95"))
    short = pages.price(page)
    assert not short["refreshable"] and short["refusal"]["code"] == "budget_exhausted"
    assert short["refusal"]["message_zh"]
    with pytest.raises(BudgetExhausted):
        pages.refresh(page, short["priced"])
    revoke(
        pages.story.database,
        gate=pages.story.gate,
        officer=pages.who("lin"),
        grant_id=pages.grant.id,
        reason="over",
    )
    ended = pages.price(page)
    assert not ended["refreshable"] and all(each["refusal"] for each in ended["questions"])
    with pytest.raises(Conflict) as nothing:
        pages.refresh(page, ended["priced"])
    assert nothing.value.code == "nothing_to_refresh"
    # what was released stays released: the end of a grant takes no stored answer
    assert pages.read("li", page)["questions"][0]["answer"]["rows"] == pages.answers[0]["rows"]


def test_a_page_is_changed_once_and_removed(pages: Pages) -> None:
    page, context = pages.save()["id"], pages.story.context
    turned = [(UUID(each["answer_id"]), each["sql"][:9]) for each in reversed(pages.answers)]
    content = {"title": "Turned", "text": "", "answers": turned}
    changed = change_page(context, pages.log, pages.who("li"), page, number=1, **content)
    assert [each["sql"] for each in changed["questions"]] == [BY_YEAR, BY_DISTRICT]
    assert changed["questions"][0]["epsilon"] == "0.125" and changed["number"] == 2
    with pytest.raises(Conflict) as late:
        change_page(context, pages.log, pages.who("wang"), page, number=1, **content)
    assert late.value.code == "answer_page_changed"
    for wrong in ({"title": "  "}, {"answers": []}, {"answers": turned[:1] * 2}):
        with pytest.raises(InvalidInput):
            pages.save(**wrong)
    with pytest.raises(NotFound):
        pages.save(answers=[(uuid4(), "")])
    remove_page(context, pages.who("wang"), page)
    with pytest.raises(NotFound):
        pages.read("wang", page)
    assert list_pages(context, pages.who("li")) == []
