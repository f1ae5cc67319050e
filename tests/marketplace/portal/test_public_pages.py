"""What people without an account see: every page, in both languages, links that lead somewhere, headers,
search, rows, prices, the log; and nothing of what is not listed."""

import io
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree.ElementTree import fromstring

import httpx
import pyarrow
import pyarrow.parquet
import pytest

from listed_market import LISTED, ROWS, words_of
from marketplace.portal import rendering
from marketplace.portal.assets import Assets
from marketplace.portal.log_kinds import LOG_KINDS, kinds_by_area
from marketplace.portal.pages.public.catalogue import MOST_READING, PublicCatalogue
from marketplace.portal.pages.public.rows import PIECE_ROWS, csv_pieces, parquet_pieces
from sandbox.audit import KINDS
from sandbox.errors import TooMany

ELSEWHERE = ("/help", "/language", "/log/verify", "/log/growth")  # built apart, a redirect, forms
RETIRES = "UPDATE vault.datasets SET retires_at ="
PLACES = (
    "/",
    "/datasets",
    "/datasets?q=餐饮&sort=title",
    "/datasets?q=zzzz",
    "/datasets/market.open",
    "/products",
    "/products/open-scores",
    "/products/open-files",
    "/products/listed-by-year",
    "/products/listed-by-sql",
    "/products/open-scores?call=250000",
    "/publishers",
    "/demands",
    "/competitions",
    "/log",
    "/log?kind=dataset.published&since=2026-01-01",
    "/log?index=0",
    "/status",
    "/privacy",
    "/terms",
    "/accessibility",
    "/feeds",
    "/design",
    "/login",
    "/docs",
    "/datasets/clinic.visits",
)


@pytest.fixture(scope="module")
def stranger(shared_city, listed) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared_city.portal.url, timeout=120) as client:
        yield client


def shown(stranger, place: str, language: str = "zh", status: int = 200) -> str:
    answer = stranger.get(place, headers={"Cookie": f"cihu_language={language}"})
    assert answer.status_code == status, (place, answer.status_code, answer.text[:2000])
    return answer.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_crawl_finds_no_broken_link_no_mixed_language_and_no_missing_header(stranger, language) -> None:
    waiting, seen = list(PLACES), set()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        answer = stranger.get(place, headers={"Cookie": f"cihu_language={language}"})
        expected = (
            404 if place == "/datasets/clinic.visits" else 303 if place.startswith("/language") else 200
        )
        assert answer.status_code == expected, (place, answer.status_code, answer.text[:1500])
        assert "default-src 'none'" in answer.headers["content-security-policy"], place
        assert answer.headers["x-content-type-options"] == "nosniff", place
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        page = answer.text
        assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=|javascript:", page), place
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in page
        if place != "/docs":
            words = words_of(page)
            if language == "en":
                assert not re.search(r"[\u4e00-\u9fff]", words), (
                    place,
                    re.findall(r"[\u4e00-\u9fff]+", words),
                )
            else:
                english = re.findall(r"[A-Za-z]{4,} [A-Za-z]{3,} [A-Za-z]{2,}", words)
                assert not english, (place, english)
        for link in re.findall(r'(?:href|src|action)="([^"]+)"', page):
            target = urlsplit(unescape(link))
            ours = not target.netloc or link.startswith(str(stranger.base_url).rstrip("/"))
            if (
                ours
                and target.path
                and not target.path.startswith(("/help", "/language", "/log/verify", "/log/growth"))
            ):
                path = target.path + (f"?{target.query}" if target.query else "")
                if not path.startswith(("/log?", "/datasets?", "/login?")) or len(seen) < 60:
                    waiting.append(path)
    assert len(seen) > 40


def test_the_catalogue_finds_by_words_and_parts_of_words_and_narrows(stranger) -> None:
    for query, found in (
        ("餐饮", {"open"}),
        ("检", {"open", "conditional"}),
        ("检查", {"open", "conditional"}),
        ("restaur", {"open"}),
        ("POOL insp", {"conditional"}),
        ("餐饮 pool", set()),
        ("market.open", {"open"}),
        ("' & !x:* | (", set()),
    ):
        page = stranger.get("/datasets", params={"q": query}).text
        assert {name for name in ("open", "conditional") if f"/datasets/market.{name}" in page} == found, (
            query
        )
    for narrowed in ("delivery=rows", "grade=1&updates=monthly", "theme=市场监管", "department=market"):
        assert "/datasets/market.open" in shown(stranger, f"/datasets?{narrowed}"), narrowed
    assert "/datasets/market.conditional" not in shown(stranger, "/datasets?delivery=rows")
    assert shown(stranger, "/datasets?page=x", status=422)
    assert shown(stranger, "/datasets?page=500")


