"""Identifiers are recognised however they are typed, chance is not, and no reason holds a cell."""

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.honest_columns import honest_columns
from ingest.made_identifiers import (
    MADE,
    bank_card,
    email,
    identity_check,
    mobile,
    name,
    resident_identity,
    social_credit,
)
from sandbox.errors import InvalidInput
from sandbox.ingest.headers import HeaderText
from sandbox.ingest.recognition import (
    NOTHING,
    Recognition,
    distinct_texts,
    free_text,
    load_identifier_rules,
    recognise,
    recognise_all,
)
from sandbox.ingest.recognition.checksums import CHECKSUMS, PROVINCES

PATH = Path(__file__).parents[2] / "policies" / "identifiers.yaml"
RULES = load_identifier_rules(PATH)
KINDS = {kind.id: kind for kind in RULES.kinds}
CHECKED = (
    ("resident_identity", resident_identity, "0123456789"),
    ("social_credit", social_credit, "0123456789ABCDEFGHJKLMNPQRTUWXY"),
    ("luhn", bank_card, "0123456789"),
)
SEEDS = st.integers(0, 2**32)


def passes(checksum: str, *texts: str) -> list[bool]:
    return CHECKSUMS[checksum].passes(pa.array(texts)).tolist()


def kinds(values, header: str) -> dict[str, Recognition]:
    return {one.kind: one for one in recognise_all(values, header, RULES)}


def test_known_examples_of_the_standards_pass() -> None:
    assert passes("resident_identity", "11010519491231002X", "440524188001010014") == [True, True]
    assert passes("social_credit", "91350100M000100Y43") == [True]
    assert passes("luhn", "4111111111111111", "378282246310005", "5555555555554444") == [True] * 3
    assert passes("resident_identity_15", "130503670401001") == [True]


@pytest.mark.parametrize(("kind", "make", "header", "alone"), MADE, ids=[made[0] for made in MADE])
@settings(max_examples=6, deadline=None)
@given(seed=SEEDS)
def test_every_valid_one_is_recognised(kind: str, make, header: str, alone: bool, seed: int) -> None:
    chance = random.Random(seed)
    values = [make(chance) for _ in range(60)]
    assert KINDS[kind].alone is None or alone
    named = kinds(values, header)
    assert named[kind].share_class == "nearly all" and named[kind].confidence in ("sure", "likely")
    assert not named[kind].inside
    without = kinds(values, "x1")
    assert (kind in without) == alone
    if alone and KINDS[kind].weak:
        assert without[kind].confidence == "possible"


@pytest.mark.parametrize(("kind", "make", "header", "alone"), MADE, ids=[made[0] for made in MADE])
def test_every_single_one_is_recognised_under_its_header(kind: str, make, header: str, alone: bool) -> None:
    chance = random.Random(3)
    for _ in range(8):
        assert kind in kinds([make(chance)], header)


@pytest.mark.parametrize(("checksum", "make", "signs"), CHECKED, ids=[checked[0] for checked in CHECKED])
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_one_wrong_sign_is_not(checksum: str, make, signs: str, seed: int) -> None:
    chance = random.Random(seed)
    valid = make(chance)
    wrong = [
        valid[:place] + sign + valid[place + 1 :]
        for place in range(len(valid))
        for sign in signs
        if sign != valid[place]
    ]
    assert passes(checksum, valid) == [True] and not any(passes(checksum, *wrong))


def test_the_columns_of_wrong_ones_are_not_recognised() -> None:
    chance = random.Random(4)
    bodies = [resident_identity(chance)[:17] for _ in range(300)]
    wrong = [body + str((int(identity_check(body).replace("X", "0")) + 1) % 10) for body in bodies]
    assert recognise(wrong, "x1", RULES) == NOTHING
    shifted = [card[:-1] + str((int(card[-1]) + 3) % 10) for card in (bank_card(chance) for _ in range(300))]
    assert recognise(shifted, "卡号", RULES) == NOTHING


