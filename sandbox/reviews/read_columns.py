"""Reads from an expression which stored columns it tells about, and with which weights.

`2 * x + 1` tells about x with the weight 2, and `CASE WHEN c THEN x END` with the weight 1 where c is true.
LEAST, GREATEST, COALESCE and ABS choose a part in each row, so that their weights are known, too. A step, a
condition or another function of x may tell as much as x itself: it counts with its rows as they are, and with
the weights of what is within it.

No reading of a function that is not linear is the whole truth. So an expression is read in several views, and
outputs are compared in each of them.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import sqlglot
from sqlglot import exp

from sandbox.reviews.probe_values import PROBES, probe_name

COLUMN = re.compile(r'\br\."([^"]+)"')
"""As the query language writes a column of the rows."""
ONE = "1"
MOST_WEIGHTS = 128
"""Of one column in one expression: each is computed over all rows."""
MOST_TEXT = 300_000
"""Characters of all of them together."""
SAME_NUMBER = frozenset({exp.DataType.Type.DOUBLE})


class View(StrEnum):
    """How an expression that is not linear is read. An output is one number, and each view reads the same
    number, so weights of two views are never combined."""

    SLOPE = "slope"
    """How it follows the column where the values are."""
    DEPENDS = "depends"
    """In which rows it follows the column at all: a condition or a steep LEAST may do so in one alone."""
    LESS = "less"
    """How much it changes from a value below all others to the row's own, over the distance, where a root, a
    power or a divisor may cancel all rows but one, or outweigh them."""
    MORE = "more"
    """The same from a value above all others."""


class TooWide(Exception):
    """An expression has more weights on a column than are looked at."""


@dataclass(frozen=True)
class _Read:
    """Of one column: the weight that multiplies it, and others that it must be compared under too."""

    weight: str | None = None
    others: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.others if self.weight is None else self.others | {self.weight}


Reads = dict[str, _Read]
Arms = Sequence[tuple[exp.Expression, exp.Expression]]
LIKE = _Read(None, frozenset({ONE}))


@lru_cache(maxsize=256)
def column_weights(sql: str, view: View = View.SLOPE) -> Mapping[str, Sequence[str]]:
    """By the stored column: expressions of its weights, over the same rows, `given` as `r`, and over the one
    row `probes` as `q` (probe_values.py). `sql` is in the engine's dialect, as a recipe's plan has it. Raises
    `TooWide`."""
    try:
        node: exp.Expression = exp.maybe_parse(sql, dialect="duckdb")
        found = {name: read.all for name, read in _Reader(view).read(node).items()}
    except sqlglot.errors.SqlglotError:
        return {name: [ONE] for name in COLUMN.findall(sql)}
    if view in ENDS:
        found |= {name: frozenset({_secant(node, name, ENDS[view])}) for name in bent_columns(sql)}
    return {name: sorted(weights) for name, weights in found.items()}


@lru_cache(maxsize=256)
def bent_columns(sql: str) -> frozenset[str]:
    """The columns within a root, a power or a divisor. In the views LESS and MORE their weights are slopes:
    whether a row follows the column is for whoever computes them to decide."""
    try:
        node: exp.Expression = exp.maybe_parse(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return frozenset()
    within = [bent.expression if isinstance(bent, exp.Div) else bent.this for bent in node.find_all(*BENDING)]
    return frozenset(_columns_of(within)) & column_weights(sql).keys()


def _secant(node: exp.Expression, name: str, place: int) -> str:
    plain = node.transform(lambda one: _without_dividend(one, name))
    probe, there = _at(plain, name, place)
    return f'(CAST(({_sql(plain)}) AS DOUBLE) - CAST(({there}) AS DOUBLE)) / (r."{name}" - {probe})'


def _without_dividend(node: exp.Expression, name: str) -> exp.Expression:
    """1 by the divisor, where the column is in the divisor alone: a dividend has weights of its own."""
    if not isinstance(node, exp.Div) or name in _columns_of([node.this]):
        return node
    if name not in _columns_of([node.expression]):
        return node
    one: exp.Expression = exp.maybe_parse("CAST(1 AS DOUBLE)", dialect="duckdb")
    return exp.Div(this=one, expression=node.expression.copy())


def _at(node: exp.Expression, name: str, place: int) -> tuple[str, str]:
    """A probe, and the expression of it."""
    probe = exp.column(probe_name(name, place), table="q", quoted=True)
    return _sql(probe), _sql(node.transform(lambda one: probe.copy() if _is(one, name) else one))


class _Reader:
    """Reads expressions in one view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._special: dict[type[exp.Expression], Callable[[exp.Expression], Reads]] = {
            exp.Paren: lambda node: self.read(node.this),
            exp.Neg: lambda node: _each(self.read(node.this), lambda weight: f"-({weight})"),
            exp.Add: self._sum,
            exp.Sub: self._sum,
            exp.Mul: self._product,
            exp.Div: self._quotient,
            exp.Case: self._case,
            exp.Greatest: self._extreme,
            exp.Least: self._extreme,
            exp.Coalesce: self._coalesce,
            exp.Abs: self._size,
        }

    def read(self, node: exp.Expression) -> Reads:
        if isinstance(node, exp.Column):
            return {node.name: _Read(ONE)} if node.table == "r" else {}
        if isinstance(node, exp.Cast) and node.to.this in SAME_NUMBER:
            return self.read(node.this)
        special = self._special.get(type(node))
        found = special(node) if special else self._function(node)
        for read in found.values():
            _require_few(read.all, 1)
        return found

    def _function(self, node: exp.Expression, within: Sequence[exp.Expression] = ()) -> Reads:
        """Of anything that is not linear: as the column itself, and as what is within it. `within`: the
        parts that count, if not all do."""
        parts = within or _parts_of(node)
        if self._view is View.DEPENDS:
            return {name: self._changes(node, name) for name in _columns_of(parts)}
        found: Reads = {}
        for part in parts:
            for name, read in self.read(part).items():
                found[name] = _Read(None, found.get(name, LIKE).others | read.all)
        if isinstance(node, ABSORBING):
            found = self._with_conditions(found, parts)
        return found

    def _changes(self, node: exp.Expression, name: str) -> _Read:
        """1 where the value would be another if the column had one of the probes."""
        if isinstance(node, exp.Is):
            return LIKE
        tried = (_at(node, name, place)[1] for place in range(PROBES))
        said = _sql(node)
        changed = " OR ".join(f"({said}) IS DISTINCT FROM ({there})" for there in tried)
        return _Read(None, frozenset({f"CASE WHEN {changed} THEN 1 ELSE 0 END"}))

    def _with_conditions(self, found: Reads, parts: Sequence[exp.Expression]) -> Reads:
        """With the columns that decide whether a part has a value: where it has none, another takes its
        place."""
        found = dict(found)
        for condition in _conditions_within(parts):
            for name in _columns_of([condition]):
                read = LIKE if self._view is not View.DEPENDS else self._changes(condition, name)
                found[name] = _both(found.get(name), read)
        return found

    def _sum(self, node: exp.Expression) -> Reads:
        left, right = self.read(node.this), self.read(node.expression)
        if isinstance(node, exp.Sub):
            right = _each(right, lambda weight: f"-({weight})")
        return {name: _both(left.get(name), right.get(name)) for name in {**left, **right}}

    def _product(self, node: exp.Expression) -> Reads:
        left, right = self.read(node.this), self.read(node.expression)
        by_right, by_left = _sql(node.expression), _sql(node.this)
        found = _each(left, lambda weight: f"({weight}) * ({by_right})")
        for name, read in _each(right, lambda weight: f"({weight}) * ({by_left})").items():
            # of a product of a column with itself: a square tells like the column, too
            found[name] = _Read(None, found[name].all | read.all | {ONE}) if name in found else read
        return found

    def _quotient(self, node: exp.Expression) -> Reads:
        below = _sql(node.expression)
        found = _each(self.read(node.this), lambda weight: f"({weight}) / ({below})")
        for name, read in self._function(node, [node.expression]).items():
            found[name] = _Read(None, read.all | (found[name].all if name in found else frozenset()))
        return found

    def _case(self, node: exp.Expression) -> Reads:
        """A condition without which there is no value only chooses rows, as WHERE does. Where it chooses
        between values, it tells as they do."""
        arms, last = _arms(node)
        values = [value for _, value in arms] + ([] if last is None else [last])
        found = self._chosen(arms, last)
        if len(values) == 1 and found:
            return found
        for condition, _ in arms:
            for name, read in self._function(condition, [condition]).items():
                found[name] = _both(found.get(name), read)
        return self._with_conditions(found, [condition for condition, _ in arms])

    def _extreme(self, node: exp.Expression) -> Reads:
        """LEAST or GREATEST: the part that it is. A steep one is a condition, which the other views look
        at."""
        parts = [node.this, *node.expressions]
        if len(parts) > MOST_WEIGHTS:
            raise TooWide
        if self._view is not View.DEPENDS:
            arms = [(exp.NullSafeEQ(this=part.copy(), expression=node.copy()), part) for part in parts]
            return self._with_conditions(self._chosen(arms, None), parts)
        return self._with_conditions(self._function(node, parts), parts)

    def _coalesce(self, node: exp.Expression) -> Reads:
        *firsts, last = [node.this, *node.expressions]
        arms = [(_there(part), part) for part in firsts]
        return self._with_conditions(self._chosen(arms, last), firsts)

    def _size(self, node: exp.Expression) -> Reads:
        of = _sql(node.this)
        return _each(
            self.read(node.this), lambda weight: f"({weight}) * (CASE WHEN ({of}) < 0 THEN -1 ELSE 1 END)"
        )

    def _chosen(self, arms: Arms, last: exp.Expression | None) -> Reads:
        """Of each value its weights in the rows where it is chosen."""
        values = [value for _, value in arms] + ([] if last is None else [last])
        reads = [self.read(value) for value in values]
        names = dict.fromkeys(name for read in reads for name in read)
        said = [_sql(condition) for condition, _ in arms]
        return {name: _choice(said, last, [read.get(name, _Read("0")) for read in reads]) for name in names}


