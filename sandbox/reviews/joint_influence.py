"""Compares what a run's recipes would tell with all that left earlier: a unit's value that no output tells by
itself can follow from several, as from regressions with other terms on the same column.

Each recipe is a set of weights on stored columns (`weights_on`), and on its own expressions where they are
one with others (`column_families`). Where a unit's leverage over all of them
together is above one half, and was not before, nothing of it leaves. A recipe that cannot be compared is
asked about.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import reduce
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from sandbox.catalog import Version
from sandbox.catalog.locked_duckdb import shut_connection
from sandbox.disclosure.finding import Finding, asks, blocks
from sandbox.disclosure.joint_leverage import (
    MOST_COLUMNS,
    NEVER,
    Deadline,
    TooMuch,
    distinct_columns,
    joint_leverages,
    level_leverages,
    nearest_columns,
    row_noise,
    tells_more,
    variance_ratio,
)
from sandbox.disclosure.taxonomy import Thresholds
from sandbox.errors import InvalidInput
from sandbox.jobs.recipes.plan import plan_recipes
from sandbox.jobs.recipes.recipe import ChartRecipe, Recipe, TextRecipe, needs_author
from sandbox.reviews.column_families import MOST_PLACES, Family, Quantity, alone, families_of, is_line
from sandbox.reviews.probe_values import probe_table
from sandbox.reviews.read_columns import COLUMN, ENDS, ONE, TooWide, View, bent_columns, column_weights

log = logging.getLogger("cihu.reviews")

MOST_LEVERAGE = 0.5
"""As that of one fit (kernels/client/cihu/recipes/rules.py)."""
KINDS = frozenset({"table", "means", "regression", "model"})
SUMS = frozenset({"sum", "mean", "sd", "variance"})
MODEL_SEED, MODEL_MEMBERS = 20_190_709, 0.5
"""The half of the units that a model is trained on (kernels/client/cihu/recipes/models.py)."""
MOST_EARLIER = 10 * MOST_COLUMNS
"""Columns of earlier outputs on one target that are looked through for the nearest."""
MOST_CROSSED = 4 * MOST_COLUMNS
"""Combinations of keys, before those that nobody is in are left out: more than any table shows."""
FAILED = (RecursionError, duckdb.Error, pa.ArrowException, MemoryError, ArithmeticError, ValueError)
"""What computing weights can raise. Its words could quote a value."""
NONE = np.zeros(0)
TOO_LARGE = 1e150
"""What stands for a weight that no double holds: all others are nothing beside it, so it hides nobody."""
SECONDS = 60.0
"""Of computing, for a run's own outputs on all columns together, and again for those that left."""
WAITING = 10
"""Times as many seconds may pass on a machine that does other work, too."""
MOST_ENTRIES = 200_000_000
"""Of all weights that are compared at once."""
NEAREST = 40
"""Earlier columns that are compared first."""
FAMILIES_PART = 0.5
"""Of the least size of a group: below that part of one, what others leave of a column hides nobody in it."""
MOST_TOLD = 400
"""Columns and expressions that are looked through for those that are one."""
ANY_DEPTH = 1_000_000
"""What left before there was a limit is planned as it was."""
Document = Mapping[str, Any]
NOT_COMPARED = asks(
    "influence_not_compared",
    "single_unit",
    "There are too many outputs on these columns, or some that no longer can be computed, to look for a unit "
    "whose value follows from all of them together.",
    "Compare it with the earlier outputs below yourself: terms and groups that are nearly the same tell of "
    "few.",
    "有关这些栏目的输出过多，或其中有的已无法重算，机器未能检查是否有个体的值可由全部输出一起推出。",
    "请自行与下列已放行结果比较：几乎相同的项或分组之差会透露少数个体。",
)
UNREADABLE = blocks(
    "joint_leverage_unknown",
    "single_unit",
    "An expression of this output has too many parts, or too many within each other, to find the columns it "
    "tells about.",
    "Write the expression with fewer parts.",
    "该输出的表达式项数或嵌套层数过多，无法查明它涉及哪些栏目。",
    "请减少表达式的项数和嵌套层数。",
)
NOT_COMPUTED = blocks(
    "joint_leverage_unknown",
    "single_unit",
    "What the outputs of this run tell of one unit could not be computed.",
    "Write the expressions in a simpler way, or ask for less in one run.",
    "无法计算本次运行的输出会透露某一个体的多少信息。",
    "请简化表达式，或在一次运行中减少所求的内容。",
)


