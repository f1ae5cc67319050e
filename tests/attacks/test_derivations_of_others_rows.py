"""An officer tries to learn of another department's rows by deriving from them: from versions that are held,
by what a review before opening says, by what an erasure puts in use, and by how a run fails."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest
from sqlalchemy import select, update

from derived_people import TAPS, VISITS
from derived_story import COLUMNS, SQL, TAPS_ROWS, VISITS_ROWS, Derived, end, policy, two_departments
from lock_waiters import await_lock_waiter
from opening_story import openings_of
from sandbox.catalog.automatic_versions import Hindered, newest_for
from sandbox.catalog.opening import OpeningAnswers
from sandbox.catalog.publish import publish
from sandbox.catalog.sweep import publishing
from sandbox.catalog.tables import dataset_versions, datasets, opening_reviews
from sandbox.database import Transaction
from sandbox.derivations.derivations import refresh, withdraw_agreement
from sandbox.derivations.grain import THE_PLACE, Grain
from sandbox.derivations.inputs import hold_inputs
from sandbox.errors import Conflict, NotFound
from sandbox.identity import disable_account
from sandbox.openings.openings import list_openings, read_opening
from story import Story

CELL = "CASE WHEN t.taps {} THEN '13800138000' ELSE 'no' END"


@pytest.fixture
def people(story: Story) -> Derived:
    return two_departments(story)


def held(people: Derived, policy_text: str, rows: bytes, officer: str) -> int:
    """A version that waits for its review."""
    done = publish(
        people.story.database,
        repository=people.story.repository,
        store=people.story.store,
        gate=people.story.gate,
        populations=people.story.populations,
        officer=people.story.principal(officer),
        policy_text=policy_text,
        body=rows,
        opening=OpeningAnswers(),
    )
    assert done.held
    return done.version.number


def test_nothing_is_derived_from_a_version_that_is_held(people: Derived) -> None:
    more = TAPS + "  rider_secret: {role: attribute, type: text}\n"
    held(people, more, TAPS_ROWS.replace(b"fare", b"fare,rider_secret").replace(b"2\n", b"2,s\n"), "zhou")
    with pytest.raises(NotFound) as there:
        people.propose(policy(sql=SQL.replace("taps@1", "taps@2")))
    assert there.value.code == "version_not_found"
    assert "rider_secret" not in f"{there.value.message} {there.value.remedy}"


def test_a_dataset_of_which_nothing_opened_is_not_there(people: Derived) -> None:
    held(people, TAPS.replace("bus.taps", "bus.rides"), TAPS_ROWS, "zhou")
    with pytest.raises(NotFound) as there:
        people.propose(policy(sql=SQL.replace("bus.taps@1", "bus.rides@1")))
    with pytest.raises(NotFound) as never:
        people.propose(policy(sql=SQL.replace("bus.taps@1", "bus.never@1")))
    assert there.value.code == never.value.code == "dataset_not_found"
    assert there.value.message.replace("rides", "never") == never.value.message


def test_a_version_that_is_held_since_it_was_agreed_to_is_not_run(people: Derived) -> None:
    people.propose(policy())
    people.agree("health.rides", "sun", "zhou")
    with people.story.database.transaction() as tx:
        of = dataset_versions.c.dataset == "bus.taps"
        tx.execute(update(dataset_versions).where(of).values(opened_at=None))
    with pytest.raises(NotFound):
        people.run("health.rides")


def test_so_many_officers_agree_as_the_last_open_version_asks_for(people: Derived) -> None:
    people.publish(TAPS.replace('grade: "3"', 'grade: "4"'), TAPS_ROWS, "zhou")
    waiting = people.propose(policy())
    assert {each["department"]: each["officers"] for each in waiting["needs"]}["market"] == 2


@pytest.mark.parametrize("condition", [">= 0", "> 1000000"])
def test_what_a_person_must_look_at_depends_on_no_row_of_others(people: Derived, condition: str) -> None:
    """A condition that holds for somebody, and one that holds for nobody."""
    sql = SQL.replace("t.taps,", f"{CELL.format(condition)} AS q,").replace(
        ", t.person IS NOT NULL AS rides", ""
    )
    columns = COLUMNS.replace(
        'taps: {role: measure, type: integer, bounds: [0, 50], step: "1"}', "q: {role: attribute, type: text}"
    ).replace("  rides: {role: attribute, type: boolean}\n", "")
    people.propose(policy(sql=sql, columns=columns))
    people.agree("health.rides", "sun", "zhou")
    people.run("health.rides")
    context, lin = openings_of(people.story), people.story.principal("lin")
    [review] = list_openings(context, lin)
    about = {item["id"]: item["about"] for item in read_opening(context, lin, review["id"])["items"]}
    assert about["identifiers_confirmed"] == about["free_text_hidden"] == ["q"]


def test_another_sql_of_the_same_columns_is_reviewed_before_it_opens(people: Derived) -> None:
    people.made()
    people.propose(policy(sql=SQL.replace(">= 0", ">= 5")))
    people.agree("health.rides", "sun", "zhou")
    people.run("health.rides")
    with people.story.database.transaction() as tx:
        reasons = select(opening_reviews.c.reasons).order_by(opening_reviews.c.id)
        assert tx.execute(reasons).scalars().all()[-1] == ["derived_otherwise"]


def test_an_erasure_puts_no_held_version_in_use_and_ends_its_review(people: Derived) -> None:
    people.made()
    people.propose(policy(sql=SQL.replace(">= 0", ">= 5")))
    people.agree("health.rides", "sun", "zhou")
    people.run("health.rides")
    with people.story.database.transaction() as tx:
        # as if both waited: one was made of what is erased, the other of something else
        of = dataset_versions.c.dataset == "health.rides"
        tx.execute(update(dataset_versions).where(of, dataset_versions.c.number == 2).values(lineage=None))
        tx.execute(update(dataset_versions).where(of, dataset_versions.c.number == 2).values(opened_at=None))
        tx.execute(update(opening_reviews).values(state="waiting").where(opening_reviews.c.number == 1))
    end(people, "bus.taps", "erase")
    with people.story.database.transaction() as tx:
        assert (
            tx.execute(select(datasets.c.latest).where(datasets.c.name == "health.rides")).scalar_one() == 0
        )
        states = select(opening_reviews.c.state).where(opening_reviews.c.number == 1)
        assert tx.execute(states).scalar_one() == "superseded"


def test_figures_are_hidden_of_rows_that_came_by_themselves(people: Derived) -> None:
    publish(
        people.story.database,
        repository=people.story.repository,
        store=people.story.store,
        gate=people.story.gate,
        populations=people.story.populations,
        officer=people.story.principal("lin"),
        policy_text=VISITS,
        body=VISITS_ROWS,
        automatic=lambda _tx: None,
        opening=None,
    )
    assert not people.story.repository.current("clinic.visits").figures_known_to("lin")
    one = "  year: {role: key, type: integer, values: {from: 2020, to: 2029}}\n"
    for version, figures in ((1, "shown"), (2, "hidden")):
        sql = f"SELECT person, year FROM clinic.visits@{version} WHERE cost > 5"
        assert people.propose(policy(f"health.costly{version}", sql, one))["figures"] == figures


def test_rows_that_came_by_themselves_do_not_overtake_a_review(people: Derived) -> None:
    """The review is asked while they are read: it is looked for again as they are registered."""
    asked = Event()

    def again(tx: Transaction) -> None:
        with pytest.raises(Hindered) as waits:
            newest_for(tx, "bus.taps", None)
        assert waits.value.code == "opening_waits"
        asked.set()
        raise waits.value

    held(people, TAPS.replace("max_rows: 40", "max_rows: 50"), TAPS_ROWS, "zhou")
    with pytest.raises(Hindered):
        publish(
            people.story.database,
            repository=people.story.repository,
            store=people.story.store,
            gate=people.story.gate,
            populations=people.story.populations,
            officer=people.story.principal("zhou"),
            policy_text=TAPS,
            body=TAPS_ROWS,
            automatic=again,
            opening=None,
        )
    assert asked.is_set()
    assert people.story.repository.current("bus.taps").number == 1


def test_every_failure_after_rows_were_read_looks_alike_also_a_fault_of_ours(
    people: Derived, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("13800138000")

    people.propose(policy())
    people.agree("health.rides", "sun", "zhou")
    monkeypatch.setattr("sandbox.derivations.compute.compute", broken)
    with pytest.raises(Conflict) as failed:
        people.run("health.rides")
    assert failed.value.code == "derivation_failed" and "1380" not in str(failed.value)
    again = people.read("health.rides")
    assert again["state"] == "waiting" and all(not each["agreed"] for each in again["needs"])


@pytest.mark.parametrize("fails", [False, True])
def test_how_long_others_rows_computed_shows_in_no_place_lock_or_line(
    people: Derived, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    """Nobody waits for a derivation at work; and its place and its dataset are held until the grain ended."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("13800138000")

    def refused_meanwhile() -> list[str]:
        with pytest.raises(Conflict) as other:
            people.run("health.other")
        with pytest.raises(Conflict) as lock, people.story.database.try_lock(publishing("health.rides")):
            pass
        assert other.value.zh and other.value.remedy_zh
        return [other.value.code, lock.value.code]

    def wait(grain: Grain) -> None:
        if not grain.waited:
            before.append(caplog.text)
            with ThreadPoolExecutor(1) as pool:
                refused.extend(pool.submit(refused_meanwhile).result(60))
        waits(grain)

    for name in ("health.rides", "health.other"):
        people.propose(policy(name))
        people.agree(name, "sun", "zhou")
    waits, before, refused = Grain.wait, [], []  # type: ignore[var-annotated]
    monkeypatch.setattr(Grain, "wait", wait)
    if fails:
        monkeypatch.setattr("sandbox.derivations.compute.compute", broken)
        with pytest.raises(Conflict):
            people.run("health.rides")
    else:
        people.run("health.rides")
    assert refused == ["at_work", "at_work"] and before == [""]
    assert caplog.messages == (["a derivation failed"] if fails else [])
    assert not THE_PLACE.locked()
    monkeypatch.undo()
    assert people.run("health.other")["state"] == "published", "what was agreed to stands"