def _choice(said: Sequence[str], last: exp.Expression | None, of: Sequence[_Read]) -> _Read:
    """`said`: the conditions. `of`: what each value reads of one column. Raises `TooWide`."""

    def choice(weights: Sequence[str]) -> str:
        whens = " ".join(
            f"WHEN {condition} THEN {weight}" for condition, weight in zip(said, weights, strict=False)
        )
        return f"CASE {whens} ELSE {'0' if last is None else weights[-1]} END"

    _require_few([one for read in of for one in read.others], sum(map(len, said)))
    others = {
        choice([one if place == at else "0" for place in range(len(of))])
        for at, read in enumerate(of)
        for one in read.others
    }
    known = any(read.weight is not None for read in of)
    return _Read(choice([read.weight or "0" for read in of]) if known else None, frozenset(others))


def _require_few(weights: Collection[str], each: int) -> None:
    """`each`: characters that are added to each. Raises `TooWide`."""
    if len(weights) > MOST_WEIGHTS or sum(map(len, weights)) + each * len(weights) > MOST_TEXT:
        raise TooWide


def _arms(node: exp.Expression) -> tuple[Arms, exp.Expression | None]:
    """Conditions with their values, and the value of all other rows."""
    arms = [(arm.this, arm.args["true"]) for arm in node.args["ifs"]]
    if node.this is not None:
        arms = [(exp.EQ(this=node.this.copy(), expression=value.copy()), then) for value, then in arms]
    last = node.args.get("default")
    return arms, None if isinstance(last, exp.Null) else last