def influence_findings(
    mine: Sequence[Recipe],
    earlier: Sequence[Recipe],
    version: Version,
    rows: pa.Table,
    thresholds: Thresholds,
    related: Collection[str] = (),
) -> dict[str, list[Finding]]:
    """By the names of these recipes (of one dataset): what they tell beside the earlier ones of any run.
    `rows` are the version's, with all columns that its policy shows. `related`: the datasets that it was made
    of or that were made of it: their recipes cannot be compared by its rows."""
    telling = [one for one in mine if _tells(one, version.dataset)]
    if thresholds.minimum_count <= 1 or version.policy.unit is None or not telling:
        return {}
    plans = _planned(telling, version, thresholds)
    before = [one for one in earlier if _tells(one, version.dataset)]
    known = _planned(before, version, thresholds)
    others = set(related) - {version.dataset}
    missed = len(known) < len(before) or any(
        _tells(one, name) for one in (*mine, *earlier) for name in others
    )
    found: dict[str, list[Finding]] = defaultdict(list)
    for one in telling:
        if missed or one.name not in plans:
            found[one.name].append(NOT_COMPARED)
    if plans:
        try:
            with shut_connection() as connection:
                source = _Source(connection, rows, version.policy.unit.column, thresholds.minimum_count)
                told = _compared(plans, list(known.values()), source)
        except FAILED as failed:
            _failed(failed)
            told = {name: [NOT_COMPUTED] for name in plans}
        for name, findings in told.items():
            found[name] += findings
    return {name: list(dict.fromkeys(findings)) for name, findings in found.items() if findings}


def _compared(
    plans: Mapping[str, Document], known: Sequence[Document], source: "_Source"
) -> dict[str, list[Finding]]:
    """Each plan is read by itself: one that cannot be read hides no other. A run's own is blocked, and an
    earlier one is left out and asked about, where an output is on a column that it names."""
    found: dict[str, list[Finding]] = defaultdict(list)
    with source.time_for("mine"):
        columns = {name: None if source.late else _read(plan) for name, plan in plans.items()}
    found |= {name: [UNREADABLE] for name, names in columns.items() if names is None}
    with source.time_for("known"):
        others = [(plan, None if source.late else _read(plan)) for plan in known]
    unread = {name for plan, names in others if names is None for name in _named(plan)}
    told = [
        *((plans[name], names) for name, names in columns.items() if names is not None),
        *((plan, names) for plan, names in others if names is not None),
    ]
    with source.time_for("known", 2):
        families, unsure = source.families(told)
    of_mine = [
        {name: plans[name] for name, names in columns.items() if family.members.keys() & (names or set())}
        for family in families
    ]
    for place, (family, mine) in enumerate(zip(families, of_mine, strict=True)):
        members = family.members.keys()
        if not mine:
            continue
        of_known = [plan for plan, names in others if members & (names or set())]
        source.share = sum(map(bool, of_mine[place:]))
        findings = _judged(family, mine, of_known, source)
        for name in mine:
            found[name] += [*findings, *([NOT_COMPARED] if members & unread else [])]
    for name, names in columns.items():
        if unsure & (names or set()):
            found[name].append(NOT_COMPARED)
    return found


def _judged(
    family: Family, mine: Mapping[str, Document], known: Sequence[Document], source: "_Source"
) -> list[Finding]:
    target = _called(next(iter(family.members)))
    try:
        return _on(family, mine, known, source)
    except TooMuch:
        return [_too_much(target)]
    except FAILED as failed:
        _failed(failed)
        return [_too_much(target)]


class Told(str):
    """An expression as outputs tell it, beside the stored columns that it reads."""

    __slots__ = ()


def _read(plan: Document) -> set[str] | None:
    """The stored columns of which it tells, and the expressions; None if one is too deep or too wide to be
    read in any view."""
    try:
        for sql in _expressions(plan):
            bent_columns(sql)
            for view in View:
                column_weights(sql, view)
        return _columns_of(plan) | {Told(sql) for sql in _expressions(plan)}
    except (RecursionError, TooWide):
        return None


def _called(member: str) -> str:
    """The name of a stored column."""
    return next(iter(COLUMN.findall(member)), "") if isinstance(member, Told) else member


