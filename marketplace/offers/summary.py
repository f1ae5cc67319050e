"""Summarises an offer for a reader, in Chinese and in English: one sentence for each thing it says."""

from marketplace.money import yuan
from marketplace.offers.column_masks import ColumnMask, describe
from marketplace.offers.document import LicenceTerms, OfferDocument
from marketplace.offers.price import Price, Tier, Unit, Usage
from marketplace.offers.price_rules import PriceRules

Sentence = tuple[str, str]  # Chinese, English

UNITS: dict[Unit, Sentence] = {
    Unit.CALL: ("次调用", "call"),
    Unit.SUCCESSFUL_CALL: ("次有结果的调用", "call that finds something"),
    Unit.MODEL_CALL: ("次模型调用", "call of the model"),
    Unit.ROW: ("行", "row"),
    Unit.BYTE: ("字节", "byte"),
    Unit.EPSILON: ("单位隐私损失（ε）", "unit of privacy loss (ε)"),
}
ROUNDINGS: dict[str, Sentence] = {
    "down": ("每月合计不足一分的舍去", "what is less than a fen in the month's sum is dropped"),
    "half_up": ("每月合计四舍五入到分", "the month's sum is rounded to a fen, half a fen upwards"),
    "up": ("每月合计不足一分的进为一分", "the month's sum is rounded up to a fen"),
}


def summary(document: OfferDocument, rules: PriceRules, masks: tuple[ColumnMask, ...] = ()) -> list[Sentence]:
    """Price first, then what the product masks for everybody (`masks`), then terms."""
    return [
        *price_sentences(document.price),
        *map(describe, masks),
        *term_sentences(document.terms, rules),
    ]


def price_sentences(price: Price) -> list[Sentence]:
    if price.free:
        return [("免费。", "It is free.")]
    sentences: list[Sentence] = []
    if price.one_off_fen:
        fee = yuan(price.one_off_fen)
        sentences.append((f"首次交付时一次性收取 {fee}。", f"{fee} are due once, with the first delivery."))
    if price.monthly_fee_fen:
        fee = yuan(price.monthly_fee_fen)
        sentences.append((f"有交付的月份收取月费 {fee}。", f"A month with a delivery costs a fee of {fee}."))
    for usage in price.usage:
        sentences += usage_sentences(usage)
    if price.month_maximum_fen is not None:
        most = yuan(price.month_maximum_fen)
        sentences.append((f"每月最多 {most}。", f"A month costs {most} at most."))
    if price.trial is not None:
        days = price.trial.days
        sentences.append((f"前 {days} 天试用，免费。", f"The first {days} days are a free trial."))
    return sentences


def usage_sentences(usage: Usage) -> list[Sentence]:
    zh, en = UNITS[usage.unit]
    sentences: list[Sentence] = []
    if usage.included:
        sentences.append(
            (
                f"每月前 {usage.included:,} {zh}免费。",
                f"The first {usage.included:,} of each month ({en}) are free.",
            )
        )
    begin = 0
    for tier in usage.tiers:
        sentences.append(tier_sentence(usage.unit, tier, begin, alone=len(usage.tiers) == 1))
        begin = tier.up_to or begin
    if any(tier.fen % tier.per for tier in usage.tiers):
        sentences.append(
            (f"{ROUNDINGS[usage.rounding][0]}。", f"{ROUNDINGS[usage.rounding][1].capitalize()}.")
        )
    return sentences


def tier_sentence(unit: Unit, tier: Tier, begin: int, *, alone: bool) -> Sentence:
    zh, en = UNITS[unit]
    price = yuan(tier.fen)
    each_zh = f"每{zh} {price}" if tier.per == 1 else f"每 {tier.per:,} {zh} {price}"
    each_en = f"{price} per {en}" if tier.per == 1 else f"{price} per {tier.per:,} ({en})"
    if alone:
        return f"{each_zh}。", f"{each_en}."
    if tier.up_to is None:
        return f"超过 {begin:,} 的部分，{each_zh}。", f"Above {begin:,}: {each_en}."
    return f"{begin:,} 至 {tier.up_to:,} 的部分，{each_zh}。", f"From {begin:,} to {tier.up_to:,}: {each_en}."


def term_sentences(terms: LicenceTerms, rules: PriceRules) -> list[Sentence]:
    use = rules.uses.get(terms.use)
    anywhere = terms.territory == "anywhere"
    where = ", ".join(terms.territory)
    return [
        (f"用途：{terms.purpose}（{use.zh if use else terms.use}）。",
         f"Purpose: {terms.purpose} ({use.en if use else terms.use})."),
        (f"期限最长 {terms.longest_days} 天。", f"It lasts {terms.longest_days} days at most."),
        (f"每月最多 {terms.calls_per_month:,} 次，每秒最多 {terms.calls_per_second} 次。",
         f"{terms.calls_per_month:,} calls a month and {terms.calls_per_second} a second at most."),
        ("地域不限。", "It may be used anywhere.") if anywhere
        else (f"仅限在 {where} 使用。", f"It may be used in {where} only."),
        ("可以转发。", "It may be passed on.") if terms.redistribution
        else ("不得转发。", "It may not be passed on."),
        *([(f"须署名：{terms.attribution}。", f"Name the source: {terms.attribution}.")]
          if terms.attribution else []),
        *([("仅供计算，不得留存。", "It may be computed with, and not be kept.")]
          if terms.compute_only else []),
        *map(describe, terms.masks),
        *([("文件含有识别买方的水印。", "Files carry a watermark that names the buyer.")]
          if terms.watermark else []),
        *([(f"隐私预算共 ε {terms.privacy_budget}。",
            f"The privacy budget of the licence is ε {terms.privacy_budget}.")]
          if terms.privacy_budget else []),
    ]  # fmt: skip
