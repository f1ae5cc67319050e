"""Recognises a column of free text: long texts, most of which are different."""

from sandbox.ingest.recognition.column_texts import Column, distinct_texts
from sandbox.ingest.recognition.model import NOTHING, Recognition, share_class
from sandbox.ingest.recognition.reasons import free_text_reason
from sandbox.ingest.recognition.rules import IdentifierRules

LIKELY = 0.8
FEWEST = 2  # one sentence in all rows is a label


def free_text(values: Column, rules: IdentifierRules) -> Recognition:
    """Whether the column is free text, or `NOTHING`.

    Repeated sentences, such as answers to choose from, are not.
    """
    column, rule = distinct_texts(values), rules.free_text
    if column.different < max(FEWEST, rule.distinct * column.cells):
        return NOTHING
    long = column.match(rule.pattern)
    share = float(column.counts[long].sum()) / column.cells
    if share < rule.share:
        return NOTHING
    in_class = share_class(share, 1)
    reason_en, reason_zh = free_text_reason(rule, in_class)
    return Recognition(
        kind="free_text",
        share_class=in_class,
        confidence="sure" if share >= LIKELY else "likely",
        reason=reason_en,
        reason_zh=reason_zh,
        grade=rule.grade,
        title_en=rule.title_en,
        title_zh=rule.title_zh,
    )
