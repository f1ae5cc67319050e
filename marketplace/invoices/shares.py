"""Shares an invoice's total among departments and teams, by the percents of policies/invoices.yaml and those
that the teams of models and questions were promised. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.model import Invoice, InvoiceItem


@dataclass(frozen=True)
class RevenueShare:
    product: str
    to: str
    percent: int
    amount_fen: int


@dataclass(frozen=True)
class TeamShare:
    """What the team of a model, or of a competition's question, has of its product."""

    team: str
    percent: int

    @property
    def to(self) -> str:
        return f"team:{self.team}"


def team_share_of(definition: Mapping[str, Any]) -> TeamShare | None:
    """The share that a product's definition, as it is stored, promises a team; None if it promises none."""
    promised = definition if definition["kind"] == "model" else definition.get("origin")
    return TeamShare(promised["team"], promised["team_percent"]) if promised else None


def shares_of(
    invoice: Invoice,
    items: Iterable[InvoiceItem],
    rules: InvoiceRules,
    teams: Mapping[str, TeamShare] | None = None,
) -> list[RevenueShare]:
    """The shares of each product's sum. Each is rounded towards zero to the fen, and the seller has the rest,
    so that they add up to the total.

    `teams`: of products that came from one. A team has the percent that it was promised; where that and the
    percents of the rules are more than 100, those of the rules have what is left, in their order.
    """
    sums: dict[str, int] = {}
    for item in items:
        sums[item.product] = sums.get(item.product, 0) + item.amount_fen
    shares = []
    for product, amount in sorted(sums.items()):
        percents = percents_of(rules.shares_of(product), (teams or {}).get(product))
        parts = [
            RevenueShare(product, to, percent, abs(amount) * percent // 100 * (1 if amount >= 0 else -1))
            for to, percent in sorted(percents.items())
        ]
        rest = amount - sum(part.amount_fen for part in parts)
        shares += [*parts, RevenueShare(product, invoice.department, 100 - sum(percents.values()), rest)]
    return shares


def percents_of(by_rules: Mapping[str, int], team: TeamShare | None) -> dict[str, int]:
    """Of each who has any; together 100 at most."""
    percents = {} if team is None or not team.percent else {team.to: team.percent}
    for to, percent in by_rules.items():
        if own := min(percent, 100 - sum(percents.values())):
            percents[to] = percents.get(to, 0) + own
    return percents
