"""An operator makes, finishes and settles an invoice on the pages; its company reads and downloads it, and
nobody else knows of it."""

import re
from typing import Any

import httpx

from marketplace.products.model import Terms
from marketplace.settings import REPOSITORY
from past_usage import month_ago, use
from sandbox.database import Database
from sandbox.identity import PORTAL, TokenIssuer
from sandbox.policy import Gate
from selling import Market


def test_an_invoice_is_made_paid_and_read_by_its_company_alone(portal: Any, database: Database) -> None:
    market = Market(database, "", Gate(REPOSITORY / "policies"))
    sold = market.sell(Terms(price_fen=125, monthly_fee_fen=0, purpose="x"))
    use(market, sold, 2, month=month_ago())
    he, chen, zhou, sun = (portal.browser() for _ in range(4))
    for browser, name in ((he, "he"), (chen, "chen"), (zhou, "zhou"), (sun, "sun")):
        browser.log_in(name)

    assert he.send("/invoices", "/invoices/run").status_code == 303
    address = links(he.get("/invoices"))[0]
    assert he.send(address, f"{address}/finalise").status_code == 303
    statement = "date,amount,payer,memo,reference\n2026-04-01,1.00,minsheng,market-I000001,R1\n"
    statement += "2026-04-01,9.99,nobody,thanks,R2\n"
    assert he.send("/invoices", "/invoices/statements", content=statement).status_code == 303
    assert "R2" in he.get("/invoices").text
    change_payments(portal, he, address)
    credit = {"reference": "c1", "amount_fen": "50", "reason": "one call was wrong"}
    assert he.send(address, f"{address}/credit-notes", **credit).status_code == 303
    wrong = {"reference": "p1", "paid_on": "2026-04-02", "amount_fen": "1.5"}
    assert he.send(address, f"{address}/payments", **wrong).status_code == 422
    assert he.send(address, f"{address}/payments", **wrong | {"amount_fen": "100"}).status_code == 303

    page = chen.get(address).text
    assert "market-I000001" in page and "已付清" in page and "¥2.50" in page and "市场监督管理局" in page
    assert 'action="/invoices' not in page.replace(f'action="{address}/purchase-order"', "")
    assert chen.get(f"{address}/file/pdf").content.startswith(b"%PDF-")
    lines = chen.get(f"{address}/file/lines.csv").text.splitlines()
    assert len(lines) == 1 + 2
    assert chen.get(f"{address}/file/items.csv").text.splitlines()[-1].endswith(",2.50,250")
    assert "不是电子发票" in chen.get(f"{address}/file/tax-fields.csv").text
    assert "operator 10%" in zhou.get(address).text and "operator 10%" not in page
    assert chen.client.post("/invoices/run", data={}).status_code == 403

    assert links(sun.get("/invoices")) == []
    for path in (address, f"{address}/file/pdf", f"{address}/file/lines.csv", "/invoices/" + "0" * 32):
        assert sun.get(path).status_code == 404
    issuer = TokenIssuer("portal", portal.settings.keys, database)
    for name in ("sun", "chen"):
        token = issuer.issue(name, audience=PORTAL, lifetime_seconds=300)
        with httpx.Client(base_url=portal.url, headers={"Authorization": f"Bearer {token}"}) as client:
            own = name == "chen"
            api = "/api/v1" + address
            assert client.get(api).status_code == (200 if own else 404)
            assert client.post(f"{api}/finalise").status_code == (403 if own else 404)
            assert client.get(f"{api}/shares").status_code == (403 if own else 404)
            assert client.get("/api/v1/reconciliation", params={"month": "2026-03"}).status_code == 403
            assert client.get(f"{api}x").status_code == 422


def change_payments(portal: Any, he: Any, address: str) -> None:
    """An operator proposes on the pages, an auditor decides: nobody alone."""
    xu = portal.browser()
    xu.log_in("xu")
    unmatched = re.findall(r'action="(/invoices/payments/[0-9]+/changes)"', he.get("/invoices").text)
    assert len(unmatched) == 1
    wish = {"invoice": "market-I000099", "reason": "a letter came"}
    assert he.send("/invoices", unmatched[0], **wish).status_code == 404
    assert he.send("/invoices", unmatched[0], **wish | {"invoice": ""}).status_code == 303
    decision = re.findall(r'action="(/invoices/changes/[0-9]+)"', xu.get("/invoices").text)[0]
    assert decision not in he.get("/invoices").text
    assert xu.send("/invoices", decision, decision="refuse").status_code == 422
    assert xu.send("/invoices", decision, decision="agree").status_code == 303
    assert unmatched[0] not in he.get("/invoices").text and "a letter came" in xu.get("/invoices").text
    paid = re.findall(r'action="(/invoices/payments/[0-9]+/changes)"', he.get(address).text)[0]
    assert he.send(address, paid, reason="it bounced").status_code == 303
    decision = re.findall(r'action="(/invoices/changes/[0-9]+)"', xu.get("/invoices").text)[0]
    assert xu.send("/invoices", decision, decision="refuse", answer="it did not").status_code == 303


def links(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return re.findall(r'href="(/invoices/[0-9a-f]{32})"', page.text)
