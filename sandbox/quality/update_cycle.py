"""Reads how often data is updated from the words of a policy."""

import re

WORDS = (
    (1, ("daily", "every day", "每日", "每天", "按日", "日更新")),
    (7, ("weekly", "every week", "每周", "按周", "周更新")),
    (31, ("monthly", "every month", "每月", "按月", "月更新")),
    (92, ("quarterly", "every quarter", "每季", "按季", "季度")),
    (183, ("half-yearly", "twice a year", "半年")),
    (366, ("yearly", "annual", "every year", "每年", "按年", "年度")),
)
EVERY = re.compile(r"(?:every|每)\s*([0-9]{1,4})\s*(?:days?|天|日)", re.IGNORECASE)


def cycle_days(words: str) -> int | None:
    """The days between two versions; None where the words do not say."""
    said = words.casefold()
    if found := EVERY.search(said):
        return int(found[1]) or None
    # "half-yearly" holds "yearly": the longest word that is there
    there = [(len(word), days) for days, spelled in WORDS for word in spelled if word in said]
    return max(there)[1] if there else None
