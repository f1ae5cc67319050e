"""Explains a decision to a person: what was asked, which rule decided, what would change it."""

from typing import Literal

from sandbox.policy.model import NO_PERMIT, Decision
from sandbox.policy.rules import Rules

Language = Literal["en", "zh"]

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "asked": "{principal} wants to {action}: {kind} {id}.",
        "allowed": "Allowed",
        "refused": "Refused",
        "none": "No rule allows this.",
        "also": "These rules decide the same:",
        "change": "What would change it: {remedy}",
        "could": "What would change it: being in the case of one of these rules.",
        "rule": "  - {id} ({file}): {reason}",
    },
    "zh": {
        "asked": "{principal} 请求 {action}：{kind} {id}。",
        "allowed": "允许",
        "refused": "拒绝",
        "none": "没有规则允许此操作。",
        "also": "下列规则结论相同：",
        "change": "如何改变：{remedy}",
        "could": "如何改变：符合下列规则之一。",
        "rule": "  - {id}({file}):{reason}",
    },
}


def explain(decision: Decision, rules: Rules, language: Language) -> str:
    words, chinese = WORDS[language], language == "zh"
    asked = decision.asked
    verdict = words["allowed" if decision.allowed else "refused"]
    reason = decision.reason_zh if chinese else decision.reason
    if decision.code == NO_PERMIT:
        reason = words["none"]
    lines = [
        words["asked"].format(
            principal=asked.principal,
            action=asked.action.replace("_", " "),
            kind=asked.resource_kind,
            id=asked.resource_id,
        ),
        f"{verdict} [{decision.code}]: {reason}",
    ]

    def listed(names: tuple[str, ...]) -> list[str]:
        return [
            words["rule"].format(
                id=rule.id, file=rule.file, reason=rule.reason_zh if chinese else rule.reason_en
            )
            for rule in rules.all
            if rule.id in names
        ]

    if len(decision.policies) > 1:
        lines += [words["also"], *listed(decision.policies[1:])]
    if decision.code == NO_PERMIT:
        lines += [words["could"], *listed(tuple(rule.id for rule in rules.permits(asked.action)))]
    elif remedy := decision.remedy_zh if chinese else decision.remedy:
        lines.append(words["change"].format(remedy=remedy))
    return "\n".join(lines)