@pytest.mark.parametrize("day", ["19000229", "19990431", "20230229", "19901301", "19900100"])
def test_a_day_that_no_calendar_has_is_no_birthday(day: str) -> None:
    body = f"420202{day}001"
    assert passes("resident_identity", body + identity_check(body)) == [False]


@pytest.mark.parametrize("region", ["000000", "200000", "990101", "380000"])
def test_a_region_that_is_no_province_is_refused(region: str) -> None:
    body = f"{region}19900307001"
    assert passes("resident_identity", body + identity_check(body)) == [False]
    assert passes("resident_identity_15", f"{region}900307001") == [False]


@pytest.mark.parametrize(
    ("checksum", "width", "signs"),
    [
        ("luhn", 16, "0123456789"),
        ("luhn", 19, "0123456789"),
        ("resident_identity", 18, "0123456789"),
        ("social_credit", 18, "0123456789ABCDEFGHJKLMNPQRTUWXY"),
    ],
)
def test_chance_passes_at_most_at_the_rate_of_the_check(checksum: str, width: int, signs: str) -> None:
    drawn = np.random.default_rng(6).choice(list(signs), (20_000, width))
    rate = np.mean(passes(checksum, *("".join(row) for row in drawn)))
    assert rate < CHECKSUMS[checksum].chance * 1.08


@pytest.mark.parametrize(
    ("form", "low"),
    [("62{:014d}", 14), ("4{:015d}", 15), ("6222{:015d}", 15), ("420202{:012d}", 12), ("{:018d}", 18)],
)
def test_random_digits_of_the_same_form_are_not_recognised(form: str, low: int) -> None:
    chance = random.Random(7)
    for rows in (1, 3, 30, 3000):
        values = [form.format(chance.randrange(10**low)) for _ in range(rows)]
        assert recognise(values, "订单号", RULES) == NOTHING, rows


HONEST = list(honest_columns())


@pytest.mark.parametrize(("header", "values"), HONEST, ids=[header for header, _ in HONEST])
def test_an_honest_column_is_not_recognised(header: str, values: list[str]) -> None:
    assert recognise_all(values, header, RULES) == ()
    assert free_text(values, RULES) == NOTHING


def test_there_are_many_honest_columns() -> None:
    assert len(HONEST) >= 80


def test_typed_columns_are_read_as_they_are_written() -> None:
    chance = random.Random(8)
    numbers = [int(f"138{chance.randrange(10**8):08d}") for _ in range(50)]
    for array in (
        pa.array(numbers),
        pa.array([*map(float, numbers), None]),
        pa.array(numbers).cast(pa.string()).dictionary_encode(),
        pa.chunked_array([pa.array([str(number)]).dictionary_encode() for number in numbers]),
        pa.array(map(str, numbers), pa.large_string()),
        pa.array(map(str, numbers), pa.string_view()),
    ):
        assert "mobile_number" in kinds(array, "x"), array.type
    latitude = pa.array([30.2 + place / 7777 for place in range(50)])
    assert set(kinds(latitude, "Lat")) == {"latitude"} and not kinds(latitude, "x")
    for empty in (
        pa.array([True, None]),
        pa.array([], pa.date32()),
        pa.nulls(3),
        pa.array([[1], None]),
        pa.array([], pa.string()),
        pa.array([float("nan"), float("inf")]),
    ):
        assert recognise(empty, "手机", RULES) == NOTHING


