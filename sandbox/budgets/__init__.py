"""The ledger: what may be lost at each level, what has been, and by which question. Never overspends, never forgets."""

from sandbox.budgets.ledger import open_account, raise_limit, require, reserve, settle, statement
from sandbox.budgets.model import Account, Level, Statement

__all__ = ["Account", "Level", "Statement", "open_account", "raise_limit", "require", "reserve", "settle", "statement"]
