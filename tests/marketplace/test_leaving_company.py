"""A company leaves: notice, the end of all it had, invoices, and an export that is checked without us."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from locks_before_log import locks_after_log
from marketplace.company_endings import periodic
from marketplace.company_endings.periodic import EndingJob
from marketplace.company_endings.rules import read_ending_rules
from marketplace.invoices.invoice_rules import read_invoice_rules
from marketplace.settings import REPOSITORY
from sandbox.client.company_export import verify_export
from sandbox.database import Database
from sandbox.errors import InvalidInput

POLICIES = REPOSITORY / "policies"


@pytest.fixture(scope="module")
def firm(shared_city, shared_database: Database) -> Any:
    """A company that registered itself and was verified, with a licence, a key, a service account, a sandbox
    key, and two paid calls."""
    registered = httpx.post(
        f"{shared_city.portal.url}/api/v1/companies",
        json={
            "company": {"name": "磁湖选址", "credit_code": "91350100M000100Y43"},
            "account": "owner-one",
            "person": "一号",
            "password": "a very long password 7",
        },
    ).json()
    organisation = registered["organisation"]
    verified = shared_city.api("he").post(f"/companies/{organisation}/verify")
    assert verified.status_code == 200, verified.text
    product = shared_city.list_rows(id="leaving-rows")["id"]
    licence, key = shared_city.buy(product, "owner-one")
    owner = shared_city.api("owner-one")
    made = {
        "service": owner.post("/service-accounts", json={"label": "p"}).json()["client_id"],
        "sandbox": owner.post("/sandbox-keys").json()["key"],
    }
    for year in ("2003", "2004"):
        assert shared_city.call(product, key, year=year).status_code == 200
    job = EndingJob(shared_database, read_ending_rules(POLICIES), read_invoice_rules(POLICIES))
    return SimpleNamespace(
        organisation=organisation, product=product, licence=licence, key=key, owner=owner, job=job, **made
    )


def sealed(database: Database) -> None:
    """Wait until the seconds of all lines are in the log."""
    for _ in range(2000):
        with database.transaction() as tx:
            left = tx.execute(text("SELECT count(*) FROM market.usage_groups WHERE seal IS NULL"))
            if left.scalar_one() == 0:
                return
    raise AssertionError("lines are not sealed")


def test_limits_of_a_company_over_http(shared_city, firm) -> None:
    path = f"/companies/{firm.organisation}/limits"
    he = shared_city.api("he")
    assert he.put(path, json={"calls_per_month": 50, "reason": "a start"}).status_code == 200
    assert firm.owner.put("/company/limits", json={"calls_per_month": 51}).json()["code"] == "limit_too_high"
    assert firm.owner.put("/company/limits", json={"calls_per_month": 0}).json()["in_effect"] == {
        "calls_per_second": None, "calls_per_month": 0, "concurrent_calls": None, "bytes_per_month": None,
    }  # fmt: skip
    refused = shared_city.call(firm.product, firm.key, year="2003")
    assert refused.status_code == 429 and refused.json()["code"] == "USAGE_EXCEEDED"
    assert int(refused.headers["retry-after"]) > 0
    assert firm.owner.put("/company/limits", json={}).json()["in_effect"]["calls_per_month"] == 50
    assert firm.owner.get("/company/limits").json()["calls"] == 2
    assert firm.owner.put(path, json={}).status_code == 403
    assert shared_city.api("sun").get(path).status_code == 404


def test_pages_of_a_companys_account(shared_city, firm) -> None:
    """An owner's and an operator's page, in both languages; a refused form keeps what was typed."""
    owner, he = shared_city.portal.browser(), shared_city.portal.browser()
    owner.log_in("owner-one", "a very long password 7")
    he.log_in("he")
    theirs = f"/companies/{firm.organisation}"
    sent = he.send(f"{theirs}/account", f"{theirs}/limits", calls_per_month="1,000", reason="x")
    assert sent.status_code == 303, sent.text
    refused = owner.send("/company/account", "/company/limits", calls_per_month="1001", concurrent_calls="7")
    assert refused.status_code == 422
    assert 'value="1001"' in refused.text and 'value="7"' in refused.text and "1000" in refused.text
    wrong = owner.send("/company/account", "/company/limits", calls_per_second="many")
    assert wrong.status_code == 422 and 'value="many"' in wrong.text
    assert owner.send("/company/account", "/company/limits", calls_per_month="900").status_code == 303
    for language, words in (("en", "set by an owner"), ("zh", "负责人设定")):
        owner.get(f"/language/{language}?next=/company/account")
        page = owner.get("/company/account").text
        assert words in page.lower() and "900" in page and "1,000" in page
    assert "900" in owner.get(f"/licences/{firm.licence}").text
    assert owner.send("/company/account", "/company/ending", reason="x").status_code == 303
    assert owner.send("/company/account", "/company/ending/withdraw").status_code == 303
    assert owner.get("/company/export").headers["content-type"] == "application/zip"
    assert (
        owner.get("/watermarks").status_code == 403
        and owner.get("/companies/rival/account").status_code == 404
    )
    assert he.get("/company/export").status_code in (403, 404)


def test_notice_is_given_and_taken_back(shared_city, firm) -> None:
    assert firm.owner.get("/company/ending").json() == {"ending": None}
    early = firm.owner.post("/company/ending", json={"last_day": "2026-01-01"})
    assert early.status_code == 422 and early.json()["code"] == "notice_too_short"
    given = firm.owner.post("/company/ending", json={"reason": "we merge"})
    assert given.status_code == 201 and given.json()["status"] == "noticed"
    assert firm.owner.post("/company/ending", json={}).json()["code"] == "notice_given"
    assert shared_city.call(firm.product, firm.key, year="2003").status_code == 200
    assert firm.owner.post("/company/ending/withdraw").status_code == 204
    assert firm.owner.post("/company/ending/withdraw").json()["code"] == "no_notice"
    end = f"/companies/{firm.organisation}/end"
    assert shared_city.api("chen").post(end, json={"reason": "x"}).status_code == 403


def test_the_end_of_a_company_ends_all_it_had_and_leaves_a_proven_export(
    shared_city, shared_database: Database, firm, tmp_path: Path
) -> None:
    invited = firm.owner.post("/company/invitations", json={"roles": ["buyer"]})
    assert invited.status_code == 201, invited.text
    assert firm.owner.post("/company/ending", json={"reason": "we merge"}).status_code == 201
    due = "UPDATE market.company_endings SET ends_at = now() WHERE status = 'noticed'"
    with shared_database.transaction() as tx:
        tx.execute(text(due))
    with locks_after_log(shared_database) as late:
        firm.job.end(firm.job.standing()[0])
    assert late == []
    firm.job.run()
    standing = firm.owner.get("/company/ending").json()["ending"]
    assert standing["status"] == "ended" and standing["export_until"] > standing["ended_at"]
    called = shared_city.call(firm.product, firm.key, year="2003")
    assert called.status_code == 403 and called.json()["code"] == "DISABLED"
    assert shared_city.call(firm.product, firm.sandbox, year="2003").status_code == 403
    listed = firm.owner.get("/service-accounts").json()["service_accounts"]
    assert [each["status"] for each in listed] == ["revoked"]
    assert firm.owner.post("/sandbox-keys").json()["code"] == "company_ended"
    assert firm.owner.post("/orders", json={"product": firm.product}).json()["code"] == "company_ended"
    invoices = firm.owner.get("/invoices").json()["invoices"]
    assert [(each["status"], each["total_fen"]) for each in invoices] == [("final", 15)]
    sealed(shared_database)
    with shared_database.try_lock_of_answer(f"market.export {firm.organisation}"):
        beside = firm.owner.get("/company/export")
    assert beside.status_code == 409 and beside.json()["code"] == "at_work"
    zip_of = exported(firm.owner, tmp_path)
    keys = {
        "key": firm.owner.get("/manifest-key").json()["key"],
        "log_key": shared_city.vault("chen").get("/log/key").json()["key"],
    }
    found = verify_export(zip_of, **keys)
    assert (found.lines, found.receipts, found.without) == (3, 3, 0)
    with zipfile.ZipFile(zip_of) as archive:
        bought, paid = (json.loads(archive.read(f"{name}.json")) for name in ("orders", "invoices"))
        assert len(bought) == len(paid) == 1 and bought[0]["steps"]
        assert archive.read("usage.csv").decode("utf-8-sig").count("\r\n") == 4
    for change in (changed_line, changed_list):
        with pytest.raises(InvalidInput) as refused:
            verify_export(change(zip_of, tmp_path), **keys)
        assert refused.value.code in ("other_bytes", "bad_signature")
    assert shared_city.api("chen").get("/company/export").status_code in (403, 404)


def test_a_company_that_ended_is_closed(
    shared_city, shared_database: Database, firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shared_database.transaction() as tx:
        tx.execute(text("UPDATE market.company_endings SET export_until = now() WHERE status = 'ended'"))
        # what slipped in beside the end
        tx.execute(text("UPDATE market.sandbox_keys SET revoked_at = NULL"))
    assert shared_city.call(firm.product, firm.sandbox, year="2003").status_code != 401

    def failing(*_: object, **__: object) -> int:
        raise RuntimeError("not an error of ours")

    with monkeypatch.context() as patched, locks_after_log(shared_database) as late:
        patched.setattr(periodic, "finalise_customer", failing)
        firm.job.run()
    # no invoice keeps an account open, and what is not done is done later
    assert firm.owner.get("/company/export").status_code == 401 and late == []
    left = "SELECT count(*) FROM market.sandbox_keys WHERE revoked_at IS NULL"
    state = "SELECT status FROM market.company_endings WHERE status <> 'withdrawn'"
    with shared_database.transaction() as tx:
        assert tx.execute(text(left)).scalar_one() == 0
        assert tx.execute(text(state)).scalar_one() == "ended"
    firm.job.run()
    with shared_database.transaction() as tx:
        assert tx.execute(text(state)).scalar_one() == "closed"


def exported(owner: httpx.Client, folder: Path) -> Path:
    answer = owner.get("/company/export")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    path = folder / "export.zip"
    path.write_bytes(answer.content)
    return path


def rewritten(zip_of: Path, folder: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    to = folder / "changed.zip"
    with zipfile.ZipFile(zip_of) as archive, zipfile.ZipFile(to, "w") as other:
        for each in archive.namelist():
            body = archive.read(each)
            other.writestr(each, change(body) if each == name else body)
    return to


def changed_line(zip_of: Path, folder: Path) -> Path:
    return rewritten(
        zip_of, folder, "usage.jsonl", lambda body: body.replace(b'"amount_fen":5', b'"amount_fen":4')
    )


def changed_list(zip_of: Path, folder: Path) -> Path:
    return rewritten(
        zip_of, folder, "manifest.json", lambda body: body.replace(b'"as_of": "20', b'"as_of": "30')
    )


def test_a_found_copy_names_its_buyer_to_the_seller(shared_city, shared_database: Database) -> None:
    """The rows of a department's file, cut and with a column less, lead to one of two buyers."""
    shared_city.publish("zhou", WIDE_POLICY, WIDE)
    offer = {"price": {"free": True}, "terms": {"purpose": "x", "watermark": True}}
    product = shared_city.list_files(id="marked-files", dataset="market.wide", offer=offer)["id"]
    licence, key = shared_city.buy(product)
    innocent, _ = shared_city.buy(product, "sun")
    zhou = shared_city.api("zhou")
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=shared_city.portal.url, headers=headers, timeout=60) as client:
        listed = client.get(f"/api/v1/call/{product}/files").json()["manifest"]["files"]
        whole = client.get(next(each["href"] for each in listed if each["format"] == "csv")).text

    def trace(body: str, who: httpx.Client = zhou) -> httpx.Response:
        return who.post("/watermark-traces", content=body.encode(), headers={"Content-Type": "text/csv"})

    # a spreadsheet drops a column, writes numbers in its own way, and somebody cuts it
    leaked = "\n".join(",".join((a, f"{b}.0" if b.isdigit() else b)) for a, b, _ in cells(whole)[:301])
    found = trace(leaked).json()
    assert found["compared"] == 2 and found["rows"] == 300
    assert [(each["licence"], each["named"]) for each in found["suspects"]] == [
        (licence, True),
        (innocent, False),
    ]
    assert found["suspects"][0]["agreeing"] == found["suspects"][0]["pairs"] >= 64
    header, *rows = leaked.split("\n")
    assert not any(each["named"] for each in trace("\n".join([header, *sorted(rows)])).json()["suspects"])
    assert trace("a,b\n1\n").json()["code"] == "bad_copy"
    assert trace("\xff", zhou).status_code == 200  # a header of one column that nobody sells
    assert trace(leaked, shared_city.api("chen")).status_code == 403
    page = shared_city.portal.browser()
    page.log_in("zhou")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page.get("/watermarks").text)
    fields = {"csrf": csrf[-1]}
    shown = page.client.post("/watermarks", data=fields, files={"file": ("x.csv", leaked.encode())})
    assert shown.status_code == 200 and "民生科技有限公司" in shown.text
    bad = page.client.post("/watermarks", data=fields, files={"file": ("x.csv", b"a,b\n1\n")})
    assert bad.status_code == 422 and 'role="alert"' in bad.text
    # whoever may not trace is refused before the form is read; whoever may needs the form's token
    chen = shared_city.portal.browser()
    chen.log_in("chen")
    unread = {"content": b"no form", "headers": {"Content-Type": "multipart/form-data"}}
    assert chen.client.post("/watermarks", **unread).status_code == 403
    assert page.client.post("/watermarks", **unread).status_code == 400
    assert page.client.post("/watermarks", files={"file": ("x.csv", leaked.encode())}).status_code == 403
    # an officer of another department learns nothing of it
    assert trace(leaked, shared_city.api("lin")).json()["suspects"] == []
    with shared_database.transaction() as tx:
        kinds = tx.execute(text("SELECT count(*) FROM log.entries WHERE entry LIKE '%watermark.traced%'"))
        assert kinds.scalar_one() == 5


def cells(body: str) -> list[tuple[str, ...]]:
    return [tuple(cell.strip('"') for cell in line.split(",")) for line in body.strip().split("\n")]


WIDE_POLICY = """
dataset: market.wide
title: {zh: 宽, en: Wide}
summary: {zh: 测试, en: Made-up rows for tests}
department: market
grade: "1"
source: {name: made up, licence: CC0-1.0}
columns:
  shop: {role: attribute, type: text}
  score: {role: attribute, type: integer}
  zone: {role: attribute, type: text}
"""
WIDE = ("shop,score,zone\n" + "".join(f"s{n},{n * 7 % 101},z{n % 3}\n" for n in range(600))).encode()
