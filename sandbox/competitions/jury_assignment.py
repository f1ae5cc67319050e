"""Assigns documents to jurors: equal loads, and nobody judges a document of their own organisation.

A bipartite matching with capacities, by augmenting paths: the capacity of all jurors is raised by one until
every document has its jurors. Pure: the order of trying comes from a seed.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.errors import Conflict


@dataclass
class _Matching:
    allowed: dict[int, list[str]]
    capacity: int
    held: dict[str, set[int]] = field(default_factory=dict)

    def add(self, document: int) -> bool:
        """Give the document one juror more, moving others where needed."""
        return self._augment(document, set())

    def _augment(self, document: int, tried: set[str]) -> bool:
        for juror in self.allowed[document]:
            mine = self.held.setdefault(juror, set())
            if juror in tried or document in mine:
                continue
            tried.add(juror)
            if len(mine) < self.capacity:
                mine.add(document)
                return True
            for other in sorted(mine):
                if self._augment(other, tried):
                    mine.discard(other)
                    mine.add(document)
                    return True
        return False


def assign(
    documents: Mapping[int, frozenset[str]],
    jurors: Mapping[str, str],
    *,
    per_document: int,
    per_juror: int,
    seed: int,
) -> dict[int, tuple[str, ...]]:
    """The jurors of each document. `documents`: entry -> the organisations of its authors; `jurors`: person
    -> organisation. Every document gets at least `per_document`, and more where jurors would otherwise have
    fewer than `per_juror`. Raises `Conflict` where a document has too few jurors without a conflict."""
    if not documents:
        return {}
    chance = random.Random(seed)  # noqa: S311  # the order of trying, stated in the log
    allowed = {}
    for entry in sorted(documents):
        fit = sorted(juror for juror, organisation in jurors.items() if organisation not in documents[entry])
        if len(fit) < per_document:
            raise _too_few(entry, len(fit), per_document)
        chance.shuffle(fit)
        allowed[entry] = fit
    most = min(len(fit) for fit in allowed.values())
    wanted = min(most, max(per_document, -(-per_juror * len(jurors) // len(documents))))
    capacity = -(-wanted * len(documents) // len(jurors))
    while (found := _match(allowed, wanted, capacity)) is None:
        capacity += 1
    return found


def _match(allowed: dict[int, list[str]], wanted: int, capacity: int) -> dict[int, tuple[str, ...]] | None:
    matching = _Matching(allowed, capacity)
    for _ in range(wanted):
        for document in allowed:
            if not matching.add(document):
                return None
    return {
        document: tuple(sorted(juror for juror, held in matching.held.items() if document in held))
        for document in allowed
    }


def _too_few(entry: int, fit: int, wanted: int) -> Conflict:
    return Conflict(
        f"The document {entry} needs {wanted} jurors, and {fit} have no conflict of interest with it.",
        code="too_few_jurors",
        remedy="Appoint jurors of other organisations than those of its team.",
        zh=f"文档 {entry} 需要 {wanted} 名评委，无利益冲突的仅 {fit} 名。",
        remedy_zh="请聘请与该团队不属同一单位的评委。",
    )
