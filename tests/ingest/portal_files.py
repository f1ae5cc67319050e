"""Thirty files like those of public portals, each made by code, with what its cells mean.

A column is its header and its cells; a cell is its text in the file and its value. Nothing here is parsed:
the value is there first, and is then spelled.
"""

import csv
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import openpyxl

from sandbox.ingest.file_format import DETECTED, FileFormat

Cell = tuple[Any, Any]
Column = tuple[str, list[Cell]]
START = date(2023, 1, 1)


@dataclass(frozen=True)
class PortalFile:
    """`values`: what is read under each label, row by row. `given`: the one correction, if it needs one."""

    name: str
    body: bytes
    values: dict[str, list[Any]]
    given: FileFormat = DETECTED


Maker = Callable[[random.Random], PortalFile]
MAKERS: list[Maker] = []


def portal(maker: Maker) -> Maker:
    MAKERS.append(maker)
    return maker


def files() -> list[PortalFile]:
    return [maker(random.Random(maker.__name__)) for maker in MAKERS]


def csv_of(columns: Sequence[Column], separator: str = ",", end: str = "\r\n", **how: Any) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, **how)
    if how.get("header", True):
        writer.writerow([header for header, _ in columns])
    writer.writerows(rows_of(columns))
    return text.getvalue()


def rows_of(columns: Sequence[Column]) -> list[list[Any]]:
    return [[cell[0] for cell in row] for row in zip(*(cells for _, cells in columns), strict=True)]


def values_of(columns: Sequence[Column], **labels: str) -> dict[str, list[Any]]:
    return {labels.get(header, header): [value for _, value in cells] for header, cells in columns}


def whole(chance: random.Random, rows: int, low: int, high: int, form: str = "{}") -> list[Cell]:
    return [(form.format(value), value) for value in (chance.randint(low, high) for _ in range(rows))]


def decimals(chance: random.Random, rows: int, high: float, places: int, form: str = "{}") -> list[Cell]:
    values = [round(chance.uniform(0, high), places) for _ in range(rows)]
    return [(form.format(f"{value:.{places}f}"), float(f"{value:.{places}f}")) for value in values]


def among(chance: random.Random, rows: int, *texts: str) -> list[Cell]:
    return [(text, text) for text in (chance.choice(texts) for _ in range(rows))]


def days(chance: random.Random, rows: int, form: str) -> list[Cell]:
    values = [START + timedelta(days=chance.randrange(700)) for _ in range(rows)]
    return [(spelled(value, form), value) for value in values]


def moments(chance: random.Random, rows: int, form: str) -> list[Cell]:
    values = [datetime(2023, 1, 1) + timedelta(minutes=chance.randrange(900_000)) for _ in range(rows)]
    return [(spelled(value, form), value) for value in values]


def spelled(value: date, form: str) -> str:
    """`{y}`, `{m}`, `{mm}` ... of a day; H and M of a moment."""
    clock = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return form.format(
        y=value.year, m=value.month, mm=f"{value.month:02}", d=value.day, dd=f"{value.day:02}",
        H=clock.hour, HH=f"{clock.hour:02}", MM=f"{clock.minute:02}", SS=f"{clock.second:02}",
        h=clock.hour % 12 or 12, ap="AM" if clock.hour < 12 else "PM", b=f"{value:%b}",
    )  # fmt: skip


def flags(chance: random.Random, rows: int, true: str, false: str) -> list[Cell]:
    return [(true, True) if chance.random() < 0.5 else (false, False) for _ in range(rows)]


def numbered(rows: int, form: str) -> list[Cell]:
    return [(form.format(place), form.format(place)) for place in range(1, rows + 1)]


def with_empty(chance: random.Random, cells: list[Cell], mark: str = "") -> list[Cell]:
    """One cell in ten is empty, but neither of the first two."""
    return [cell if place < 2 or chance.random() < 0.9 else (mark, None) for place, cell in enumerate(cells)]


def thousands(cells: list[Cell], sign: str = ",", point: str = ".") -> list[Cell]:
    return [
        (f"{value:,}".replace(",", "\0").replace(".", point).replace("\0", sign), value) for _, value in cells
    ]


