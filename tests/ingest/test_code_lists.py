"""The public code lists are whole and unambiguous. A column is matched only with a list of all its values."""

import random
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.honest_columns import honest_columns
from sandbox.errors import InvalidInput
from sandbox.ingest.code_lists import CodeList, CodeMatch, load_code_lists, match
from sandbox.ingest.recognition import distinct_texts
from sandbox.ingest.recognition.checksums import PROVINCES

FOLDER = Path(__file__).parents[2] / "policies" / "codes"
LISTS = load_code_lists(FOLDER)
BY_ID = {code_list.id: code_list for code_list in LISTS}
SIZES = {
    "blood_type": 5,
    "country_alpha2": 249,
    "country_alpha3": 249,
    "education_level": 8,
    "ethnic_group": 58,  # the 56, and two that registers use beside them
    "huangshi_district": 6,
    "hubei_prefecture": 17,  # 13 of the prefecture level, 4 under the province itself
    "icd10_chapter": 22,
    "identity_document": 8,
    "industry_division": 97,
    "industry_section": 20,
    "marital_status": 8,
    "month": 12,
    "province": 34,
    "sex": 4,
    "weekday": 7,
    "yes_no": 2,
}
SHAPES = {
    "country_alpha2": "[A-Z]{2}",
    "country_alpha3": "[A-Z]{3}",
    "province": "[0-9]{2}0000",
    "hubei_prefecture": "42[0-9]{4}",
    "huangshi_district": "4202[0-9]{2}",
    "ethnic_group": "[0-9]{2}",
    "industry_section": "[A-T]",
    "industry_division": "[0-9]{2}",
    "icd10_chapter": "[IVX]+",
    "month": "[1-9]|1[0-2]",
}
HALF_WIDTH = re.compile(r"[一-鿿][,:;()]|[,:;()][一-鿿]")


def matched(values, header: str) -> tuple[str, str, str] | None:
    found = match(values, header, LISTS)
    return found and (found.code_list.id, found.written, found.confidence)


def test_the_lists_are_whole() -> None:
    assert {code_list.id: len(code_list.codes) for code_list in LISTS} == SIZES
    assert [code.code for code in BY_ID["ethnic_group"].codes][:56] == [f"{n:02d}" for n in range(1, 57)]
    assert [code.code for code in BY_ID["industry_section"].codes] == list("ABCDEFGHIJKLMNOPQRST")
    assert [code.code for code in BY_ID["industry_division"].codes] == [f"{n:02d}" for n in range(1, 98)]
    assert {int(code.code[:2]) for code in BY_ID["province"].codes} == set(PROVINCES.tolist()) - {83}
    prefectures = [code.code for code in BY_ID["hubei_prefecture"].codes]
    assert sum(code.endswith("00") for code in prefectures) == 13


@pytest.mark.parametrize("code_list", LISTS, ids=lambda code_list: code_list.id)
def test_every_list_says_where_it_comes_from_and_each_code_has_its_labels(code_list: CodeList) -> None:
    assert code_list.standard or code_list.source_zh
    assert code_list.published.startswith("https://") or code_list.id == "yes_no"
    if year := re.search(r"-((?:19|20)\d\d)$", code_list.standard):
        assert code_list.date >= year[1]
    shape = SHAPES.get(code_list.id, "[0-9]{1,2}")
    for code in code_list.codes:
        assert re.fullmatch(shape, code.code), code
        for label in (code.zh, code.en, *code.also):
            assert label == label.strip() and not HALF_WIDTH.search(label), code
        assert re.search("[一-鿿]", code.zh) and not re.search("[一-鿿]", code.en), code
    for labels in ([code.zh for code in code_list.codes], [code.en.lower() for code in code_list.codes]):
        assert len(set(labels)) == len(labels)
    assert not HALF_WIDTH.search(code_list.title_zh + code_list.source_zh)


def test_both_lists_of_countries_have_the_same_countries() -> None:
    two, three = (
        sorted((code.zh, code.en, code.also) for code in BY_ID[name].codes)
        for name in ("country_alpha2", "country_alpha3")
    )
    assert two == three
    code_of = {code.zh: code.code for code in BY_ID["country_alpha3"].codes}
    assert [code_of[zh] for zh in ("中国", "德国", "韩国", "中国香港", "中国台湾", "瑞士")] == [
        "CHN", "DEU", "KOR", "HKG", "TWN", "CHE"
    ]  # fmt: skip


