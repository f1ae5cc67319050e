"""Says which page of a list is asked for, and which part of the list stands on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar

from fastapi import Request

from sandbox.errors import InvalidInput

PAGE = 50
MOST_PAGES = 10_000
T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[T]):
    """What stands on one page of a list. `more`: whether there is another page after it."""

    items: Sequence[T]
    page: int
    more: bool


def page_of(request: Request, name: str = "page", *, most: int = MOST_PAGES) -> int:
    """Which page of a list is asked for, in this part of the query. Raises `InvalidInput`."""
    given = request.query_params.get(name, "1") or "1"
    if not (given.isascii() and given.isdigit() and len(given) <= 5 and 1 <= int(given) <= most):
        raise InvalidInput(
            f"There is no page {given[:20]!r}.",
            remedy=f"Give a number from 1 to {most}, or narrow the search.",
            zh="没有这一页。",
            remedy_zh=f"页码为 1 至 {most} 的数，或缩小查找范围。",
        )
    return int(given)


class Reach(TypedDict):
    """Which part of a list is asked for."""

    offset: int
    limit: int


def reach(page: int) -> Reach:
    """What a list is asked for a page of it: one more tells whether there is another page."""
    return {"offset": PAGE * (page - 1), "limit": PAGE + 1}


def part(found: Sequence[T], page: int) -> Part[T]:
    """Of what was found by `reach`."""
    return Part(found[:PAGE], page, len(found) > PAGE)


def cut(whole: Sequence[T], page: int) -> Part[T]:
    """A page of a list that is there whole."""
    return part(whole[PAGE * (page - 1) : PAGE * page + 1], page)