def test_nothing_is_told_of_what_is_not_listed_nor_of_people(stranger, shared_city) -> None:
    """Source: ADR 0029. A listed name would be found by any of these."""
    # the examples of /docs are of the code, and of no city
    hidden = ("/docs", "/datasets/clinic.visits")
    everywhere = [shown(stranger, place) for place in PLACES if place not in hidden]
    everywhere += [stranger.get(place).text for place in ("/sitemap.xml", "/feeds/datasets.atom")]
    for page in everywhere:
        assert "clinic.visits" not in page and "inspections-by-business" not in page
        assert "market.inspections" not in page
        assert "secret_note" not in page and "内部备注" not in page
        assert not re.search(r"\b(zhou|lin|wang)\b", page)
    for place, there, missing in (
        ("/datasets/{}", "clinic.visits", "clinic.nothing"),
        ("/datasets/{}/rows.csv", "market.inspections", "market.nothing"),
        ("/datasets/{}/stand-in", "clinic.visits", "clinic.nothing"),
        ("/products/{}", "inspections-by-business", "nothing-by-business"),
        ("/api/v1/open/{}", "clinic.visits", "clinic.nothing"),
    ):
        one, other = stranger.get(place.format(there)), stranger.get(place.format(missing))
        assert one.status_code == other.status_code == 404
        assert without(one.text, there) == without(other.text, missing)
    vault = httpx.Client(base_url=f"{shared_city.vault_url}/v1/public")
    one, other = vault.get("/datasets/clinic.visits"), vault.get("/datasets/clinic.nothing")
    assert one.status_code == other.status_code == 404
    assert without(one.text, "clinic.visits") == without(other.text, "clinic.nothing")
    assert vault.get("/names", params={"dataset": ["clinic.visits", "market.open"]}).json()[0]["name"] == (
        "market.open"
    )
    told = vault.get("/datasets/market.open").json()
    assert not {"published_by", "responsible", "budget", "lineage", "hint_bits"} & told.keys()
    assert "secret_note" not in json.dumps(told)


def without(text: str, name: str) -> str:
    """Without the name that was asked for, and the number of the request."""
    return re.sub(r"[0-9a-f-]{16,36}", "", text.replace(name, ""))


def test_what_retires_and_what_is_withdrawn_is_as_if_it_had_never_been(
    stranger, shared_city, shared_database
):
    policy = LISTED.format(name="gone", zh="将停用", en="Gone", opening="open", condition="")
    shared_city.publish("zhou", policy, ROWS)
    assert shown(stranger, "/datasets/market.gone")
    with shared_database.transaction() as tx:
        tx.exec_driver_sql(f"{RETIRES} now() - interval '1 day' WHERE name = 'market.gone'")
    gone, never = stranger.get("/datasets/market.gone"), stranger.get("/datasets/market.none")
    assert gone.status_code == 404 and "market.gone" not in shown(stranger, "/datasets")
    assert without(gone.text, "market.gone") == without(never.text, "market.none")
    closed = policy.replace("opening: open", "opening: none")
    with shared_database.transaction() as tx:
        tx.exec_driver_sql(f"{RETIRES} NULL WHERE name = 'market.gone'")
    shared_city.publish("zhou", closed, ROWS + b"D,2022,70,w\n")
    assert stranger.get("/datasets/market.gone").status_code == 404
    assert "market.gone" not in shown(stranger, "/datasets")


def test_rows_of_open_data_are_read_downloaded_and_called_and_no_others(stranger) -> None:
    assert stranger.get("/datasets/market.open/rows.csv").text.splitlines()[1] == '"A",2019,90'
    assert stranger.get("/datasets/market.open/rows.parquet").content[:4] == b"PAR1"
    page = stranger.get("/api/v1/open/market.open", params={"offset": 1, "limit": 1}).json()
    assert (page["columns"], page["rows"]) == (["business", "year", "score"], [["B", 2020, 81]])
    assert (page["total"], page["next"]) == (3, 2)
    assert stranger.get("/api/v1/open/market.open?limit=0").status_code == 422
    assert stranger.get("/api/v1/open/market.conditional").json()["code"] == "no_open_rows"
    assert stranger.get("/datasets/market.open/stand-in?format=csv").text.startswith('\ufeff"business"')


