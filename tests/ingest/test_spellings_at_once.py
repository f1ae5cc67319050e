"""What is read a column at a time is what the strict reader of single cells gives, value and fault."""

import random

import pyarrow as pa
import pytest

from sandbox.ingest.columns import CODE, STORED, read_column
from sandbox.ingest.model import Fault, FieldRules, Type
from sandbox.ingest.spelling import read_text

DRAWN = 6000


def a_day(drawn: random.Random) -> str:
    sign = drawn.choice("-//-.")
    parts = (
        drawn.choice(["2024", "0001", "0000", "9999", "1900", "2000", "1970", "24"]),
        sign,
        drawn.choice(["1", "01", "02", "2", "12", "13", "0", "00"]),
        drawn.choice([sign, sign, sign, "-"]),
        drawn.choice(["1", "01", "28", "29", "30", "31", "32", "0"]),
    )
    clock = ["", "", " 0:00", "T00:00:00", " 8:03", " 23:59:59", " 24:00", " 08:60", " 08:03:60", "  8:03"]
    fine = [" 08:03:01.5", " 08:03:01.123456", " 08:03:01.1234567", " 0:00:00.000", " 08:03Z"]
    return "".join(parts) + drawn.choice(clock + fine) + drawn.choice([""] * 9 + ["\n", " ", "٣"])


def a_number(drawn: random.Random) -> str:
    digits = "".join(drawn.choices("0123456789", k=drawn.choice([1, 2, 15, 16, 19, 30])))
    return (
        drawn.choice(["", "", "-", "+", " "])
        + digits
        + drawn.choice(["", "", ".", ".0", ".5", ".25", "e3", ",5", "\n", "٣"])
    )


@pytest.mark.parametrize("type", [Type.DATE, Type.TIMESTAMP, Type.INTEGER, Type.NUMBER])
@pytest.mark.parametrize("unit", [False, True])
def test_a_column_is_read_as_its_cells_are(type: Type, unit: bool) -> None:
    drawn = random.Random(11)
    rules = FieldRules("a", type, unit=unit and type is Type.INTEGER)
    draw = a_day if type in (Type.DATE, Type.TIMESTAMP) else a_number
    texts = [draw(drawn) for _ in range(DRAWN)]
    column = read_column(pa.array(texts), rules)
    values = column.values.cast(STORED[type]).to_pylist()
    for text, value, fault in zip(texts, values, column.faults, strict=True):
        said = read_text(text, rules)
        if isinstance(said, Fault):
            assert (value, fault) == (None, CODE[said]), text
        elif isinstance(said, tuple):
            assert (value, fault) == (said[0], CODE[said[1]]), text
        else:
            assert (value, fault) == (said, 0), text
