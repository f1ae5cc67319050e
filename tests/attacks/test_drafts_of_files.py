"""What an officer's file and its draft tell others, and what a crafted draft does to the vault.

Source: a review of the drafts with their source open (2026-12). Each case was got, or ended the request as a
failure, before its defence was there.
"""

import json
import re
import secrets
from typing import Any

import pytest

from asked_vault import AskedVault, Asker
from drafts.test_drafts import answered, drafted, published, upload
from sandbox.catalog.policy_file import read_policy
from sandbox.drafts.edit_policy import edited
from sandbox.errors import InvalidInput
from sandbox.identity.accounts import create_account
from workspace import CHECKOUT

PEOPLE = "张三,男,大冶市\n李四,女,铁山区\n王五,男,下陆区\n赵六,女,铁山区\n"
POLICY = "columns: {a: {type: number}}\n"
ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 10)}]\n" for n in range(7))


@pytest.fixture
def lin(asked: AskedVault) -> Asker:
    return asked.person("lin")


@pytest.fixture
def colleague(asked: AskedVault) -> Asker:
    name = f"sun-{secrets.token_hex(3)}"
    with asked.story.database.transaction() as tx:
        create_account(
            tx, account_id=name, display_name=name, organisation="health", roles=["officer"], by="system"
        )
    return asked.person(name)


def test_a_row_is_not_taken_for_the_names_without_the_officers_word(lin: Asker, colleague: Asker) -> None:
    """A file without a header, all texts: its first person would be the names that everybody reads."""
    draft = drafted(lin, upload(lin, PEOPLE.encode(), "people.csv"))
    path = f"/v1/drafts/{draft['id']}"
    assert draft["problems"][0]["path"] == "file.header_row"
    text = draft["policy"].replace("\nfile:\n", "\nfile:\n  header_row: 1\n")
    for refused in (
        colleague.send("GET", path),
        colleague.send("GET", f"{path}/stand-in"),
        colleague.send("POST", f"{path}/agree", json={"revision": draft["revision"]}),
        colleague.send("PUT", path, json={"revision": draft["revision"], "policy": text}),
        colleague.send(
            "POST",
            f"{path}/answers",
            json={"revision": draft["revision"], "set": {"file.header_row": 1}},
        ),
    ):
        assert refused.json()["code"] == "header_unconfirmed" and "张三" not in refused.text
    again = {"revision": draft["revision"], "format": {"header_row": 0}}
    right = lin.send("POST", f"{path}/inspect", json=again).json()
    assert [column["source"] for column in right["columns"]] == ["column 1", "column 2", "column 3"]
    assert not right["problems"] and "张三" not in colleague.send("GET", path).text


def test_a_name_that_is_an_identifier_is_refused_and_not_quoted(lin: Asker) -> None:
    for body, name in (
        (b'{"11010519491231002X": 5, "n": 1}\n', "by_person.json"),
        ("11010519491231002X,男\n440524188001010014,女\n".encode(), "no_header.csv"),
    ):
        file = upload(lin, body, name)
        refused = lin.send("POST", "/v1/drafts", json={"file": file["id"]})
        if name.endswith("json"):
            assert refused.json()["code"] == "header_with_identifiers"
        assert "11010519491231002" not in refused.text


def test_the_values_of_a_code_list_do_not_tell_which_occur(lin: Asker) -> None:
    """One person of a small group: the list is spelled in one way, or it is not suggested."""
    rows = ["编号,民族"] + [f"P{row:03},{'汉' if row % 3 else '土家'}" for row in range(60)]
    without = drafted(lin, upload(lin, "\n".join(rows).encode(), "groups.csv"))["policy"]
    assert "蒙古" in without
    with_one = drafted(lin, upload(lin, "\n".join([*rows, "P999,珞巴"]).encode(), "groups.csv"))["policy"]
    values = [text.split("values: ")[1].split("]")[0] for text in (without, with_one)]
    assert values[0] == values[1]


def figures_in(told: Any, name: str = "") -> set[str]:
    """All numbers that are told, also within texts; moments are none."""
    if isinstance(told, dict):
        return {one for key, value in told.items() for one in figures_in(value, key)}
    if isinstance(told, list):
        return {one for value in told for one in figures_in(value, name)}
    return set() if name.endswith("_at") else set(re.findall(r"\d+", str(told)))