def test_full_width_signs_spaces_and_small_letters_do_not_hide_it() -> None:
    full = str.maketrans({chr(sign): chr(sign + 0xFEE0) for sign in range(0x21, 0x7F)})
    chance = random.Random(9)
    for kind, make in (
        ("resident_identity_number", resident_identity),
        ("social_credit_code", social_credit),
    ):
        values = [make(chance) for _ in range(30)]
        for change in (
            str.lower,
            lambda text: text.translate(full),
            lambda text: f" {text}\t",
            lambda text: f"\ufeff{text[:6]}\u200b{text[6:]}",
        ):
            assert kind in kinds([change(value) for value in values], "x")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (resident_identity, "resident_identity_number"),
        (mobile, "mobile_number"),
        (email, "email"),
        (social_credit, "social_credit_code"),
        (bank_card, "bank_card_number"),
    ],
)
def test_one_inside_a_note_is_content(make, kind: str) -> None:
    chance = random.Random(10)
    notes = [f"第{place}次随访，情况稳定，药物照旧，下次再来。" for place in range(300)]
    notes[::50] = [f"家属来电，登记{make(chance)}，请尽快回复。" for _ in notes[::50]]
    found = kinds(notes, "备注")
    assert set(found) == {kind}
    assert found[kind].inside and found[kind].share_class == "few"
    assert found[kind].confidence == ("sure" if KINDS[kind].checksum else "likely")
    assert free_text(notes, RULES).kind == "free_text"


def test_a_longer_number_holds_no_shorter_one() -> None:
    chance = random.Random(11)
    values = [f"单号9{chance.randrange(10**9):09d}{resident_identity(chance)}1件" for _ in range(100)]
    assert recognise(values, "x", RULES) == NOTHING
    decimals = [f"读数0.{chance.randrange(13 * 10**9, 20 * 10**9)}伏" for _ in range(100)]
    assert recognise(decimals, "x", RULES) == NOTHING


def test_bytes_that_are_no_text_hide_nothing() -> None:
    chance = random.Random(17)
    numbers = [mobile(chance).encode() for _ in range(20)]
    damaged = pa.Array.from_buffers(pa.string(), 21, pa.array([*numbers, b"\xff\xfe"], pa.binary()).buffers())
    assert set(kinds(damaged, "x")) == {"mobile_number"}
    with pytest.raises(pa.ArrowInvalid):
        recognise(pa.DictionaryArray.from_arrays(pa.array([9]), pa.array(["a"]), safe=False), "x", RULES)


def test_a_note_may_be_nothing_but_a_number() -> None:
    chance = random.Random(15)
    notes = chance.choices(["无", "已办结", "正常", "转医保科"], k=290) + [mobile(chance) for _ in range(10)]
    found = kinds(notes, "备注")
    assert set(found) == {"mobile_number"} and found["mobile_number"].share_class == "few"
    numbers = [str(chance.randrange(10**10, 10**11)) for _ in range(300)]
    assert kinds([*numbers, mobile(random.Random(2))], "产量") == {}


def test_an_identity_number_may_follow_a_letter() -> None:
    chance = random.Random(16)
    assert set(kinds([f"ID{resident_identity(chance)}，已核对" for _ in range(9)], "说明")) == {
        "resident_identity_number"
    }


def test_local_numbers_are_numbers_under_a_header() -> None:
    assert set(kinds(["6281234", "628-1235", "87654321"], "办公电话")) == {"landline_number"}
    assert kinds(["6281234", "87654321"], "产量") == {}


def test_shares_are_told_in_classes() -> None:
    chance = random.Random(12)
    for right, in_class in (
        (0, "none"),
        (2, "few"),
        (5, "some"),
        (49, "some"),
        (50, "most"),
        (80, "nearly all"),
    ):
        values = [resident_identity(chance) for _ in range(right)] + ["无"] * (100 - right)
        assert recognise(values, "身份证号", RULES).share_class == in_class


