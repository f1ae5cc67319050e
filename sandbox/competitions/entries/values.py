"""What the people of a part give to a score: true targets beside predictions, a person at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from sandbox.competitions.boards import BoardPlan, NoisyScore, noisy_score, person_value
from sandbox.splits.form import SplitForm
from sandbox.splits.split_store import unit_texts


@dataclass(frozen=True)
class PartPeople:
    """`sizes`: how many rows each person has, in the order of `rows`. `truth`: a person's targets."""

    rows: pa.Table
    sizes: list[int]
    truth: list[list[object]]


def people_of(rows: pa.Table, unit: str, target: str) -> PartPeople:
    """The people of a part, of rows that are sorted by person."""
    sizes: list[int] = []
    before: object = None
    for name in unit_texts(rows, unit).to_pylist():
        if sizes and name == before:
            sizes[-1] += 1
        else:
            sizes.append(1)
        before = name
    targets, truth, start = rows.column(target).to_pylist(), [], 0
    for size in sizes:
        truth.append(targets[start : start + size])
        start += size
    return PartPeople(rows.drop_columns([target]), sizes, truth)


def score_of(
    plan: BoardPlan, form: SplitForm, people: PartPeople, predicted: Sequence[list[object]]
) -> NoisyScore:
    """The noisy score of predictions. For a metric of two classes a person's class is that of the stratum,
    by the first row, and the prediction that of the first row."""
    metric, sizes = plan.form.metric, plan.form.sizes
    if not metric.of_classes:
        values = [
            person_value(metric, truth, said) for truth, said in zip(people.truth, predicted, strict=True)
        ]
        return noisy_score(metric, sizes, plan.loss, values=values)
    strata = [form.stratum_of(truth[0]) for truth in people.truth]
    positive = [stratum is not None and form.strata[stratum].positive for stratum in strata]
    first = [said[0] for said in predicted]
    return noisy_score(metric, sizes, plan.loss, positive=positive, predicted=first)
