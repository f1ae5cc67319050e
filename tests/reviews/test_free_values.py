"""What only an author's program vouches for is asked about, however it is cut into columns, tables and
files; what the vault counted is not."""

from dataclasses import replace

import pytest

from good_outputs import CONTEXT, CONTROLS
from review_people import POLICIES
from sandbox.disclosure.check_file import check_files
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.checks.written_numbers import are_bands
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.taxonomy import load_disclosure

TAXONOMY = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)
MEAN = Declaration("principal_components", CONTEXT, CONTROLS)


def table(rows: int, columns: int, seed: int = 0) -> bytes:
    head = "band,n" + "".join(f",mean_{column}" for column in range(columns))
    lines = [
        f"{row},500"
        + "".join(f",{(row * 37 + column * 101 + seed * 977) % 997 / 7:.2f}" for column in range(columns))
        for row in range(1, rows + 1)
    ]
    return "\n".join([head, *lines]).encode()


def asked(files: dict[str, bytes], declared: Declaration = MEAN, grade: str = "3") -> set[str]:
    checked = check_files(
        {name: (content, declared) for name, content in files.items()}, TAXONOMY.at(grade), None
    )
    return {
        name for name, file in checked.items() if any(one.code == "free_numbers" for one in file.findings)
    }


@pytest.mark.parametrize(
    ("rows", "columns", "asks"), [(19, 3, False), (20, 1, True), (12, 12, True), (9, 5, False)]
)
def test_a_long_column_and_a_wide_table_are_asked_about(rows: int, columns: int, asks: bool) -> None:
    files = {"t.csv": table(rows, columns)}
    assert bool(asked(files)) is asks
    assert not asked(files, replace(MEAN, counted=True)) and not asked(files, grade="1")


def test_many_small_tables_of_one_request_are_asked_about_together() -> None:
    files = {f"t{number}.csv": table(9, 4, number) for number in range(8)}
    assert asked(files) == files.keys()
    assert not asked(dict(list(files.items())[:3]))
    assert not asked(files, replace(MEAN, measured=True))


@pytest.mark.parametrize(
    ("labels", "bands"),
    [
        ([f"{low}-{low + 4}" for low in range(0, 150, 5)] + ["150+", "total"], True),
        ([f"({low}, {low + 10}]" for low in range(0, 300, 10)], True),
        ([f"{n * n % 997}-{n * n % 997 + 1}" for n in range(3, 40)], False),  # a value each, as an interval
        ([f"{low}-{low + 4}" for low in range(0, 500, 5)] + [f"name {n}" for n in range(25)], False),
    ],
)
def test_bands_adjoin_and_few_other_labels_stand_beside_them(labels: list[str], bands: bool) -> None:
    assert are_bands(labels, but=20) is bands
