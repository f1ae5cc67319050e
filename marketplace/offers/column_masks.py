"""Defines how a column is made coarser before it is delivered: by a release for all, by an offer's terms for
its buyer."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from marketplace.offers.price import Frozen
from sandbox.plain_text import PlainText

MaskKind = Literal["drop", "generalise", "pseudonym", "truncate"]
MOST_MASKS = 200


class ColumnMask(Frozen):
    """What happens to a column.

    `drop`: it is not delivered. `generalise`: a whole number becomes the lowest of its `step`, a day the
    first of its month or year (`to`). `pseudonym`: 32 hexadecimal digits, the same for the same value,
    other ones for each buyer and product. `truncate`: a text's first `characters`.
    """

    column: Annotated[PlainText, Field(min_length=1, max_length=200)]
    do: MaskKind
    step: Annotated[int, Field(strict=True, ge=2, le=10**12)] | None = None
    to: Literal["month", "year"] | None = None
    characters: Annotated[int, Field(strict=True, ge=1, le=200)] | None = None

    @model_validator(mode="after")
    def says_how(self) -> Self:
        given = {name for name in ("step", "to", "characters") if getattr(self, name) is not None}
        allowed: dict[str, list[set[str]]] = {
            "drop": [set()],
            "pseudonym": [set()],
            "generalise": [{"step"}, {"to"}],
            "truncate": [{"characters"}],
        }
        if given not in allowed[self.do]:
            raise ValueError(f"{self.do} takes {' or '.join(map(named, allowed[self.do]))}")
        return self


Masks = Annotated[tuple[ColumnMask, ...], Field(max_length=MOST_MASKS)]


def named(fields: set[str]) -> str:
    return ", ".join(sorted(fields)) or "nothing more"


def each_once(masks: tuple[ColumnMask, ...]) -> tuple[ColumnMask, ...]:
    """Raises `ValueError` for a column that is masked twice."""
    names = [mask.column for mask in masks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the column {twice[0]!r} is masked twice")
    return masks


def describe(mask: ColumnMask) -> tuple[str, str]:
    """In Chinese and in English."""
    column = mask.column
    match mask.do:
        case "drop":
            return f"不交付 {column}。", f"{column} is not delivered."
        case "pseudonym":
            return f"{column} 以买方专用的假名交付。", f"{column} is delivered as a pseudonym for this buyer."
        case "truncate":
            return (
                f"{column} 只交付前 {mask.characters} 个字符。",
                f"{column} is cut to its first {mask.characters} characters.",
            )
        case _ if mask.step is not None:
            return f"{column} 按 {mask.step} 分段。", f"{column} is given in steps of {mask.step}."
        case _:
            zh = "月" if mask.to == "month" else "年"
            return f"{column} 只精确到{zh}。", f"{column} is given to the {mask.to}."
