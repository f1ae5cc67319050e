"""Files as programs and portals leave them: each was misread or refused once."""

import io
import json
import zipfile
from contextlib import suppress
from typing import Any

import openpyxl
import pytest

from ingest.drafted import drafted
from sandbox.errors import InvalidInput
from sandbox.ingest import FieldRules, Type, read_rows


def columns_of(body: bytes, name: str = "file.csv") -> dict[str, list[Any]]:
    """Each column's values; in which order rows are stored depends on their units."""
    return {label: in_order(cells) for label, cells in drafted(body, name).columns().items()}


def in_order(cells: list[Any]) -> list[Any]:
    return sorted(cells, key=lambda cell: (str(type(cell)), cell) if cell is not None else ("", 0))


def test_a_separator_at_the_end_of_each_row_makes_no_column() -> None:
    rows = "".join(f"站{place},{place},\n" for place in range(40))
    assert columns_of(f"站点,客流\n{rows}".encode())["客流"] == list(range(40))


@pytest.mark.parametrize(
    "text",
    [
        "站点,客流,备注\n东站,1,x\n,,\n西站,2,\n,,\n",
        "站点,客流,备注\r\n东站,1,x\r\n,,\r\n西站,2,\r\n,,",
        '站点,客流,备注\r\n"东站",1,x\r\n,,\r\n西站,2,\r\n\r\n,,\r\n',
        "站点,客流,备注\n东站,1,x\n,,\n西站,2,\n,,\n注：快报数,,\n",
        '站点,客流,备注\n东站,1,5" x\n,,\n西站,2,\n',
        '"站点","客流","备注"\r\n"东站","1",""\r\n"","",""\r\n"西站","2",""\r\n"","",""',
    ],
)
def test_a_row_without_any_value_is_none(text: str) -> None:
    fields = [FieldRules("站点", Type.TEXT), FieldRules("客流", Type.INTEGER)]
    table = read_rows(text.encode("gbk"), fields, dropped=("备注",)).table
    assert table.to_pydict() == {"站点": ["东站", "西站"], "客流": [1, 2]}


def test_a_row_with_a_value_in_a_column_that_is_dropped_is_one() -> None:
    rows = read_rows(b"a,b,c\n1,2,\n,,x\n,,\n", [FieldRules("a", Type.INTEGER)], dropped=("b", "c"))
    assert rows.table.column("a").to_pylist() == [1, None]


@pytest.mark.parametrize("blank", ["　", " "])
def test_a_cell_of_spaces_is_empty_in_every_form(blank: str) -> None:
    cells = ["有,12%", "无,5%", f"{blank},{blank}"] * 10
    read = columns_of(("备注,比例\n" + "\n".join(cells)).encode())
    assert set(read["备注"]) == {True, False, None}
    assert set(read["比例"]) == {0.12, 0.05, None}


def packed(**files: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text.encode())
    return target.getvalue()


TABLE = "名称,数\n甲,1\n乙,2\n"


@pytest.mark.parametrize(
    "beside", ["readme__txt", "说明__txt", "metadata__csv", "a/使用说明__docx", "x__pdf"]
)
def test_an_archive_has_a_table_and_what_explains_it(beside: str) -> None:
    assert columns_of(packed(**{beside: "每日更新", "data/表__csv": TABLE}))["数"] == [1, 2]


def test_an_archive_of_two_tables_is_refused() -> None:
    with pytest.raises(InvalidInput, match="2 files"):
        columns_of(packed(a__csv=TABLE, b__csv=TABLE))


@pytest.mark.parametrize("indent", [None, 1])
def test_an_answer_of_a_portal_holds_its_rows(indent: int | None) -> None:
    rows = [{"名称": "甲", "数": 1}, {"名称": "乙", "数": 2}]
    answer = {"success": True, "result": {"fields": [{"id": "数"}], "records": rows}}
    assert columns_of(json.dumps(answer, indent=indent).encode(), "a.json")["数"] == [1, 2]


def test_the_rows_of_geojson_are_its_features() -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"n": place},
            "geometry": {"type": "Point", "coordinates": [115, 30.5]},
        }
        for place in range(3)
    ]
    read = columns_of(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "a.geojson")
    assert read == {"n": [0, 1, 2], "longitude": [115] * 3, "latitude": [30.5] * 3}


