"""What the ledger must say, computed anew from all that was ever charged: written from the contract
(sandbox/budgets/README.md, ADR 0054), with no line of the ledger.

Nothing is counted here: an account's `spent` is read off the list of charges each time, so that a loss which
is forgotten, doubled or given back shows as a difference.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

Loss = tuple[int, int]  # picorho, and delta in 1e-24
Key = tuple[str, str]  # level, key
NOTHING: Loss = (0, 0)


def plus(*losses: Loss) -> Loss:
    return sum(one[0] for one in losses), sum(one[1] for one in losses)


def minus(one: Loss, other: Loss) -> Loss:
    return one[0] - other[0], one[1] - other[1]


def most(losses: Iterable[Loss]) -> Loss:
    """In each currency the largest."""
    every = [NOTHING, *losses]
    return max(one[0] for one in every), max(one[1] for one in every)


def fits(one: Loss, room: Loss) -> bool:
    return one[0] <= room[0] and one[1] <= room[1]


@dataclass(frozen=True)
class Charge:
    """A loss of all these accounts; of which part of which split, while there was one."""

    accounts: frozenset[Key]
    loss: Loss
    split: str = ""
    part: str = ""


@dataclass(frozen=True)
class LiveGrant:
    id: int
    account: Key
    dataset: str
    given: Loss


@dataclass
class Split:
    id: str
    dataset: str
    limits: dict[str, Loss]


@dataclass
class BudgetModel:
    """Two datasets or more about one population. `limits`: of every account that was ever opened. `holding`:
    the accounts of teams with a live grant, and the dataset of each."""

    population: str
    limits: dict[Key, Loss] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    live: list[LiveGrant] = field(default_factory=list)
    holding: dict[Key, str] = field(default_factory=dict)
    split: Split | None = None
    merged: set[str] = field(default_factory=set)
    bought: set[str] = field(default_factory=set)

    @property
    def whole(self) -> Key:
        return "population", self.population

    def spent(self, account: Key, *, more: Iterable[Charge] = ()) -> Loss:
        """Of a dataset or a population: people outside of a split lose the sum; those of a split are in one
        of its parts, so they lose at most the largest part's sum."""
        of = [one for one in (*self.charges, *more) if account in one.accounts]
        if account[0] not in ("dataset", "population"):
            return plus(NOTHING, *(one.loss for one in of))
        by_split: dict[str, dict[str, list[Loss]]] = defaultdict(lambda: defaultdict(list))
        for one in of:
            by_split[one.split][one.part].append(one.loss)
        return plus(NOTHING, *(most(plus(*part) for part in parts.values()) for parts in by_split.values()))

    def held(self, account: Key) -> Loss:
        """What live grants may still spend there, and what the parts of the split may."""
        if account[0] not in ("dataset", "population"):
            return NOTHING
        shares = [
            minus(self.limits[grant], self.spent(grant))
            for grant, dataset in self.holding.items()
            if account in (("dataset", dataset), self.whole)
        ]
        split = self.split
        if split is not None and account in (("dataset", split.dataset), self.whole):
            scored = [self.spent(("split", f"{split.id}/{part}")) for part in split.limits]
            shares.append(minus(most(split.limits.values()), most(scored)))
        return plus(NOTHING, *shares)

    def left(self, account: Key) -> Loss:
        return minus(minus(self.limits[account], self.spent(account)), self.held(account))

    def open(self, account: Key, limit: Loss) -> None:
        taken = plus(self.spent(account), self.held(account)) if account in self.limits else NOTHING
        self.limits[account] = most([taken, limit])

    # teams

    def approve(self, id: int, team: str, dataset: str, picorho: int) -> str:
        account, levels = ("grant", f"{team}/{dataset}"), (("dataset", dataset), self.whole)
        if team in self.merged:
            return "team_merged"
        spent, holds = self.spent(account), account in self.holding
        base = self.limits[account] if holds else spent
        rho = max(picorho, base[0])
        for level in levels:
            if rho - base[0] > self.left(level)[0]:
                return f"budget_promised {level[0]}"
        part = min(self.limits[level][1] * picorho // max(1, self.limits[level][0]) for level in levels)
        delta = min(max(part, base[1]), *(base[1] + self.left(level)[1] for level in levels))
        self.limits[account], self.holding[account] = (rho, delta), dataset
        self.live.append(LiveGrant(id, account, dataset, (picorho, delta)))
        return "ok"

    def end(self, id: int) -> str:
        grant = next((one for one in self.live if one.id == id), None)
        if grant is None:
            return "ended"
        self.live.remove(grant)
        rest = [one.given for one in self.live if one.account == grant.account]
        if not rest:
            del self.holding[grant.account]
            return "ok"
        stays = most([self.spent(grant.account), *rest])
        rho, delta = self.limits[grant.account]
        self.limits[grant.account] = min(rho, stays[0]), min(delta, stays[1])
        return "ok"

    # losses

    def ask(self, grants: Iterable[int], loss: Loss, *, kept: bool = True) -> str:
        """Of the datasets of these grants, joined. `kept`: the transaction committed."""
        wanted = set(grants)
        named = [one for one in self.live if one.id in wanted]
        if len(named) < len(wanted):
            return "no grant"
        for account in sorted(one.account for one in named):
            if not fits(loss, self.left_of_grant(account)):
                return f"exhausted {account[1]}"
        if kept:
            accounts = {(one.account, ("dataset", one.dataset)) for one in named}
            self.charges.append(self._about_train(frozenset(chain([self.whole], *accounts)), loss))
        return "ok"

    def left_of_grant(self, account: Key) -> Loss:
        return minus(self.limits[account], self.spent(account))

    def purchase(self, subject: str, dataset: str, loss: Loss, *, succeeds: bool) -> str:
        """A department's own: of what is promised to nobody; once, unless it fails."""
        if dataset in self.bought:
            return "bought"
        account = "grant", f"{subject}:{dataset}"
        charge = self._about_train(frozenset([account, ("dataset", dataset), self.whole]), loss)
        for level in (("dataset", dataset), self.whole):
            if not fits(minus(self.spent(level, more=[charge]), self.spent(level)), self.left(level)):
                return f"exhausted {level[1]}"
        self.charges.append(charge)
        self.limits[account] = self.spent(account)
        if succeeds:
            self.bought.add(dataset)
        return "ok"

    def _about_train(self, accounts: frozenset[Key], loss: Loss) -> Charge:
        return (
            Charge(accounts, loss) if self.split is None else Charge(accounts, loss, self.split.id, "train")
        )

    # splits

    def begin(self, id: str, dataset: str, limits: dict[str, Loss]) -> str:
        if self.split is not None:
            return "population_split"
        held = most(limits.values())
        for level in (("dataset", dataset), self.whole):
            if not fits(held, self.left(level)):
                return f"budget_promised {level[0]}"
        self.split = Split(id, dataset, limits)
        for part, limit in limits.items():
            self.limits["split", f"{id}/{part}"] = limit
        return "ok"

    def score(self, id: str, part: str, loss: Loss) -> str:
        if self.split is None or self.split.id != id:
            return "split_opened"
        account = "split", f"{id}/{part}"
        if not fits(loss, minus(self.limits[account], self.spent(account))):
            return f"exhausted {account[1]}"
        accounts = frozenset([account, ("dataset", self.split.dataset), self.whole])
        self.charges.append(Charge(accounts, loss, id, part))
        return "ok"

    def finish(self, id: str) -> str:
        if self.split is None or self.split.id != id:
            return "split_opened"
        self.split = None
        return "ok"

    def document(self) -> dict[Key, tuple[Loss, Loss, Loss, str]]:
        """Every account: its limit, what was spent, what is held, and of which dataset its share is."""
        return {
            key: (limit, self.spent(key), self.held(key), self.holding.get(key, ""))
            for key, limit in self.limits.items()
        }
