"""Every construct of the language that is computed for a row is in the registry, with every facet."""

from enum import Enum
from typing import get_args

import pytest

from sandbox.queries import tree
from sandbox.queries.functions.construct import Construct, Result
from sandbox.queries.functions.registry import BY_NODE, CONSTRUCTS, MEMBER_IN, NOT_FOR_A_ROW, construct_of
from sandbox.queries.parse.sql_text import SAID_TWICE
from sandbox.queries.tree import Aggregation, Literal, UnitAggregate

NODES = get_args(tree.Expression)
NOT_OF_A_UNIT = frozenset(Aggregation) - {
    Aggregation.COUNT,
    Aggregation.COUNT_DISTINCT,
    Aggregation.SUM,
    Aggregation.AVG,
    Aggregation.MIN,
    Aggregation.MAX,
}
"""Refused of a unit's own rows (value_ranges.py)."""


def members_of(node: type) -> list[Enum | bool | None]:
    """The members that a node's field can have, by its annotation."""
    if node not in MEMBER_IN:
        return [None]
    kind = node.__annotations__[MEMBER_IN[node]]
    if kind is bool:
        return [False, True]
    assert issubclass(kind, Enum)
    return [member for member in kind if node is not UnitAggregate or member not in NOT_OF_A_UNIT]


def test_every_class_of_the_tree_and_every_member_of_its_enum_is_one_construct() -> None:
    wanted = {(node, member) for node in NODES if node not in NOT_FOR_A_ROW for member in members_of(node)}
    assert set(BY_NODE) == wanted
    assert len(CONSTRUCTS) == len(wanted)  # none twice
    assert set(NOT_FOR_A_ROW) <= set(NODES)


def test_a_family_is_told_by_the_one_field_that_is_an_enum() -> None:
    """A class with a field of an enum that no entry knows would have its members share one
    width and one totality."""
    for node in set(NODES) - set(NOT_FOR_A_ROW):
        enums = [
            name
            for name, kind in node.__annotations__.items()
            if isinstance(kind, type) and (issubclass(kind, Enum) or kind is bool)
        ]
        assert enums == ([MEMBER_IN[node]] if node in MEMBER_IN else []), node


@pytest.mark.parametrize("construct", CONSTRUCTS, ids=lambda construct: construct.name)
def test_a_construct_has_every_facet(construct: Construct) -> None:
    assert construct.name
    assert construct.totality.endswith(".")
    assert all(construct.takes)
    assert isinstance(construct.gives, tree.Type if hasattr(tree, "Type") else object)
    assert callable(construct.width)
    assert callable(construct.steps)
    assert callable(construct.sql)
    if construct.gives is Result.OF_ARGUMENTS:
        assert construct.takes
    # the parser counts such a part twice, so that no short question becomes endless SQL
    if construct.said > 1:
        assert construct.said == 2
        assert construct.node in SAID_TWICE


def test_a_node_finds_its_own_construct() -> None:
    assert construct_of(tree.Call(tree.Function.SQRT, Literal(4))).name == "SQRT"
    assert construct_of(tree.GreatestLeast(greatest=True, parts=(Literal(4),))).name == "GREATEST"
