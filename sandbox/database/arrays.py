"""One parameter of a statement for many values: `column == any_(array_of(names))`.

`in_` makes a parameter of each, and a statement of its own for each number of them: with a thousand that
takes longer than the query.
"""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import BindParameter, Integer, String, literal
from sqlalchemy.dialects.postgresql import ARRAY


def array_of(texts: Iterable[str]) -> BindParameter[Any]:
    return literal(list(texts), ARRAY(String))


def numbers_of(numbers: Collection[int]) -> BindParameter[Any]:
    return literal(list(numbers), ARRAY(Integer))
