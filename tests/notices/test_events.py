"""What a notice can say: every event has words in both languages, a kind, and a page; it names its thing and
nothing else."""

import re

import pytest

from sandbox.audit import KINDS as LOG_KINDS
from sandbox.competitions.notify import TO_ALL, TO_JUROR, TO_TEAM
from sandbox.grants.model import STEPS
from sandbox.notices.events import EVENTS, KINDS, OWN_ACTS, page_of, thing_of, words_for
from sandbox.vault.visible import RULES as VAULT_RULES

COMES_DUE = {
    "grant.expiring", "certificate.expiring", "licence.expiring", "licence.near_quota", "company.near_limit",
    "invoice.overdue", "waiting.late",
    "product.breaking_release", "competition.phase_opened", "competition.phase_closed", "mail.failed",
    "licence.new_network", *(event for event in EVENTS if event.startswith("risk.")),
}  # fmt: skip
"""Of which the log has no entry of its own: they come by the clock, or with another entry."""
NOUNS = (
    "request", "grant", "review", "run", "dataset", "opening", "pull", "problem", "demand", "order",
    "licence", "invoice", "product", "competition", "company", "account", "team", "responsibility", "mail",
    "risk",
)  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_has_words_in_both_languages_and_names_only_its_thing(event: str) -> None:
    told = EVENTS[event]
    assert told.kind in KINDS
    assert set(re.findall(r"{(\w+)}", told.zh)) == set(re.findall(r"{(\w+)}", told.en)) <= {"thing"}
    assert re.search("[\u4e00-\u9fff]", told.zh) and not re.search("[\u4e00-\u9fff]", told.en)
    assert not re.search("[\u4e00-\u9fff][,:;.()]|[,:;()][\u4e00-\u9fff]", told.zh), "half-width punctuation"
    assert event in LOG_KINDS or event in COMES_DUE


def test_every_kind_is_used_and_named_in_both_languages() -> None:
    assert {told.kind for told in EVENTS.values()} == set(KINDS)
    assert all(words.zh and words.en for words in KINDS.values())
    assert set(EVENTS) >= OWN_ACTS


@pytest.mark.parametrize("noun", NOUNS)
def test_every_thing_has_a_page_and_a_rule_who_sees_it(noun: str) -> None:
    from marketplace.portal.notices.visible import OF_THE_VAULT, RULES  # above this package

    assert page_of("request.made", f"{noun}:7").startswith("/")
    assert (noun in OF_THE_VAULT) == (noun in VAULT_RULES) != (noun in RULES)


def test_a_thing_is_named_by_its_number_or_its_name() -> None:
    assert thing_of("request:12") == "#12"
    assert thing_of("dataset:clinic.visits") == "clinic.visits"
    assert thing_of("risk:health/grant:12") == "#12" and thing_of("risk:*/team:lake") == "lake"
    assert thing_of("run:0b5e8c1e-0000-4000-8000-000000000000") == "0b5e8c1e"
    assert words_for("request.made", "request:12", "zh") == "收到申报 #12"
    assert words_for("request.made", "request:12", "en") == "Access request #12 was received"


def test_every_step_of_a_request_and_a_grant_is_told() -> None:
    assert {step.event for step in STEPS} <= set(EVENTS)


def test_what_a_competition_tells_has_words() -> None:
    assert set(EVENTS) >= TO_ALL | TO_TEAM | TO_JUROR | {
        "competition.appealed",
        "competition.merger_proposed",
    }
