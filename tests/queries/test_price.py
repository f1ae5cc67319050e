"""A price is something, and never nothing: what is too little to be noise's price is refused before it is
paid, whoever wrote the number."""

from dataclasses import replace
from fractions import Fraction

import pytest

from sandbox.catalog.policy_file import read_policy
from sandbox.privacy import LEAST_EPSILON
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.plan.bounds_estimation import assumed, bounds_to_buy
from sandbox.queries.plan.price import LossTooSmall
from sandbox.queries.types.scope import Scope
from story import POLICIES, POLICY, VERSION

FREE = POLICY.replace("note: {role: attribute, type: text}", "note: {role: attribute, type: integer}")


@pytest.mark.parametrize("least", ["0.000001", "0.00005"])
def test_bounds_at_a_policys_tiny_price_are_refused_and_not_free(least: str) -> None:
    policy = read_policy(
        FREE.replace('question_epsilon: "0.5"', f'question_epsilon: "{least}"'),
        schema=POLICIES / "dataset.schema.json",
    )
    version, question = replace(VERSION, policy=policy), parse("SELECT AVG(note) FROM clinic.visits")
    scope = Scope(policy)
    scope = assumed(scope, bounds_to_buy(question, version, scope))
    plan = make_plan(bind(question, scope), version, scope)
    assert scope.unbought and policy.budget is not None
    for offered in (LEAST_EPSILON, Fraction(1), Fraction(1000)):
        with pytest.raises(LossTooSmall) as refused:
            price_within(plan, policy.budget.loss(offered))
        assert refused.value.code == "loss_too_small" and refused.value.remedy_zh
