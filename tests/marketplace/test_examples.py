"""A running portal takes the requests of the examples in its description, from the offer to the bill.
(That they fit their schemas is in tests/http/test_examples.py.)"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import insert, select

from api_examples import Examples
from described_api import held_against
from marketplace.settings import REPOSITORY
from past_usage import month_ago, use
from sandbox.database import Database
from sandbox.identity import PORTAL
from sandbox.identity.tables import passkeys
from sandbox.notices.tables import outbox
from sandbox.policy import Gate
from selling import Market, Sold

NOT_SENT = {
    "authorize": "a browser and a hub go through a login in portal/test_openid_provider.py",
    "exchange_code": "the same",
    "get_userinfo": "the same",
    "revoke_login": "the same",
    "follow_ended_logins": "the same; it never ends",
    "call_model": "they need a released model: sent by test_model_story.py",
    "retire_product": "the same",
    "get_team_income": "the same",
    "get_team_income_csv": "the same",
    "disconnect_identity": "they need an identity provider: sent by portal/test_city_login.py",
    "disconnect_my_identity": "the same",
}


OPEN = """
dataset: market.open
title: {zh: 餐饮评分, en: Scores of restaurants}
summary: {zh: 各店评分, en: A score a shop}
department: market
grade: "1"
source: {name: made up, licence: CC0-1.0}
catalogue: {classification: [市场监管], opening: open, updates: monthly}
columns:
  shop: {role: attribute, type: text}
  score: {role: attribute, type: integer}
