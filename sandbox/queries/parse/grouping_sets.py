"""Expands ROLLUP, CUBE and GROUPING SETS to the sets of keys by which a GROUP BY groups. SQL:2016, 7.13."""

from collections.abc import Callable, Sequence
from itertools import combinations, product

from sqlglot import exp

from sandbox.queries.parse.sql_text import SqlText, plain
from sandbox.queries.tree import Expression

MOST_SETS = 32
Keys = tuple[Expression, ...]
ReadKey = Callable[[exp.Expression], Expression]


def grouping_sets(text: SqlText, group: exp.Group, key: ReadKey) -> tuple[Keys, ...]:
    """Each set of keys, in the order in which they are written; one set for an ordinary GROUP BY.
    Raises `QueryRefused`."""
    if not plain(group, "expressions", "rollup", "cube"):
        text.refuse(
            group,
            "it is no grouping that is known here.",
            "Write GROUP BY ROLLUP (a, b), CUBE or GROUPING SETS.",
            "此处没有这种分组。",
            "请写 GROUP BY ROLLUP (a, b)、CUBE 或 GROUPING SETS。",
        )
    after = [kind for kind in ("rollup", "cube") if group.args.get(kind)]  # GROUP BY a, b WITH ROLLUP
    parts = [_parts(text, node, key) for node in group.expressions]
    if after:
        alone = [(one,) for part in parts for one in part[0]]
        parts = [_prefixes(alone) if after == ["rollup"] else _subsets(alone)]
    found = []
    for chosen in product(*parts):
        found.append(tuple(dict.fromkeys(one for keys in chosen for one in keys)))
        if len(found) > MOST_SETS:
            _too_many(text, group)
    if len({frozenset(keys) for keys in found}) < len(found):
        text.refuse(
            group,
            "it groups by the same keys twice, so each of those groups would be there twice.",
            "Name each set of keys once.",
            "它两次按相同的栏目分组，这些分组会各出现两次。",
            "每组栏目请只写一次。",
        )
    return tuple(found)


def _parts(text: SqlText, node: exp.Expression, key: ReadKey) -> list[Keys]:
    """The sets that one element of GROUP BY stands for."""
    match node:
        case exp.Rollup():
            return _prefixes([_together(one, key) for one in node.expressions])
        case exp.Cube():
            if len(node.expressions) > MOST_SETS.bit_length() - 1:
                _too_many(text, node)
            return _subsets([_together(one, key) for one in node.expressions])
        case exp.GroupingSets():
            return [
                keys
                for one in node.expressions
                for keys in (
                    _parts(text, one, key)
                    if isinstance(one, exp.Rollup | exp.Cube | exp.GroupingSets)
                    else [_together(one, key)]
                )
            ]
    return [(key(node),)]


def _too_many(text: SqlText, node: exp.Expression) -> None:
    text.refuse(
        node,
        f"it makes more than {MOST_SETS} sets of keys.",
        "Write GROUPING SETS with those that you need.",
        f"分组集合超过 {MOST_SETS} 个。",
        "请用 GROUPING SETS 写出所需的几个。",
    )


def _together(node: exp.Expression, key: ReadKey) -> Keys:
    """Keys in brackets count as one."""
    if isinstance(node, exp.Tuple):
        return tuple(key(one) for one in node.expressions)
    return (key(node.this if isinstance(node, exp.Paren) else node),)


def _prefixes(parts: Sequence[Keys]) -> list[Keys]:
    return [sum(parts[:count], ()) for count in range(len(parts), -1, -1)]


def _subsets(parts: Sequence[Keys]) -> list[Keys]:
    return [sum(chosen, ()) for count in range(len(parts), -1, -1) for chosen in combinations(parts, count)]
