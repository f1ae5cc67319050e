"""A company gets what it bought, through the API alone: files that are cut off and go on, a revocation in the
middle, pages over a data update, and free SQL until the budget is out."""

import base64
import io
import json
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

from described_api import held_against
from marketplace.licences.privacy_account import close_privacy_accounts
from marketplace.vault import Vault
from sandbox.cli import main
from sandbox.client.licensed_files import client_of, download, signed_list, verify_file, verify_manifest
from sandbox.database import Database
from sandbox.errors import CihuError

numbers = count(1)
City = Any  # of tests/marketplace/conftest.py
JOINED = "SELECT COUNT(*) FROM clinic.visits v JOIN market.inspections i ON v.year = i.year"
BY_THE_BYTE = {
    "price": {"usage": [{"unit": "byte", "tiers": [{"fen": 10000, "per": 1000000}]}]},
    "terms": {"purpose": "选址分析", "watermark": True, "calls_per_second": 1000},
}


def client(city: City, key: str, **headers: str) -> httpx.Client:
    return httpx.Client(
        base_url=city.portal.url,
        headers={"Authorization": f"Bearer {key}", **headers},
        timeout=60,
        event_hooks=held_against("portal"),
    )


def usage(city: City, licence: int) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = city.api("chen").get(f"/usage?licence={licence}").json()["lines"]
    return lines


