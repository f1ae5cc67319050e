"""The membership test finds a model that remembers, and its bound holds as often as it says."""

import numpy as np
import pytest

from made_files import skops_file
from sandbox.disclosure.check_file import check_file
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.finding import Finding, Severity
from sandbox.disclosure.membership_attack import membership_attack
from sandbox.disclosure.taxonomy import load_disclosure
from sandbox.errors import InvalidInput
from story import POLICIES


def test_a_model_that_remembers_is_found() -> None:
    draw = np.random.default_rng(1)
    found = membership_attack(draw.exponential(0.1, 400), draw.exponential(1.0, 400))
    assert found.found and found.at_least > 0.4 and found.epsilon_at_least > 0.5
    assert found.at_least <= found.advantage


def test_the_bound_is_wrong_no_more_often_than_it_says() -> None:
    wrong = 0
    for seed in range(400):
        draw = np.random.default_rng(seed)
        wrong += membership_attack(draw.exponential(1.0, 200), draw.exponential(1.0, 200)).found
    assert wrong <= 400 * 0.05


def test_a_few_people_who_are_surely_members_are_seen_though_the_average_is_small() -> None:
    draw = np.random.default_rng(2)
    members = np.concatenate([draw.exponential(1.0, 950), np.full(50, 1e-9)])
    draw.shuffle(members)
    told = membership_attack(members, draw.exponential(1.0, 1000))
    assert told.advantage < 0.2 and told.sure_rate > 0.02


@pytest.mark.parametrize("members", [np.zeros(3), np.full(100, np.nan), np.zeros((50, 2))])
def test_what_cannot_be_judged_is_refused(members: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="membership test"):
        membership_attack(members, np.zeros(100))


def found_in(losses: str | None) -> dict[str, Finding]:
    """The findings about a small model at grade 3, by code."""
    rules = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS).at("3")
    declared = Declaration(
        "linear_model",
        "A model of how often residents see a doctor.",
        "Two numbers; regularised.",
        None if losses is None else losses.encode(),
    )
    return {
        finding.code: finding for finding in check_file("model.skops", skops_file(), declared, rules, None)
    }


def losses_csv(members: np.ndarray, others: np.ndarray) -> str:
    rows = [(1, loss) for loss in members] + [(0, loss) for loss in others]
    return "member,loss,n\n" + "".join(
        f"{member},{loss!r},2980\n" for member, loss in ((m, float(x)) for m, x in rows)
    )


def test_the_vault_tests_every_model_and_blocks_one_that_remembers() -> None:
    draw = np.random.default_rng(3)
    remembers = found_in(losses_csv(draw.exponential(0.1, 500), draw.exponential(1.0, 500)))
    assert remembers["model_remembers"].severity is Severity.BLOCKS
    assert (
        "advantage of" in remembers["model_remembers"].message and "优势" in remembers["model_remembers"].zh
    )
    learned = found_in(
        losses_csv(draw.exponential(1.0, 500), draw.exponential(1.0, 500) * 1e-5 + draw.exponential(1.0, 500))
    )
    assert learned["membership_tested"].severity is Severity.NOTES and "model_remembers" not in learned
    assert not {finding.code for finding in learned.values() if finding.severity is Severity.BLOCKS}


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        (None, "no losses were given"),
        ("n\n2980\n", "no losses were given"),
        ("member,loss\n1,0.2\n0,0.3\n", "40 units or more"),
        ("member,loss\n" + "1,nan\n0,0.1\n" * 100, "40 units or more"),
    ],
)
def test_a_model_that_could_not_be_tested_is_asked_about(losses: str | None, said: str) -> None:
    untested = found_in(losses)["membership_untested"]
    assert untested.severity is Severity.ASKS and said in untested.message and untested.remedy and untested.zh