def _weights_of(sql: str, name: str, view: View, family: Family) -> Sequence[str]:
    """By what the expression's sums are multiplied, as weights on this member of the family. One that is a
    member is read as such alone: two readings of one number are not combined."""
    if isinstance(name, Told) or Told(sql) in family.members:
        return [ONE] if sql == name and isinstance(name, Told) else []
    return column_weights(sql, view).get(name, [])


def _named(plan: Document) -> set[str]:
    """The stored columns that stand in its expressions."""
    return {name for sql in _expressions(plan) for name in COLUMN.findall(sql)}


def _failed(error: BaseException) -> Finding:
    log.warning("joint leverage was not computed: %s", type(error).__name__)
    return NOT_COMPARED


def _on(
    family: Family, mine: Mapping[str, Document], known: Sequence[Document], source: "_Source"
) -> list[Finding]:
    """What these outputs, which all read columns of the family, tell of it together. None is too plain to be
    looked at by itself: its weights may be those of one row."""
    plans = [*mine.values(), *known]
    reads = [
        (name, sql)
        for plan in plans
        for sql in _expressions(plan)
        for name in family.members
        if _weights_of(sql, name, View.SLOPE, family)
    ]
    if not reads:
        return []
    target = _called(reads[0][0])
    unclear = len(reads) > 1 and any(family.members.keys() & _unweighted(plan) for plan in plans)
    own = {sql for plan in mine.values() for sql in _expressions(plan)}
    source.look_at(family, dict.fromkeys(sql for _, sql in reads), own)
    with source.time_for("mine"):
        views = _views(reads, source, family)
    families = source.share
    for place, view in enumerate(views):
        with source.time_for("mine"):
            added, whole = _distinct(mine.values(), family, source, view, MOST_COLUMNS)
        if not whole:
            return [_too_much(target)]
        with source.time_for("known", 3 * families * (len(views) - place)):
            before, all_before = _known_before(known, family, source, view)
        with source.time_for("known", 3 * families * (len(views) - place)):
            near = before.shape[1] > NEAREST and _told_by_nearest(before, added, source, NEAREST)
        with source.time_for("known", families * (len(views) - place)):
            tells = _told_beside(before, added, source)
        unclear |= not all_before or tells is None
        if tells is None:
            tells = near
            if not tells:
                with source.time_for("mine"):
                    tells = _newly_told(before[:, :0], added, source)
            with source.time_for("known", families * (len(views) - place)):
                tells = tells or _told_by_nearest(before, added, source, MOST_COLUMNS)
        if tells:
            return [_finding(target, len(known), len(mine))]
    return [NOT_COMPARED] if unclear else []


def _known_before(
    known: Sequence[Document], family: Family, source: "_Source", view: View
) -> tuple[sparse.csr_matrix, bool]:
    """Plain ones first: one that takes long, or that the engine cannot compute, hides none of them."""
    rows = family.size * source.rows
    parts, whole = [distinct_columns([], rows)], True
    size = {id(plan): sum(map(len, _expressions(plan))) for plan in known}
    for plan in sorted(known, key=lambda plan: size[id(plan)]):
        try:
            made, all_of_it = _distinct([plan], family, source, view, MOST_EARLIER)
        except FAILED as failed:
            _failed(failed)
            whole = False
            continue
        parts.append(made)
        whole &= all_of_it
        if sum(part.shape[1] for part in parts) > MOST_EARLIER or source.late or _many(parts):
            return distinct_columns(parts, rows), False
    return distinct_columns(parts, rows), whole


def _many(parts: Sequence[sparse.csr_matrix]) -> bool:
    return bool(sum(int(part.nnz) for part in parts) > MOST_ENTRIES)


def _views(reads: Sequence[tuple[str, str]], source: "_Source", family: Family) -> list[View]:
    """Those in which the weights differ. Raises `TooMuch`."""
    found: dict[tuple[tuple[str, ...], ...], View] = {}
    numbers = any(source.is_number(name) for name, _ in reads)
    for view in (View.SLOPE, View.DEPENDS, *([View.LESS, View.MORE] if numbers else [])):
        if source.late:
            raise TooMuch
        weights = tuple(tuple(_weights_of(sql, name, source.seen(name, view), family)) for name, sql in reads)
        found.setdefault(weights, view)
    return list(found.values())


