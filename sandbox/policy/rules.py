"""Reads the rules once and checks them whole; the slightest fault stops the start."""

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cedarpy

from sandbox.errors import Unavailable
from sandbox.policy.model import NO_PERMIT, POLICY_ERROR

ID = re.compile(r"[a-z][a-z0-9_]*")
ANNOTATIONS = re.compile(r'\A(?:\s|//[^\n]*\n|@\w+\("(?:[^"\\]|\\.)*"\))*')
STATEMENT = re.compile(r'(?:[^;"/]|"(?:[^"\\]|\\.)*"|//[^\n]*|/)*?;')
"""One policy with what stands before it: up to the semicolon that is in no text and in no comment."""
ACTION = re.compile(r'^action "(\w+)"', re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """One policy. `remedy` says what would change a refusal; only a forbid has one."""

    id: str
    effect: Literal["permit", "forbid"]
    actions: frozenset[str]
    reason_en: str
    reason_zh: str
    remedy_en: str
    remedy_zh: str
    file: str
    source: str = field(default="", repr=False)
    """Its Cedar, with the annotations."""
    body: tuple[object, ...] = field(default=(), repr=False, compare=False)
    """Its conditions, as Cedar's JSON has them."""

    @property
    def text(self) -> str:
        """Its Cedar without the annotations."""
        return ANNOTATIONS.sub("", self.source).strip()


@dataclass(frozen=True)
class Rules:
    """The rules in the order of the files (by name) and of the text: Cedar's `policy<N>` is `all[N]`."""

    all: tuple[Rule, ...]
    actions: frozenset[str]
    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    digest: str = ""
    """Of the texts: other rules have another one."""

    def kinds_of(self, action: str) -> tuple[str, ...]:
        """The kinds of objects that an action is one on, by the schema; none for no action."""
        stated = re.search(
            rf'^action "{re.escape(action)}" appliesTo {{.*?resource: \[(.*?)\]',
            str(self.schema),
            re.MULTILINE | re.DOTALL,
        )
        return tuple(stated.group(1).split(", ")) if stated else ()

    def of_action(self, action: str) -> "Rules":
        """Those alone that can decide an action: they decide it the same, and quicker."""
        kept = tuple(rule for rule in self.all if action in rule.actions)
        policies = cedarpy.PolicySet.from_str("\n".join(rule.source for rule in kept))
        return replace(self, all=kept, policies=policies)

    def permits(self, action: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.all if rule.effect == "permit" and action in rule.actions)


def load_rules(folder: Path) -> Rules:
    """Read `schema.cedarschema` and every `*.cedar` of a folder.
    Raises `Unavailable`, naming file, rule and remedy."""
    texts = tuple((path.name, path.read_text("utf-8")) for path in sorted(folder.glob("*.cedar")))
    try:
        schema = (folder / "schema.cedarschema").read_text("utf-8")
    except FileNotFoundError:
        raise Unavailable(
            f"There is no schema.cedarschema in {folder.name}/.",
            remedy="Point CIHU_POLICIES at a folder of policies.",
        ) from None
    return _rules_of(folder.name, texts, schema)


@lru_cache(maxsize=4)
def _rules_of(folder: str, texts: tuple[tuple[str, str], ...], schema_text: str) -> Rules:
    """The rules of these texts, checked once in a process however many gates it has."""
    try:
        schema = cedarpy.Schema.from_str(schema_text)
    except ValueError as error:
        raise Unavailable(
            f"{folder}/schema.cedarschema cannot be read: {error}.", remedy="Mend it."
        ) from error
    return check_rules(dict(texts), schema)


def check_rules(texts: dict[str, str], schema: cedarpy.Schema) -> Rules:
    """The rules of some files (name -> text), if all of them can be used. Raises `Unavailable`."""
    actions = frozenset(ACTION.findall(str(schema)))
    rules = tuple(rule for name, text in texts.items() for rule in read_rules(name, text, actions))
    if not rules:
        raise Unavailable(
            "There is not one policy.", remedy="An empty set of policies is never meant: see policies/."
        )
    for name, times in Counter(rule.id for rule in rules).items():
        if times > 1:
            raise Unavailable(
                f"The policy id {name!r} is used {times} times.", remedy="Give each policy its own @id."
            )
    whole = "\n".join(texts.values())
    result = cedarpy.validate_policies(whole, schema)
    if not result.validation_passed:
        raise Unavailable(
            "; ".join(fault(error, rules) for error in result.errors) or "The policies are not valid.",
            remedy="Keep the policies to schema.cedarschema.",
        )
    digest = hashlib.sha256((str(schema) + whole).encode()).hexdigest()[:16]
    loaded = Rules(rules, actions, cedarpy.PolicySet.from_str(whole), schema, digest)
    if dead := sorted(action for action in actions if not loaded.permits(action)):
        raise Unavailable(
            f"No policy ever permits {dead[0]!r}.", remedy="Write one, or take the action out of the schema."
        )
    return loaded


def read_rules(name: str, text: str, actions: frozenset[str]) -> list[Rule]:
    """The rules of one file, in order."""
    try:
        document = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise Unavailable(
            f"{name}, in the policy that begins at line {broken_line(text)}: {error}.",
            remedy="Mend the Cedar there.",
        ) from error
    if document["templates"]:
        raise Unavailable(
            f"{name} holds a template, which decides nothing by itself.", remedy="Write a policy."
        )
    written = document["staticPolicies"]
    sources = STATEMENT.findall(text)
    assert len(sources) == len(written), f"{name}: {len(sources)} statements, {len(written)} policies"
    return [
        make_rule(name, written[f"policy{place}"], actions, sources[place]) for place in range(len(written))
    ]


OLDER_NAMES = {"mend_en": "remedy_en", "mend_zh": "remedy_zh"}
"""What earlier releases called these annotations: a city's own policies of then are still read."""


def make_rule(name: str, written: dict[str, Any], actions: frozenset[str], source: str = "") -> Rule:
    notes: dict[str, str] = {
        OLDER_NAMES.get(key, key): value or "" for key, value in written.get("annotations", {}).items()
    }
    said = notes.get("id", "")
    if not ID.fullmatch(said) or said in (NO_PERMIT, POLICY_ERROR):
        raise Unavailable(
            f"{name}: a policy has the @id {said!r}.", remedy='Write @id("some_words"), a-z, 0-9 and _.'
        )
    needed = ["reason_en", "reason_zh"] + (
        ["remedy_en", "remedy_zh"] if written["effect"] == "forbid" else []
    )
    for annotation in needed:
        if not notes.get(annotation, "").strip():
            raise Unavailable(
                f"{name}: the policy {said} has no @{annotation}.",
                remedy=f'Write @{annotation}("…"): whoever is refused will read it.',
            )
    return Rule(
        id=said,
        effect=written["effect"],
        actions=actions_of(written["action"], actions),
        reason_en=notes["reason_en"],
        reason_zh=notes["reason_zh"],
        remedy_en=notes.get("remedy_en", ""),
        remedy_zh=notes.get("remedy_zh", ""),
        file=name,
        source=source.strip(),
        body=tuple(written["conditions"]),
    )


def actions_of(scope: dict[str, Any], actions: frozenset[str]) -> frozenset[str]:
    """Which actions the scope of a policy covers: `action`, `action == x`, `action in [x, y]`."""
    if scope["op"] == "All":
        return actions
    entities = scope["entities"] if "entities" in scope else [scope["entity"]]
    return frozenset(entity["id"] for entity in entities)


def broken_line(text: str) -> int:
    """On which line the first policy begins that cannot be read (Cedar's own message has no line)."""
    start, lines = 0, text.splitlines()
    for place, line in enumerate(lines):
        if not line.rstrip().endswith(";") and place + 1 < len(lines):
            continue
        try:
            cedarpy.policies_to_json_str("\n".join(lines[start : place + 1]))
        except ValueError:
            return next((at + 1 for at in range(start, place + 1) if lines[at].strip()), start + 1)
        start = place + 1
    return 1


def fault(error: cedarpy.ValidationError, rules: tuple[Rule, ...]) -> str:
    number = error.policy_id.removeprefix("policy")
    rule = rules[int(number)] if number.isdigit() and int(number) < len(rules) else None
    # Cedar calls the policy by its place; people know it by its id
    message = error.error.removeprefix(f"for policy `{error.policy_id}`, ")
    return f"{rule.file}, {rule.id}: {message}" if rule else message