def test_what_stands_beside_the_properties_of_a_feature_is_kept() -> None:
    """As other readers of GeoJSON keep it: an id, a height, and members of the portal's own."""
    place = {"type": "Point", "coordinates": [115, 30.5, 21]}
    features = [
        {
            "type": "Feature",
            "id": f"s{n}",
            "no": n,
            "bbox": [1, 2, 1, 2],
            "properties": row,
            "geometry": place,
        }
        for n, row in enumerate(({"name": "a"}, {"name": "b"}))
    ]
    read = columns_of(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "a.geojson")
    point = {"longitude": [115] * 2, "latitude": [30.5] * 2, "altitude": [21] * 2}
    assert read == {"id": ["s0", "s1"], "no": [0, 1], "name": ["a", "b"], **point}
    features[1]["properties"] = {"id": 7, "feature_id": 8, "longitude": "E115"}
    read = columns_of(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "a.geojson")
    assert set(read) == {
        *("name", "id", "feature_id", "longitude"),
        *("feature_feature_id", "no", "feature_longitude", "latitude", "altitude"),
    }
    assert read["feature_feature_id"] == ["s0", "s1"] and read["feature_longitude"] == [115] * 2
    assert read["longitude"] == [None, "E115"] and read["id"] == [None, 7]


def test_a_feature_may_have_no_properties_and_no_place() -> None:
    """RFC 7946, 3.2: both may be null."""
    point = {"type": "Point", "coordinates": [115, 30.5]}
    features = [
        {"type": "Feature", "properties": {"a": 1}, "geometry": point},
        {"type": "Feature", "properties": None, "geometry": point},
        {"type": "Feature", "properties": {"a": 3}, "geometry": None},
    ]
    read = columns_of(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "a.geojson")
    assert read == {"a": [None, 1, 3], "longitude": [None, 115, 115], "latitude": [None, 30.5, 30.5]}


def test_one_object_on_a_line_is_a_row() -> None:
    read = read_rows(b'{"a": 1, "data": "x"}\n', [FieldRules("a", Type.INTEGER)], dropped=("data",))
    assert read.table.column("a").to_pylist() == [1]


def test_a_sheet_of_contents_is_passed_over() -> None:
    book = openpyxl.Workbook()
    contents, table = book.worksheets[0], book.create_sheet("人口")
    for text in ("目录", "1 人口"):
        contents.append([text])
    for row in (["地区", "人口"], ["甲", 1], ["乙", 2]):
        table.append(row)
    body = io.BytesIO()
    book.save(body)
    assert columns_of(body.getvalue(), "a.xlsx")["人口"] == [1, 2]


def test_amounts_in_ten_thousands_keep_their_unit_beside_them() -> None:
    draft = drafted("合同,金额\n甲,863.81万元\n乙,723.9万元\n".encode())
    assert in_order(draft.columns()["金额"]) == [723.9, 863.81]
    assert draft.written["金额"]["written"]["signs"] == ["万元"]
    mixed = drafted("合同,金额\n甲,863.81万元\n乙,723.9元\n".encode())
    assert in_order(mixed.columns()["金额"]) == ["723.9元", "863.81万元"], (
        "two units are no column of numbers"
    )


def test_what_can_be_thousands_or_decimals_is_asked_and_lost_digits_are_told() -> None:
    draft = drafted(b"name;inhabitants\na;226.302\nb;87.789\n")
    asked = {each["path"]: each for each in draft.suggested.suggestions}
    assert asked["columns.inhabitants.type"]["confidence"] == "possible"
    ruined = drafted("卡号,余额\n4.20285E+17,1\n4.20286E+17,2\n".encode())
    told = {each["path"]: each for each in ruined.suggested.suggestions}
    hidden = next(
        name for name, spec in ruined.suggested.policy["columns"].items() if spec["role"] == "hidden"
    )
    assert "15" in told[f"columns.{hidden}.role"]["reason"]["en"]


@pytest.mark.parametrize("count", [1, 2])
def test_an_object_with_a_list_of_objects_is_a_row_whatever_stands_beside_it(count: int) -> None:
    order = {"id": 7, "name": "x", "items": [{"sku": 1}, {"sku": 2}]}
    text = "\n".join(json.dumps(order) for _ in range(count))
    assert columns_of(text.encode(), "a.jsonl")["id"] == [7] * count


@pytest.mark.parametrize("geometry", ["POINT(1 2)", [1, 2], 5, None])
def test_a_feature_with_another_geometry_is_no_failure(geometry: object) -> None:
    features = [{"type": "Feature", "properties": {"a": 1}, "geometry": geometry}]
    with suppress(InvalidInput):  # a list is no cell
        assert columns_of(json.dumps({"features": features}).encode(), "a.json")["a"] == [1]
