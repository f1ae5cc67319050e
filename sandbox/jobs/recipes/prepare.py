"""Prepares recipes for a team before it submits them: read, checked against the policies, and planned by the
rules of the inputs' grade. No row is touched."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sandbox.catalog import Version
from sandbox.catalog.grade import grade_of
from sandbox.catalog.resource import require_seen
from sandbox.errors import InvalidInput, Unavailable
from sandbox.identity import Principal
from sandbox.jobs.context import RunContext
from sandbox.jobs.model import Run
from sandbox.jobs.recipes.outputs import MeasuredOutput, outputs_of
from sandbox.jobs.recipes.plan import plan_recipes
from sandbox.jobs.recipes.recipe import FILE, Recipe, read_recipes


def prepare_recipes(
    context: RunContext, *, principal: Principal, inputs: Sequence[str], text: str
) -> tuple[dict[str, Any], tuple[MeasuredOutput, ...]]:
    """The plan that the computing process carries out, and the files that it will leave.
    Raises `InvalidInput`, `NotFound`, `Refused`."""
    versions = [context.repository.usable(name) for name in inputs]
    for version in versions:
        require_seen(context.gate, principal, version)
    return check_recipes(context, text, versions)


def check_recipes(
    context: RunContext, text: str, versions: Sequence[Version]
) -> tuple[dict[str, Any], tuple[MeasuredOutput, ...]]:
    """Raises `InvalidInput` for recipes that could not be computed on these versions."""
    if context.taxonomy is None:
        raise Unavailable("This vault computes no recipes.", zh="本服务不计算配方。")
    recipes = read_recipes(text)
    rules = context.taxonomy.at(grade_of(context.gate, versions))
    return plan_recipes(recipes, versions, rules.thresholds), outputs_of(recipes)


def recipes_of(run: Run) -> tuple[Recipe, ...]:
    """Those that were submitted with the run's program.
    A program of before there were recipes may have a file of that name that is none."""
    with suppress(InvalidInput):
        return read_recipes(run.program.files[FILE]) if FILE in run.program.files else ()
    return ()


def outputs_of_run(run: Run, earlier: Sequence[Run] = ()) -> tuple[MeasuredOutput, ...]:
    """The files that the run's recipes leave, if they could be computed.
    `earlier`: runs on the same data whose outputs have left."""
    return outputs_of(recipes_of(run), [recipe for one in earlier for recipe in recipes_of(one)])