def _distinct(
    plans: Iterable[Document], family: Family, source: "_Source", view: View, most: int
) -> tuple[sparse.csr_matrix, bool]:
    """Their weights on the columns of a family, one below the other, each once; and whether these are all. No
    more are computed than are of use."""
    rows = family.size * source.rows
    parts = [distinct_columns([], rows)]
    try:
        for weights in (one for plan in plans for one in _weights(plan, family, source, view)):
            if not np.isfinite(weights.data).all():
                raise TooMuch
            parts.append(weights)
            if sum(part.shape[1] for part in parts) > most or _many(parts):
                parts = [distinct_columns(parts, rows)]
                if parts[0].shape[1] > most or _many(parts):
                    raise TooMuch
    except TooMuch:
        return distinct_columns(parts, rows), False
    return distinct_columns(parts, rows), True


def _weights(plan: Document, family: Family, source: "_Source", view: View) -> Iterator[sparse.csr_matrix]:
    for name, parts in family.members.items():
        for columns in source.weights_on(name, plan, source.seen(name, view), family):
            yield sparse.vstack([_times(part, columns) for part in parts]).tocsr()


def _times(part: Any, columns: sparse.csr_matrix) -> sparse.csr_matrix:
    return sparse.diags(part) @ columns if np.ndim(part) else part * columns


def _newly_told(before: sparse.csr_matrix, added: sparse.csr_matrix, source: "_Source") -> bool:
    """Whether more of a unit's values follows now than did before. Raises `TooMuch`."""
    units, groups, until = source.stacked, source.groups, source.until
    for alike in dict.fromkeys((0.0, source.alike)):
        after = joint_leverages([before, added], units, alike, MOST_LEVERAGE, until, groups)
        if after:
            earlier = joint_leverages([before], units, alike, MOST_LEVERAGE, until, groups)
            if any(tells_more(told, earlier.get(unit, NONE)) for unit, told in after.items()):
                return True
    return source.alike > 0 and _levels_newly_told(before, added, source)


def _levels_newly_told(before: sparse.csr_matrix, added: sparse.csr_matrix, source: "_Source") -> bool:
    """The same of units' levels, whose rows may cancel in each unit but one. Raises `TooMuch`."""
    units, noise, until = source.stacked, source.noise, source.until
    after = level_leverages([before, added], units, noise, MOST_LEVERAGE, until, source.groups)
    earlier = level_leverages([before], units, noise, MOST_LEVERAGE, until, source.groups) if after else {}
    return any(tells_more(told, earlier.get(unit, NONE)) for unit, told in after.items())


def _told_beside(before: sparse.csr_matrix, added: sparse.csr_matrix, source: "_Source") -> bool | None:
    """None if that is too much to compute."""
    with suppress(TooMuch):
        return _newly_told(before, added, source)
    return None


def _told_by_nearest(
    before: sparse.csr_matrix, added: sparse.csr_matrix, source: "_Source", most: int
) -> bool:
    room = min(MOST_COLUMNS - added.shape[1], most)
    while room > 0 and not source.late:
        with suppress(TooMuch):
            return _newly_told(nearest_columns(before, added, room), added, source)
        room //= 2
    return False


def _finding(target: str, before: int, together: int) -> Finding:
    of, of_zh = (f"{before} outputs that have left", f"已放行的 {before} 项输出") if before else ("", "")
    own, own_zh = (
        (f"{together - 1} others of this run", f"本次运行的其他 {together - 1} 项输出")
        if together > 1
        else ("", "")
    )
    what = target[:60]
    beside = " and ".join(part for part in (of, own) if part)
    beside_zh = "及".join(part for part in (of_zh, own_zh) if part)
    return blocks(
        "joint_leverage",
        "single_unit",
        f"{f'Together with {beside}, it' if beside else 'It'} all but tells the value of {what!r} of one unit"
        ": a leverage above one half.",
        "Leave out terms, groups and conditions that single out one unit, or ask for fewer outputs on this "
        "column; or ask with noise (cihu.sql).",
        f"{f'与{beside_zh}合在一起，' if beside_zh else ''}几乎可推出某一个体的 {what!r}"
        "（杠杆值超过二分之一）。",
        "请去掉单独区分出某一个体的项、分组和条件，或减少关于该栏目的输出；也可改用带噪声的提问（cihu.sql）。",
    )


def _too_much(target: str) -> Finding:
    what = target[:60]
    return blocks(
        "joint_leverage_unknown",
        "single_unit",
        f"The outputs of this run on {what!r} are too many to look for a unit whose value follows from them.",
        "Ask for less in one run: fewer groups, terms and outputs on this column.",
        f"本次运行关于 {what!r} 的输出过多，无法检查是否有个体的值可由它们推出。",
        "请在一次运行中减少所求的内容：减少关于该栏目的分组、项和输出。",
    )