@pytest.mark.parametrize("code_list", LISTS, ids=lambda code_list: code_list.id)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_values_of_a_list_are_matched_with_it_however_they_are_typed(code_list: CodeList, seed: int) -> None:
    chance = random.Random(seed)
    codes = chance.sample(code_list.codes, min(5, len(code_list.codes)))
    header = code_list.header.zh[0].removeprefix("=")
    for written, values in (
        ("codes", [code.code for code in codes]),
        ("labels", [chance.choice((code.zh, code.en, *code.also)) for code in codes]),
    ):
        for change in (str, str.lower, lambda text: f" {text}\u3000", lambda text: "".join(map(wide, text))):
            typed = [change(value) for value in values]
            assert code_list.holds(distinct_texts(typed), written), typed
            found = match([*typed, "", None], header, LISTS)
            assert found and found.confidence == "sure"
            same = {code_list.id, *(("country_alpha2", "country_alpha3") if written == "labels" else ())}
            assert found.code_list is code_list or found.code_list.id in same, typed
            assert [code_list.code_of(text, written) for text in typed] == [code.code for code in codes]


def wide(sign: str) -> str:
    return chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign


@pytest.mark.parametrize(
    ("values", "header", "found"),
    [
        (["男", "女"], "x", ("sex", "labels", "likely")),
        ([1, 2], "性别", ("sex", "codes", "sure")),
        ([1, 2], "sex", ("sex", "codes", "sure")),
        ([1, 2], "分组", None),
        ([1, 2, 3], "性别", None),
        (["M", "F"], "x", None),
        (["M", "F"], "gender", ("sex", "labels", "sure")),
        (["汉族", "回", "土家族"], "x", ("ethnic_group", "labels", "likely")),
        ([1, 15, 6], "民族", ("ethnic_group", "codes", "sure")),
        (["湖北", "湖北省", "新疆"], "籍贯", ("province", "labels", "sure")),
        ([420202, 420222, 420281], "x", ("huangshi_district", "codes", "likely")),
        ([420202, 420222, 420283], "区划代码", None),
        ([0, 1], "is_married", ("yes_no", "codes", "sure")),
        ([0, 1], "x", None),
        ([0, 1], "sex", ("sex", "codes", "possible")),
        ([1, 2, 9], "sector", ("industry_division", "codes", "possible")),
        ([1, 2, 51], "sector", ("industry_division", "codes", "sure")),
        (["01", "02"], "月份", ("month", "codes", "sure")),
        ([5, 6, 7], "Month", ("month", "codes", "sure")),
        ([1.0, 0.0, None], "是否低保", ("yes_no", "codes", "sure")),
        (["周一", "周天"], "x", ("weekday", "labels", "likely")),
        ([1, 12, 3], "month", ("month", "codes", "sure")),
        ([0, 12, 3], "month", None),
        (["USA", "CHN", "JPN"], "x", ("country_alpha3", "codes", "likely")),
        (["US", "CN", "JP"], "x", None),
        (["US", "CN", "JP"], "nationality", ("country_alpha2", "codes", "sure")),
        (["A", "O", "AB"], "血型", ("blood_type", "labels", "sure")),
        (["A", "C", "F"], "所属行业", ("industry_section", "codes", "sure")),
        (["A", "B"], "等级", None),
        (["其他"], "x", None),
        ([], "性别", None),
        (["", None, " "], "性别", None),
    ],
)
def test_a_list_is_matched_only_where_the_values_are_surely_its(values, header: str, found) -> None:
    assert matched(pa.array(values), header) == found
    if found:
        assert matched(pa.array(values).dictionary_encode(), header) == found


HONEST = {"月份", "区县", "城市", "性别", "是否有手机", "星期", "行政区划代码", "证件类型"}


def test_of_ordinary_columns_only_those_of_a_list_are_matched() -> None:
    found = {header: match(values, header, LISTS) for header, values in honest_columns()}
    # 公务员 and the like are no codes; a few labels of everyday columns are in a list, as they should be
    assert {header for header, each in found.items() if each} <= HONEST
    assert found["性别"].code_list.id == "sex" and found["区县"].code_list.id == "huangshi_district"


def test_the_reason_names_the_list_and_quotes_no_cell() -> None:
    found = match(["土家族", "Uygur"], "民族", LISTS)
    assert isinstance(found, CodeMatch)
    assert "GB/T 3304-1991" in found.reason and "GB/T 3304-1991" in found.reason_zh
    assert not any(cell in found.reason + found.reason_zh for cell in ("土家", "Uygur"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"1": {zh: 男性', "1: {zh: 男性", "line 15.*name is not a text"),
        ('"2": {zh: 女性', '"1": {zh: 女性', "duplicate key"),
        ("also: [女, F]", "also: [男, F]", "line 16.*label"),
        ('date: "2003"', "date: 2003", "date"),
        ("en: sex}", "de: Geschlecht}", "title"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = tmp_path / "codes"
    folder.mkdir()
    shutil.copy(FOLDER.with_name("codes.schema.json"), tmp_path)
    text = (FOLDER / "sex.yaml").read_text("utf-8")
    assert old in text
    (folder / "sex.yaml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InvalidInput, match=message):
        load_code_lists(folder)


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no code list"):
        load_code_lists(tmp_path)