def workbook(rows: Sequence[Sequence[Any]], merged: Sequence[str] = ()) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for area in merged:
        sheet.merge_cells(area)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def typed_rows(columns: Sequence[Column]) -> list[list[Any]]:
    """Of a workbook: numbers and days as such."""
    return [[cell[1] for cell in row] for row in zip(*(cells for _, cells in columns), strict=True)]


DISTRICTS = ("铁山区", "下陆区", "西塞山区", "黄石港区", "大冶市", "阳新县")


@portal
def yearbook_sheet(chance: random.Random) -> PortalFile:
    """A yearbook's sheet: title, unit of measurement, years as names, notes below."""
    columns: list[Column] = [("地区", [(name, name) for name in DISTRICTS])]
    columns += [(f"{year}年", whole(chance, 6, 1000, 90_000)) for year in range(2018, 2024)]
    rows = [["2-3 历年地区生产总值"], ["单位：万元"], [header for header, _ in columns], *typed_rows(columns)]
    rows += [[], ["注：2023年为快报数。"], ["资料来源：市统计局"]]
    return PortalFile("年鉴2-3.xlsx", workbook(rows, ["A1:G1"]), values_of(columns))


@portal
def merged_header(chance: random.Random) -> PortalFile:
    columns: list[Column] = [
        ("地区", [(name, name) for name in DISTRICTS]),
        ("常住人口_男", whole(chance, 6, 1000, 90_000)),
        ("常住人口_女", whole(chance, 6, 1000, 90_000)),
        ("户籍人口_城镇", whole(chance, 6, 1000, 90_000)),
        ("户籍人口_乡村", whole(chance, 6, 1000, 90_000)),
    ]
    rows = [
        ["各区人口（2023）"],
        ["地区", "常住人口", None, "户籍人口", None],
        [None, "男", "女", "城镇", "乡村"],
        *typed_rows(columns),
    ]
    body = workbook(rows, ["A1:E1", "A2:A3", "B2:C2", "D2:E2"])
    return PortalFile("人口.xlsx", body, values_of(columns))


@portal
def hospital_visits(chance: random.Random) -> PortalFile:
    rows = 240
    columns: list[Column] = [
        ("就诊卡号", [(f"K{place % 90:05}", f"K{place % 90:05}") for place in range(rows)]),
        ("性别", among(chance, rows, "男", "女")),
        ("年龄", whole(chance, rows, 1, 95, "{}岁")),
        ("就诊日期", days(chance, rows, "{y}年{m}月{d}日")),
        ("科室", among(chance, rows, "内科", "外科", "儿科, 门诊")),
        ("总费用", thousands(decimals(chance, rows, 50_000, 2))),
        ("是否医保", flags(chance, rows, "是", "否")),
        ("自付比例", [(f"{value}%", value / 100) for value in (chance.randint(0, 100) for _ in range(rows))]),
    ]
    return PortalFile("门诊.csv", csv_of(columns).encode("gb18030"), values_of(columns))


@portal
def bus_cards(chance: random.Random) -> PortalFile:
    rows = 300
    columns: list[Column] = [
        ("卡号", [(f"0{chance.randrange(10**9):09}",) * 2 for _ in range(rows)]),
        ("线路", among(chance, rows, "1路", "203路", "游2")),
        ("刷卡时间", moments(chance, rows, "{y}{mm}{dd}{HH}{MM}{SS}")),
        ("刷卡日期", days(chance, rows, "{y}{mm}{dd}")),
        ("金额", decimals(chance, rows, 3, 1)),
    ]
    return PortalFile("公交刷卡.txt", csv_of(columns, "|", "\n").encode(), values_of(columns))


