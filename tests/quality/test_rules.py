"""Rules of a policy stop a version or warn; what stops it registers nothing; a condition is about one row, in
the language of questions, or it is refused with its line."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from quality_reports import NOW, column, report_of
from sandbox.audit.tables import entries
from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.publish import Published, publish
from sandbox.catalog.read_table import read_file, read_table
from sandbox.catalog.tables import dataset_quality, dataset_versions, uploads
from sandbox.drafts.edit_policy import edited
from sandbox.errors import InvalidInput
from sandbox.ingest import IdRule, Rows
from sandbox.ingest.code_lists import load_code_lists
from sandbox.policy import PolicyFaults
from sandbox.quality.assess import Assessor
from sandbox.quality.conditions import check_condition, condition_sql
from sandbox.quality.rules import check_rules
from story import DATASET, POLICIES, POLICY, Story, rows_csv

CODES = load_code_lists(POLICIES / "codes")


def policy_with(*rules: str) -> str:
    return POLICY + "expect:\n" + "".join(f"  - {rule}\n" for rule in rules)


def read(text: str) -> DatasetPolicy:
    return read_policy(text, schema=POLICIES / "dataset.schema.json", rules=Assessor(CODES).check)


def result_of(rule: str, body: bytes | None = None) -> dict[str, object]:
    policy = read(policy_with(rule))
    rows = read_file(body or rows_csv(), policy, ids=IdRule.EXACT)
    [result] = Assessor(CODES).report(rows, policy, before=None, now=NOW)["rules"]
    return dict(result)


def published(story: Story, policy: str) -> Published:
    return publish(
        story.database,
        repository=story.repository,
        store=story.store,
        gate=story.gate,
        populations=story.populations,
        officer=story.principal("lin"),
        policy_text=policy,
        body=rows_csv(),
        assess=Assessor(CODES),
        opening=None,
    )


def test_each_kind_of_rule_counts_what_pandas_counts() -> None:
    table = read_table(rows_csv(), DATASET).to_pandas()
    both = table.dropna(subset=["cost"])
    condition = result_of('{rule: "cost >= 10 AND visits <= 12"}')
    # a row whose cost is empty, and whose visits are too many, does not keep it whatever the cost is
    unknown = table["cost"].isna() & (table["visits"] <= 12)
    assert condition["checked"] == len(table) - unknown.sum()
    assert (
        condition["failing"] == condition["checked"] - ((both["cost"] >= 10) & (both["visits"] <= 12)).sum()
    )
    assert result_of("{complete: cost}")["failing"] == table["cost"].isna().sum()
    assert result_of("{unique: [person, day]}")["failing"] == table.duplicated(["person", "day"]).sum()
    assert result_of("{within_days: day, days: 4}")["found"] == 4
    assert result_of("{within_days: day, days: 4}")["kept"] is True
    assert result_of("{within_days: day, days: 3}")["kept"] is False
    assert result_of("{rows: {at_least: 10}}")["kept"] is True
    assert result_of(f"{{rows: {{at_most: {len(table) - 1}}}}}")["kept"] is False
    drift = result_of("{drift: district, at_most: 0.1}")
    assert (drift["found"], drift["kept"]) == (None, True), (
        "the first version has nothing to be compared with"
    )


def test_a_code_list_takes_codes_and_labels_in_any_width_and_case() -> None:
    header, lines = "person,district,year,cost,visits,note,day,smoker,secret\n", []
    for place, note in enumerate(["男", "女性", " １ ", "2", "没有", "m"]):
        lines.append(f"p{place},north,1,1,1,{note},2026-01-01,true,s\n")
    found = result_of("{in_list: note, list: sex}", (header + "".join(lines)).encode())
    assert (found["checked"], found["failing"]) == (6, 1)


def test_a_hidden_column_and_the_units_ids_can_be_checked() -> None:
    assert result_of("{rule: \"person LIKE 'p%' AND secret IS NOT NULL\"}")["failing"] == 0


def test_values_are_checked_as_they_are_in_the_file_and_not_clamped_to_the_bounds() -> None:
    outside = column(report_of(rows_csv()), "cost")["outside"]
    assert result_of('{rule: "cost BETWEEN 0 AND 100"}')["failing"] == outside > 0


def test_a_condition_may_compute_with_several_columns() -> None:
    table = read_table(rows_csv(), DATASET).to_pandas().dropna(subset=["cost"])
    found = result_of('{rule: "cost * visits <= 500 AND visits % 2 = 0"}')
    wrong = ~((table["cost"] * table["visits"] <= 500) & (table["visits"] % 2 == 0))
    odd = read_table(rows_csv(), DATASET).to_pandas()
    odd = odd[odd["cost"].isna() & (odd["visits"] % 2 == 1)]
    assert found["failing"] == wrong.sum() + len(odd)
    assert result_of('{rule: "cost * visits * year > -9 OR cost IS NULL OR cost < 0"}')["failing"] == 0


def test_what_stops_a_version_registers_nothing_and_tells_counts_to_the_officer_alone(story: Story) -> None:
    published(story, policy_with("{complete: cost, at_least: 0.5, else: stop}"))
    with story.database.transaction() as tx:
        before = tx.scalar(select(func.count()).select_from(entries))
    with pytest.raises(InvalidInput) as refused:
        published(
            story,
            policy_with(
                "{complete: cost, else: stop, name: {zh: 费用必填, en: costs are there}}",
                "{rows: {at_least: 9}, else: stop}",
            ),
        )
    assert refused.value.code == "quality_rule"
    assert "costs are there" in refused.value.message and "费用必填" in refused.value.zh
    assert "rows do not" in refused.value.message and refused.value.remedy and refused.value.remedy_zh
    with story.database.transaction() as tx:
        assert tx.scalar(select(func.count()).select_from(dataset_versions)) == 1
        assert tx.scalar(select(func.count()).select_from(dataset_quality)) == 1
        assert tx.scalar(select(func.count()).select_from(uploads)) == 0
        assert tx.scalar(select(func.count()).select_from(entries)) == before
    assert story.repository.current("clinic.visits").number == 1


def test_what_warns_is_published_and_said_to_its_officer(story: Story) -> None:
    done = published(story, policy_with("{complete: cost}", '{rule: "visits < 3", at_least: 0.99}'))
    assert sum("is not kept" in advice for advice in done.advice()) == 2


def test_all_faults_of_rules_are_told_with_their_lines() -> None:
    rules = (
        "{complete: nope}",
        "{complete: cost, unique: [cost]}",
        "{at_least: 0.5}",
        "{in_list: note}",
        "{within_days: cost, days: 3}",
        "{drift: secret, at_most: 0.2}",
        "{rows: {}}",
        "{rows: {at_least: 3, at_most: 2}}",
        "{complete: cost, days: 3}",
        "{in_list: note, list: no_such_list}",
        '{rule: "COUNT(*) > 3"}',
        '{rule: "nope = 3"}',
        "{rule: \"cost > 'x'\"}",
    )
    with pytest.raises(PolicyFaults) as refused:
        read(policy_with(*rules))
    first = POLICY.count("\n") + 2
    for place, fault in enumerate(refused.value.faults):
        assert f"line {first + place}:" in fault.message, fault.message
        assert fault.remedy
    assert all(fault.zh and fault.remedy_zh for fault in refused.value.faults[-4:])
    assert len(refused.value.faults) == len(rules)


NO_CONDITIONS = (
    "",
    "TRUE) OR (SELECT 1",
    "visits > 1) GROUP BY (district",
    "visits > 1) UNION SELECT 1 WHERE (1=1",
    "visits > (SELECT MAX(visits) FROM clinic.visits)",
    "person IN (SELECT person FROM clinic.visits)",
    "EXISTS (SELECT 1 FROM clinic.visits)",
    "SUM(visits) OVER () > 1",
    "read_csv('/etc/passwd') = 1",
    "getenv('HOME') = 'x'",
    "visits > 1; DROP TABLE checked",
    '"row:unit" > 1',
    "district IN (SELECT ward FROM health.beds)",
    "visits",
    "1) LIMIT (1",
    "visits > 1) ORDER BY (1",
)


@pytest.mark.parametrize("condition", NO_CONDITIONS)
def test_what_is_no_condition_about_one_row_is_refused(condition: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_condition(condition, DATASET.columns)
    assert refused.value.message and refused.value.remedy
    assert "row:unit" not in refused.value.remedy


PIECES = ("visits", "cost", "district", "'north'", "3", "0.5", "day", "smoker", "person", "DATE '2026-01-05'")


@settings(max_examples=120, deadline=None)
@given(
    st.recursive(
        st.builds(
            "{} {} {}".format,
            st.sampled_from(PIECES),
            st.sampled_from(["=", "<", ">=", "<>"]),
            st.sampled_from(PIECES),
        ),
        lambda inner: (
            st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner)
            | st.builds("NOT {}".format, inner)
        ),
        max_leaves=4,
    )
)
def test_a_condition_either_ends_in_words_or_runs_on_every_row(condition: str) -> None:
    try:
        condition_sql(condition, DATASET.columns)
    except InvalidInput:
        return
    policy = read(policy_with('{rule: "' + condition + '"}'))
    [result] = check_rules(Rows(TABLE, ()), policy, {}, code_lists=(), today=NOW.date())
    assert 0 <= result["failing"] <= result["checked"] <= len(TABLE)


TABLE = read_table(rows_csv(30), DATASET)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_any_text_as_a_condition_ends_in_words(text: str) -> None:
    with suppress(InvalidInput):
        check_condition(text, DATASET.columns)


def test_a_column_that_is_renamed_in_a_draft_keeps_its_rules() -> None:
    text = policy_with(
        "{complete: cost, at_least: 0.5}", "{unique: [person, cost]}", "{drift: cost, at_most: 1}"
    )
    renamed = read(edited(text, {"columns.cost.name": "fee"}))
    assert [rule.columns for rule in renamed.expectations] == [("fee",), ("person", "fee"), ("fee",)]