def _there(part: exp.Expression) -> exp.Expression:
    return exp.Not(this=exp.Is(this=exp.Paren(this=part.copy()), expression=exp.Null()))


def _conditions_within(parts: Iterable[exp.Expression]) -> list[exp.Expression]:
    cases = [case for part in parts for case in part.find_all(exp.Case)]
    return [condition for case in cases for condition, _ in _arms(case)[0]]


def _columns_of(parts: Iterable[exp.Expression]) -> list[str]:
    return list(
        dict.fromkeys(one.name for part in parts for one in part.find_all(exp.Column) if one.table == "r")
    )


def _parts_of(node: exp.Expression) -> list[exp.Expression]:
    return [part for part in node.iter_expressions() if not isinstance(part, exp.DataType)]


def _is(node: exp.Expression, name: str) -> bool:
    return isinstance(node, exp.Column) and node.name == name and node.table == "r"


def _both(left: _Read | None, right: _Read | None) -> _Read:
    if left is None or right is None:
        only = left or right
        assert only is not None, "the name is of one of them"
        return only
    others = left.others | right.others
    if left.weight is None or right.weight is None:
        return _Read(left.weight or right.weight, others)
    return _Read(f"({left.weight}) + ({right.weight})", others)


def _each(reads: Reads, of: Callable[[str], str]) -> Reads:
    return {
        name: _Read(None if read.weight is None else of(read.weight), frozenset(map(of, read.others)))
        for name, read in reads.items()
    }


def _sql(node: exp.Expression) -> str:
    return node.sql(dialect="duckdb")


ENDS = {View.LESS: 0, View.MORE: PROBES - 1}
ABSORBING = (exp.And, exp.Or, exp.Is, exp.In, exp.Case, exp.Coalesce, exp.Greatest, exp.Least)
"""They have a value where a part of them has none: what decides whether it has one, decides theirs."""
BENDING = (exp.Exp, exp.Ln, exp.Sqrt, exp.Sin, exp.Cos, exp.Div)
"""They may be so much in one row that all others are nothing beside it, or take away what all others have."""
