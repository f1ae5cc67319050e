"""The ledger: what may be lost at each level, what has been lost, and by which question."""

from sandbox.budgets.ledger import (
    open_account,
    raise_limit,
    refusal,
    refusal_of_all,
    require,
    reserve,
    settle,
    statement,
    statements,
)
from sandbox.budgets.model import Account, Level, Statement
from sandbox.budgets.parts import Part, split_of
from sandbox.budgets.shares import (
    ShareIncrease,
    ShareTooLarge,
    give_share,
    let_go,
    lock,
    lower_share,
    share_increase,
)
from sandbox.budgets.splits import begin_split, end_split, part_account, require_unsplit, reserve_part

__all__ = [
    "Account",
    "Level",
    "Part",
    "ShareIncrease",
    "ShareTooLarge",
    "Statement",
    "begin_split",
    "end_split",
    "give_share",
    "let_go",
    "lock",
    "lower_share",
    "open_account",
    "part_account",
    "raise_limit",
    "refusal",
    "refusal_of_all",
    "require",
    "require_unsplit",
    "reserve",
    "reserve_part",
    "settle",
    "share_increase",
    "split_of",
    "statement",
    "statements",
]