def files_of(city: City, **more: object) -> tuple[str, int, str]:
    product = str(city.list_files(id=f"files-{next(numbers)}", **more)["id"])
    return product, *city.buy(product)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_download_goes_on_after_a_cut_and_is_verified(
    shared_city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    city = shared_city
    product, licence, key = files_of(city, offer=BY_THE_BYTE)
    with client(city, key) as http:
        document = http.get(f"/api/v1/call/{product}/files").json()
        public = httpx.get(f"{city.portal.url}/api/v1/manifest-key").json()["key"]
        manifest = verify_manifest(document, public)
        assert usage(city, licence) == [] and manifest["watermark"]
        listed = next(each for each in manifest["files"] if each["format"] == "parquet")

        # the first part is the whole charge; the rest is a replay
        first = http.get(listed["href"], headers={"Range": "bytes=0-99"})
        assert first.status_code == 206 and len(first.content) == 100
        assert first.headers["content-range"] == f"bytes 0-99/{listed['bytes']}"
        assert int(first.headers["cihu-amount-fen"]) == listed["bytes"] * 10000 // 1000000
        part = tmp_path / f"{listed['name']}.{listed['sha256'][:12]}.part"
        part.write_bytes(first.content)
        told: list[int] = []
        path = download(http, listed, tmp_path, told.append)
        assert told == [listed["bytes"]]
        assert pyarrow.parquet.read_table(path).num_rows == listed["rows"]
        whole = http.get(listed["href"])
        assert whole.headers["idempotency-replayed"] == "true" and whole.content == path.read_bytes()
        digest = base64.b64decode(whole.headers["repr-digest"].removeprefix("sha-256=:").rstrip(":")).hex()
        assert digest == listed["sha256"]
        other = http.get(listed["href"], headers={"Range": "bytes=5-", "If-Range": '"other"'})
        assert other.status_code == 200
        outside = http.get(listed["href"], headers={"Range": f"bytes={listed['bytes']}-"})
        assert code(outside) == (416, "range_not_satisfiable")
        assert outside.headers["content-range"] == f"bytes */{listed['bytes']}"

        [line] = usage(city, licence)
        assert (line["quantity"], line["unit"], line["reason"]) == (str(listed["bytes"]), "byte", "VARIABLE")

        # nothing else is a link, and no refusal costs anything
        link = listed["href"].rsplit("/", 1)[1]
        for wrong in (link[:-1], f"{link}A", "x" * 2000, "%00"):
            assert http.get(f"/api/v1/call/{product}/files/{wrong}").status_code == 404
        assert code(http.get(f"/api/v1/call/{product}?year=2003")) == (422, "other_delivery")
        assert http.get(listed["href"], headers={"Accept": "image/png"}).status_code == 406
        assert len(usage(city, licence)) == 1

    # the same by the command line, which verifies without the portal
    monkeypatch.setenv("CIHU_KEY", key)
    for words in (
        ["licensed", "download", product, "--to", str(tmp_path / "all"), "--portal", city.portal.url],
        ["licensed", "verify", str(tmp_path / "all" / "manifest.json"), "--key", public],
    ):
        monkeypatch.setattr("sys.argv", ["cihu", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    assert "as signed" in capsys.readouterr().out
    assert len(usage(city, licence)) == 3  # two links of a new list: a file each

    forged = json.loads((tmp_path / "all" / "manifest.json").read_text())
    forged["manifest"]["files"][0]["sha256"] = "0" * 64
    with pytest.raises(CihuError, match="not signed"):
        verify_manifest(forged, public)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CihuError, match="differ"):
        verify_file(path, listed)


def test_a_revocation_counts_in_the_middle_of_a_download(shared_city: City) -> None:
    city = shared_city
    product, licence, key = files_of(city, terms={"calls_per_second": 1000})
    with client(city, key) as http, client_of(city.portal.url, key) as plain:
        listed = signed_list(plain, product)["manifest"]["files"][0]
        assert http.get(listed["href"], headers={"Range": "bytes=0-9"}).status_code == 206
        [line] = usage(city, licence)
        keys = city.api("chen").get(f"/keys?licence={licence}").json()["keys"]
        assert city.api("chen").post(f"/keys/{keys[0]['id']}/revoke", json={}).is_success
        assert code(http.get(listed["href"], headers={"Range": "bytes=10-"})) == (403, "DISABLED")
        assert [each["id"] for each in usage(city, licence)] == [line["id"]]

    # a link is of one licence: with another key it is nothing
    _, other = city.buy(product, who="sun")
    with client(city, other) as http:
        assert http.get(listed["href"]).status_code == 404
        mine = http.get(f"/api/v1/call/{product}/files").json()["manifest"]["files"][0]
        assert mine["sha256"] == listed["sha256"]  # without watermark and pseudonyms they share the file
    test = city.api("sun").post(
        "/keys",
        json={"licence": city.api("sun").get("/licences").json()["licences"][0]["id"], "mode": "test"},
    )
    with client(city, test.json()["key"]) as http:
        sampled = http.get(f"/api/v1/call/{product}/files").json()["manifest"]
        assert sampled["sample"] and sampled["files"][0]["rows"] <= 5
        assert http.get(sampled["files"][0]["href"]).headers["cihu-amount-fen"] == "0"


def test_rows_come_in_the_form_and_with_the_masks_that_were_sold(shared_city: City) -> None:
    city = shared_city
    offer = {
        "price": {"usage": [{"unit": "row", "tiers": [{"fen": 1}]}]},
        "terms": {
            "purpose": "选址分析",
            "calls_per_second": 1000,
            "masks": [{"column": "business", "do": "pseudonym"}],
        },
    }
    what = {"kind": "rows", "keys": ["year"], "page_rows": 2}
    product = str(city.list_rows(id=f"rows-{next(numbers)}", what=what, offer=offer)["id"])
    licence, key = city.buy(product)
    asked = {"year": "gte.2000", "_order": "year", "_count": "estimated"}
    with client(city, key, **{"Accept-Encoding": "gzip"}) as http:
        address = f"/api/v1/call/{product}"
        page = http.get(address, params=asked).json()
        assert page["count"]["exact"] and page["count"]["rows"] > 2
        names = [row[page["columns"].index("business")] for row in page["rows"]]
        assert all(len(name) == 32 for name in names)
        seen = list(page["rows"])
        while page["cursor"]:
            answer = http.get(address, params={**asked, "_cursor": page["cursor"]})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            seen += page["rows"]
        years = [row[page["columns"].index("year")] for row in seen]
        assert len(seen) == page["count"]["rows"] and years == sorted(years)

        text = http.get(address, params=asked, headers={"Accept": "text/csv"})
        assert text.text.splitlines()[0].split(",") == page["columns"] and text.headers["cihu-cursor"]
        arrow = http.get(address, params=asked, headers={"Accept": "application/vnd.apache.arrow.stream"})
        table = pyarrow.ipc.open_stream(io.BytesIO(arrow.content)).read_all()
        assert [list(row.values()) for row in table.to_pylist()] == seen[:2]
        billed = usage(city, licence)
        for wrong in (
            {**asked, "_cursor": "x"},
            {**asked, "business": "x"},
            {**asked, "year": "between.(3,1)"},
        ):
            assert http.get(address, params=wrong).status_code == 422
        assert http.get(address, params=asked, headers={"Accept": "image/png"}).status_code == 406
        assert len(usage(city, licence)) == len(billed) == len(seen) // 2 + len(seen) % 2 + 2


def sold_sql(city: City) -> str:
    """A product of free SQL, with an ε of 0.4 for each licence."""
    product = f"sql-{next(numbers)}"
    offer = {
        "price": {"usage": [{"unit": "epsilon", "tiers": [{"fen": 1000}]}]},
        "terms": {"purpose": "保险产品研究", "calls_per_second": 1000, "privacy_budget": "0.4"},
    }
    wanted = {
        "id": product,
        "dataset": "clinic.visits",
        "title_zh": "就诊自由查询",
        "title_en": "Visits by SQL",
        "what": {"kind": "sql", "epsilon": "0.3"},
        "offer": offer,
    }
    without = {**offer, "terms": {"purpose": "x"}}
    refused = city.api("lin").post("/products", json={**wanted, "offer": without})
    assert code(refused) == (422, "privacy_budget_does_not_fit")
    assert city.api("lin").post("/products", json=wanted).status_code == 201
    return product


def asked_until_refused(http: httpx.Client, address: str) -> list[int]:
    """The statuses of questions that each spend, up to the first refusal."""
    outcomes = []
    for year in range(2003, 2013):
        sql = f"SELECT COUNT(*) AS n FROM clinic.visits WHERE year = {year}"
        outcomes.append(http.post(f"{address}/ask", json={"sql": sql, "epsilon": "0.3"}).status_code)
        if outcomes[-1] != 200:
            break
    return outcomes


def on_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str,
    city: City,
    words: list[str],
) -> str:
    """What a command of `cihu licensed` prints."""
    monkeypatch.setenv("CIHU_KEY", key)
    more = ["--epsilon", "0.2", "--portal", city.portal.url]
    monkeypatch.setattr("sys.argv", ["cihu", "licensed", *words, *more])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    return capsys.readouterr().out


def require_closed(city: City, database: Database, grant: str) -> None:
    """What the grant of a licence that is over did not spend is the dataset's again."""
    vault = Vault(city.vault_url, city.issuer)
    assert grant in close_privacy_accounts(database, vault)
    states = {str(each["id"]): each["status"] for each in city.vault("lin").get("/grants").json()}
    assert states[grant] == "revoked" and close_privacy_accounts(database, vault) == []
    vault.close()


def test_free_sql_is_answered_until_the_budget_is_out(
    shared_city: City,
    shared_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    city = shared_city
    product = sold_sql(city)
    licence, key = city.buy(product)
    address = f"/api/v1/call/{product}"
    question = {"sql": "SELECT COUNT(*) AS n FROM clinic.visits", "epsilon": "0.2"}
    with client(city, key) as http:
        # an operator approved, who may give no grant: the officer opens the account, once
        assert code(http.post(f"{address}/ask", json=question)) == (409, "account_not_open")
        account = f"/licences/{licence}/privacy-account"
        assert city.api("chen").get(account).json()["opened"] is False
        assert city.api("chen").post(account).status_code == 403
        for _ in range(2):
            opened = city.api("lin").post(account)
            assert opened.json()["percent_used"] == 0, opened.text
        grants = [
            each
            for each in city.vault("lin").get("/grants").json()
            if f"licence {licence}" in each["purpose"]
        ]
        assert len(grants) == 1

        told = http.post(f"{address}/explain", json=question).json()
        assert told["budget"]["enough"] and not told["stored"] and usage(city, licence) == []
        first = http.post(f"{address}/ask", json=question, headers={"Idempotency-Key": "one"})
        answer = first.json()
        assert first.status_code == 200, first.text
        assert not answer["spent"]["stored"] and 0 < answer["spent"]["epsilon"] <= 0.2
        [line] = usage(city, licence)
        assert line["unit"] == "epsilon" and float(line["quantity"]) == answer["spent"]["epsilon"]
        assert line["amount_fen"] == int(answer["spent"]["epsilon"] * 1000)

        # the same again: by its key it is that answer, and without one it spends and costs nothing
        retried = http.post(f"{address}/ask", json=question, headers={"Idempotency-Key": "one"}).json()
        assert retried["rows"] == answer["rows"] and retried["usage"]["replayed"]
        again = http.post(
            f"{address}/ask", json={**question, "sql": "select count(*) n from clinic.visits"}
        ).json()
        assert again["rows"] == answer["rows"] and again["spent"]["stored"]
        assert (again["spent"]["epsilon"], again["usage"]["amount_fen"]) == (0, 0)

        said = on_the_command_line(monkeypatch, capsys, key, city, ["ask", product, question["sql"]])
        assert "Spent ε 0;" in said and str(answer["rows"][0][0]) in said

        # refusals cost nothing and spend nothing
        used = city.api("chen").get(account).json()["percent_used"]
        before = len(usage(city, licence))
        for body, expected in (
            ({**question, "sql": "SELECT * FROM clinic.visits"}, 422),
            (
                {
                    **question,
                    "sql": JOINED,
                },
                403,
            ),
            ({**question, "sql": "DROP TABLE x"}, 422),
            ({**question, "epsilon": "0.31"}, 422),
            ({**question, "epsilon": "-1"}, 422),
            ({"sql": question["sql"]}, 422),
        ):
            wrong = http.post(f"{address}/ask", json=body)
            assert wrong.status_code == expected, wrong.text
        assert code(http.get(address)) == (422, "other_delivery")

        # until the budget is out
        outcomes = asked_until_refused(http, address)
        assert outcomes[-1] == 402
        more = [each for each in usage(city, licence) if each["amount_fen"]]
        assert len(more) == len(outcomes)
        answered = [each for each in usage(city, licence) if each["outcome"] != "credit"]
        assert len(answered) == before + len(outcomes) - 1
        spent = city.api("chen").get(account).json()
        assert used < spent["percent_used"] <= 100 and spent["epsilon_spent"] <= 0.4

        # what was bought stays free, and a licence that is over answers nothing
        assert http.post(f"{address}/ask", json=question).json()["spent"]["stored"]
        ended = city.api("lin").post(f"/licences/{licence}/revoke", json={"reason": "misuse"})
        assert ended.is_success
        assert http.post(f"{address}/ask", json=question).status_code == 403
        require_closed(city, shared_database, str(grants[0]["id"]))


def test_the_pages_show_the_new_kinds_of_products(shared_city: City) -> None:
    city = shared_city
    files, licence, _ = files_of(city)
    sql = sold_sql(city)
    browser = city.portal.browser()
    browser.log_in("chen")
    for address, shown in (
        (f"/products/{files}", "business"),
        (f"/products/{sql}", "0.3"),
        (f"/licences/{licence}", f"{files}/files"),
        ("/products", files),
    ):
        page = browser.get(address)
        assert page.status_code == 200 and shown in page.text, address