def test_whole_files_are_sent_in_pieces_and_too_many_readers_are_told_to_wait() -> None:
    count = PIECE_ROWS + 7
    table = pyarrow.table({"n": range(count), "name": ["磁湖"] * count})
    for whole in (table, table.slice(0, 0)):
        pieces = list(parquet_pieces(whole))
        assert pyarrow.parquet.read_table(io.BytesIO(b"".join(pieces))).equals(whole)
        text = b"".join(csv_pieces(whole))
        assert text.startswith(b'\xef\xbb\xbf"n","name"\n') and text.count(b"\n") == whole.num_rows + 1
    assert len(pieces) == 1
    catalogue = PublicCatalogue(None, None, None, None)  # type: ignore[arg-type]
    for _ in range(MOST_READING):
        assert catalogue.reading.acquire(blocking=False)
    with pytest.raises(TooMany):
        catalogue.table({"object": "o", "version_id": "v"})


def test_a_page_number_of_any_length_is_refused_in_words(stranger) -> None:
    """Source: CVE-2020-10735, the limit that Python sets to the length of numbers."""
    assert stranger.get("/datasets", params={"page": "0" * 5000 + "1"}).status_code == 422


def test_the_calculator_charges_as_a_call_is_charged(stranger) -> None:
    page = shown(stranger, "/products/open-scores?call=250000", "en")
    assert "¥7,475.00" in page  # (250,000 - 1,000) * 3 fen + 500 fen
    assert "¥5.00" in shown(stranger, "/products/open-scores?call=0", "en")
    assert "whole number" in shown(stranger, "/products/open-scores?call=-1", "en", status=422)


def test_a_stranger_lists_filters_and_verifies_the_log(stranger) -> None:
    assert KINDS.keys() <= LOG_KINDS.keys(), "every kind has its Chinese words"
    grouped = [kind for _, of_area in kinds_by_area("zh") for kind in of_area]
    assert sorted(grouped) == sorted(LOG_KINDS), "and stands in one area of the filter"
    page = shown(stranger, "/log?kind=dataset.published")
    assert "数据专员发布了数据集的一个版本" in page and "有人登录" not in words_of(page)
    assert "没有符合条件的记录" in shown(stranger, "/log?until=2020-01-01")
    assert shown(stranger, "/log?since=nonsense", status=422)
    assert shown(stranger, "/log?before=99999999999999999999", status=422)
    receipt = stranger.get("/log/receipts/3.json")
    assert receipt.json()["opening"] is None, "nobody without an account sees what an entry says"
    good = stranger.post("/log/verify", files={"file": ("r.json", receipt.content, "application/json")})
    assert good.status_code == 200 and "凭证有效" in good.text
    assert "凭证有效" in stranger.post("/log/verify", data={"text": receipt.text}).text
    changed = receipt.json() | {"index": 4}
    assert "凭证未通过核验" in stranger.post("/log/verify", data={"text": json.dumps(changed)}).text
    for bad in ("", "[", "[]", "[" * 5000, '{"a": 1}', "\ud7ff"):
        assert stranger.post("/log/verify", data={"text": bad}).status_code == 422, bad
    old = unescape(re.search(r"<pre[^>]*><code>([^<]+\n\n[^<]+)</code></pre>", page).group(1))
    assert "已证明" in stranger.post("/log/growth", data={"old": old.replace("\n", "\r\n")}).text
    assert stranger.post("/log/growth", data={"old": old.replace("\n", "\nx", 1)}).status_code == 422


def test_files_for_machines_are_whole(stranger, shared_city) -> None:
    assert "Sitemap: " in stranger.get("/robots.txt").text
    security = stranger.get("/.well-known/security.txt")
    assert security.headers["content-type"].startswith("text/plain") and "Expires: " in security.text
    site_map = fromstring(stranger.get("/sitemap.xml").content)
    places = [each.text for each in site_map.iter() if each.tag.endswith("loc")]
    assert f"{shared_city.portal.url}/datasets/market.open" in places
    feed = fromstring(stranger.get("/feeds/datasets.atom").content)
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    assert any("market.open" in (each.text or "") for each in feed.iter())