@portal
def air_quality_by_hour(chance: random.Random) -> PortalFile:
    rows = 200
    columns: list[Column] = [
        ("站点", among(chance, rows, "沈家营", "陈家湾")),
        ("监测时间", moments(chance, rows, "{y}/{m}/{d} {H}:{MM}")),
        ("PM2.5", with_empty(chance, whole(chance, rows, 1, 300), "—")),
        ("CO(mg/m³)", decimals(chance, rows, 3, 2)),
        ("首要污染物", with_empty(chance, among(chance, rows, "臭氧(O3)", "PM10"))),
    ]
    return PortalFile("空气质量.csv", csv_of(columns).encode("utf-8-sig"), values_of(columns))


@portal
def enterprise_register(chance: random.Random) -> PortalFile:
    rows = 80
    columns: list[Column] = [
        ("统一社会信用代码", numbered(rows, "91420200MA4{:05}XY7")),
        ("企业名称", numbered(rows, "黄石第{}贸易有限公司")),
        (
            "注册资本",
            [(f"{value}元", value) for value in (chance.randint(1, 900) * 1000 for _ in range(rows))],
        ),
        ("成立日期", days(chance, rows, "{y}-{mm}-{dd}")),
        ("经营范围", numbered(rows, "销售：建材、五金；\n服务“{}”类")),
        ("电话", numbered(rows, "0714-62{:05}")),
    ]
    return PortalFile(
        "企业.csv", csv_of(columns, quoting=csv.QUOTE_ALL).encode("gb18030"), values_of(columns)
    )


@portal
def socrata_export(chance: random.Random) -> PortalFile:
    rows = 150
    columns: list[Column] = [
        ("Case Number", numbered(rows, "HX{:06}")),
        ("Date", moments(chance, rows, "{mm}/{dd}/{y} {HH}:{MM}:{SS}")),
        ("Updated On", moments(chance, rows, "{mm}/{dd}/{y} {h}:{MM}:{SS} {ap}")),
        ("Primary Type", among(chance, rows, "THEFT", "BATTERY")),
        ("Arrest", flags(chance, rows, "true", "false")),
        ("Location", [(f"(41.{place}, -87.{place})",) * 2 for place in range(100, 100 + rows)]),
        ("Community Area", with_empty(chance, whole(chance, rows, 1, 77))),
    ]
    return PortalFile("Crimes_-_2023.csv", csv_of(columns).encode(), values_of(columns))


@portal
def ckan_json(chance: random.Random) -> PortalFile:
    rows = 60
    columns: list[Column] = [
        ("_id", [(place, place) for place in range(1, rows + 1)]),
        ("Ward", among(chance, rows, "Etobicoke North", "Davenport")),
        ("OPENED", [(f"{value:%Y-%m-%dT%H:%M:%S}", value) for _, value in moments(chance, rows, "{y}")]),
        ("cost", [(value, value) for _, value in decimals(chance, rows, 900, 2)]),
        ("open", [(value, value) for _, value in flags(chance, rows, "x", "y")]),
    ]
    names = [header for header, _ in columns]
    records = [dict(zip(names, row, strict=True)) for row in rows_of(columns)]
    return PortalFile("ckan.json", json.dumps(records, indent=1).encode(), values_of(columns))


@portal
def json_lines(chance: random.Random) -> PortalFile:
    rows = 60
    columns: list[Column] = [
        ("用户编号", numbered(rows, "U{:04}")),
        ("积分", [(value, value) for _, value in whole(chance, rows, 0, 10**6)]),
        ("备注", with_empty(chance, among(chance, rows, "新用户", "老用户"))),
    ]
    names = [header for header, _ in columns]
    lines = [
        json.dumps(
            {name: cell for name, cell in zip(names, row, strict=True) if cell != ""}, ensure_ascii=False
        )
        for row in rows_of(columns)
    ]
    return PortalFile("users.jsonl.gz", gzip.compress("\n".join(lines).encode(), mtime=0), values_of(columns))


@portal
def r_export(chance: random.Random) -> PortalFile:
    """write.csv of R: the names of rows, NA, quotes around texts."""
    rows = 90
    columns: list[Column] = [
        ("", whole(chance, rows, 1, 1)),
        ("Sepal.Length", with_empty(chance, decimals(chance, rows, 8, 1), "NA")),
        ("Species", among(chance, rows, "setosa", "virginica")),
        ("ok", flags(chance, rows, "TRUE", "FALSE")),
    ]
    columns[0] = ("", [(str(place), place) for place in range(1, rows + 1)])
    text = csv_of(columns, end="\n", quoting=csv.QUOTE_NONNUMERIC).replace('"NA"', "NA")
    return PortalFile("iris.csv", text.encode(), values_of(columns))


