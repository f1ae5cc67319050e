"""Policies are contracts of the Open Data Contract Standard, by its own schema, and read back the same."""

import json
import random
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import validator_for

from asked_vault import AskedVault
from sandbox.catalog.policy_file import read_policy
from sandbox.drafts.contract import contract_of, policy_of
from sandbox.drafts.write_policy import write_policy
from sandbox.errors import InvalidInput
from sandbox.policy import YamlText
from story import POLICY
from workspace import CHECKOUT

STANDARD = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
POLICIES = sorted((CHECKOUT / "policies" / "datasets").glob("*.yaml"))
WHOLE = (
    POLICY
    + """
hints: {bits: 30}
file: {encoding: gb18030, header_row: 2}
dropped_columns: [备注]
empty_marks: [NA]
update_cycle: monthly
steps:
  - {trim: [note]}
  - {drop_rows: "visits > 30"}
expect:
  - {rule: "visits < 13", at_least: 0.5, else: stop}
"""
)


def document(text: str) -> dict[str, Any]:
    return dict(YamlText(text, None, what="The policy").document)


def check(contract: Any) -> None:
    faults = list(validator_for(STANDARD).iter_errors(contract))
    assert not faults, faults[:3]


@pytest.mark.parametrize(
    "policy", [*POLICIES, WHOLE], ids=lambda of: of.stem if isinstance(of, Path) else "whole"
)
def test_a_policy_is_a_contract_and_reads_back_the_same(policy: Path | str) -> None:
    said = document(policy.read_text("utf-8") if isinstance(policy, Path) else policy)
    contract = json.loads(json.dumps(contract_of(said, version=3)))
    check(contract)
    assert contract["version"] == "3" and contract["domain"] == said["department"]
    back = policy_of(contract, department="other")
    assert back == said
    schema = CHECKOUT / "policies" / "dataset.schema.json"
    assert read_policy(write_policy(back), schema=schema) == read_policy(write_policy(said), schema=schema)


words = st.text(st.sampled_from("ab Z9区县:#-{[\"'&*?|>é"), min_size=1, max_size=12)
columns = st.dictionaries(
    st.sampled_from(["a", "区县", "cost_2", "x"]),
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["attribute", "hidden"]),
            "type": st.sampled_from(["text", "date", "timestamp"]),
        },
        optional={
            "title": st.fixed_dictionaries({"zh": words, "en": words}),
            "source": words,
            "grade": st.sampled_from(["1", "2", "3"]),
            "required": st.booleans(),
            "longest": st.integers(1, 4000),
            "empty_marks": st.lists(words, max_size=2),
            "written": st.just({"dates": "year month day", "trimmed": True}),
        },
    ),
    min_size=1,
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(columns, words, words)
def test_generated_policies_read_back_the_same(of: dict[str, Any], zh: str, en: str) -> None:
    said = document(POLICY) | {"columns": of, "title": {"zh": zh, "en": en}, "summary": {"zh": en, "en": zh}}
    contract = json.loads(json.dumps(contract_of(said, version=1)))
    check(contract)
    assert policy_of(contract, department="other") == said


FOREIGN = {
    "apiVersion": "v3.0.2",
    "kind": "DataContract",
    "id": "53581432-6c55-4ba2-a65f-72344a91553a",
    "version": "1.1.0",
    "status": "active",
    "domain": "seller",
    "schema": [
        {
            "name": "Seller Payments",
            "properties": [
                {
                    "name": "transactionReferenceDate",
                    "logicalType": "date",
                    "businessName": "transaction date",
                },
                {"name": "卖方 编号", "logicalType": "string", "required": True},
                {"name": "tags", "logicalType": "array"},
            ],
        }
    ],
}


def test_a_contract_of_others_becomes_a_policy_to_be_completed() -> None:
    policy = policy_of(FOREIGN, department="health")
    assert policy["dataset"] == "health.seller_payments" and policy["department"] == "health"
    assert policy["columns"]["transaction_reference_date"]["source"] == "transactionReferenceDate"
    assert policy["columns"]["卖方_编号"] == {
        "role": "attribute", "type": "text", "source": "卖方 编号", "required": True,
    }  # fmt: skip
    assert policy["dropped_columns"] == ["tags"]
    with pytest.raises(InvalidInput, match="must be open"):
        read_policy(write_policy(policy), schema=CHECKOUT / "policies" / "dataset.schema.json")


TABLES: list[Any] = [
    [],
    {"a": 1},
    [1],
    [{"name": "a"}],
    [{"name": "a", "properties": [{"logicalType": "string"}]}],
    FOREIGN["schema"] * 2,
]
WRONG = [
    None,
    [],
    "x",
    {},
    *(FOREIGN | {"apiVersion": version} for version in ("v2.2.2", 3)),
    *(FOREIGN | {"schema": tables} for tables in TABLES),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_contract_is_refused_in_words(wrong: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        policy_of(wrong, department="health")
    assert refused.value.code == "no_contract" and refused.value.remedy_zh


def test_a_damaged_contract_is_read_or_refused() -> None:
    whole = json.loads(json.dumps(contract_of(document(WHOLE), version=1)))
    drawn = random.Random(5)
    schema = CHECKOUT / "policies" / "dataset.schema.json"
    for _ in range(150):
        damaged = json.loads(json.dumps(whole))
        node, key = damaged, drawn.choice(list(damaged))
        while isinstance(node[key], dict | list) and node[key] and drawn.random() < 0.8:
            node = node[key]
            key = drawn.choice(list(node)) if isinstance(node, dict) else drawn.randrange(len(node))
        node[key] = drawn.choice([None, 1, "x", [], {}, [[]], {"a": 1}])
        with suppress(InvalidInput):  # and nothing else
            read_policy(write_policy(policy_of(damaged, department="health")), schema=schema)


def test_an_officer_exports_their_own_datasets_alone(asked: AskedVault) -> None:
    name, _ = asked.dataset()
    path = f"/v1/datasets/{name}/contract"
    contract = asked.person("lin").send("GET", path).json()
    check(contract)
    assert policy_of(contract, department="x")["dataset"] == name
    assert asked.person("zhou").send("GET", path).status_code == 404
    assert asked.person("wang").send("GET", path).status_code == 403