def test_of_very_many_texts_drawn_ones_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.ingest.recognition.column_texts.MOST_FREQUENT", 200)
    monkeypatch.setattr("sandbox.ingest.recognition.column_texts.DRAWN", 300)
    chance = random.Random(13)
    values = ["无"] * 6000 + [resident_identity(chance) for _ in range(4000)]
    column = distinct_texts(values)
    assert len(column.texts) == 500 and column.different > 3900 and round(column.cells) == 10_000
    assert recognise(column, "x", RULES) == recognise(values, "x", RULES)
    assert recognise(column, "x", RULES).share_class == "some"


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(MADE),
    SEEDS,
    st.lists(st.text(st.characters(codec="utf-8"), min_size=6, max_size=60), max_size=20),
)
def test_no_reason_holds_a_cell_or_the_header(made, seed: int, others: list[str]) -> None:
    _, make, header, _ = made
    chance = random.Random(seed)
    values = [*(make(chance) for _ in range(30)), *others]
    for shown in (*recognise_all(values, header, RULES), free_text(values, RULES)):
        for said in (shown.reason, shown.reason_zh, shown.title_en, shown.title_zh):
            assert not any(value.strip() in said for value in values if len(value.strip()) > 3)
    # the first line of a file without a header is a row
    for shown in recognise_all(values, values[0], RULES):
        assert values[0] not in shown.reason + shown.reason_zh or len(values[0]) <= 3


def test_long_different_texts_are_free_text_and_repeated_ones_are_not() -> None:
    chance = random.Random(14)
    english = [f"The patient came back after {place} days and felt much better today." for place in range(90)]
    assert free_text(english, RULES).confidence == "sure"
    assert free_text(english[:3] * 30, RULES) == NOTHING
    for make in (resident_identity, name, email, bank_card):
        assert free_text([make(chance) for _ in range(90)], RULES) == NOTHING
    half = [*english[:45], *(f"{place}" for place in range(30))]
    assert free_text(half, RULES).confidence == "likely" and free_text(half, RULES).share_class == "most"


@pytest.mark.parametrize(
    ("header", "kind", "named"),
    [
        ("patientName", "person_name", True),
        ("PATIENT_NAME", "person_name", True),
        ("患者姓名 ", "person_name", True),
        ("name", "person_name", True),
        ("file name", "person_name", False),
        ("station_name", "person_name", False),
        ("idCard", "resident_identity_number", True),
        ("身份证（本人）", "resident_identity_number", True),
        ("hotel", "mobile_number", False),
        ("TEL", "mobile_number", True),
        ("latitude_deg", "latitude", True),
        ("flat", "latitude", False),
        ("ｐｈｏｎｅ", "mobile_number", True),
    ],
)
def test_headers_are_read_by_their_words(header: str, kind: str, named: bool) -> None:
    assert KINDS[kind].header.name(HeaderText.of(header)) is named


def test_every_text_of_the_rules_and_every_kind_is_known() -> None:
    assert {made[0] for made in MADE} == set(KINDS)
    for kind in RULES.kinds:
        assert kind.checksum in CHECKSUMS or not kind.checksum
        assert kind.header.zh and kind.header.en
    assert {"王", "李", "欧阳", "司马"} <= RULES.surnames and len(RULES.surnames) > 380
    assert len(set(PROVINCES.tolist())) == 35  # the 34 of GB/T 2260, and 83


def changed(folder: Path, old: str, new: str) -> None:
    text = PATH.read_text("utf-8")
    assert old in text
    (folder / "identifiers.yaml").write_text(text.replace(old, new, 1), "utf-8")
    schema = PATH.with_name("identifiers.schema.json").read_text("utf-8")
    json.loads(schema)
    (folder / "identifiers.schema.json").write_text(schema, "utf-8")
    load_identifier_rules(folder / "identifiers.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('grade: "4"', "grade: 4", "line 27.*grade"),
        ("checksum: luhn", "checksum: verhoeff", "verhoeff"),
        ("id: email", "id: ipv4_address", "duplicate kind"),
        ("'E[A-HJ-NP-Z0-9][0-9]{7}|", "'E(", "not a regular expression"),
        ("length: [18, 20]", "length: [28, 20]", "fewest"),
        ("share: {with_header: 50}", "share: {alone: 1, with_header: 50}", "only the header"),
        ("alone: 0.01, ", "alone: 101, ", "alone"),
        ("weak: true", "strong: true", "strong"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        changed(tmp_path, old, new)