@portal
def r_table(chance: random.Random) -> PortalFile:
    """write.table of R: one name less than there are columns."""
    rows = 40
    columns: list[Column] = [
        ("", numbered(rows, "row{}")),
        ("mpg", decimals(chance, rows, 30, 1)),
        ("cyl", whole(chance, rows, 4, 8)),
    ]
    text = csv_of(columns, "\t", "\n")
    return PortalFile("mtcars.tsv", text.removeprefix("\t").encode(), values_of(columns))


@portal
def pandas_export(chance: random.Random) -> PortalFile:
    rows = 90
    columns: list[Column] = [
        ("", [(str(place), place) for place in range(rows)]),
        ("visits", [(f"{value}.0", value) for _, value in whole(chance, rows, 0, 50)]),
        ("when", moments(chance, rows, "{y}-{mm}-{dd} {HH}:{MM}:{SS}")),
        ("score", with_empty(chance, decimals(chance, rows, 1, 6))),
        ("flag", flags(chance, rows, "True", "False")),
    ]
    return PortalFile("out.csv", csv_of(columns, end="\n").encode(), values_of(columns))


@portal
def european_semicolons(chance: random.Random) -> PortalFile:
    rows = 120
    columns: list[Column] = [
        ("Gemeinde", among(chance, rows, "Köln", "Düsseldorf", "Münster")),
        ("Fläche km²", decimals(chance, rows, 400, 2)),
        ("Haushalt (€)", thousands(decimals(chance, rows, 9_000_000, 2), ".", ",")),
        ("Stand", days(chance, rows, "{d}.{m}.{y}")),
        ("Anteil", [(f"{value},5 %", (value * 10 + 5) / 1000) for _, value in whole(chance, rows, 0, 99)]),
    ]
    columns[1] = (columns[1][0], [(text.replace(".", ","), value) for text, value in columns[1][1]])
    return PortalFile("haushalt.csv", csv_of(columns, ";").encode("cp1252"), values_of(columns))


@portal
def french_spaces(chance: random.Random) -> PortalFile:
    rows = 70
    columns: list[Column] = [
        ("commune", among(chance, rows, "Évry", "Nîmes")),
        ("montant", thousands(decimals(chance, rows, 5_000_000, 2), "\N{NARROW NO-BREAK SPACE}", ",")),
        ("date", days(chance, rows, "{dd}/{mm}/{y}")),
    ]
    return PortalFile("subventions.csv", csv_of(columns, ";").encode(), values_of(columns))


@portal
def taiwan_big5(chance: random.Random) -> PortalFile:
    rows = 50
    columns: list[Column] = [
        ("測站名稱", among(chance, rows, "臺北", "高雄", "花蓮")),
        ("縣市", among(chance, rows, "臺北市", "高雄市", "花蓮縣")),
        ("雨量", decimals(chance, rows, 80, 1)),
        ("觀測日期", days(chance, rows, "{y}/{mm}/{dd}")),
    ]
    return PortalFile("rain.csv", csv_of(columns).encode("big5"), values_of(columns))


@portal
def wide_survey(chance: random.Random) -> PortalFile:
    """132 columns, one row a person, no id."""
    rows = 60
    columns: list[Column] = [(f"Q{place}", whole(chance, rows, 1, 5)) for place in range(1, 131)]
    columns += [("Age", whole(chance, rows, 18, 90)), ("Sex", among(chance, rows, "Male", "Female"))]
    return PortalFile("survey.csv", csv_of(columns).encode(), values_of(columns))


@portal
def compound_ids(chance: random.Random) -> PortalFile:
    rows = 80
    columns: list[Column] = [
        ("hh_id", whole(chance, rows, 1, 30)),
        ("member_no", whole(chance, rows, 1, 6)),
        ("relation", among(chance, rows, "head", "spouse", "child")),
        ("income", thousands(whole(chance, rows, 0, 90_000))),
    ]
    return PortalFile("households.csv", csv_of(columns).encode(), values_of(columns))


