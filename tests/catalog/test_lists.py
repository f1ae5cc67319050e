"""The negative list: what matches is not published, and the entry and its ground are told."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.catalog.lists import Lists, load_lists
from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.policy_file import read_policy
from sandbox.errors import InvalidInput
from story import DATASET, POLICIES, POLICY, Story, rows_csv

SCHEMA = POLICIES / "dataset.schema.json"
LIST = """
negative:
  - id: secret_datasets
    departments: [health]
    datasets: ["clinic.v*"]
    reason: {zh: 涉密, en: It is secret}
    ground: {zh: 保密规定, en: A rule of secrecy}
  - id: phones
    identifiers: [mobile_number]
    reason: {zh: 手机号不发布, en: No numbers of phones}
    ground: {zh: 规定, en: A rule}
  - id: faces
    columns: {zh: [人脸], en: [face]}
    reason: {zh: 不可更换, en: It cannot be replaced}
    ground: {zh: 个人信息保护法, en: The law}
responsibility:
  - {datasets: ["clinic.*"], step: publish, officer: lin, deputy: sun}
"""


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    (tmp_path / "lists.schema.json").write_bytes((POLICIES / "lists.schema.json").read_bytes())
    (tmp_path / "lists.yaml").write_text(LIST)
    return load_lists(tmp_path)


def policy(text: str = POLICY) -> DatasetPolicy:
    return read_policy(text, schema=SCHEMA)


def codes(lists: Lists, of: DatasetPolicy, **kinds: str) -> list[str]:
    held = {name: frozenset([kind]) for name, kind in kinds.items()}
    return [fault.message.partition("(")[2].partition(")")[0] for fault in lists.faults(of, held)]


def test_each_kind_of_entry_is_met_and_told(lists: Lists) -> None:
    assert codes(lists, policy()) == ["secret_datasets"]
    assert codes(lists, policy(POLICY.replace("clinic.visits", "clinic.beds"))) == []
    other = policy(POLICY.replace("department: health", "department: market"))
    assert codes(lists, other) == []
    assert codes(lists, other, note="mobile_number") == ["phones"]
    for named in ("face", "face_id", "人脸特征", "surface"):
        changed = POLICY.replace("department: health", "department: market").replace("  note:", f"  {named}:")
        assert codes(lists, policy(changed)) == (["faces"] if named != "surface" else []), named
    titled = POLICY.replace("department: health", "department: market").replace(
        "note: {role: attribute, type: text}",
        'note: {role: attribute, type: text, source: "病人的人脸"}',
    )
    assert codes(lists, policy(titled)) == ["faces"], "the header in the file counts, too"
    [fault] = lists.faults(policy(), {})
    assert fault.code == "on_negative_list" and fault.zh and fault.remedy_zh and fault.remedy
    assert "A rule of secrecy" in fault.message and "保密规定" in fault.zh


def test_who_answers_for_a_dataset(lists: Lists) -> None:
    assert [(one.officer, one.deputy) for one in lists.responsible_for("clinic.visits")] == [("lin", "sun")]
    assert lists.responsible_for("market.visits") == []


@given(st.sampled_from([column.name for column in DATASET.columns]))
def test_every_kept_column_counts_hidden_ones_too(name: str) -> None:
    city = Lists(tuple(entry for entry in load_lists(POLICIES).negative if entry.columns.en))
    assert city.faults(DATASET, {}) == []
    text = POLICY.replace(f"  {name}:", "  password_hash:").replace(
        f"unit: {{column: {name},", "unit: {column: password_hash,"
    )
    assert [fault.code for fault in city.faults(policy(text), {})] == ["on_negative_list"]


def test_what_is_on_the_list_is_not_published(story: Story, lists: Lists) -> None:
    with pytest.raises(InvalidInput) as named:
        story.publish(policy=POLICY.replace("  note:", "  password_hash:"))
    assert named.value.code == "on_negative_list"
    story.repository.lists = Lists(tuple(entry for entry in lists.negative if entry.id == "phones"))
    phones = re.sub(
        r",n(\d),(2026-01-)(\d+)",
        lambda row: f",13{row[1]}1001{row[3]}{row[1]}7,{row[2]}{row[3]}",
        rows_csv(50).decode(),
    )
    with pytest.raises(InvalidInput) as held:
        story.publish(phones.encode())
    assert held.value.code == "on_negative_list" and "1001" not in str(held.value)
    assert story.repository.all() == []
    story.publish()
