"""A derived dataset from proposal to erasure: who must agree, what is learned of it, and what it keeps of the
datasets that it was made of."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from sqlalchemy import select

from derived_people import TAPS
from derived_story import COLUMNS, SQL, TAPS_ROWS, Derived, end, policy, two_departments
from lifecycle_story import lifecycle_of
from maintenance import under_maintenance
from sandbox.audit.tables import entries
from sandbox.budgets import Account, Level, statement
from sandbox.catalog.describe import describe
from sandbox.catalog.tables import dataset_quality, dataset_versions
from sandbox.catalog.versions import require_rows
from sandbox.derivations.derivations import (
    agree,
    list_derivations,
    propose,
    refresh,
)
from sandbox.derivations.grain import Grain
from sandbox.derivations.schedule import run_due
from sandbox.drafts.drafts import export_contract
from sandbox.errors import CihuError, Conflict, InvalidInput, NotFound
from sandbox.lifecycle.erase import finish_erasures
from sandbox.lifecycle.steps import list_steps
from sandbox.releases import ask
from story import Story


@pytest.fixture
def people(story: Story) -> Derived:
    return two_departments(story)


def test_it_runs_once_all_departments_agreed_and_tells_no_figure_of_others_rows(people: Derived) -> None:
    waiting = people.propose(policy())
    assert (waiting["state"], waiting["figures"]) == ("waiting", "hidden")
    assert [(each["department"], each["officers"]) for each in waiting["needs"]] == [
        ("health", 1),
        ("market", 1),
    ]
    with pytest.raises(Conflict, match="still to agree"):
        people.run("health.rides")
    with pytest.raises(Conflict, match="cannot be its second person"):
        people.agree("health.rides", "lin")
    assert people.agree("health.rides", "sun")["state"] == "waiting"
    assert people.agree("health.rides", "zhou")["state"] == "agreed"

    done = people.run("health.rides")
    assert (done["state"], done["version"]) == ("published", 1)
    assert "advice" not in done
    with people.story.database.transaction() as tx:
        assert not tx.execute(
            select(dataset_quality).where(dataset_quality.c.dataset == "health.rides")
        ).all()
        digests = select(dataset_versions.c.file_sha256).where(dataset_versions.c.dataset == "health.rides")
        assert tx.execute(digests).scalars().all() == [None], "a guess of the rows is recognised by nobody"
    assert people.rows("health.rides") == [
        ("A", 2024, 5.0, 2, True),
        ("A", 2025, 6.0, 2, True),
        ("B", 2025, 7.0, None, False),
    ]


@pytest.mark.parametrize(("passed", "waited"), [(0.5, 29.5), (30.0, 0.0), (31.0, 29.0), (89.0, 1.0)])
def test_a_run_of_others_rows_ends_at_whole_half_minutes(passed: float, waited: float) -> None:
    slept: list[float] = []
    Grain(30.0, clock=lambda: 100.0 + passed, sleep=slept.append, begun=100.0).wait()
    assert slept == [pytest.approx(waited)]


def test_lineage_stands_with_the_version_in_the_catalogue_the_log_and_the_contract(people: Derived) -> None:
    people.made()
    version = people.story.repository.current("health.rides")
    lineage = describe(version)["lineage"]
    assert [(each["dataset"], each["version"]) for each in lineage["inputs"]] == [
        ("bus.taps", 1),
        ("clinic.visits", 1),
    ]
    assert lineage["columns"]["taps"] == ["bus.taps.person"]
    assert lineage["columns"]["cost"] == lineage["filters"] == ["clinic.visits.cost"]
    with people.story.database.transaction() as tx:
        logged = [json.loads(each) for each in tx.scalars(select(entries.c.entry).order_by(entries.c.index))]
    kinds = [each["kind"] for each in logged]
    assert kinds[-5:] == [
        "derivation.set",
        "derivation.agreed",
        "derivation.agreed",
        "derivation.begun",
        "dataset.published",
    ]
    contract = export_contract(people.context.drafting, people.story.principal("lin"), "health.rides")
    taps = next(each for each in contract["schema"][0]["properties"] if each["name"] == "taps")
    assert taps["transformSourceObjects"] == ["bus.taps@1.person"]
    assert taps["transformLogic"] == version.policy.derive


def test_what_is_lost_counts_for_the_same_people(people: Derived) -> None:
    people.made()
    people.story.grant(dataset="health.rides")
    before = spent(people.story, Level.POPULATION, "residents")
    ask(
        people.story.context,
        principal=people.story.principal("wang"),
        sql="SELECT year, COUNT(*) AS n FROM health.rides GROUP BY year",
        epsilon=Fraction(1, 2),
    )
    assert spent(people.story, Level.POPULATION, "residents") > before
    assert spent(people.story, Level.DATASET, "health.rides") > 0
    assert spent(people.story, Level.DATASET, "clinic.visits") == 0


def test_a_change_needs_everybody_anew(people: Derived) -> None:
    people.propose(policy())
    people.agree("health.rides", "sun", "zhou")
    changed = people.propose(policy(sql=SQL.replace(">= 0", ">= 5.5")))
    assert changed["state"] == "waiting"
    assert all(not each["agreed"] for each in changed["needs"])
    with pytest.raises(Conflict, match="changed since"):
        agree(people.context, people.story.principal("zhou"), "health.rides", changed["revision"] - 1)


def test_refreshing_keeps_the_agreements_while_the_policies_are_the_same(people: Derived) -> None:
    people.made()
    with pytest.raises(Conflict, match="newer version"):
        refresh(people.context, people.story.principal("lin"), "health.rides")
    people.publish(TAPS, TAPS_ROWS + b"B,x,5,2\n", "zhou")
    told = refresh(people.context, people.story.principal("lin"), "health.rides")
    assert told["state"] == "agreed"
    assert "bus.taps@2" in told["sql"]
    people.run("health.rides")
    assert people.rows("health.rides")[-1] == ("B", 2025, 7.0, 1, True)

    people.publish(TAPS.replace("max_rows: 40", "max_rows: 30"), TAPS_ROWS, "zhou")
    assert refresh(people.context, people.story.principal("lin"), "health.rides")["state"] == "waiting"


@pytest.mark.parametrize("why", ["no row is left", "the store has lost an input"])
def test_failures_after_rows_were_read_look_alike_and_take_the_agreements(people: Derived, why: str) -> None:
    people.propose(policy(sql=SQL.replace(">= 0", ">= 99.5")))
    people.agree("health.rides", "sun", "zhou")
    if why != "no row is left":
        people.story.store.remove(stored(people, "bus.taps"))
    with pytest.raises(Conflict) as failed:
        people.run("health.rides")
    assert failed.value.code == "derivation_failed"
    assert failed.value.message == "The derivation could not be published."
    again = people.read("health.rides")
    assert again["state"] == "waiting" and "failed_at" in again
    assert all(not each["agreed"] for each in again["needs"])


def stored(people: Derived, dataset: str):  # type: ignore[no-untyped-def]
    version = people.story.repository.current(dataset)
    return people.story.store.versions(version.object_name)[0]


def test_of_rows_that_the_officer_published_the_figures_are_shown(people: Derived) -> None:
    told = people.propose(
        policy("health.costly", "SELECT person, year FROM clinic.visits@1 WHERE cost > 5", ONE_COLUMN)
    )
    assert told["figures"] == "shown"
    assert [each["department"] for each in told["needs"]] == ["health"]
    people.agree("health.costly", "sun")
    assert "advice" in people.run("health.costly")


ONE_COLUMN = "  year: {role: key, type: integer, values: {from: 2020, to: 2029}}\n"

LAX = {
    "a lower grade": (policy(grade='grade: "2"'), "graded 3"),
    "another population": (policy(population="population: firms"), "one population"),
    "a larger delta": (policy(epsilon='dataset_epsilon: "9"'), "budget is larger"),
    "more rows of a person": (policy(rows="max_rows: 5"), "at most 4 rows"),
    "a column that is not selected": (
        policy(columns=COLUMNS + "  ward: {role: attribute, type: text}\n"),
        "ward",
    ),
    "another type": (policy(columns=COLUMNS.replace("type: boolean", "type: text")), "boolean"),
    "a required column": (
        policy(columns=COLUMNS.replace("type: boolean", "type: boolean, required: true")),
        "may fail on a row",
    ),
    "rules": (policy() + "expect:\n  - {rows: {at_least: 3}}\n", "expect"),
    "a version that there is not": (policy(sql=SQL.replace("visits@1", "visits@7")), "no version 7"),
}


@pytest.mark.parametrize("case", LAX)
def test_a_policy_that_is_laxer_than_what_it_reads_is_refused(people: Derived, case: str) -> None:
    lax, why = LAX[case]
    with pytest.raises(CihuError, match=why):
        people.propose(lax)


def test_no_file_is_published_as_a_derived_dataset_and_the_reverse(people: Derived) -> None:
    with pytest.raises(InvalidInput, match="takes no file"):
        people.publish(policy(), b"person,year,cost,taps,rides\nA,2024,1,1,true\n", "lin")
    people.made()
    plain = policy().partition("derive:")[0]
    with pytest.raises(Conflict, match="it was derived"):
        people.publish(plain, b"person,year,cost,taps,rides\nA,2024,1,1,true\n", "lin")


def test_nobody_else_learns_of_a_derivation(people: Derived) -> None:
    people.propose(
        policy("health.costly", "SELECT person, year FROM clinic.visits@1 WHERE cost > 5", ONE_COLUMN)
    )
    assert list_derivations(people.context, people.story.principal("zhou")) == []
    with pytest.raises(NotFound):
        people.read("health.costly", "zhou")
    people.propose(policy())
    assert [each["dataset"] for each in list_derivations(people.context, people.story.principal("zhou"))] == [
        "health.rides"
    ]


def test_a_withdrawn_input_is_shown_and_nothing_more_is_derived_from_it(people: Derived) -> None:
    people.propose(policy())
    people.agree("health.rides", "sun", "zhou")
    end(people, "bus.taps", "withdraw", version=1)
    assert people.read("health.rides")["inputs"][0]["ended"] == "withdrawn"
    with pytest.raises(Conflict, match="withdrawn or erased"):
        people.run("health.rides")


def test_what_was_derived_is_erased_with_its_input_also_at_second_hand(people: Derived) -> None:
    people.made()
    second = "SELECT person, year FROM health.rides@1 WHERE rides"
    people.propose(policy("health.riders", second, ONE_COLUMN))
    people.agree("health.riders", "sun")
    assert people.run("health.riders")["figures"] == "hidden"
    names = [stored(people, each) for each in ("health.rides", "health.riders", "clinic.visits")]

    end(people, "bus.taps", "erase")
    finish_erasures(lifecycle_of(people.story))

    step = list_steps(lifecycle_of(people.story), people.story.principal("zhou"), "bus.taps")[0]
    assert step["derived"] == ["health.riders@1", "health.rides@1"]
    left = [len(people.story.store.versions(each.name)) for each in names]
    assert left == [0, 0, 1]
    with people.story.database.transaction() as tx:
        with pytest.raises(Conflict, match="health.riders were erased"):
            require_rows(tx, [("health.riders", 1), ("clinic.visits", 1)])
        require_rows(tx, [("clinic.visits", 1)])
    for name in ("health.rides", "health.riders"):
        with pytest.raises(NotFound, match="withdrawn"):
            people.story.repository.current(name)
        assert people.read(name)["state"] == "ended"
    with pytest.raises(CihuError, match="was erased|withdrawn or erased"):
        people.propose(policy())


def test_the_ids_of_what_is_derived_are_of_the_kind_of_its_inputs(people: Derived) -> None:
    people.made()
    version = people.story.repository.current("health.rides")
    assert version.policy.pseudonyms == people.story.repository.current("bus.taps").policy.pseudonyms


def spent(story: Story, level: Level, name: str) -> int:
    with story.database.transaction() as tx:
        return statement(tx, Account(level, name)).spent.picorho


def test_two_datasets_do_not_read_each_other_also_at_second_hand(people: Derived) -> None:
    people.made()
    for name, read in (("health.riders", "health.rides@1"), ("health.old", "health.riders@1")):
        people.propose(policy(name, f"SELECT person, year FROM {read}", ONE_COLUMN))
        people.agree(name, "sun")
        people.run(name)
    for made in ("health.riders", "health.old"):
        sql = f"SELECT person, year FROM {made}@1"
        with pytest.raises(InvalidInput) as circle:
            people.propose(policy("health.rides", sql, ONE_COLUMN))
        assert circle.value.code == "derivation_circle" and made in circle.value.message
        assert circle.value.zh and circle.value.remedy_zh
    assert people.read("health.rides")["sql"].startswith("SELECT v.person, v.year, v.cost")
    with pytest.raises(InvalidInput, match="not derived from itself"):
        people.propose(policy("health.rides", "SELECT person, year FROM health.rides@1", ONE_COLUMN))


def test_a_schedule_refreshes_what_was_agreed_to_and_nothing_else(people: Derived) -> None:
    lin = people.story.principal("lin")
    for wrong in ("every night", "* * * * *"):
        with pytest.raises(InvalidInput):
            propose(people.context, lin, policy(), schedule=wrong)
    proposed = propose(people.context, lin, policy(), schedule="0 3 * * *")
    assert proposed["schedule"] == "0 3 * * *" and "next_due" not in proposed, "it waits for officers"
    later = datetime.now(UTC) + timedelta(days=2)
    assert run_due(people.context, now=later) == 0
    people.agree("health.rides", "sun", "zhou")
    assert run_due(people.context) == 0, "it is not due"
    with under_maintenance(people.story.database, later):
        assert run_due(people.context, now=later) == 0, "it is due after the maintenance"
    assert run_due(people.context, now=later) == 1 and run_due(people.context, now=later) == 0
    made = people.read("health.rides")
    assert (made["state"], made["version"], made["inputs"][0]["version"]) == ("published", 1, 1)
    assert run_due(people.context, now=made["next_due"]) == 0, "nothing is newer"
    people.publish(TAPS, TAPS_ROWS, "zhou")
    assert run_due(people.context, now=people.read("health.rides")["next_due"]) == 1
    again = people.read("health.rides")
    assert (again["version"], again["inputs"][0]["version"], again["schedule"]) == (2, 2, "0 3 * * *")
    people.publish(TAPS.replace("fare: {role: attribute", "fare: {role: hidden"), TAPS_ROWS, "zhou")
    assert run_due(people.context, now=again["next_due"]) == 0
    changed = people.read("health.rides")
    assert (changed["state"], changed["inputs"][0]["version"]) == ("waiting", 3), "another policy is read"