@portal
def no_header(chance: random.Random) -> PortalFile:
    rows = 100
    columns: list[Column] = [
        ("column 1", whole(chance, rows, 18, 90)),
        ("column 2", among(chance, rows, "Private", "State-gov")),
        ("column 3", whole(chance, rows, 10_000, 90_000)),
        ("column 4", among(chance, rows, "<=50K", ">50K")),
    ]
    text = csv_of(columns, end="\n").partition("\n")[2]
    return PortalFile("adult.data", text.encode(), values_of(columns))


@portal
def no_header_all_text(chance: random.Random) -> PortalFile:
    """Nothing tells that the first row is data: the officer says so."""
    rows = 30
    columns: list[Column] = [
        ("column 1", among(chance, rows, "e", "p")),
        ("column 2", among(chance, rows, "x", "b", "s")),
        ("column 3", among(chance, rows, "n", "y", "w")),
    ]
    text = csv_of(columns, end="\n").partition("\n")[2]
    return PortalFile("mushroom.data", text.encode(), values_of(columns), FileFormat(header_row=0))


@portal
def repeated_and_missing_headers(chance: random.Random) -> PortalFile:
    rows = 40
    headers = ("名称", "数量", "数量", "", "", "单价（元）")
    labels = ("名称", "数量", "数量 (2)", "", "(2)", "单价（元）")
    cells = [
        numbered(rows, "物资{}"),
        whole(chance, rows, 1, 99),
        whole(chance, rows, 1, 99),
        among(chance, rows, "a", "b"),
        among(chance, rows, "c", "d"),
        decimals(chance, rows, 99, 2, "￥{}"),
    ]
    body = csv_of(list(zip(headers, cells, strict=True)))
    return PortalFile("库存.csv", body.encode("gbk"), values_of(list(zip(labels, cells, strict=True))))


@portal
def years_as_headers(chance: random.Random) -> PortalFile:
    rows = 20
    columns: list[Column] = [("Country", numbered(rows, "Land {}")), ("Code", numbered(rows, "L{:02}"))]
    columns += [
        (str(year), with_empty(chance, decimals(chance, rows, 9e6, 3), "..")) for year in range(1990, 2020)
    ]
    return PortalFile("API_GDP.csv", csv_of(columns).encode("utf-8-sig"), values_of(columns))


