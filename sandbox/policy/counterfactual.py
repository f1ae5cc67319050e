"""Finds what would have to be different for a refused deed to be allowed, by deciding again.

Only what a rule on the action reads is changed, and never whose the object is. So that each answer is true,
it is one that the rules themselves gave for the changed facts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from sandbox.identity import ROLES, Principal
from sandbox.policy.facts import Facts, Plain
from sandbox.policy.gate import decide
from sandbox.policy.grades import Grades
from sandbox.policy.model import Decision, Resource
from sandbox.policy.rules import Rules

Of = Literal["principal", "resource", "context"]
Attribute = tuple[str, str]
"""Of whom or what, and which: ("principal", "roles")."""

MOST_CHANGES = 4
MOST_ANSWERS = 6
MOST_TRIED = 20_000
SOMEBODY_ELSE = "somebody-else"
ANOTHER = "another"
FIXED = frozenset(
    {"id", "department", "organisation", "team", "actor", "proposed_by", "let_in_by", "dataset", "purpose"}
    | {"hidden"}
)
"""Attributes of an object that say whose and which it is, and whether who asked may know of it."""

COMPARISONS = ("==", "!=", "contains", "containsAny", "containsAll", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Change:
    """One attribute that is different. `value`: the one that is added, removed or set. `like`: the attribute
    whose value it is, as "resource.department"; empty for a value of its own."""

    of: Of
    attribute: str
    how: Literal["add", "remove", "set", "empty"]
    value: str | int | bool
    like: str = ""

    def applied(self, facts: Facts) -> Facts:
        """The facts with the change."""
        if self.how == "set":
            return facts.with_attribute(self.of, self.attribute, self.value)
        if self.how == "empty":
            return facts.with_attribute(self.of, self.attribute, [])
        held = facts.attribute(self.of, self.attribute)
        members = set(held if isinstance(held, list) else ())
        members = members | {str(self.value)} if self.how == "add" else members - {str(self.value)}
        return facts.with_attribute(self.of, self.attribute, sorted(members))

    @property
    def target(self) -> tuple[str, ...]:
        """What two changes may not both change. A set takes several."""
        return (self.of, self.attribute, *(() if self.how in ("set", "empty") else (str(self.value),)))


def decided(rules: Rules, grades: Grades, facts: Facts) -> Decision:
    """The decision on the facts."""
    about = facts.principal
    person = Principal(
        facts.person,
        "",
        str(about["organisation"]),
        frozenset(_members(about["roles"])),
        frozenset(_members(about["teams"])),
        str(about["kind"]),  # type: ignore[arg-type]  # it was a principal's
    )
    resource = Resource(facts.kind, facts.id, facts.resource)
    return decide(rules, grades, person, facts.action, resource, facts.context)


def what_would_allow(rules: Rules, grades: Grades, facts: Facts) -> list[tuple[Change, ...]]:
    """The smallest changes of refused facts that would be allowed: at most six, all of the same size; none
    where no few changes would do, or the facts cannot be decided."""
    narrow = rules.of_action(facts.action)
    changes = list(dict.fromkeys(_candidates(narrow, grades, facts)))
    answers: list[tuple[Change, ...]] = []
    tried = 0
    for size in range(1, MOST_CHANGES + 1):
        for chosen in combinations(changes, size):
            if len({change.target for change in chosen}) < size or _repeats(answers, chosen):
                continue
            tried += 1
            if tried > MOST_TRIED:
                return answers
            if decided(narrow, grades, changed(facts, chosen)).allowed:
                answers.append(chosen)
        if answers:
            break
    return answers[:MOST_ANSWERS]


def changed(facts: Facts, changes: Sequence[Change]) -> Facts:
    """The facts with all changes."""
    for change in changes:
        facts = change.applied(facts)
    return facts


def _members(value: Plain) -> list[str]:
    return value if isinstance(value, list) else []


def _repeats(answers: list[tuple[Change, ...]], chosen: tuple[Change, ...]) -> bool:
    """Whether only a value of the object is another than in an answer: the first (as the highest grade that
    will do) says enough."""

    def kind_of(changes: tuple[Change, ...]) -> list[tuple[object, ...]]:
        return [
            (*each.target, each.how, each.like or (each.value if each.of == "principal" else ""))
            for each in changes
        ]

    return kind_of(chosen) in [kind_of(answer) for answer in answers]


@dataclass(frozen=True)
class _Read:
    """What the rules read, which texts they compare with an attribute, and which attributes they compare."""

    attributes: frozenset[Attribute]
    literals: dict[Attribute, tuple[str, ...]]
    related: frozenset[tuple[Attribute, Attribute]]


def attributes_read(rules: Rules, action: str) -> frozenset[Attribute]:
    """Which attributes the rules on an action read."""
    of_action = (rule for rule in rules.all if action in rule.actions)
    return frozenset().union(*(attributes_of(rule.body) for rule in of_action))


def attributes_of(body: Sequence[object]) -> frozenset[Attribute]:
    """Which attributes the conditions of a rule read."""
    return frozenset(_attributes(list(body)))


def _read(rules: Rules) -> _Read:
    attributes: set[Attribute] = set()
    literals: dict[Attribute, dict[str, None]] = {}
    related: set[tuple[Attribute, Attribute]] = set()
    for rule in rules.all:
        attributes |= attributes_of(rule.body)
        for left, right in _compared(list(rule.body)):
            here, there = _attribute(left), _attribute(right)
            if here and there:
                related |= {(here, there), (there, here)}
            elif attribute := here or there:
                known = literals.setdefault(attribute, {})
                known.update(dict.fromkeys(_texts(right if here else left)))
    return _Read(
        frozenset(attributes), {name: tuple(values) for name, values in literals.items()}, frozenset(related)
    )


def _attribute(node: Any) -> Attribute | None:
    if isinstance(node, dict) and isinstance(inner := node.get("."), dict):
        owner = inner.get("left")
        if isinstance(owner, dict) and "Var" in owner:
            return str(owner["Var"]), str(inner["attr"])
    return None


def _attributes(node: Any) -> Iterator[Attribute]:
    if found := _attribute(node):
        yield found
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _attributes(each)


def _compared(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, dict):
        for name in COMPARISONS:
            if isinstance(sides := node.get(name), dict) and "left" in sides:
                yield sides["left"], sides["right"]
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _compared(each)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(value := node.get("Value"), str):
            yield value
        for each in node.get("Set", ()):
            yield from _texts(each)


def _candidates(rules: Rules, grades: Grades, facts: Facts) -> Iterator[Change]:
    read = _read(rules)
    yield from _circumstances(read, facts)
    yield from _of_person(read, facts)
    yield from _of_object(read, grades, facts)


def _circumstances(read: _Read, facts: Facts) -> Iterator[Change]:
    for of, name in sorted(read.attributes):
        if of != "context":
            continue
        if name == "team":
            own = sorted({*_members(facts.principal["teams"]), *read.literals.get((of, name), ())})
            yield from (Change("context", name, "set", team) for team in own)
        elif name == "now":
            expires = facts.attribute("resource", "expires_at")
            if isinstance(expires, int):
                yield Change("context", name, "set", expires - 1, "resource.expires_at")
        elif name == "way":
            yield from (Change("context", name, "set", way) for way in ("dp", "reviewed"))
        else:
            yield from (Change("context", name, "set", value) for value in (True, False))


def _of_person(read: _Read, facts: Facts) -> Iterator[Change]:
    held = _members(facts.principal["roles"])
    for role in read.literals.get(("principal", "roles"), ()):
        if role in ROLES:
            yield Change("principal", "roles", "remove" if role in held else "add", role)
    if ("principal", "kind") in read.attributes:
        yield Change("principal", "kind", "set", "person")
        if "service" in read.literals.get(("principal", "kind"), ()):
            yield Change("principal", "kind", "set", "service")
    for team in read.literals.get(("principal", "teams"), ()):
        yield _membership(facts, team, "")
    for here, (of, name) in sorted(read.related):
        value = facts.attribute(of, name)
        if here[0] != "principal" or value in (None, ""):
            continue
        if here[1] == "teams" and isinstance(value, str):
            yield _membership(facts, value, f"{of}.{name}")
        elif here[1] in ("organisation", "id"):
            if isinstance(value, str):
                yield Change("principal", here[1], "set", value, f"{of}.{name}")
            yield Change("principal", here[1], "set", SOMEBODY_ELSE)


def _membership(facts: Facts, team: str, like: str) -> Change:
    held = team in _members(facts.principal["teams"])
    return Change("principal", "teams", "remove" if held else "add", team, like)


def _of_object(read: _Read, grades: Grades, facts: Facts) -> Iterator[Change]:
    names = {name for of, name in read.attributes if of == "resource"}
    if "possible" in names:
        for grade in sorted(grades.all, key=lambda each: -each.rank):
            yield Change("resource", "grade", "set", grade.id)
    if "expires_at" in names:
        now = facts.attribute("context", "now")
        yield Change("resource", "expires_at", "set", (now if isinstance(now, int) else 0) + 86400)
    if ("resource", "let_in_by") in {here for here, _ in read.related}:
        yield Change("resource", "let_in_by", "set", "")
    for name in sorted(names - FIXED - {"possible", "expires_at", "grade"}):
        value = facts.resource.get(name)
        if name == "open":
            yield from (Change("resource", name, "set", each) for each in (True, False))
        elif name == "way":
            yield from (Change("resource", name, "set", way) for way in ("dp", "reviewed", "open_sale"))
        elif isinstance(value, list):
            if name == "roles":
                yield Change("resource", name, "empty", "")
        else:
            texts = read.literals.get(("resource", name), ())
            yield from (Change("resource", name, "set", text) for text in (*texts, ANOTHER))
