"""The datasets that a form lets somebody choose from: all where they are few, else the first, or those in
which what was typed stands."""

from dataclasses import dataclass

from marketplace.vault import Answer, Vault

MOST_OFFERED = 50


@dataclass(frozen=True)
class DatasetChoices:
    """`offered` of `total` datasets. `chosen`: the name that was typed, where it is one of them; `searched`:
    what was typed and is the name of none."""

    offered: list[Answer]
    total: int
    chosen: str = ""
    searched: str = ""

    @property
    def whole(self) -> bool:
        """All of them can be listed."""
        return self.total <= MOST_OFFERED


NO_DATASETS = DatasetChoices([], 0)


def dataset_choices(vault: Vault, who: str, *, department: str = "", typed: str = "") -> DatasetChoices:
    """Of those that somebody may see. Raises what the vault refuses with."""
    wanted = {"department": department, "size": str(MOST_OFFERED)}
    known = vault.search_datasets(who, **wanted)
    offered, total = list(known["datasets"]), int(known["total"])
    typed = typed.strip()
    if typed and total > MOST_OFFERED:  # the one with exactly this name comes first
        offered = list(vault.search_datasets(who, q=typed[:200], **wanted)["datasets"])
    chosen = typed if typed in [each["name"] for each in offered] else ""
    return DatasetChoices(offered, total, chosen, "" if chosen else typed)