def test_a_colleague_gets_no_figure_with_which_a_guess_could_be_tried(lin: Asker, colleague: Asker) -> None:
    body = "编号,数量\n" + "".join(f"P{row},{row}\n" for row in range(300)) + "P5,oops\n"
    draft = drafted(lin, upload(lin, body.encode(), "n.csv"))
    theirs = colleague.send("GET", f"/v1/drafts/{draft['id']}").json()
    assert draft["file"]["sha256"] and not theirs["file"]["sha256"]
    assert theirs["rows"] == 500 and theirs["file"]["bytes"] in (2000, 5000)
    assert "301" not in figures_in(theirs) and "300" not in figures_in(theirs)


def test_a_dataset_keeps_the_way_in_which_its_ids_are_made(lin: Asker) -> None:
    """A person with five rows would be five, each with a protection of its own, on one budget."""
    body = "person,n\n" + "".join(f"P{row % 20},{row}\n" for row in range(100))
    file = upload(lin, body.encode(), "r.csv")
    draft = answered(
        lin,
        drafted(lin, file),
        dataset="health.kept_ids",
        about={"who": "columns", "columns": ["person", "n"], "kind": "person", "max_rows": 5},
    )
    published(lin, draft)
    other = answered(
        lin,
        drafted(lin, file),
        dataset="health.kept_ids",
        about={"who": "columns", "columns": ["n", "person"], "kind": "person", "max_rows": 5},
    )
    refused = lin.send("POST", f"/v1/drafts/{other['id']}/publish", json={"revision": other["revision"]})
    assert refused.status_code == 409


def test_a_part_of_an_id_that_shows_nothing_is_empty(lin: Asker) -> None:
    draft = answered(
        lin,
        drafted(lin, upload(lin, 'a,b\n" ",2\nx,3\n\u200b,4\n'.encode(), "p.csv")),
        about={"who": "columns", "columns": ["a", "b"], "kind": "person", "max_rows": 2},
    )
    refused = lin.send("POST", f"/v1/drafts/{draft['id']}/publish", json={"revision": draft["revision"]})
    assert refused.json()["code"] == "unfit_values" and "2 are empty" in refused.json()["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"columns.a.bounds": ["x", 1]},
        {"columns.a.bounds": [None, 1]},
        {"columns.a.bounds": {"a": []}},
        {"title": float("inf")},
        {"title": float("nan")},
        {"title": json.loads("[" * 60 + "]" * 60)},
        {"columns.a.b.c.d": 1},
        {"columns.a.role": {"a": 1}},
        {"about": []},
        {"about": {"who": "column", "kind": []}},
        {"dropped_columns": 5, "columns.a.drop": True},
    ],
)  # fmt: skip
def test_a_change_is_made_or_refused_in_words(changes: dict[str, Any]) -> None:
    for text in (
        POLICY,
        POLICY + "dropped_columns: 5\n",
        "columns: {a: 1}\n",
        "columns: []\n",
        "[1]\n",
        "x: [\n",
    ):
        outcome = made_or_refused(text, changes)
        assert isinstance(outcome, str) or outcome.message


def made_or_refused(text: str, changes: dict[str, Any]) -> str | InvalidInput:
    try:
        return edited(text, changes)
    except InvalidInput as refused:
        return refused


@pytest.mark.parametrize(
    "text",
    [
        ALIASES + "columns: {a: {}}\n",
        "x: &a [*a]\ncolumns: {a: {}}\n",
        "x: " + "[" * 300 + "]" * 300 + "\n",
        "x: !!int abc\n",
        "x: !!float abc\n",
        "x: !!bool abc\n",
        "x: 2024-99-99\n",
        'x: "\\UFFFFFFFF"\n',
        "x: " + "9" * 5000 + "\n",
        "x: .inf\n",
        "1: 2\n",
        "columns: {a: {role: key, type: integer, values: [99999999999999999999999999]}}\n",
        "columns: {a: {role: key, type: integer, values: {from: 1.0e+300, to: 1.0e+300}}}\n",
    ],
)
def test_a_policy_is_read_or_refused_in_words_whatever_it_holds(text: str) -> None:
    """Aliases make a few lines millions; tags and numbers can be none."""
    whole = (CHECKOUT / "policies" / "datasets" / "market.inspections.yaml").read_text("utf-8")
    for policy in (text, whole + text):
        with pytest.raises(InvalidInput):
            read_policy(policy, schema=CHECKOUT / "policies" / "dataset.schema.json")
    outcome = made_or_refused(text, {"grade": "2"})
    assert isinstance(outcome, InvalidInput) or len(outcome) < 10_000