@portal
def title_notes_and_sums(chance: random.Random) -> PortalFile:
    rows = 24
    columns: list[Column] = [
        ("月份", [(f"{2022 + place // 12}-{1 + place % 12:02}", date(2022 + place // 12, 1 + place % 12, 1))
                 for place in range(rows)]),
        ("出生人数", whole(chance, rows, 50, 900)),
        ("死亡人数", whole(chance, rows, 50, 900)),
    ]  # fmt: skip
    text = "出生与死亡登记（2022-2023）,,\r\n" + csv_of(columns)
    text += "注：不含迁入人口。\r\n数据来源：市公安局,,\r\n"
    return PortalFile("登记.csv", text.encode("gb18030"), values_of(columns))


@portal
def mark_and_quotes(chance: random.Random) -> PortalFile:
    rows = 60
    columns: list[Column] = [
        ("Organisation, full name", numbered(rows, 'The "{}" Trust, Ltd')),
        ("Awarded", days(chance, rows, "{dd}/{mm}/{y}")),
        ("Amount (£)", decimals(chance, rows, 90_000, 2, "£{}")),
    ]
    body = csv_of(columns, quoting=csv.QUOTE_ALL).encode("utf-8-sig")
    return PortalFile("grants.csv", body, values_of(columns))


@portal
def tabs_named_xls(chance: random.Random) -> PortalFile:
    rows = 50
    columns: list[Column] = [
        ("工号", numbered(rows, "{:06}")),
        ("部门", among(chance, rows, "财务部", "办公室")),
        ("工资", thousands(decimals(chance, rows, 20_000, 2))),
        ("入职日期", days(chance, rows, "{y}.{mm}.{dd}")),
    ]
    return PortalFile("导出.xls", csv_of(columns, "\t").encode("utf-16"), values_of(columns))


@portal
def zip_with_a_chinese_name(chance: random.Random) -> PortalFile:
    rows = 50
    columns: list[Column] = [
        ("街道", among(chance, rows, "团城山街道", "磁湖街道")),
        ("低保户数", whole(chance, rows, 1, 900)),
        ("时间", moments(chance, rows, "{y}年{m}月{d}日 {H}时{MM}分")),
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("低保.csv".encode("gbk").decode("cp437"), csv_of(columns).encode("gbk"))
    return PortalFile("低保.zip", packed.getvalue(), values_of(columns))


@portal
def three_hundred_columns(chance: random.Random) -> PortalFile:
    rows = 12
    columns: list[Column] = [("SampleID", numbered(rows, "S{:03}"))]
    columns += [(f"gene_{place}", decimals(chance, rows, 10, 3)) for place in range(299)]
    return PortalFile("expression.tsv", csv_of(columns, "\t", "\n").encode(), values_of(columns))


@portal
def dates_of_two_orders(chance: random.Random) -> PortalFile:
    rows = 90
    columns: list[Column] = [
        ("permit", numbered(rows, "P-{}")),
        ("applied", days(chance, rows, "{m}/{d}/{y}")),
        ("issued", days(chance, rows, "{d}/{m}/{y}")),
        ("closed", days(chance, rows, "{d}-{b}-{y}")),
    ]
    return PortalFile("permits.csv", csv_of(columns).encode(), values_of(columns))


@portal
def sensors_with_zones(chance: random.Random) -> PortalFile:
    rows = 80
    there = timezone(timedelta(hours=8))
    cells = []
    for _, value in moments(chance, rows, "{y}"):
        utc = value.replace(tzinfo=there).astimezone(UTC)
        cells.append((f"{utc:%Y-%m-%dT%H:%M:%S}Z", value))
    columns: list[Column] = [
        ("sensor", among(chance, rows, "a", "b")),
        ("ts", cells),
        ("epoch", [(str(int(value.replace(tzinfo=there).timestamp())), value) for _, value in cells]),
        ("reading", with_empty(chance, decimals(chance, rows, 40, 2), "null")),
    ]
    return PortalFile("sensors.csv.gz", gzip.compress(csv_of(columns).encode(), mtime=0), values_of(columns))


@portal
def spreadsheet_of_everything(chance: random.Random) -> PortalFile:
    rows = 60
    columns: list[Column] = [
        ("编号", [(place, place) for place in range(1, rows + 1)]),
        ("登记日期", [(value, value) for _, value in days(chance, rows, "{y}")]),
        ("登记时间", [(value, value) for _, value in moments(chance, rows, "{y}")]),
        ("在用", [(value, value) for _, value in flags(chance, rows, "x", "y")]),
        ("面积", [(value, value) for _, value in decimals(chance, rows, 300, 2)]),
        ("备注", with_empty(chance, among(chance, rows, "正常", "待查"))),
    ]
    return PortalFile(
        "资产.xlsx", workbook([[header for header, _ in columns], *typed_rows(columns)]), values_of(columns)
    )


@portal
def full_width_form(chance: random.Random) -> PortalFile:
    """Typed in with a Chinese input method: full-width digits, spaces around values."""
    rows = 40
    wide = str.maketrans("0123456789.,", "０１２３４５６７８９．，")
    columns: list[Column] = [
        ("村名", numbered(rows, "第{}村")),
        ("户数", [(text.translate(wide), value) for text, value in whole(chance, rows, 10, 900)]),
        (
            "补贴金额",
            [(f" {text.translate(wide)} ", value) for text, value in decimals(chance, rows, 900, 2)],
        ),
        ("是否贫困", flags(chance, rows, "是", "否")),
    ]
    return PortalFile("台账.csv", csv_of(columns).encode("gb18030"), values_of(columns))
