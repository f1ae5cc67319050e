"""Each live grant's share of its dataset's and its population's budget is held for it.

Until now all grants drew on these budgets as they came, and their limits together could be more than there
was, the delta's above all: each could spend all of it. Where that is so, what each may still spend is cut
down in the same proportion for all, so that what is left is theirs, and none can spend another's.
"""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op
from ruamel.yaml import YAML

revision = "0015"
down_revision = "0012"

UNITS = sa.Numeric(precision=40, scale=0)
KINDS = ("picorho", "delta")
LIVE = """
    SELECT DISTINCT CASE WHEN g.team = 'marketplace' THEN g.team || '/' || g.dataset || '/' || g.id
                         ELSE g.team || '/' || g.dataset END AS key, g.dataset, v.policy
    FROM vault.grants AS g
    JOIN vault.datasets AS d ON d.name = g.dataset
    JOIN vault.dataset_versions AS v ON v.dataset = d.name AND v.number = d.latest
    WHERE g.status = 'live'
"""


def upgrade() -> None:
    op.add_column("budget_accounts", sa.Column("dataset", sa.Text(), nullable=True), schema="vault")
    op.add_column("budget_accounts", sa.Column("population", sa.Text(), nullable=True), schema="vault")
    for kind in KINDS:
        op.add_column(
            "budget_accounts",
            sa.Column(f"{kind}_held", UNITS, server_default=sa.text("'0'"), nullable=False),
            schema="vault",
        )
    _hold_shares(op.get_bind())
    for name, rule in (
        ("share_of_both", "(dataset IS NULL) = (population IS NULL)"),
        ("rho_held_within_limit", "picorho_held >= 0 AND picorho_spent + picorho_held <= picorho_limit"),
        ("delta_held_within_limit", "delta_held >= 0 AND delta_spent + delta_held <= delta_limit"),
    ):
        op.create_check_constraint(
            op.f(f"ck_budget_accounts_{name}"), "budget_accounts", rule, schema="vault"
        )


def _hold_shares(tx: sa.Connection) -> None:
    accounts = {
        (row.level, row.key): row for row in tx.execute(sa.text("SELECT * FROM vault.budget_accounts"))
    }
    read = YAML(typ="safe", pure=True)
    grants = [
        (row.key, row.dataset, read.load(row.policy)["population"]) for row in tx.execute(sa.text(LIVE))
    ]
    for kind in KINDS:
        wanted = {
            key: _unspent(accounts, kind, key, dataset, population) for key, dataset, population in grants
        }
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for key, dataset, population in grants:
            sums["dataset", dataset] += wanted[key]
            sums["population", population] += wanted[key]
        for key, dataset, population in grants:
            levels = ("dataset", dataset), ("population", population)
            share = min(
                wanted[key] * min(sums[level], _left(accounts[level], kind)) // max(1, sums[level])
                for level in levels
            )
            tx.execute(
                sa.text(
                    f"UPDATE vault.budget_accounts SET {kind}_limit = {kind}_spent + :share, "
                    "dataset = :dataset, population = :population WHERE level = 'grant' AND key = :key"
                ),
                {"share": share, "dataset": dataset, "population": population, "key": key},
            )
            for level, name in levels:
                tx.execute(
                    sa.text(
                        f"UPDATE vault.budget_accounts SET {kind}_held = {kind}_held + :share "
                        "WHERE level = :level AND key = :name"
                    ),
                    {"share": share, "level": level, "name": name},
                )


def _unspent(accounts: dict[tuple[str, str], Any], kind: str, key: str, dataset: str, population: str) -> int:
    """What a grant may still spend: of the delta as large a part as it has of the rho,
    as grants approved from now on."""
    own = accounts["grant", key]
    if kind == "picorho":
        return _left(own, kind)
    parts = [
        int(level.delta_limit) * int(own.picorho_limit) // max(1, int(level.picorho_limit))
        for level in (accounts["dataset", dataset], accounts["population", population])
    ]
    return max(0, min(int(own.delta_limit), *parts) - int(own.delta_spent))


def _left(row: Any, kind: str) -> int:
    return int(getattr(row, f"{kind}_limit") - getattr(row, f"{kind}_spent"))
