"""Losses are exact, and epsilon never understates them."""

from fractions import Fraction
from math import log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.privacy import PrivacyLoss, epsilon_of, epsilon_told, percent_told, rho_within

DELTA = Fraction(1, 10**6)


@given(st.fractions(min_value=0, max_value=10))
def test_a_price_rounds_up_and_a_limit_rounds_down(rho: Fraction) -> None:
    assert PrivacyLoss.at_most(rho).rho <= rho <= PrivacyLoss.at_least(rho).rho


def test_a_loss_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        PrivacyLoss(-1)


@settings(deadline=None)  # the first use of a conversion is slow
@given(st.integers(1, 10**13))
def test_epsilon_stands_between_the_pure_bound_and_the_simple_conversion(picorho: int) -> None:
    """Bun and Steinke's Proposition 1.3 is an upper bound; the tight conversion must not exceed it."""
    rho = picorho / 10**12
    assert 0 <= epsilon_of(PrivacyLoss(picorho), DELTA) <= rho + 2 * sqrt(rho * log(1e6)) + 1e-9


@settings(max_examples=30, deadline=None)
@given(st.fractions(min_value=Fraction(1, 1000), max_value=8, max_denominator=1000))
def test_the_loss_within_an_epsilon_is_the_largest(epsilon: Fraction) -> None:
    loss = rho_within(epsilon, DELTA)
    assert epsilon_of(loss, DELTA) <= epsilon < epsilon_of(PrivacyLoss(loss.picorho + 1), DELTA)


def test_a_delta_that_is_used_up_leaves_no_finite_epsilon() -> None:
    assert epsilon_of(PrivacyLoss(1, 10**18), DELTA) == float("inf")


@given(
    picorho=st.integers(1, 10**13),
    delta=st.fractions(Fraction(1, 10**12), Fraction(1, 100)),
    places=st.integers(2, 6),
)
def test_a_loss_is_never_told_as_less_than_it_is(picorho: int, delta: Fraction, places: int) -> None:
    """Half of what was told rounded to the nearest was less, and of the smallest losses all: they were 0."""
    lost = epsilon_of(PrivacyLoss(picorho), delta)
    told = epsilon_told(PrivacyLoss(picorho), delta, places)
    assert lost <= Fraction(repr(told)) < Fraction(lost) + Fraction(1, 10**places)


@given(limit=st.integers(1, 10**15), data=st.data())
def test_what_is_used_of_a_limit_is_never_told_as_less_than_it_is(limit: int, data: st.DataObject) -> None:
    spent = data.draw(st.integers(0, limit))
    used = Fraction(100 * spent, limit)
    assert used <= Fraction(repr(percent_told(spent, limit))) < used + Fraction(1, 10**4)
    assert percent_told(spent, 0) == 100
