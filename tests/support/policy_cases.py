"""Reads the cases of policies/cases/: who asks for what, and what the rules must say."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.identity import Principal
from sandbox.policy import Decision, Gate, Resource, YamlText

POLICIES = Path(__file__).parents[2] / "policies"


@dataclass(frozen=True)
class Case:
    file: str
    name: str
    principal: Principal
    action: str
    resource: Resource
    context: dict[str, Any]
    allowed: bool
    code: str


def read_cases() -> Iterator[Case]:
    documents = {
        path.name: YamlText(path.read_text("utf-8"), POLICIES / "cases.schema.json", what=path.name).document
        for path in sorted((POLICIES / "cases").glob("*.yaml"))
    }
    people = {
        name: Principal(
            id=name,
            display_name=name,
            organisation=person["organisation"],
            roles=frozenset(person.get("roles", ())),
            teams=frozenset(person.get("teams", ())),
            kind=person.get("kind", "person"),
        )
        for document in documents.values()
        for name, person in document.get("people", {}).items()
    }
    for file, document in documents.items():
        for case in document.get("cases", ()):
            attributes = dict(case["resource"])
            resource = Resource(attributes.pop("kind"), attributes.pop("id"), attributes)
            yield Case(
                file,
                case["name"],
                people[case["principal"]],
                case["action"],
                resource,
                case.get("context", {}),
                case["allowed"],
                case["code"],
            )


CASES = list(read_cases())
GATE = Gate(POLICIES)


def ask(gate: Gate, case: Case) -> Decision:
    return gate.decide(case.principal, case.action, case.resource, case.context)
