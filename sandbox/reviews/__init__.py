"""内容审核: a team requests files of a sealed run. People decide, each blind to the others.
Only then does the team get them."""

from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import Choice, Outcome, Review, ReviewState
from sandbox.reviews.review_policy import ReviewPolicy, read_review_policy

__all__ = [
    "Choice",
    "Outcome",
    "Review",
    "ReviewContext",
    "ReviewPolicy",
    "ReviewState",
    "read_review_policy",
]
