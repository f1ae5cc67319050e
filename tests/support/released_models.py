"""A linear model that a sealed run left and reviewers released, in a small city that reviews."""

from uuid import UUID

from competition_story import safetensors
from reviewed_runs import Reviewing, approval, declared
from sandbox.competitions.context import CompetitionContext
from sandbox.models.context import ModelContext
from sandbox.models.schemas import ModelCard, NewModel
from sandbox.reviews.model import Declared
from story import POLICIES

PATH = "model.safetensors"
CARD = {
    "title_en": "High cost",
    "title_zh": "高费用预测",
    "summary_en": "The chance of a costly year.",
    "summary_zh": "预测一年费用较高的概率。",
    "intended_use": "planning of clinics",
    "limits": "not for decisions about single people",
    "licence": "CC BY 4.0",
}


def model_file(*coefficients: float, intercept: float = 0.0) -> bytes:
    return safetensors(coefficients=list(coefficients), intercept=[intercept])


def released_model(
    city: Reviewing,
    content: bytes | None = None,
    *,
    counts: bytes | None = None,
    reviewers: tuple[str, str] = ("lin", "gu"),
) -> UUID:
    """The run whose file PATH was released by two officers of two departments."""
    files = {PATH: content or model_file(0.5, -0.25, intercept=0.125), "log.txt": b"", "exit.json": b"{}"}
    if counts is not None:
        files["counts.csv"] = counts
    run = city.finished(files)
    wanted: Declared = declared(
        PATH,
        statbarn="linear_model",
        context="the costs of all visits",
        controls="a linear model of two columns",
        counts="counts.csv" if counts is not None else None,
    )
    review = city.asked(wanted, run=run)
    for reviewer in reviewers:
        city.votes(review, reviewer, approval(PATH, "few numbers"))
    return run.id


def model_context(city: Reviewing) -> ModelContext:
    return ModelContext(city.runs, city.context)


def competition_context(city: Reviewing) -> CompetitionContext:
    story = city.story
    return CompetitionContext(story.database, story.repository, story.gate, POLICIES)


def new_model(run: UUID, **changed: object) -> NewModel:
    wanted = {
        "name": "high-cost",
        "card": ModelCard(**CARD),  # type: ignore[arg-type]
        "run": run,
        "path": PATH,
        "columns": ["visits", "cost"],
        "predicts": {"high": "probability"},
    }
    return NewModel(**(wanted | changed))  # type: ignore[arg-type]
