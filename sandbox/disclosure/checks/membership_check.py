"""Tests whether a model's losses reveal who was in its training data.
The test is the vault's own, on losses that the sealed run measured.

The supporting file of a model may have a row for each unit (or for a random few thousand): `member` (1
if the model was trained on the unit, else 0) and `loss`, beside `n`, on how many units the model
stands. It is never released.
"""

import re
from collections.abc import Iterator

import numpy as np

from sandbox.disclosure.checks.column_roles import folded
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import MODELS
from sandbox.disclosure.finding import Finding, asks, blocks, notes
from sandbox.disclosure.membership_attack import Losses, membership_attack
from sandbox.errors import InvalidInput

TOLD = re.compile(r"an advantage of (-?\d+)%, at least (\d+)% with (\d+)% confidence")
SHUFFLED = 20_180_709  # any number: the same file is always judged alike


def membership(subject: Subject) -> Iterator[Finding]:
    if subject.opened.kind not in MODELS:
        return
    losses = _losses(subject)
    if losses is None:
        yield asks(
            "membership_untested",
            "memorising",
            "Whether the model tells who was in its training was not tested: no losses were given.",
            "Let the program leave a supporting file with columns member (1 or 0), loss and n: a row "
            "for each person, or for a random few thousand, trained on or not.",
            "未提供损失值，无法检验模型是否泄露谁参加了训练。",
            "请让程序留下支撑文件，含 member（1 或 0）、loss 和 n "
            "三列：每个个体一行（或随机抽取数千行），包括未参加训练的个体。",
        )
        return
    members, others = losses
    try:
        found = membership_attack(members, others)
    except InvalidInput as fault:
        yield asks(
            "membership_untested", "memorising", fault.message, fault.remedy, fault.zh, fault.remedy_zh
        )
        return
    told = (
        f"The membership test on {len(members):,} units of its training and {len(others):,} "
        f"others: an advantage of {found.advantage:.0%}, at least {found.at_least:.0%} with "
        f"{found.confidence:.0%} confidence; {found.sure_rate:.0%} of the units are told "
        "at 1 % of false alarms."
    )
    told_zh = (
        f"成员推断检验（{len(members):,} 个训练个体，{len(others):,} 个其他个体）："
        f"优势 {found.advantage:.0%}，以 {found.confidence:.0%} 置信度至少 {found.at_least:.0%}；"
        f"误报 1 % 时可认出 {found.sure_rate:.0%} 的个体。"
    )
    if 100 * found.at_least > subject.thresholds.membership_percent:
        yield blocks(
            "model_remembers",
            "memorising",
            told,
            "Regularise more, or use a smaller model: an advantage of "
            f"{subject.thresholds.membership_percent} % may leave.",
            told_zh,
            f"请加强正则化或缩小模型：优势不超过 {subject.thresholds.membership_percent} % 方可放行。",
        )
    else:
        yield notes("membership_tested", "memorising", told, "", told_zh, "")


def measured_advantage(finding: Finding) -> tuple[int, int, int] | None:
    """Of a finding of a membership test: the advantage, its lower bound and the confidence, in percent. None
    where nothing was tested."""
    found = TOLD.search(finding.message) if finding.code == "membership_tested" else None
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def _losses(subject: Subject) -> tuple[Losses, Losses] | None:
    """Of members and of others, in an order that says nothing; None where the supporting file has none."""
    told = subject.supporting
    if told is None:
        return None
    named = {folded(name): place for place, name in enumerate(told.grid.header)}
    if not {"member", "loss"} <= named.keys():
        return None
    member, loss = (
        np.array(
            [np.nan if value is None else float(value) for value in told.numbers[named[name]]],
            dtype=np.float64,
        )
        for name in ("member", "loss")
    )
    order = np.random.default_rng(SHUFFLED).permutation(len(member))
    member, loss = member[order], loss[order]
    return loss[member == 1], loss[member == 0]
