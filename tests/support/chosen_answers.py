"""Answers about sixteen groups, with noise from a fixed seed."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from sandbox.queries import bind, make_plan, parse
from sandbox.queries.plan.plan import Plan
from sandbox.queries.types.scope import Scope
from sandbox.releases.answer.answer_table import table
from story import DATASET, VERSION

GROUPS = 16
SCALE = 6.0  # of a count, in rows
AREAS = tuple(f"a{place:02}" for place in range(GROUPS))


@lru_cache(maxsize=512)
def plan_of(sql: str) -> Plan:
    columns = tuple(
        replace(one, name="area", values=AREAS) if one.name == "district" else one for one in DATASET.columns
    )
    policy = replace(DATASET, columns=columns)
    return make_plan(bind(parse(sql), Scope(policy)), replace(VERSION, policy=policy))


def drawn(counts: list[int], seed: int) -> list[int]:
    noise = np.random.default_rng(seed).normal(0, SCALE * 1024, len(counts))
    return [count * 1024 + round(one) for count, one in zip(counts, noise, strict=True)]


def answered(sql: str, cells: list[int], scale: float, *, seed: int = 0) -> dict[str, Any]:
    """`cells`: the noisy numbers of rows. What is summed around a centre is noise alone: its mean is the
    centre, 50."""
    made = plan_of(sql)
    chance = np.random.default_rng(seed + 10**6)
    return table(
        made,
        {
            total.name: (scale * 1024, cells)
            if total.bounds is None
            else (scale * 10240, [round(one) for one in chance.normal(0, scale * 10240, len(cells))])
            for total in made.totals
        },
    )
