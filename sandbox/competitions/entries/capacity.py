"""What entries tell a team of train people, in bits, beside what reviews tell it.

An entry whose model was fitted on raw rows is a message about them: its author can choose it by the rows, and
sees the place that it gets. A place is one of `levels`, so an entry tells at most log2 of them, whatever its
author saw before. That counts against the capacity of the data's grade for the team
(reviews/capacity_ledger.py), when scoring begins and whatever the place is.
"""

from math import ceil

from sandbox.competitions.boards import BoardPlan


def entry_bits(plan: BoardPlan) -> int:
    """Of one entry on this board, in whole bits."""
    return ceil(plan.bits_of_entry)


def team_bits(plan: BoardPlan) -> int:
    """Of all entries that a team may make: shown when a competition is set up."""
    return entry_bits(plan) * plan.entries_of_team