"""


@pytest.mark.slow
def test_the_portal_takes_the_requests_of_the_examples(city, database) -> None:
    examples = Examples("portal")
    client = httpx.Client(
        base_url=city.portal.url, timeout=60, trust_env=False, event_hooks=held_against("portal")
    )

    def send(operation: str, who: str, **more: Any) -> Any:
        return examples.send(client, operation, city.bearer(who, PORTAL), **more)

    def send_with(headers: Mapping[str, str], operation: str, **more: Any) -> Any:
        return examples.send(client, operation, headers, **more)

    discover(send_with)
    tokens = send_with({}, "sign_in").json()

    enter_and_verify(send)
    limit_and_end(send, come_and_go(send, send_with))
    run_programs(send)

    # a product is offered, ordered and approved
    product = {"product": send("offer_product", "zhou").json()["id"]}
    send("list_products", "chen", query={"dataset": "market.inspections"})
    send("get_product", "chen", at=product)
    query = {"product": city.list_query()["id"]}  # its orders wait for a decision
    refused = send("place_order", "chen", changed=query).json()["order"]
    send("refuse_order", "he", at={"order": refused})
    bargain(send, query)
    other = city.list_query(id="visits-elsewhere")["id"]
    waiting = send("place_order", "chen", changed={"product": other}).json()["order"]
    take_on_and_approve(send, waiting)
    send("place_order", "chen")
    send("list_orders", "chen")
    licences = send("list_licences", "chen").json()["licences"]
    licence = {"licence": next(one["id"] for one in licences if one["product"] == product["product"])}

    # it is called with a key, and billed
    key = send("issue_key", "chen", changed=licence).json()
    send("list_keys", "chen", query=licence)
    called = {"Authorization": f"Bearer {key['key']}"} | idempotency(examples, "call_product")
    row = send_with(called, "call_product", at=product, query=parameters(examples)).json()["rows"]
    assert row and row[0][0] == "磁湖酒家"
    send_with(called | idempotency(examples, "sample_product"), "sample_product", at=product)
    usage = send("list_usage", "chen", query=licence).json()
    line = usage["lines"][0]["id"]
    wait_until_sealed(f"{city.portal.url}/api/v1/usage/{line}/receipt", city.bearer("chen", PORTAL))
    send("get_usage_receipt", "chen", at={"line": line})
    send("preview_invoice", "chen", query=licence | {"month": usage["month"]})
    rotated = send("rotate_key", "chen", at={"key": key["id"]}).json()
    send("revoke_key", "chen", at={"key": rotated["id"]})
    send("restore_key", "chen", at={"key": rotated["id"]})

    deliver_files(city, send, send_with)
    deliver_sql(city, examples, send, send_with)
    settle(send, database, Sold(product["product"], licence["licence"], key["key"], key["id"]))
    bargain_on(send, product, licence)
    send("withdraw_product", "zhou", at=product)

    look_after_people(send)
    look_after_oneself(send, database)

    # logins end
    mine = {"Authorization": f"Bearer {tokens['portal_token']}"}
    session = send_with(mine, "list_sessions").json()["sessions"][0]["id"]
    send("end_session", "wang", at={"id": session})
    send("end_all_sessions", "wang")

    assert examples.operations.keys() - examples.sent == NOT_SENT.keys()
    examples.finish()


def deliver_files(city: Any, send: Callable[..., Any], send_with: Callable[..., Any]) -> None:
    """A list of files, and one of them."""
    product = city.list_files(id="inspections-as-files")["id"]
    _, key = city.buy(product)
    called = {"X-Api-Key": key}
    send_with({}, "get_manifest_key")
    listed = send_with(called, "list_files", at={"product": product}).json()["manifest"]["files"][0]
    link = listed["href"].rsplit("/", 1)[1]
    send_with(called, "get_file", at={"product": product, "link": link})
    send("trace_watermark", "zhou", content=Examples("portal").request("trace_watermark").encode())
    send("export_company", "chen")
    city.publish("zhou", OPEN, "shop,score\n磁湖酒家,91\n江边面馆,84\n山上茶馆,88\n".encode())
    opened = city.vault("zhou").post("/datasets/market.open/open-copy", json={})
    assert opened.status_code == 201, opened.text
    send_with({}, "read_open_rows", at={"dataset": "market.open"}, query={"limit": 2})


def deliver_sql(
    city: Any, examples: Examples, send: Callable[..., Any], send_with: Callable[..., Any]
) -> None:
    """A privacy account is opened, and a question is explained and asked."""
    terms = {"purpose": "保险产品研究", "privacy_budget": "0.5"}
    offer = {"price": {"usage": [{"unit": "epsilon", "tiers": [{"fen": 10000}]}]}, "terms": terms}
    product = city.list_query(id="visits-by-sql", what={"kind": "sql", "epsilon": "0.3"}, offer=offer)["id"]
    licence, key = city.buy(product)
    send("open_privacy_account", "lin", at={"licence": licence})
    called = {"X-Api-Key": key}
    send_with(called, "explain_sql", at={"product": product})
    send_with(called | idempotency(examples, "ask_sql"), "ask_sql", at={"product": product})
    send("get_privacy_account", "chen", at={"licence": licence})


def look_after_people(send: Callable[..., Any]) -> None:
    """Somebody is invited, joins, gets another role, leaves; a team goes over into another."""
    send("create_organisation", "he")
    send("list_organisations", "he")
    send("create_team", "he")
    send("invite_person", "he")
    send("invite_people", "he")
    send("list_people", "he")
    qian = {"account": "qian"}
    send("get_person", "he", at=qian)
    send("renew_invitation", "he", at=qian)
    send("withdraw_invitation", "he", at=qian)
    send("set_roles", "he", at=qian)
    send("unlock_person", "he", at=qian)
    send("join_team", "he", at={"team": "east-lake"})
    send("leave_team", "he", at={"team": "east-lake"} | qian)
    send("merge_teams", "he", at={"team": "east-lake"})
    send("list_teams", "he")
    send("disable_person", "he", at=qian)
    send("enable_person", "he", at=qian)


def read_notices(send: Callable[..., Any], database: Database) -> None:
    """Wang reads what happened, wants mails of most of it, and then of nothing."""
    send("list_notices", "wang", query={"unread": True})
    send("mark_notices_read", "wang")
    send("set_notice_settings", "wang")
    send("set_mail_address", "wang")
    with database.transaction() as tx:
        token = tx.scalar(select(outbox.c.token).where(outbox.c.account == "wang"))
    send("verify_mail_address", "wang", changed={"token": token})
    send("get_notice_settings", "wang")
    send("drop_mail_address", "wang")


def look_after_oneself(send: Callable[..., Any], database: Database) -> None:
    """Li adds one-time codes, loses them, and changes the password; a passkey was registered by a browser."""

    def codes() -> None:
        totp = pyotp.TOTP(send("offer_one_time_codes", "li").json()["secret"])
        send("confirm_one_time_codes", "li", changed={"code": totp.now()})

    codes()
    send("renew_recovery_codes", "li")
    send("remove_one_time_codes", "li")
    codes()
    send("remove_factors", "he", at={"account": "li"})
    with database.transaction() as tx:
        tx.execute(
            insert(passkeys).values(
                credential_id=b"one",
                account="li",
                public_key=b"",
                sign_count=0,
                display_name="办公室电脑",
                synchronised=False,
            )
        )
    send("get_my_security", "li")
    send("remove_passkey", "li", at={"id": b"one".hex()})
    send("export_my_data", "li")
    send("change_my_password", "li")
    read_notices(send, database)


def settle(send: Callable[..., Any], database: Database, sold: Sold) -> None:
    """Two months that are over are invoiced: one is corrected and paid, the other withdrawn."""
    market = Market(database, "", Gate(REPOSITORY / "policies"))
    last, before = month_ago(1), month_ago(2)
    for month in (last, before):
        use(market, sold, 12, month=month)
    send("run_invoices", "he")
    listed = {
        each["month"]: {"invoice": each["id"]} for each in send("list_invoices", "chen").json()["invoices"]
    }
    invoice = listed[last]
    send("set_purchase_order", "chen", at=invoice)
    send("finalise_invoice", "he", at=invoice)
    for operation in (
        "get_invoice_pdf",
        "get_invoice_items",
        "get_invoice_lines",
        "get_tax_fields",
        "get_tax_fields_csv",
    ):
        send(operation, "chen", at=invoice)
    send("get_invoice_shares", "zhou", at=invoice)
    send("read_statement", "he")
    payment = send("list_unmatched_payments", "he").json()["payments"][0]["id"]
    returned = {"invoice": None}
    change = send("propose_payment_change", "he", at={"payment": payment}, changed=returned).json()["id"]
    send("decide_payment_change", "xu", at={"change": change})
    send("list_payment_changes", "xu")
    send("issue_credit_note", "he", at=invoice)
    assert send("pay_invoice", "he", at=invoice).json()["due_fen"] == 0
    assert send("get_invoice", "chen", at=invoice).json()["invoice"]["status"] == "paid"
    send("void_invoice", "he", at=listed[before])
    assert send("reconcile_month", "xu", query={"month": last}).json()["pending_fen"] == 0


def run_service(send: Callable[..., Any]) -> None:
    """Health, maintenance, announcements and backups."""
    now = datetime.now(UTC)
    end = {"ends_at": (now + timedelta(hours=2)).isoformat()}
    known = {"number": send("set_maintenance", "he", changed=end).json()["id"]}
    send("list_maintenance", "he")
    send("end_maintenance", "he", at=known)
    made = {"number": send("make_service_announcement", "he", changed=end).json()["id"]}
    send("list_service_announcements", "he")
    send("withdraw_service_announcement", "he", at=made)
    send("record_backup", "he", changed={"made_at": now.isoformat(), "verified_at": None})
    send("get_health", "he")


def wait_until_sealed(receipt: str, headers: dict[str, str]) -> None:
    """Until the second of the line is in the log."""
    while httpx.get(receipt, headers=headers, timeout=60).status_code == 409:
        time.sleep(0.05)


def enter_and_verify(send: Callable[..., Any]) -> None:
    """A company says who it is, and an operator verifies it."""
    company = {"organisation": send("enter_company", "chen").json()["organisation"]}
    send("refuse_company", "he", at=company)
    send("enter_company", "chen")
    send("verify_company", "he", at=company)
    send("get_company", "chen")
    send("list_companies", "he")


def discover(send_with: Callable[..., Any]) -> None:
    for operation in ("discover_openid", "discover_oauth", "list_signing_keys"):
        send_with({}, operation)


def limit_and_end(send: Callable[..., Any], registered: Mapping[str, str]) -> None:
    """A company has limits, gives notice and takes it back; another one is ended."""
    send("set_company_limits", "he", at=registered)
    send("get_company_limits", "he", at=registered)
    send("lower_company_limits", "chen")
    send("get_my_company_limits", "chen")
    send("give_company_notice", "chen")
    send("get_company_ending", "chen")
    send("withdraw_company_notice", "chen")
    send("end_company", "he", at=registered)


def come_and_go(send: Callable[..., Any], send_with: Callable[..., Any]) -> dict[str, str]:
    """A company registers itself (this gives which); people are invited into another, join it, and leave."""
    registered = {"organisation": send_with({}, "register_company").json()["organisation"]}
    unwanted, wanted = (send("invite_member", "chen").json() for _ in range(2))
    send("withdraw_member_invitation", "chen", at={"invitation": unwanted["id"]})
    joined = send_with({}, "accept_invitation", changed={"invitation": wanted["secret"]}).json()["account"]
    send("set_member_roles", "chen", at={"account": joined})
    send("list_members", "chen")
    send("list_invitations", "chen")
    send("disable_member", "chen", at={"account": joined})
    other = send("invite_member", "chen").json()["secret"]
    send_with({}, "accept_invitation", changed={"invitation": other, "account": "lu"})
    send("leave_company", "lu")
    return registered


def take_on_and_approve(send: Callable[..., Any], number: int) -> None:
    """An operator takes an order on, hands it over to an officer, gets it back and approves it."""
    order = {"kind": "order", "id": str(number)}
    send("take_on_of_market", "he", at=order)
    send("hand_over_waiting_of_market", "he", at=order)
    send("get_waiting_of_market", "lin", at=order)
    send("list_taken_on_of_market", "lin")
    send("list_waiting_of_market", "lin")
    send("give_back_of_market", "lin", at=order)
    send("approve_order", "he", at={"order": number})


def run_programs(send: Callable[..., Any]) -> None:
    """A service account is made, gets a new secret, and is revoked; so is a sandbox key."""
    send("make_sandbox_key", "chen")
    listed = send("list_sandbox_keys", "chen").json()["sandbox_keys"]
    send("revoke_sandbox_key", "chen", at={"key": listed[0]["id"]})
    program = {"client_id": send("make_service_account", "chen").json()["client_id"]}
    send("rotate_service_account", "chen", at=program)
    send("list_service_accounts", "chen")
    send("revoke_service_account", "chen", at=program)
    send("list_market_risks", "zhou")
    run_service(send)


def bargain(send: Callable[..., Any], query: Mapping[str, str]) -> None:
    """What was offered back is withdrawn from, declined and accepted."""
    send("withdraw_order", "chen", at=bargained(send, query))
    send("decline_order", "chen", at=bargained(send, query))
    order = bargained(send, query)
    send("accept_order", "chen", at=order)
    send("get_order", "chen", at=order)
    send("get_contract", "chen", at=order)


def bargain_on(send: Callable[..., Any], product: dict[str, Any], licence: Mapping[str, int]) -> None:
    """Another price, other data; the licence is pinned, suspended, renewed and ended."""
    send("publish_offer", "zhou", at=product)
    send("list_offers", "zhou", at=product)
    made = send("release_product", "zhou", at=product).json()
    send("list_licence_releases", "chen", at=licence)
    send("drop_release", "zhou", at=product | {"number": made["number"]})
    send("list_releases", "chen", at=product)
    send("pin_licence", "chen", at=licence)
    send("suspend_licence", "zhou", at=licence)
    send("resume_licence", "zhou", at=licence)
    renewed = send("renew_licence", "chen", at=licence).json()["licence"]
    send("end_licence", "chen", at=licence)
    send("revoke_licence", "zhou", at={"licence": renewed})


def bargained(send: Callable[..., Any], query: Mapping[str, str]) -> dict[str, int]:
    """An order for which something else was offered back."""
    order = {"order": send("place_order", "chen", changed=query).json()["order"]}
    send("offer_back", "he", at=order)
    return order


def parameters(examples: Examples) -> dict[str, str]:
    """The product's own parameters, as the example of a call has them."""
    return dict(examples.examples["call_product"]["parameters"]["parameters"])


def idempotency(examples: Examples, operation: str) -> dict[str, str]:
    return {"Idempotency-Key": examples.examples[operation]["parameters"]["Idempotency-Key"]}
