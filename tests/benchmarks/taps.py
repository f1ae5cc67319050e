"""Which table do all contestants read?
Made-up taps of bus cards: the same rows from the same seed on every machine.

A card's number of taps is lognormal (at 10 million rows: median 9, 99th percentile 180), with twenty that
are used all day long.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

SEED = 20261122
STOPS = 2000
ZONES = ("centre", "north", "south", "lake")
DISTRICTS = (
    "Huangshigang",
    "Xisaishan",
    "Xialu",
    "Tieshan",
    "Daye",
    "Yangxin",
    "Tuanchengshan",
    "Huahu",
    "Jinshan",
    "Huandi",
    "Lingcheng",
    "Xingguo",
)
# taps by hour of the day
BUSY = (1, 0.5, 0.3, 0.3, 0.5, 2, 6, 12, 11, 6, 4, 4, 5, 5, 4, 4, 6, 10, 11, 7, 5, 4, 3, 2)
ROWS_A_CARD = 20
HEAVIEST = 14_641e-7  # the busiest card's share of all rows
MAX_ROWS = 40  # of one card, that count in full

POLICY = f"""
dataset: city.taps
title: {{zh: 公交刷卡, en: Taps of bus cards}}
summary: {{zh: 测试, en: Made-up rows for measuring}}
department: health
grade: "3"
source: {{name: made up, licence: CC0-1.0}}
about_rows: ROWS
population: residents
unit: {{column: card, kind: person, max_rows: {MAX_ROWS}}}
budget: {{delta: "1e-6", dataset_epsilon: "20", grant_epsilon: "20", question_epsilon: "1"}}
columns:
  card: {{role: unit, type: integer, grade: "4"}}
  day: {{role: attribute, type: date}}
  hour: {{role: key, type: integer, values: {{from: 0, to: 23}}}}
  stop: {{role: key, type: integer, values: {{from: 1, to: {STOPS}}}}}
  district: {{role: key, type: text, values: [{", ".join(DISTRICTS)}]}}
  fare: {{role: measure, type: number, bounds: [0, 20], step: "0.05", required: true}}
  age: {{role: measure, type: integer, bounds: [0, 100], step: "1", required: true}}
"""

STOPS_POLICY = """
dataset: city.stops
title: {zh: 公交站, en: Bus stops}
summary: {zh: 测试, en: Made-up rows for measuring}
department: health
grade: "1"
source: {name: made up, licence: CC0-1.0}
columns:
  stop: {role: attribute, type: integer}
  zone: {role: attribute, type: text}
"""


@dataclass(frozen=True)
class Taps:
    """The private table and the public one, as Parquet, in the order in which they came (not by card)."""

    rows: int
    taps: Path
    stops: Path

    @property
    def policy(self) -> str:
        return POLICY.replace("ROWS", str(self.rows))


def make_taps(folder: Path, rows: int) -> Taps:
    """The table with so many rows, from `folder` if it was made before."""
    made = Taps(rows, folder / f"taps-{rows}.parquet", folder / "stops.parquet")
    folder.mkdir(parents=True, exist_ok=True)
    for path, table in ((made.stops, _stops), (made.taps, lambda: _taps(rows))):
        if not path.exists():
            half = path.with_suffix(".half")  # what is cut off is not taken for a table
            pyarrow.parquet.write_table(table(), half)
            half.rename(path)
    return made


def _stops() -> pa.Table:
    stop = np.arange(1, STOPS + 1)
    return pa.table({"stop": stop, "zone": np.array(ZONES)[stop * 7919 % len(ZONES)]})


def _taps(rows: int) -> pa.Table:
    chance = np.random.default_rng(SEED)
    cards = max(rows // ROWS_A_CARD, 20)
    use = 9 * np.exp(1.295 * chance.standard_normal(cards))
    use *= rows / use.sum()
    use[:20] = HEAVIEST * rows / np.arange(1, 21)
    # each at least once
    card = np.concatenate([np.arange(cards), chance.choice(cards, size=rows - cards, p=use / use.sum())])
    popular = chance.permutation(1 / np.arange(1, STOPS + 1) ** 0.8)
    stop = chance.choice(STOPS, size=rows, p=popular / popular.sum())
    hour = chance.choice(24, size=rows, p=np.array(BUSY) / sum(BUSY))
    district = chance.integers(0, len(DISTRICTS), STOPS)[stop]
    age = np.clip(chance.normal(44, 17, cards), 6, 95).astype(np.int64)[card]
    fare = np.round(np.clip(chance.gamma(4, 0.6, rows), 0.5, 12) * 20) / 20
    day = np.datetime64("2026-09-01") + chance.integers(0, 30, rows).astype("timedelta64[D]")
    number = chance.permutation(cards) + 100_000
    arrived = chance.permutation(rows)
    columns = {
        "card": number[card],
        "day": day,
        "hour": hour,
        "stop": stop + 1,
        "district": np.array(DISTRICTS)[district],
        "fare": fare,
        "age": age,
    }
    return pa.table({name: pa.array(values[arrived]) for name, values in columns.items()})
