"""What only an author's program vouches for is asked about, however it is cut into columns, tables and
files; what the vault counted is not."""

import json
from dataclasses import replace

import pytest

from good_outputs import CONTEXT, CONTROLS
from review_people import POLICIES
from sandbox.disclosure.check_file import check_files
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.checks.written_numbers import are_bands
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.finding import Severity
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
    assert not asked(dict(list(files.items())[:2]))
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


MARKED = [f"<{13_000 + 37 * row}" for row in range(60)]
BIT = [(row * row * 31 + row // 3) % 97 for row in range(200)]
SPELLED = {
    "a training run": ("t.csv", "step,seconds\n" + "".join(f"{row},{BIT[row]}\n" for row in range(99)), "training_history"),
    "a list beside a training run": ("t.json", json.dumps({"history": {"loss": [1, 2]}, "w": [bit / 7 for bit in BIT[:60]]}), "free_numbers"),
    "values below a sign": ("t.csv", "band,n,mean\n" + "".join(f"{row},500,{mark}\n" for row, mark in enumerate(MARKED)), "free_labels"),
    "totals": ("t.csv", "band,note,n\n" + "".join(f"{row},Total{'*:' * (BIT[row] % 7)}{'(' * (BIT[row] % 5)},500\n" for row in range(60)), "free_labels"),
    "counts": ("t.csv", "band,n\n" + "".join(f"{row},{500 + 5 * BIT[row]}\n" for row in range(99)), "free_numbers"),
    "fifteen words": ("t.csv", "band,tier,n\n" + "".join(f"{row},w{chr(97 + BIT[row] % 15)},500\n" for row in range(99)), "few_values"),
    "truths": ("t.json", json.dumps({"n": 500, "of": [bit % 2 == 1 for bit in BIT]}), "few_values"),
    "brackets": ("t.json", json.dumps({"n": 500, "of": [[] if bit % 2 else [[]] for bit in BIT]}), "few_values"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPELLED)
def test_what_could_spell_values_is_asked_about(kind: str) -> None:
    name, text, code = SPELLED[kind]
    (file,) = check_files({name: (text.encode(), MEAN)}, TAXONOMY.at("3"), None).values()
    assert code in {one.code for one in file.findings if one.severity is not Severity.NOTES}


def test_texts_and_labels_of_one_request_count_together() -> None:
    texts = {
        f"t{k}.txt": "".join(f"effect {i} is {(k * 29 + i) / 977:.5f}\n" for i in range(25)).encode()
        for k in range(6)
    }
    assert asked(texts) == texts.keys()
    named = {
        f"t{k}.csv": ("group,n\n" + "".join(f"q{hash_of(k * 19 + i)},500\n" for i in range(19))).encode()
        for k in range(8)
    }
    checked = check_files({name: (made, MEAN) for name, made in named.items()}, TAXONOMY.at("3"), None)
    assert all(any(one.code == "free_labels" for one in file.findings) for file in checked.values())


def hash_of(number: int) -> str:
    return "".join(chr(97 + number * step % 23) for step in (7, 11, 13)) + chr(97 + number // 23)
