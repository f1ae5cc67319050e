"""Parts of SQL that say which usage lines an invoice holds, and which are credited."""

IN_PART = """(
    line.licence = part.licence AND line.month = part.month
    AND coalesce(line.group_id, 0) > part.after_group AND coalesce(line.group_id, 0) <= part.upto_group)"""
"""Whether a `line` is in a `part` of an invoice (`tables.py`)."""

CREDITED = """EXISTS (
    SELECT FROM market.usage_lines AS credit
    WHERE credit.month = line.month AND credit.compensates = line.id)"""
"""Whether a `line` is taken back by another."""
