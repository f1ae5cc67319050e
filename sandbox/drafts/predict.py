"""The errors of typical questions under a policy's budget, before anything is published.

Gaussian noise for a zCDP loss of rho on a sum that one unit moves by D at most has the deviation
D / sqrt(2 rho) (Bun and Steinke, 2016, Proposition 1.6). `error` is 1.96 of it: half of a 95 % interval.
"""

from fractions import Fraction
from math import sqrt

from sandbox.api_schema import Words
from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.drafts.schemas import PredictionDocument
from sandbox.privacy import RHO_UNITS

NORMAL_95 = 1.96
MOST = 5


def predict(policy: DatasetPolicy) -> list[PredictionDocument]:
    """At most five questions; nothing for open data."""
    if policy.unit is None or policy.budget is None:
        return []
    epsilon, most, rows = policy.budget.question_epsilon, policy.unit.max_rows, max(policy.about_rows, 1)
    rho = policy.budget.loss(epsilon).picorho / RHO_UNITS
    if not rho:  # an epsilon that buys nothing
        return []

    def error(moves: float) -> float:
        return float(f"{NORMAL_95 * moves / sqrt(2 * rho):.3g}")

    questions = [
        (Words(en="How many rows are there?", zh="共有多少行？"), error(most)),
        (Words(en="How many different people or firms are there?", zh="共有多少个不同的对象？"), error(1)),
    ]
    key = next((column for column in policy.columns if column.role is Role.KEY), None)
    if key is not None:
        questions.append(
            (
                Words(
                    en=f"How many rows are there for each {key.title.en}?",
                    zh=f"按{key.title.zh}分组各有多少行？",
                ),
                error(most),
            )
        )
    for column in policy.columns:
        if column.bounds is None:
            continue
        half = float(column.bounds.high - column.bounds.low) / 2
        questions.append(
            (
                Words(
                    en=f"What is the average of {column.title.en}?", zh=f"{column.title.zh}的平均值是多少？"
                ),
                # the sum and the count share the question's loss
                error(sqrt(2) * most * half / rows),
            )
        )
    return [
        PredictionDocument(question=words, epsilon=float(Fraction(epsilon)), error=part)
        for words, part in questions[:MOST]
    ]
