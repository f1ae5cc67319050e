"""Computes a run's recipes: in a seal of their own, in which no code of an analyst runs.

Recipes that need nothing of the program are computed before it starts, so that it can take nothing from
them, neither time nor memory. Those with a column that the program computes are computed after it, in another
seal: what the program wrote is read there, and could at worst change these.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence

from sandbox.catalog import Version
from sandbox.catalog.grade import grade_of
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.context import RunContext
from sandbox.jobs.model import Program, Run
from sandbox.jobs.outbox import LeftOut
from sandbox.jobs.perform import GivenRows, perform, why_not_started
from sandbox.jobs.recipes.outputs import FOLDER
from sandbox.jobs.recipes.plan import plan_recipes
from sandbox.jobs.recipes.prepare import recipes_of
from sandbox.jobs.recipes.recipe import Recipe, authors_columns, needs_author
from sandbox.jobs.sealed_run import Ending

COLUMNS = "columns/"
"""Below it in its outbox a program leaves the columns that recipes name: `columns/<name>.parquet`."""
GIVEN_AS = "column-"
REPORT, PLAN, MODULE = "report.json", "plan.json", "cihu.recipes"
RESERVED = "the name is kept for what the vault computes itself"
FAILED = "it was not computed in time, or took too much memory"

log = logging.getLogger("cihu.runs")

Given = Callable[[], Iterable[GivenRows]]


def with_recipes(
    context: RunContext,
    run: Run,
    versions: Sequence[Version],
    given: Given,
    *,
    seconds: Callable[[], float],
    cancelled: Cancellation,
    program: Callable[[], Ending],
) -> Ending:
    """How the run's `program` ended, with what its recipes left beside what it left itself."""
    recipes = recipes_of(run)
    if not recipes:
        return program()
    measuring = _Measuring(context, run, versions, given, seconds, cancelled)
    measuring.compute([recipe for recipe in recipes if not _after(recipe, recipes)], {})
    ending = program()
    if ending.how == "cancelled":
        return ending
    files, columns = {}, {}
    for path, content in ending.outbox.files.items():
        if path.startswith(COLUMNS):
            columns[path.removeprefix(COLUMNS).removesuffix(".parquet")] = content
        elif path.startswith(f"{FOLDER}/"):
            ending.outbox.left_out.append(LeftOut(path, RESERVED))
        else:
            files[path] = content
    measuring.compute([recipe for recipe in recipes if _after(recipe, recipes)], columns)
    ending.outbox.files = {**files, **measuring.files}
    ending.recipes.update(measuring.report)
    return ending


def _after(recipe: Recipe, recipes: Sequence[Recipe]) -> bool:
    """Whether it, or what it draws, needs a column of the program's."""
    of = getattr(recipe, "of", None)
    return needs_author(recipe) or any(other.name == of and needs_author(other) for other in recipes)


class _Measuring:
    def __init__(
        self,
        context: RunContext,
        run: Run,
        versions: Sequence[Version],
        given: Given,
        seconds: Callable[[], float],
        cancelled: Cancellation,
    ) -> None:
        self._context, self._run, self._versions, self._given = context, run, versions, given
        self._seconds, self._cancelled = seconds, cancelled
        self.files: dict[str, bytes] = {}
        self.report: dict[str, str] = {}

    def compute(self, recipes: Sequence[Recipe], columns: dict[str, bytes]) -> None:
        """Whatever fails is reported, in quarantine alone."""
        if not recipes:
            return
        try:
            ending = self._performed(recipes, columns)
            if ending.how == "not_started":
                log.warning("the recipes of run %s: %s", self._run.id, why_not_started(ending))
                self.report |= {recipe.name: why_not_started(ending) for recipe in recipes}
                return
            files = dict(ending.outbox.files)
            report = dict(json.loads(files.pop(REPORT, b"{}")))
        except Exception as error:  # noqa: BLE001  # of any kind: what fails is said in quarantine alone
            self.report |= {recipe.name: f"{FAILED} ({type(error).__name__})" for recipe in recipes}
            return
        self.report |= {recipe.name: str(report.get(recipe.name, FAILED)) for recipe in recipes}
        self.files |= {f"{FOLDER}/{path}": content for path, content in files.items()}

    def _performed(self, recipes: Sequence[Recipe], columns: dict[str, bytes]) -> Ending:
        taxonomy = self._context.taxonomy
        assert taxonomy is not None, "without it no run with recipes is queued"
        rules = taxonomy.at(grade_of(self._context.gate, self._versions))
        plan = json.dumps(plan_recipes(recipes, self._versions, rules.thresholds), ensure_ascii=False)
        wanted = sorted(authors_columns(recipes) & columns.keys())
        named = [GivenRows(f"{GIVEN_AS}{name}", columns[name], 0) for name in wanted]
        return perform(
            self._context,
            name=f"{self._run.id}-recipes",
            program=Program(PLAN, {PLAN: plan}, ""),
            module=MODULE,
            inputs=(*self._given(), *named),
            limit_seconds=self._run.limit_seconds,
            seconds=self._seconds,
            cancelled=self._cancelled,
        )
