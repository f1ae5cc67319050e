"""Buying classes of completeness: what fails or is cut off stays charged and tells nothing, and real noise
makes classes as seldom wrong as they say."""

from fractions import Fraction
from uuid import uuid4

import pytest
from scipy.stats import binom
from sqlalchemy import insert, select

from sandbox.budgets import Account, Level, statement
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.read_table import read_table
from sandbox.catalog.tables import quality_classes
from sandbox.catalog.version_quality import public_quality
from sandbox.errors import InvalidInput, Unavailable
from sandbox.quality.buy_classes import CLASSES, buy_classes, counted, price_of_each, question_of
from sandbox.quality.classes import WRONG_AT_MOST, completeness_class
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.types.scope import Scope
from sandbox.queries.weights import WEIGHT
from sandbox.releases.noise import add_noise
from story import DATASET, POLICIES, POLICY, VERSION, Story, rows_csv

TRIALS = 2_000
FALSE_ALARM = 1e-6


def test_a_failure_after_the_loss_was_reserved_stays_charged_and_tells_nothing(story: Story) -> None:
    """The rows are gone from the bucket when they are needed."""
    story.publish()
    version = story.repository.current("clinic.visits")
    story.store.client.remove_object(
        story.store.bucket, version.object_name, version_id=version.object_version
    )
    with pytest.raises(Unavailable) as failure:
        buy_classes(
            story.context, officer=story.principal("lin"), dataset="clinic.visits", epsilon=Fraction(1)
        )
    assert failure.value.code == "quality_failed" and "clinic" not in failure.value.message
    assert DATASET.budget is not None
    with story.database.transaction() as tx:
        spent = statement(tx, Account(Level.DATASET, "clinic.visits")).spent
        assert spent == DATASET.budget.loss(Fraction(1))
        assert [row.status for row in tx.execute(select(quality_classes))] == ["failed"]
        assert "bought" not in public_quality(tx, version)


def test_a_purchase_that_was_cut_off_is_closed_at_the_next_start_and_can_be_made_again(story: Story) -> None:
    story.publish()
    with story.database.transaction() as tx:
        tx.execute(
            insert(quality_classes).values(
                id=uuid4(),
                dataset="clinic.visits",
                number=1,
                picorho=5,
                status="asked",
                bought_by="lin",
            )
        )
    assert [CLASSES.close_interrupted(story.database) for _ in range(2)] == [1, 0]
    lin = story.principal("lin")
    done = buy_classes(story.context, officer=lin, dataset="clinic.visits", epsilon=Fraction(1))
    with story.database.transaction() as tx:
        bought = public_quality(tx, story.repository.current("clinic.visits"))["bought"]
    assert bought["completeness"] == done["completeness"]


def test_too_little_buys_nothing_and_a_dataset_without_gaps_needs_nothing() -> None:
    assert VERSION.policy.budget is not None
    with pytest.raises(InvalidInput) as refused:
        price_of_each(VERSION, VERSION.policy.budget.loss(Fraction(1, 10**6)))
    assert refused.value.code == "loss_too_small"
    text = POLICY
    for kind in ("type: text", "type: integer", "type: number", "type: date", "type: boolean"):
        text = text.replace(kind, f"{kind}, required: true")
    text = text.replace("required: true, required: true", "required: true").replace(
        'step: "1", required: true}', 'step: "1"}'
    )
    whole = read_policy(text, schema=POLICIES / "dataset.schema.json")
    assert counted(whole) == ()


def test_with_the_noise_that_is_drawn_a_class_is_as_seldom_wrong_as_it_says() -> None:
    """The whole numbers of a column with a share near the end of a class, noised as a purchase does."""
    policy = DATASET
    assert policy.budget is not None
    price = price_of_each(VERSION, policy.budget.loss(Fraction(1)))
    scope = Scope(policy)
    column = next(column for column in policy.columns if column.name == "smoker")
    plan = make_plan(bind(parse(question_of(policy, column).sql), scope), VERSION, scope)
    [share] = price_within(plan, price).shares
    rows = len(read_table(rows_csv(), policy))
    filled = round(0.8 * rows) - 1  # just below
    wrong = 0
    for _ in range(TRIALS):
        noisy = add_noise(share, [filled * WEIGHT, (rows - filled) * WEIGHT])
        low, high = completeness_class(noisy[0] / WEIGHT, noisy[1] / WEIGHT, share.scale / WEIGHT)
        wrong += not low <= filled / rows <= high
    assert wrong <= binom.isf(FALSE_ALARM, TRIALS, WRONG_AT_MOST)
