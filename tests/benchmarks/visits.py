"""Which file does an officer publish when publishing is measured?
Made-up visits to hospitals with identity numbers that pass their check, days as people write them, codes and
amounts: the same from the same seed on every machine. A person has five visits on average.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

SEED = 20261201
REGIONS = ("420202", "420203", "420204", "420205", "420222", "420281")
DISTRICTS = ("黄石港区", "西塞山区", "下陆区", "铁山区", "阳新县", "大冶市")
DISEASES = ("A00", "B12", "C34", "E11", "I10", "J18", "K29", "M54", "N18", "Z00")
WARDS = tuple(f"W{number:03}" for number in range(60))
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, of the first 17 digits
CHECKS = b"10X98765432"
FIRST_DAY, DAYS = np.datetime64("2019-01-01"), 2000
ROWS_A_PERSON = 5


def make_visits(folder: Path, rows: int, kind: str) -> Path:
    """The file, from `folder` if it was made before: `kind` is csv or parquet."""
    path = folder / f"visits-{rows}.{kind}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        table = _visits(rows, written=kind == "csv")
        if kind == "csv":
            pa.csv.write_csv(table, half, pa.csv.WriteOptions(quoting_style="none"))
        else:
            pa.parquet.write_table(table, half)
        half.rename(path)
    return path


def _visits(rows: int, *, written: bool) -> pa.Table:
    chance = np.random.default_rng(SEED)
    who = pa.array(chance.integers(0, max(rows // ROWS_A_PERSON, 1), rows))
    day = chance.integers(0, DAYS, rows)
    days = FIRST_DAY + np.arange(DAYS)
    spelled = pa.array([f"{each.year}/{each.month}/{each.day}" for each in days.astype(object)])

    def one_of(values: tuple[str, ...]) -> pa.Array:
        return pa.array(values).take(pa.array(chance.integers(0, len(values), rows)))

    return pa.table(
        {
            "身份证号": _identity_numbers(chance, max(rows // ROWS_A_PERSON, 1)).take(who),
            "就诊日期": spelled.take(pa.array(day)) if written else pa.array(days[day]),
            "疾病编码": one_of(DISEASES),
            "区县": one_of(DISTRICTS),
            "病区": one_of(WARDS),
            "金额": np.round(chance.gamma(2, 300, rows), 2),
            "天数": chance.integers(0, 30, rows),
        }
    )


def _identity_numbers(chance: np.random.Generator, count: int) -> pa.Array:
    digits = chance.integers(0, 10, (count, 17), dtype=np.uint8)
    regions = np.array([[int(digit) for digit in region] for region in REGIONS], np.uint8)
    digits[:, :6] = regions[chance.integers(0, len(REGIONS), count)]
    born = (chance.integers(1940, 2010, count), chance.integers(1, 13, count), chance.integers(1, 29, count))
    for part, start, width in zip(born, (6, 10, 12), (4, 2, 2), strict=True):
        for place in range(width):
            digits[:, start + place] = part // 10 ** (width - 1 - place) % 10
    check = np.frombuffer(CHECKS, np.uint8)[(digits * np.array(WEIGHTS)).sum(1) % 11]
    signs: npt.NDArray[np.uint8] = np.concatenate([digits + ord("0"), check[:, None]], axis=1)
    return pa.array(np.ascontiguousarray(signs.astype(np.uint8)).view("S18").ravel().astype("U18"))
