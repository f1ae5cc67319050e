"""Columns are masked by their grades, and an officer masks more and never less."""

from pathlib import Path
from shutil import copy

import pyarrow
import pytest

from marketplace.offers.column_masks import ColumnMask
from marketplace.products.default_masks import MaskRules, hides_as_much, read_mask_rules
from marketplace.settings import REPOSITORY
from sandbox.errors import InvalidInput
from sandbox.policy import Gate

GRADES = Gate(REPOSITORY / "policies").grades
RULES = read_mask_rules(REPOSITORY / "policies", GRADES)
TABLE = pyarrow.table(
    {
        "shop": ["a"],
        "owner": ["李"],
        "age": [41],
        "since": pyarrow.array([0], pyarrow.date32()),
        "ratio": [0.5],
    }
)
COLUMNS = {"shop": "1", "owner": "2", "age": "2", "since": "3", "ratio": "2"}


def mask(column: str, **how: object) -> ColumnMask:
    return ColumnMask.model_validate({"column": column, **how})


def test_each_column_gets_the_mask_of_its_grade_and_type() -> None:
    found = RULES.complete((), table=TABLE, grades=COLUMNS)
    assert found == (
        mask("owner", do="pseudonym"),
        mask("age", do="generalise", step=10),
        mask("since", do="generalise", to="year"),
        mask("ratio", do="drop"),
    )
    # a grade that nobody wrote rules for is not delivered
    unknown = MaskRules({"1": {}}).complete((), table=TABLE, grades=COLUMNS)
    assert {each.do for each in unknown} == {"drop"} and len(unknown) == 4
    # nor is a column of the copy that no grade is told of
    ungraded = RULES.complete((), table=TABLE.select(["shop", "age"]), grades={"shop": "1"})
    assert ungraded == (mask("age", do="drop"),)


@pytest.mark.parametrize(
    ("chosen", "allowed"),
    [
        (mask("age", do="drop"), True),
        (mask("age", do="generalise", step=20), True),
        (mask("age", do="generalise", step=15), False),
        (mask("age", do="generalise", step=5), False),
        (mask("age", do="pseudonym"), False),
        (mask("shop", do="truncate", characters=1), True),
        (mask("owner", do="truncate", characters=1), False),
        (mask("since", do="generalise", to="month"), False),
        (mask("ratio", do="pseudonym"), False),
    ],
)
def test_an_officer_masks_more_and_never_less(chosen: ColumnMask, allowed: bool) -> None:
    if allowed:
        assert chosen in RULES.complete((chosen,), table=TABLE, grades=COLUMNS)
        return
    with pytest.raises(InvalidInput) as refused:
        RULES.complete((chosen,), table=TABLE, grades=COLUMNS)
    assert refused.value.code == "mask_too_weak" and refused.value.words("zh")[1]
    # a release that repeats the one before is masked as the grade has become
    raised = RULES.complete((chosen,), table=TABLE, grades=COLUMNS, raising=True)
    assert raised == RULES.complete((), table=TABLE, grades=COLUMNS)


def test_a_mask_hides_as_much_as_itself_and_its_coarser_kinds() -> None:
    ladder = [mask("x", do="truncate", characters=n) for n in (3, 2, 1)] + [mask("x", do="drop")]
    for low, weaker in enumerate(ladder):
        for high, stricter in enumerate(ladder):
            assert hides_as_much(stricter, weaker) == (high >= low)


def test_a_key_is_of_a_grade_without_masks_and_something_is_left() -> None:
    with pytest.raises(InvalidInput) as refused:
        RULES.complete((), table=TABLE, grades=COLUMNS, keys=("age",))
    assert refused.value.code == "masked_key"
    with pytest.raises(InvalidInput) as refused:
        RULES.complete((), table=TABLE.select(["ratio"]), grades=COLUMNS)
    assert refused.value.code == "all_masked"


def test_every_grade_that_is_sold_has_rules(tmp_path: Path) -> None:
    for name in ("masks.yaml", "masks.schema.json"):
        copy(REPOSITORY / "policies" / name, tmp_path)
    text = (tmp_path / "masks.yaml").read_text().replace('"1": {}', '"9": {}')
    (tmp_path / "masks.yaml").write_text(text)
    with pytest.raises(InvalidInput, match="grade 1"):
        read_mask_rules(tmp_path, GRADES)