def test_a_run_waits_once() -> None:
    slept: list[float] = []
    grain = Grain(30.0, clock=lambda: 1.0, sleep=slept.append, begun=0.0)
    grain.wait(), grain.wait()
    assert slept == [pytest.approx(29.0)]


def test_what_was_agreed_by_who_left_does_not_count(people: Derived) -> None:
    people.propose(policy())
    people.agree("health.rides", "sun", "zhou")
    with people.story.database.transaction() as tx:
        disable_account(tx, account_id="zhou", by="system")
    with pytest.raises(Conflict, match="still to agree"):
        people.run("health.rides")
    assert people.agree("health.rides", "qian")["state"] == "agreed"
    assert people.run("health.rides")["state"] == "published"


@pytest.mark.parametrize("published", [False, True])
def test_a_department_withdraws_its_agreement_and_nothing_runs_without_it(
    people: Derived, published: bool
) -> None:
    people.propose(policy())
    people.agree("health.rides", "sun", "zhou")
    if published:
        people.run("health.rides")
    zhou = people.story.principal("zhou")
    withdraw_agreement(people.context, zhou, "health.rides")
    with pytest.raises(Conflict) as none_left:
        withdraw_agreement(people.context, zhou, "health.rides")
    assert none_left.value.code == "not_agreed" and none_left.value.zh
    if published:
        people.publish(TAPS, TAPS_ROWS + b"B,x,5,2\n", "zhou")
        refresh(people.context, people.story.principal("lin"), "health.rides")
    with pytest.raises(Conflict, match="still to agree"):
        people.run("health.rides")
    assert people.agree("health.rides", "qian")["state"] == "agreed"
    people.run("health.rides")


def test_an_erasure_and_a_run_do_not_wait_for_each_other(
    people: Derived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The erasure begins while the run registers, and waits for it; what the run made ends with the rest."""
    people.propose(policy())
    people.agree("health.rides", "sun", "zhou")
    begun = Event()

    def hold(tx: Transaction, names: Sequence[str]) -> None:
        begun.set()
        await_lock_waiter(tx)
        hold_inputs(tx, names)

    monkeypatch.setattr("sandbox.derivations.run.hold_inputs", hold)
    with ThreadPoolExecutor(2) as pool:
        run = pool.submit(people.run, "health.rides")
        assert begun.wait(60)
        erased = pool.submit(end, people, "bus.taps", "erase")
        assert run.result(60)["state"] == "published"
        with suppress(Conflict):  # what came at this moment is looked at anew
            erased.result(60)
    if erased.exception() is not None:
        end(people, "bus.taps", "erase")
    with people.story.database.transaction() as tx:
        of = dataset_versions.c.dataset == "health.rides"
        left = select(dataset_versions.c.number).where(of, dataset_versions.c.withdrawn_at.is_(None))
        assert tx.execute(left).all() == [], "nothing outlives what it was made of"
