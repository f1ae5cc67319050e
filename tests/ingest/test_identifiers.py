"""One person is one unit, however the id was typed; and what the rule alone joined is told."""

import random

import pyarrow as pa
import pytest

from sandbox.errors import InvalidInput
from sandbox.ingest import FieldRules, IdRule, Type, read_rows
from sandbox.ingest.identifiers import normalise, normalised

UNIT = FieldRules("id", Type.TEXT, unit=True, computed=False)
VARIANTS = (
    str.lower,
    str.upper,
    lambda text: f" {text}",
    lambda text: f"{text} ",
    lambda text: f"{text}\t",
    lambda text: f"\u3000{text}\u00a0",
    lambda text: text.replace("1", "１"),
    lambda text: text.replace("X", "Ｘ"),
    lambda text: f"{text}\u200b",
    lambda text: f"\ufeff{text}",
    lambda text: f"{text[:3]}\u00ad{text[3:]}",
    lambda text: f"{text}\u202c",
    lambda text: text.replace("x", "ｘ"),
)
IDS = ("42020119900307001X", "a-17", "Ångström", "ﬁrm ß", "张三", "ΣΑΣ", "İstanbul", "ǆ")


def test_every_way_to_type_an_id_is_one_unit() -> None:
    chance = random.Random(11)
    for id in IDS:
        typed = [change(id) for change in VARIANTS] + [
            chance.choice(VARIANTS)(chance.choice(VARIANTS)(id)) for _ in range(50)
        ]
        assert {normalised(one) for one in typed} == {normalised(id)}, id
        assert normalise(pa.array(typed)).to_pylist() == [normalised(id)] * len(typed)


def test_the_rule_applied_twice_changes_nothing() -> None:
    chance = random.Random(12)
    for _ in range(20_000):
        id = "".join(
            chr(
                chance.choice(
                    (
                        chance.randrange(1, 0x250),
                        chance.randrange(0x250, 0xD800),
                        chance.randrange(0xE000, 0x1F000),
                    )
                )
            )
            for _ in range(chance.randint(1, 6))
        )
        once = normalised(id)
        assert normalised(once) == once, ascii(id)
        assert normalise(pa.array([id])).to_pylist() == [once or None], ascii(id)


def test_what_the_rule_alone_joins_is_told_with_its_count() -> None:
    body = b"id\n1X\n1x\n1X \n2x\n3\n3\n"
    rows = read_rows(body, [UNIT], ids=IdRule.NORMALISED)
    assert rows.table["id"].to_pylist() == ["1X", "1X", "1X", "2X", "3", "3"]
    assert rows.told == (
        (
            "3 rows have an id that was written otherwise than the rule (NFKC, trimmed, upper "
            "case); 2 ids differ from another id in that alone, and were joined with it"
        ),
    )
    exact = read_rows(body, [UNIT], ids=IdRule.EXACT)
    assert set(exact.table["id"].to_pylist()) == {"1X", "1x", "1X ", "2x", "3"} and not exact.told


@pytest.mark.parametrize("rule", list(IdRule))
@pytest.mark.parametrize("nobody", ["", " ", "\u200b", "\u3000\ufeff"])
def test_an_id_that_nobody_can_see_names_nobody(rule: IdRule, nobody: str) -> None:
    with pytest.raises(InvalidInput, match="1 are empty"):
        read_rows(f"id,x\n1,1\n{nobody},2\n".encode(), [UNIT, FieldRules("x", Type.INTEGER)], ids=rule)
