"""What an officer gets of rows that another published: nothing without a price.

Source: a review of cleaning, quality, pulls and versions with their source open (2026-12). Each case was got
before its defence was there.
"""

import secrets
from typing import Any

import pytest

from asked_vault import AskedVault, Asker
from drafts.test_drafts import upload
from sandbox.catalog.compare import Effect, compare, effect_of
from sandbox.catalog.lists import load_lists
from sandbox.catalog.opening_policy import load_opening
from sandbox.catalog.policy_file import read_policy
from sandbox.errors import InvalidInput
from sandbox.identity.accounts import create_account
from sandbox.policy import Gate
from story import POLICY, rows_csv
from workspace import CHECKOUT

POLICIES = CHECKOUT / "policies"


def policy(text: str) -> Any:
    return read_policy(text, schema=POLICIES / "dataset.schema.json")


def drafted_as(officer: Asker, text: str, body: bytes) -> dict[str, Any]:
    file = upload(officer, body, "x.csv")
    draft = officer.send("POST", "/v1/drafts", json={"file": file["id"]}).json()
    saved = officer.send(
        "PUT", f"/v1/drafts/{draft['id']}", json={"revision": draft["revision"], "policy": text}
    )
    assert saved.status_code == 200, saved.text
    return dict(saved.json())


@pytest.fixture
def colleague(asked: AskedVault) -> Asker:
    name = f"sun-{secrets.token_hex(3)}"
    with asked.story.database.transaction() as tx:
        create_account(
            tx, account_id=name, display_name=name, organisation="health", roles=["officer"], by="system"
        )
    return asked.person(name)


def test_a_draft_that_takes_a_published_name_is_told_nothing_of_its_figures(
    asked: AskedVault, colleague: Asker
) -> None:
    dataset, _ = asked.dataset()
    small = rows_csv(people=20, seed=3)
    ours = POLICY.replace("clinic.visits", dataset)
    theirs = ours.replace("department: health", "department: market")
    for officer, text in ((colleague, ours), (asked.person("zhou"), theirs)):
        draft = drafted_as(officer, text, small)
        told = officer.send("GET", f"/v1/drafts/{draft['id']}/quality")
        assert "before" not in told.text and "drift" not in told.text
    assert told.status_code == 409
    own = drafted_as(asked.person("lin"), ours, small)
    told = asked.person("lin").send("GET", f"/v1/drafts/{own['id']}/quality")
    assert told.json()["table"]["rows_before"] > 0


STEPS = """steps:
  - {pseudonym: note, into: pid}
"""
WITH_PSEUDONYM = POLICY.replace(
    "  secret:", "  pid: {role: attribute, type: text}\n  n: {role: attribute, type: integer}\n  secret:"
)


@pytest.mark.parametrize(
    "looks",
    [
        STEPS + "  - {drop_rows: \"pid = 'AB12'\"}\n",
        STEPS + "  - {derive: n, as: \"CASE WHEN PID = 'AB12' THEN 1 ELSE 0 END\"}\n",
        STEPS + "  - {map: pid, values: {AB12: x}, others: empty}\n",
        STEPS + "  - {truncate: pid, characters: 1}\n",
        STEPS + "expect:\n  - {rule: \"pid <> 'AB12'\", else: stop}\n",
    ],
)
def test_nothing_looks_at_a_pseudonym(looks: str) -> None:
    """Else whoever drafts tries ids until one has the pseudonym that they know."""
    text = WITH_PSEUDONYM if "derive" in looks else WITH_PSEUDONYM.replace(
        "  n: {role: attribute, type: integer}\n", ""
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="pid is a pseudonym"):
        policy(text + looks)


def test_a_pseudonym_is_no_key() -> None:
    text = WITH_PSEUDONYM.replace(
        "pid: {role: attribute, type: text}", "pid: {role: key, type: text, values: [AB12]}"
    ).replace("  n: {role: attribute, type: integer}\n", "")
    with pytest.raises(InvalidInput, match="can be no key"):
        policy(text + STEPS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("limit: visits, high: 120", "limit: visits, high: 50"),
        ('drop_rows: "visits > 90"', 'drop_rows: "visits > 9"'),
        ("fill: cost, with: 0", "fill: cost, with: 7"),
    ],
)
def test_other_steps_are_a_breaking_change(asked: AskedVault, before: str, after: str) -> None:
    one, other = (policy(POLICY + f"steps:\n  - {{{step}}}\n") for step in (before, after))
    changes = compare(one, other, Gate(POLICIES).grades)
    assert effect_of(changes) is Effect.BREAKING and "steps_changed" in {change.kind for change in changes}


COPIED = (
    POLICY.replace('grade: "3"', 'grade: "2"')
    .replace(
        '  secret: {role: hidden, type: text, grade: "4"}\n',
        '  raw: {role: hidden, type: text, source: 登录密码, grade: "4", keep: false}\n'
        "  copy: {role: attribute, type: text}\n",
    )
    .replace('person: {role: unit, type: text, grade: "4"}', "person: {role: unit, type: text}")
)
COPY_STEPS = "steps:\n  - {derive: copy, as: raw}\n"


def test_a_copy_of_a_column_has_the_grade_of_the_column_and_meets_the_negative_list(tmp_path: Any) -> None:
    copied = policy(COPIED + COPY_STEPS)
    grades = Gate(POLICIES).grades
    assert load_opening(POLICIES).needs_second_person(grades, copied)
    assert load_lists(POLICIES).faults(copied, {})


def test_a_copy_of_a_hidden_column_has_its_grade_for_the_second_officer() -> None:
    text = POLICY.replace('person: {role: unit, type: text, grade: "4"}', "person: {role: unit, type: text}")
    plain, grades = policy(text), Gate(POLICIES).grades
    assert not load_opening(POLICIES).needs_second_person(grades, plain)  # the column of grade 4 is hidden
    copied = policy(
        text.replace("  secret:", "  copy: {role: attribute, type: text}\n  secret:")
        + "steps:\n  - {derive: copy, as: secret}\n"
    )
    assert load_opening(POLICIES).needs_second_person(grades, copied)


@pytest.mark.parametrize(
    ("column", "step"),
    [
        ("{role: attribute, type: text}", "{map: note, values: {a: b}, others: drop, into: y}"),
        ("{role: attribute, type: integer, unfit: drop}", "{parse: note, into: y}"),
    ],
)
def test_a_new_column_whose_step_drops_rows_is_a_breaking_change(column: str, step: str) -> None:
    after = policy(POLICY.replace("  secret:", f"  y: {column}\n  secret:") + f"steps:\n  - {step}\n")
    assert effect_of(compare(policy(POLICY), after, Gate(POLICIES).grades)) is Effect.BREAKING


def test_another_source_of_a_steps_input_is_a_breaking_change() -> None:
    before, after = (
        policy(COPIED.replace("source: 登录密码", f"source: {source}") + COPY_STEPS)
        for source in ("城区", "街道")
    )
    assert effect_of(compare(before, after, Gate(POLICIES).grades)) is Effect.BREAKING


@pytest.mark.parametrize(
    "more",
    ["steps:\n  - {fill: cost, with: %s}\n", "expect:\n  - {rows: {at_least: %s}}\n"],
)
def test_a_number_of_hundreds_of_digits_is_refused_in_words(more: str) -> None:
    with pytest.raises(InvalidInput, match="18 digits"):
        policy(POLICY + more % ("9" * 400))
