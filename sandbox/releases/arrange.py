"""Which groups of an answer are shown, and in which order? HAVING, ORDER BY and LIMIT, on released numbers alone."""

from collections.abc import Sequence
from typing import Any

from sandbox.queries.tree import Afterwards
from sandbox.releases.evaluate import Released, evaluate


def arranged(afterwards: Afterwards, groups: Sequence[Released]) -> list[int]:
    """The places of the groups to show, in their order. A value that is withheld fails HAVING and comes last."""
    kept = [place for place, released in enumerate(groups)
            if afterwards.having is None or evaluate(afterwards.having, released) is True]
    for ordering in reversed(afterwards.order):  # sorting is stable: the first criterion is applied last
        values: dict[int, Any] = {place: evaluate(ordering.by, groups[place]) for place in kept}
        shown = [place for place in kept if values[place] is not None]
        withheld = [place for place in kept if values[place] is None]
        shown.sort(key=values.__getitem__, reverse=ordering.descending)
        kept = shown + withheld
    return kept[afterwards.offset:] if afterwards.limit is None else kept[afterwards.offset: afterwards.offset + afterwards.limit]