def test_static_files_are_small_compressed_and_kept_for_ever(stranger) -> None:
    page = shown(stranger, "/datasets")
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    assert len(files) >= 4
    sent = 0
    for file in files:
        with stranger.stream("GET", file, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable", file
            sent += sum(map(len, answer.iter_raw()))
            tag = answer.headers["etag"]
        assert stranger.get(file, headers={"If-None-Match": tag}).status_code == 304
    assert sent < 100_000
    # of all pages together there is less, so no page has more
    known = Assets(Path(rendering.__file__).parent / "static").files
    packed = [file.packed for name, file in known.items() if name.endswith((".css", ".js"))]
    assert all(packed) and sum(len(each or b"") for each in packed) < 100_000
    assert stranger.get("/static/portal.css").headers["cache-control"] == "no-cache"
    assert stranger.get("/static/portal.000000000000.css").status_code == 404
    assert stranger.get("/static/..%2Frendering.py").status_code == 404


def test_text_that_would_be_markup_is_shown_as_text_on_every_public_page(shared_city, stranger) -> None:
    """Source: CWE-79; every field that an officer or an analyst writes and a stranger reads."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
    quoted = json.dumps(evil, ensure_ascii=False)
    policy = f"""
dataset: market.hostile
title: {{zh: {quoted}, en: {quoted}}}
summary: {{zh: {quoted}, en: {quoted}}}
department: market
grade: "1"
source: {{name: {quoted}, licence: {quoted}, citation: {quoted}}}
update_cycle: {quoted}
catalogue: {{classification: [{quoted}], opening: conditional, opening_condition: {quoted}}}
columns:
  business: {{role: attribute, type: text, title: {{zh: {quoted}, en: {quoted}}}, measured_in: {quoted}}}
"""
    answer = shared_city.vault("zhou").post(
        "/datasets", data={"policy": policy, "notes": evil}, files={"file": ("r.csv", b"business\n<b>x\n")}
    )
    assert answer.status_code == 201, answer.text
    shared_city.list_rows(
        id="hostile-rows",
        dataset="market.open",
        title_zh=evil,
        title_en=evil,
        summary_zh=evil,
        summary_en=evil,
        what={"kind": "rows", "keys": ["business"]},
        terms={"purpose": evil},
    )
    asked = shared_city.vault("wang").post(
        "/demands", json={"title": evil, "purpose": evil, "department": "market"}
    )
    assert asked.status_code == 201, asked.text
    places = ("/", "/datasets", "/datasets/market.hostile", "/products", "/products/hostile-rows", "/demands",
              f"/datasets?q={evil}", f"/log?index={evil}", f"/log?since={evil}&kind={evil}")  # fmt: skip
    for language in ("zh", "en"):
        for place in places:
            page = stranger.get(place, headers={"Cookie": f"cihu_language={language}"}).text
            assert "<script>alert" not in page and "<img src=x" not in page, place
    for feed in ("/feeds/datasets.atom", "/feeds/products.atom", "/sitemap.xml"):
        body = stranger.get(feed)
        assert body.status_code == 200 and "<script" not in body.text
        fromstring(body.content)
    sent = stranger.post("/log/verify", data={"text": json.dumps({"format": evil})})
    assert "<script>alert" not in sent.text


def test_who_registers_a_company_sees_no_more_than_a_stranger_until_it_is_verified(shared_city) -> None:
    """Anybody can register a company: that must open nothing (ADR 0051)."""
    company = {"name": "生企业", "credit_code": "91350100M000100Y43"}
    fields = {"account": "passer-by", "person": "过", "password": "a long enough password"}
    browser = shared_city.portal.browser()
    made = browser.send("/register", "/register", **company, **fields)
    assert made.headers.get("location") == "/company", made.text
    assert browser.get("/datasets/market.open").status_code == 200
    hidden = ("clinic.visits", "market.inspections")
    for name in hidden:
        for way in ("", "/stand-in", "/rows.csv"):
            told = browser.get(f"/datasets/{name}{way}")
            assert told.status_code == 404, f"{name}{way}"
        assert name not in browser.get("/datasets").text
    with shared_city.vault("passer-by") as vault:
        for name in (*hidden, "clinic.never"):
            for way in ("", "/stand-in", "/stand-in/about", "/versions"):
                told = vault.get(f"/datasets/{name}{way}")
                assert (told.status_code, told.json()["code"]) == (403, "company_not_verified")
        assert vault.get("/datasets").status_code == 403
        with shared_city.api("passer-by") as own, shared_city.api("he") as operator:
            organisation = own.get("/company").json()["organisation"]
            assert operator.post(f"/companies/{organisation}/verify").is_success
        assert vault.get("/datasets/clinic.visits").status_code == 200
    assert browser.get("/datasets/clinic.visits").status_code == 200
