"""Whether a dataset waits for its review is told to nobody outside its department, in whatever case its name
is written.

Source: CWE-203 "Observable discrepancy". Names are read in any case, so an answer that repeats a stored name
and not the one that was sent says that the dataset is there. Every operation that takes a dataset's name, in
its address, its parameters or its body, is asked twice by an officer of another department and by an analyst:
for a dataset that is held and for one that is not there. Whole answers are compared, with their headers.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from asked_vault import AskedVault
from described_api import described
from opening_story import held_publish
from story import POLICY

ID = str(UUID(int=7))
BODIES: dict[str, Any] = {
    "batches": 1,
    "columns": ["cost"],
    "days": 9,
    "epsilon": "0.1",
    "first_day": "2027-03-01",
    "label": "nightly",
    "notes": "a new column",
    "reason": "rows stand twice",
    "revision": 1,
    "schedule": "0 3 * * *",
    "source": "clinic",
    "what": "visits",
    "words": "rows stand twice in it",
}
"""Of what the bodies of operations may need; each gets those that it describes."""
SQL = "SELECT COUNT(*) AS n FROM {name}"
IN_BODIES: dict[str, Callable[[str], dict[str, Any]]] = {
    "/v1/ask": lambda name: {"sql": SQL.format(name=name)},
    "/v1/explain": lambda name: {"sql": SQL.format(name=name)},
    "/v1/requests": lambda name: {
        "dataset": name,
        "team": "lake",
        "epsilon": "0.5",
        "purpose": "to see whether it is there",
        "until": "2027-01-01",
    },
    "/v1/runs/table": lambda name: {"team": "lake", "name": "t", "sql": SQL.format(name=name)},
    "/v1/runs": lambda name: {
        "team": "lake",
        "name": "t",
        "entry": "main.py",
        "files": {"main.py": "cHJpbnQoMSk="},
        "inputs": [name],
    },
    "/v1/recipes": lambda name: {"inputs": [name], "recipes": []},
    "/v1/derivations": lambda name: {"policy": derived_from(name)},
}


def derived_from(name: str) -> str:
    own = POLICY.replace("clinic.visits", "market.made").replace("department: health", "department: market")
    sql = f"SELECT v.person, v.year FROM {name}@1 AS v"
    return f"{own}derive: |\n  {sql}\n"


@pytest.fixture
def names(asked: AskedVault) -> tuple[str, str]:
    """A dataset that is held, and none, both as an outsider spells them."""
    ending = secrets.token_hex(4)
    held = f"clinic.held{ending}"
    assert held_publish(asked.story, POLICY.replace("clinic.visits", held)).held
    return held.upper(), f"clinic.none{ending}".upper()


def in_addresses() -> Iterator[tuple[str, str, list[str] | None]]:
    """Method, path and the fields of the body, if there is one, of each operation with a dataset's name in
    its address."""
    document = described("vault").document
    for path, methods in document["paths"].items():
        if not path.startswith(("/v1/datasets/{name}", "/v1/derivations/{name}")):
            continue
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            yield method.upper(), path, list(schema.get("properties", {})) if schema else None


def answered(asked: AskedVault, person: str, method: str, path: str, name: str, body: Any) -> str:
    kind = {"Idempotency-Key": "1", "Content-Type": "text/csv"} if path.endswith("/batches") else {}
    sent: dict[str, Any] = {"content": b"person\na\n"} if kind else {"json": body} if body is not None else {}
    asker = asked.person(person)
    answer = asker.client.request(
        method,
        path,
        headers={"Authorization": f"Bearer {asker.token}", **kind},
        **sent,
    )
    headers = {key: value for key, value in answer.headers.items() if key not in {"date", "x-request-id"}}
    text = re.sub(r'"request_id":"[0-9a-f]+"', "", answer.text)
    return f"{answer.status_code} {headers} {text}".replace(name, "IT").replace(name.lower(), "it")


@pytest.mark.parametrize("person", ["zhou", "wang"])
def test_no_address_tells_a_held_dataset_from_none(
    asked: AskedVault, names: tuple[str, str], person: str
) -> None:
    tried = 0
    told: list[tuple[str, str, list[str]]] = []
    invalid: list[tuple[str, str, str]] = []
    for method, path, fields in in_addresses():
        number = ID if "/pushes/{id}" in path else "1"
        answers = []
        for name in names:
            policy = POLICY.replace("clinic.visits", name.lower()).replace(": health", ": market")
            kind = "table" if path.endswith("/pull") else "erase"
            given = {**BODIES, "policy": policy, "kind": kind}
            body = None if fields is None else {field: given[field] for field in fields if field in given}
            address = path.format(name=name, id=number, number="1")
            query = "?from=1&to=1" if path.endswith("/changes") else ""
            answers.append(answered(asked, person, method, address + query, name, body))
        if answers[0] != answers[1]:
            told.append((method, path, answers))
        if answers[0].startswith("422"):
            invalid.append((method, path, answers[0]))
        tried += 1
    assert not told and not invalid
    assert tried > 40


@pytest.mark.parametrize("path", IN_BODIES)
@pytest.mark.parametrize("person", ["zhou", "wang"])
def test_no_body_tells_a_held_dataset_from_none(
    asked: AskedVault, names: tuple[str, str], path: str, person: str
) -> None:
    answers = [answered(asked, person, "POST", path, name, IN_BODIES[path](name)) for name in names]
    assert answers[0] == answers[1] and not answers[0].startswith("422")
