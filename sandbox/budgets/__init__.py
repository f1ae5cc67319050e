"""The ledger: what may be lost at each level, what has been lost, and by which question."""

from sandbox.budgets.ledger import open_account, raise_limit, refusal, require, reserve, settle, statement
from sandbox.budgets.model import Account, Level, Statement
from sandbox.budgets.shares import ShareTooLarge, give_share, let_go, lock

__all__ = [
    "Account",
    "Level",
    "ShareTooLarge",
    "Statement",
    "give_share",
    "let_go",
    "lock",
    "open_account",
    "raise_limit",
    "refusal",
    "require",
    "reserve",
    "settle",
    "statement",
]
