"""The result of recognising a column: its kind, the class of the share, and how sure that is."""

from dataclasses import dataclass
from typing import Literal

ShareClass = Literal["none", "few", "some", "most", "nearly all"]
Confidence = Literal["sure", "likely", "possible"]

CONFIDENCES: tuple[Confidence, ...] = ("possible", "likely", "sure")
SHARE_CLASSES: tuple[ShareClass, ...] = ("none", "few", "some", "most", "nearly all")
LOWER_BOUNDS = (0.05, 0.5, 0.8)


def share_class(cells: float, all_cells: float) -> ShareClass:
    """The class of a share: "few" under 5 %, "some" under 50 %, "most" under 80 %, else "nearly all".

    An exact share of an officer's cells is never given: it could tell of a single row.
    """
    if cells <= 0:
        return "none"
    return SHARE_CLASSES[1 + sum(cells >= bound * all_cells for bound in LOWER_BOUNDS)]


@dataclass(frozen=True)
class Recognition:
    """A suggestion to the officer. `kind` is the id of a rule, "free_text", or None.

    `inside`: the identifiers stand inside longer texts, such as a number in a note. `grade` is the grade
    that the rule suggests ("" for none). The reasons are whole sentences, and quote neither a cell nor the
    header, because the first line of a file without a header is a row.
    """

    kind: str | None
    share_class: ShareClass
    confidence: Confidence
    reason: str
    reason_zh: str
    inside: bool = False
    grade: str = ""
    title_en: str = ""
    title_zh: str = ""


NOTHING = Recognition(
    kind=None,
    share_class="none",
    confidence="likely",
    reason="No known identifier was recognised.",
    reason_zh="未识别出已知的标识信息。",
)
