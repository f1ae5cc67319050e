"""Decides who may do what: Cedar policies, the grades of data, and decisions that carry their reason."""

from sandbox.policy.gate import Gate, note
from sandbox.policy.grades import Grade, Grades, combine_grades, load_grades
from sandbox.policy.model import NO_PERMIT, POLICY_ERROR, Decision, Refused, Resource, hidden_from_strangers
from sandbox.policy.refusals import log_refusal, refusal_event
from sandbox.policy.yaml_text import PolicyFaults, Steps, YamlText

__all__ = [
    "NO_PERMIT",
    "POLICY_ERROR",
    "Decision",
    "Gate",
    "Grade",
    "Grades",
    "PolicyFaults",
    "Refused",
    "Resource",
    "Steps",
    "YamlText",
    "combine_grades",
    "hidden_from_strangers",
    "load_grades",
    "log_refusal",
    "note",
    "refusal_event",
]
