"""Explains a decision in people's words, in both languages: what was asked, the answer, which rule decided,
and what would have to be different.

What is shown of the person and the object follows from who reads (`Reader`). What a reader may not see is
neither listed nor told by a change that would need it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.identity import Principal
from sandbox.oversight.schemas import (
    DecisionAttribute,
    DecisionChange,
    DecisionRule,
    DecisionWay,
    ExplainedDecision,
)
from sandbox.policy import Gate
from sandbox.policy.counterfactual import (
    ANOTHER,
    Change,
    attributes_of,
    attributes_read,
    decided,
    what_would_allow,
)
from sandbox.policy.decision_words import (
    ACTIONS,
    ATTRIBUTES,
    CHANGES,
    KINDS,
    NO,
    ROLE_WORDS,
    VALUES,
    YES,
    Words,
)
from sandbox.policy.facts import Facts, Plain, StoredDecision
from sandbox.policy.model import NO_PERMIT, POLICY_ERROR
from sandbox.policy.rules import Rule

AUDITORS = frozenset({"auditor", "audit_administrator"})
OF_PEOPLE = frozenset({"authors", "organisations", "proposed_by", "let_in_by", "actor", "roles"})
"""Attributes of an object that name people: for auditors alone."""

TOLD_ANYHOW = frozenset({"status", "grade", "possible", "expires_at", "open", "opening", "way"})
"""Attributes of an object that a refusal tells whoever was refused, where the refusing rule reads them."""


@dataclass(frozen=True)
class Reader:
    """What whoever reads may see. `auditor`: everything. `officer`: of the object's department. `own`: it is
    their own deed."""

    auditor: bool
    officer: bool
    own: bool


def reader_of(reader: Principal, facts: Facts) -> Reader:
    """How somebody stands to a decision."""
    department = department_of_facts(facts)
    return Reader(
        auditor=bool(reader.roles & AUDITORS),
        officer="officer" in reader.roles
        and department not in ("", None)
        and reader.organisation == department,
        own=reader.id == facts.person,
    )


def department_of_facts(facts: Facts) -> str:
    """The department of the object; empty where it has none."""
    return str(facts.resource.get("department", ""))


def explain_decision(
    gate: Gate, made: StoredDecision, reader: Reader, *, hypothetical: bool = False
) -> ExplainedDecision:
    """The explanation of a decision for one reader. `hypothetical`: nobody did it."""
    facts, known = made.facts, {rule.id: rule for rule in gate.rules.all}
    telling = [known[name] for name in made.policies if name in known]
    could = [] if made.allowed else list(gate.rules.permits(facts.action))
    action, reason, remedy = action_words(facts.action), _reason(made, telling), _remedy(made, telling)
    return ExplainedDecision(
        person=facts.person,
        action=facts.action,
        kind=facts.kind,
        id=facts.id,
        allowed=made.allowed,
        code=made.code,
        question_en=(
            f"May {facts.person} {action.en} ({_kind(facts).en} {facts.id})?"
            if hypothetical
            else f"{facts.person} asked to {action.en}: {_kind(facts).en} {facts.id}."
        ),
        question_zh=(
            f"{facts.person} 可否{action.zh}（{_kind(facts).zh} {facts.id}）？"
            if hypothetical
            else f"{facts.person} 请求{action.zh}：{_kind(facts).zh} {facts.id}。"
        ),
        reason_en=reason.en,
        reason_zh=reason.zh,
        remedy_en=remedy.en,
        remedy_zh=remedy.zh,
        rules=[_rule(rule) for rule in telling],
        could=[_rule(rule) for rule in could],
        attributes=list(_attributes(gate, facts, reader)),
        ways=_ways(gate, made, telling, reader),
        same_rules=facts.rules == gate.rules.digest,
    )


def action_words(action: str) -> Words:
    """The words for an action; its own name where it has none."""
    return ACTIONS.get(action) or Words(action.replace("_", " "), action)


def _kind(facts: Facts) -> Words:
    return KINDS.get(facts.kind) or Words(facts.kind, facts.kind)


def _reason(made: StoredDecision, telling: Sequence[Rule]) -> Words:
    if made.code == POLICY_ERROR:
        return Words("This could not be decided, so it was refused.", "无法作出决定，故予以拒绝。")
    if made.code == NO_PERMIT:
        return Words("No rule allows this.", "没有规则允许此操作。")
    if telling:
        return Words(telling[0].reason_en, telling[0].reason_zh)
    return Words(
        f"The rule {made.code} decided, which the rules no longer have.",
        f"由规则 {made.code} 决定，该规则现已不存在。",
    )


def _remedy(made: StoredDecision, telling: Sequence[Rule]) -> Words:
    return Words("", "") if made.allowed or not telling else Words(telling[0].remedy_en, telling[0].remedy_zh)


def _rule(rule: Rule) -> DecisionRule:
    return DecisionRule(
        id=rule.id,
        file=f"policies/{rule.file}",
        effect=rule.effect,
        reason_en=rule.reason_en,
        reason_zh=rule.reason_zh,
        text=rule.text,
    )


def _attributes(gate: Gate, facts: Facts, reader: Reader) -> list[DecisionAttribute]:
    """Those that the reader may see; beside auditors everybody sees only what a rule on the action reads."""
    read = attributes_read(gate.rules, facts.action)
    found = []
    for of in ("principal", "resource", "context"):
        for name, value in sorted(getattr(facts, of).items()):
            shown = _shown(facts, of, name, value, reader)
            if shown is None or not (reader.auditor or (of, name) in read or name in ("grade", "kind")):
                continue
            words = _value(gate, name, shown)
            named = ATTRIBUTES.get(name) or Words(name, name)
            found.append(
                DecisionAttribute(
                    of=of,
                    attribute=name,
                    name_en=named.en,
                    name_zh=named.zh,
                    value_en=words.en,
                    value_zh=words.zh,
                )
            )
    return found


def _shown(facts: Facts, of: str, name: str, value: Plain, reader: Reader) -> Plain | None:
    """The value as the reader may see it; None for what they may not."""
    if reader.auditor:
        return value
    if of == "principal":
        if name == "teams" and not reader.own and isinstance(value, list):
            # which other teams they are in is nothing of this decision
            about = {facts.resource.get("team"), facts.context.get("team")}
            return [team for team in value if team in about]
        return value
    if of == "context":
        return value
    return value if reader.officer and name not in OF_PEOPLE else None


def _ways(gate: Gate, made: StoredDecision, telling: Sequence[Rule], reader: Reader) -> list[DecisionWay]:
    """What would have it allowed, by the rules of now; none where they would not refuse it any more."""
    if made.allowed or made.code == POLICY_ERROR or decided(gate.rules, gate.grades, made.facts).allowed:
        return []
    told = {attribute for rule in telling for attribute in attributes_of(rule.body)}
    ways = what_would_allow(gate.rules, gate.grades, made.facts)
    return [
        DecisionWay(changes=[_change(gate, made.facts, change, reader) for change in changes])
        for changes in ways
        if all(_may_know(change, told, reader) for change in changes)
    ]


def _may_know(change: Change, told: set[tuple[str, str]], reader: Reader) -> bool:
    """Whether a change tells the reader nothing of the object that they may not see."""
    if reader.auditor:
        return True
    about = [tuple(change.like.split("."))] if change.like.startswith("resource.") else []
    if change.of == "resource":
        name = "possible" if change.attribute == "grade" else change.attribute
        about.append((change.of, name))
    if reader.officer:
        return not any(name in OF_PEOPLE for _, name in about)
    # whoever was refused: what belongs to them, and of the object what the rule that refused told already
    return all(
        each in told and each[1] in TOLD_ANYHOW for each in about if each[0] == "resource" and not change.like
    )


def _change(gate: Gate, facts: Facts, change: Change, reader: Reader) -> DecisionChange:
    key = f"{change.of}.{change.attribute} {change.how}"
    words = CHANGES.get(f"{key} {change.like}".strip()) or CHANGES.get(key)
    if words is None:
        name = ATTRIBUTES.get(change.attribute) or Words(change.attribute, change.attribute)
        words = Words(f"{name.en} were {{value}}", f"{name.zh}为{{value}}")
    value = _value(gate, change.attribute, change.value)
    more = Words("", "")
    if change.like and (reader.auditor or reader.officer) and change.like != "resource.expires_at":
        more = Words(f" ({change.value})", f"（{change.value}）")
    return DecisionChange(
        text_en=words.en.format(person=facts.person, value=value.en) + more.en,
        text_zh=words.zh.format(person=f" {facts.person} ", value=value.zh).strip() + more.zh,
    )


def _value(gate: Gate, name: str, value: Plain) -> Words:
    """A value in words."""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, list):
        each = [_value(gate, name, member) for member in value] or [VALUES["none"]]
        return Words(", ".join(one.en for one in each), "、".join(one.zh for one in each))
    if isinstance(value, int):
        if name in ("now", "expires_at"):
            moment = datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
            return Words(moment, moment)
        return Words(str(value), str(value))
    if name == "grade":
        grade = next((each for each in gate.grades.all if each.id == value), None)
        return (
            Words(f"{grade.name_en} ({value})", f"{grade.name_zh}（{value}）")
            if grade
            else Words(value, value)
        )
    if name == "roles":
        return ROLE_WORDS.get(value) or Words(value, value)
    if name in ("status", "way", "kind", "opening") or value == ANOTHER:
        return VALUES.get(value) or Words(value, value)
    return Words(value, value)