def _planned(recipes: Sequence[Recipe], version: Version, thresholds: Thresholds) -> dict[str, Document]:
    """Plans by the names of recipes. What cannot be planned on this version is left out."""
    plans: dict[str, Document] = {}
    for number, recipe in enumerate(recipes):
        with suppress(InvalidInput):
            plan = plan_recipes([recipe], [version], thresholds, ANY_DEPTH)["recipes"][0]
            plans[recipe.name if recipe.name not in plans else f"{recipe.name} {number}"] = plan
    return plans


def _tells(recipe: Recipe, dataset: str) -> bool:
    """Whether it sums values of the dataset's columns. What a program computed is its author's word."""
    if isinstance(recipe, ChartRecipe | TextRecipe) or needs_author(recipe):
        return False
    return recipe.dataset == dataset and recipe.kind in KINDS


@dataclass(frozen=True)
class _Term:
    """Columns of a design, and the expressions that they are made of."""

    of: tuple[str, ...]
    columns: sparse.csr_matrix


class _Source:
    """The values of expressions over all rows, and the weights that plans put on stored columns. Each
    expression is computed when it is needed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rows: pa.Table, unit: str, least: int) -> None:
        self._connection, self._least, self.rows = connection, least, len(rows)
        self._near = FAMILIES_PART / least
        connection.register("given", rows.append_column(" place", pa.array(np.arange(len(rows)))))
        self._kept: dict[str, pa.ChunkedArray] = {}
        self._weights: dict[str, NDArray[np.float64]] = {}
        self._rows = rows
        self.units = _codes(self._column_of(f'r."{unit}"'))
        self.alike = 0.0
        self.stacked = self.groups = self.units
        self.noise = NONE
        self._left = dict.fromkeys(("mine", "known"), SECONDS)
        self._waiting = dict.fromkeys(self._left, WAITING * SECONDS)
        self.share = 1
        self.until = NEVER

    @contextmanager
    def time_for(self, whose: str, among: int = 1) -> Iterator[None]:
        """Until its part of the seconds is spent, over all targets, or an equal share of it. What left takes
        none of the run's own."""
        start, waited = time.thread_time(), time.monotonic()
        self.until = Deadline(start + self._left[whose] / among, waited + self._waiting[whose] / among)
        try:
            yield
        finally:
            self.until = NEVER
            self._left[whose] -= time.thread_time() - start
            self._waiting[whose] -= time.monotonic() - waited

    @property
    def late(self) -> bool:
        return self.until.passed

    def families(self, told: Sequence[tuple[Document, set[str]]]) -> tuple[list[Family], set[str]]:
        """The stored columns that are told, those that are one together; families with expressions that are
        one with others, or with columns that they do not read; and those of which that is not known."""
        read = dict.fromkeys(name for _, names in told for name in sorted(names))
        stored = [name for name in read if not isinstance(name, Told)]
        places, all_places = self._places(told)
        quantities, unsure = self._quantities(read, places)
        if len(quantities) > 1 and not all_places:
            unsure |= quantities.keys()
        columns, left_out = families_of(
            {name: one for name, one in quantities.items() if not isinstance(name, Told)},
            self._near,
            lambda: self.late,
        )
        unsure |= left_out
        whole = {name for one in columns for name in one.members if not _by_rows(one)}
        within = [*columns, *(alone(name) for name in stored if name not in whole)]
        if len(quantities) > MOST_TOLD:
            return within, unsure | quantities.keys()
        if not any(isinstance(name, Told) for name in quantities):
            return within, unsure
        found, left_out = families_of(quantities, self._near, lambda: self.late)
        mixed = [one for one in found if any(isinstance(name, Told) for name in one.members)]
        return [*within, *mixed], unsure | left_out

    def _places(
        self, told: Sequence[tuple[Document, set[str]]]
    ) -> tuple[dict[str, list[NDArray[np.bool_]]], bool]:
        """The rows in which outputs tell a column or an expression, those of the run first; and whether these
        are all."""
        every = np.ones(self.rows, np.bool_)
        found: dict[str, dict[bytes, NDArray[np.bool_]]] = defaultdict(lambda: {every.tobytes(): every})
        whole = True
        for plan, names in told:
            try:
                chosen = self._number(f"({plan['where']})") == 1
            except FAILED as failed:
                _failed(failed)
                whole = False
                continue
            key = chosen.tobytes()
            for name in names:
                if key in found[name] or len(found[name]) <= MOST_PLACES:
                    found[name].setdefault(key, chosen)
                else:
                    whole = False
        return {name: list(those.values()) for name, those in found.items()}, whole

    def _quantities(
        self, read: Iterable[str], places: Mapping[str, Sequence[NDArray[np.bool_]]]
    ) -> tuple[dict[str, Quantity], set[str]]:
        """Their values; and those that the engine cannot compute. An expression that is a line of the one
        column that it reads is that column."""
        found: dict[str, Quantity] = {}
        unsure: set[str] = set()
        for name in sorted(read, key=lambda name: isinstance(name, Told)):
            try:
                values = self._number(name) if isinstance(name, Told) else self._stored(name)
            except FAILED as failed:
                _failed(failed)
                unsure |= {name, *_stored_in(name)}
                continue
            of = _stored_in(name)
            plain = isinstance(name, Told) and len(of) == 1 and of <= found.keys()
            if values is not None and not (plain and is_line(values, found[next(iter(of))].values)):
                found[name] = Quantity(values, places[name], isinstance(name, Told))
        return found, unsure

    def _stored(self, name: str) -> NDArray[np.float64] | None:
        """A day as a number of days, true as 1; None of words."""
        kind = self._rows.schema.field(name).type
        if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            return self._number(f'epoch(r."{name}") / 86400')
        numeric = pa.types.is_boolean(kind) or pa.types.is_decimal(kind) or self.is_number(name)
        return self._number(f'r."{name}"') if numeric else None

    def is_number(self, name: str) -> bool:
        if isinstance(name, Told):
            return False
        kind = self._rows.schema.field(name).type
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def seen(self, name: str, view: View) -> View:
        """What is no number has no distance to a probe; an expression as it is told is read in one view."""
        if isinstance(name, Told):
            return View.SLOPE
        return View.SLOPE if view in ENDS and not self.is_number(name) else view

    def look_at(self, family: Family, texts: Iterable[str], own: Collection[str]) -> None:
        """The stored columns that weights are asked on from here, and all expressions that read them. `alike`
        is then how much more their values, or those of expressions, differ between units than within, and
        `noise` what rows of each unit add, beside that. `own`: those of which it raises that they cannot be
        computed."""
        stored = [name for name in family.members if not isinstance(name, Told)]
        probes = [probe_table(name, self._rows.column(name)) for name in stored]
        arrays = {name: one.column(name) for one in probes for name in one.column_names}
        self._connection.register("probes", pa.table(arrays or {"none": [0]}))
        self._weights = {}
        many = int(self.units.max(initial=-1)) + 1
        self.stacked = np.tile(self.units, family.size)
        self.groups = np.concatenate([self.units + many * place for place in range(family.size)])
        numbers = [f'r."{name}"' for name in stored if self.is_number(name)]
        values = []
        for sql in dict.fromkeys((*numbers, *texts)):
            with suppress(*(() if sql in own else FAILED)):
                values.append(self._number(sql))
        self.alike = max((variance_ratio(one, self.units) for one in values), default=0.0)
        self.noise = np.min([row_noise(one, self.units) for one in values], axis=0, initial=np.inf)

    def weights_on(
        self, target: str, plan: Document, view: View, family: Family
    ) -> Iterator[sparse.csr_matrix]:
        """The weights that its numbers put on a member of the family. Raises `TooMuch`."""
        if not any(_weights_of(sql, target, view, family) for sql in _expressions(plan)):
            return
        if self.late:
            raise TooMuch
        chosen = self._number(f"({plan['where']})") == 1
        found = (
            self._of_cells(plan, chosen, target, family)
            if plan["kind"] in ("table", "means")
            else self._of_fit(plan, chosen, target, family)
        )
        for sql, columns in found:
            for weight in _weights_of(sql, target, view, family):
                if self.late:
                    raise TooMuch
                if weight == ONE:
                    yield columns
                    continue
                factors = self._weight(weight)
                if view in ENDS and target in bent_columns(sql):
                    factors = np.abs(factors)
                yield sparse.csr_matrix(sparse.diags(factors) @ columns)

    def _of_cells(
        self, plan: Document, chosen: NDArray[np.bool_], target: str, family: Family
    ) -> Iterator[tuple[str, sparse.csr_matrix]]:
        for sql in dict.fromkeys(said["sql"] for said in _summed(plan)):
            if not _weights_of(sql, target, View.SLOPE, family):
                continue
            there = chosen & np.isfinite(self._number(sql))
            keys = [self._levels(key, there) for key in plan["by"].values()]
            cells = _enough(reduce(self._crossed, keys, _one(there)), self.units, self._least)
            yield sql, self._not_alike(cells, self._number(sql))

    def _not_alike(self, cells: sparse.csr_matrix, values: NDArray[np.float64]) -> sparse.csr_matrix:
        """Without cells in which all but few units have the same value: the seal shows none of them
        (kernels/client/cihu/recipes/rules.py)."""
        by_cell = sparse.csc_matrix(cells)
        kept = []
        for place in range(by_cell.shape[1]):
            rows = by_cell.indices[by_cell.indptr[place] : by_cell.indptr[place + 1]]
            found, which, many = np.unique(values[rows], return_inverse=True, return_counts=True)
            others = self.units[rows][which.reshape(-1) != int(many.argmax())] if len(found) else []
            if len(np.unique(others)) >= self._least:
                kept.append(place)
        return cells[:, kept]

    def _of_fit(
        self, plan: Document, chosen: NDArray[np.bool_], target: str, family: Family
    ) -> Iterator[tuple[str, sparse.csr_matrix]]:
        """Both ways: the sums of products tell as much of a term as of the outcome."""
        values, terms = _values_and_terms(plan)
        texts = _numeric(terms)
        there = chosen.copy()
        for sql in (*values, *texts):
            there &= np.isfinite(self._number(sql))
        for factor in (factor for term in terms for factor in term if factor.get("categorical")):
            there &= self._codes_of(factor) >= 0
        if plan["kind"] == "model":
            there &= self._members(there)
        made = [_Term((), _one(there)), *(self._term(term, there) for term in terms)]
        told = [self._term([{"sql": sql}], there) for sql in values]
        for sql in dict.fromkeys((*values, *texts)):
            if _weights_of(sql, target, View.SLOPE, family):
                beside = [term.columns for term in (*made, *told) if sql not in term.of]
                yield sql, sparse.hstack(beside).tocsr()

    def _term(self, factors: Sequence[Document], there: NDArray[np.bool_]) -> _Term:
        columns = [
            self._levels(factor, there)
            if factor.get("categorical")
            else sparse.csr_matrix(np.where(there, self._number(factor["sql"]), 0.0)[:, None])
            for factor in factors
        ]
        made = reduce(self._crossed, columns)
        if not any(factor.get("categorical") for factor in factors):
            made = _centred(made, there)
        return _Term(tuple(factor["sql"] for factor in factors), made)

    def _crossed(self, left: sparse.csr_matrix, right: sparse.csr_matrix) -> sparse.csr_matrix:
        """Raises `TooMuch`."""
        if self.late:
            raise TooMuch
        return _crossed(left, right)

    def _members(self, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
        found, first = np.unique(self.units[there], return_index=True)
        order = np.full(int(self.units.max(initial=0)) + 1, -1)
        order[found[np.argsort(first, kind="stable")]] = np.arange(len(found))
        if not len(found):
            return there
        trained = np.random.default_rng(MODEL_SEED).permutation(len(found)) < len(found) * MODEL_MEMBERS
        return np.asarray(there & (order[self.units] >= 0) & trained[order[self.units]], dtype=np.bool_)

    def _levels(self, key: Document, there: NDArray[np.bool_]) -> sparse.csr_matrix:
        """A column for each value that enough units have, and one for all others."""
        codes = self._codes_of(key)
        held = there & (codes >= 0)
        levels = sparse.csr_matrix(
            (np.ones(int(held.sum())), (np.flatnonzero(held), codes[held])),
            shape=(self.rows, int(codes.max(initial=0)) + 1),
        )
        enough = _units_in(levels, self.units) >= self._least
        return sparse.hstack([levels[:, enough], sparse.csr_matrix(levels[:, ~enough].sum(axis=1))]).tocsr()

    def _codes_of(self, key: Document) -> NDArray[np.int64]:
        return _codes(self._column_of(f"CAST(({key['sql']}) AS VARCHAR)"))

    def _number(self, sql: str) -> NDArray[np.float64]:
        column = self._column_of(f"CAST(({sql}) AS DOUBLE)").to_numpy(zero_copy_only=False)
        return np.asarray(column, dtype=np.float64)

    def _weight(self, sql: str) -> NDArray[np.float64]:
        """0 where there is no value."""
        if sql not in self._weights:
            made = f"SELECT CAST(COALESCE({sql}, 0) AS DOUBLE) AS c FROM given AS r, probes AS q"
            answer = self._connection.execute(f'{made} ORDER BY r." place"')
            values = answer.to_arrow_table().column("c").to_numpy(zero_copy_only=False)
            self._weights[sql] = np.where(np.isfinite(values), values, TOO_LARGE)
        return self._weights[sql]

    def _column_of(self, sql: str) -> pa.ChunkedArray:
        if sql not in self._kept:
            answer = self._connection.execute(f'SELECT {sql} AS c FROM given AS r ORDER BY r." place"')
            self._kept[sql] = answer.to_arrow_table().column("c")
        return self._kept[sql]


def _stored_in(name: str) -> set[str]:
    return set(COLUMN.findall(name)) if isinstance(name, Told) else {name}


def _by_rows(family: Family) -> bool:
    return any(np.ndim(part) for parts in family.members.values() for part in parts)


def _columns_of(plan: Document) -> set[str]:
    """The stored columns of which it tells."""
    return {name for sql in _expressions(plan) for name in column_weights(sql)}


def _expressions(plan: Document) -> list[str]:
    if plan["kind"] in ("table", "means"):
        return [said["sql"] for said in _summed(plan)]
    values, terms = _values_and_terms(plan)
    return [*values, *_numeric(terms)]


def _unweighted(plan: Document) -> set[str]:
    """The stored columns on which its weights are not known: times and events of a Cox model."""
    if plan.get("family") != "cox":
        return set()
    return {name for sql in _values_and_terms(plan)[0] for name in column_weights(sql)}


def _summed(plan: Document) -> Iterator[Document]:
    parts = plan["measures"].values() if plan["kind"] == "table" else plan["columns"].values()
    yield from (said for said in parts if said["sql"] is not None and said.get("function", "mean") in SUMS)


def _values_and_terms(plan: Document) -> tuple[list[str], list[list[Document]]]:
    """The outcome, with the time of a Cox model; and the factors of each term."""
    if plan["kind"] == "model":
        return [plan["target"]["sql"]], [[said] for said in plan["features"].values()]
    watched = [plan["time"]["sql"]] if "time" in plan else []
    return [plan["outcome"]["sql"], *watched], plan["terms"]


def _numeric(terms: Sequence[Sequence[Document]]) -> list[str]:
    return [factor["sql"] for term in terms for factor in term if not factor.get("categorical")]


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """From 0 in the order in which values first stand; -1 for none."""
    encoded = column.combine_chunks().dictionary_encode()
    array = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    return np.asarray(array.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _one(there: NDArray[np.bool_]) -> sparse.csr_matrix:
    return sparse.csr_matrix(there.astype(np.float64)[:, None])


def _centred(column: sparse.csr_matrix, there: NDArray[np.bool_]) -> sparse.csr_matrix:
    """Less its mean, which the intercept beside it tells: no constant hides what it tells more."""
    values = np.asarray(column.sum(axis=1)).reshape(-1)
    mean = values[there].mean() if there.any() else 0.0
    return sparse.csr_matrix(np.where(there, values - mean, 0.0)[:, None])


def _crossed(left: sparse.csr_matrix, right: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each column of one times each of the other, without those that nobody is in. Raises `TooMuch`."""
    if left.shape[1] * right.shape[1] > MOST_CROSSED:
        raise TooMuch
    columns = [left.multiply(right[:, place]) for place in range(right.shape[1])]
    made = sparse.hstack(columns).tocsr()
    return made[:, made.getnnz(axis=0) > 0]


def _units_in(columns: sparse.csr_matrix, units: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many units have a row in each column."""
    rows, places = columns.nonzero()
    many = int(units.max(initial=0)) + 1
    # one number for each pair: sorting these is several times faster than sorting pairs
    pairs = np.unique(places.astype(np.int64) * many + units[rows])
    return np.bincount(pairs // many, minlength=columns.shape[1])


def _enough(cells: sparse.csr_matrix, units: NDArray[np.int64], least: int) -> sparse.csr_matrix:
    """Cells with too few units are not shown."""
    return cells[:, _units_in(cells, units) >= least]
