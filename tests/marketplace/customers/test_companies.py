"""A company registers itself, invites its people, is verified; strangers stay small."""

import httpx
import pytest
from sqlalchemy import func, select, text

from described_api import held_against
from marketplace.customers.register_company import (
    MOST_OF_ADDRESS,
    MOST_OF_ALL,
    MOST_OF_SITE,
    count_attempt,
    origin_of,
)
from marketplace.customers.tables import invitations, registrations
from sandbox.database import Database
from sandbox.errors import TooMany
from sandbox.identity import PORTAL, TokenIssuer

CODE = "91350100M000100Y43"  # the example of GB 32100-2015
PASSWORD = "a long enough password"


@pytest.fixture
def api(portal):
    with httpx.Client(
        base_url=f"{portal.url}/api/v1", timeout=60, event_hooks=held_against("portal")
    ) as client:
        yield client


@pytest.fixture
def bearer(portal, database):
    issuer = TokenIssuer("portal", portal.settings.keys, database)

    def of(who: str) -> dict[str, str]:
        token = issuer.issue(who, audience=PORTAL, lifetime_seconds=900)
        return {"Authorization": f"Bearer {token}"}

    return of


def registration(account: str = "newcomer", name: str = "新企业", **more: object) -> dict[str, object]:
    company = {"name": name, "credit_code": CODE, "contact_name": "高先生", **more}
    return {"company": company, "account": account, "person": "高 Gao", "password": PASSWORD}


def test_a_company_and_its_people(api, bearer, database: Database) -> None:
    made = api.post("/companies", json=registration())
    assert made.status_code == 201, made.text
    assert made.json()["roles"] == ["owner", "buyer", "developer", "finance"]
    organisation, owner = made.json()["organisation"], bearer("newcomer")
    company = api.get("/company", headers=owner).json()
    assert company["status"] == "entered" and company["registered"] and company["contact_name"] == "高先生"

    # a link makes a member, once
    invited = api.post("/company/invitations", json={"roles": ["developer"]}, headers=owner).json()
    joining = {"invitation": invited["secret"], "account": "dev", "person": "张", "password": PASSWORD}
    assert invited["link"].endswith(f"/join?link={invited['secret']}")
    assert api.post("/invitations/accept", json=joining).json()["roles"] == ["developer"]
    again = api.post("/invitations/accept", json=joining | {"account": "dev2"})
    assert again.status_code == 409 and again.json()["code"] == "invitation_over"
    developer = bearer("dev")
    names = [each["account"] for each in api.get("/company/members", headers=developer).json()["members"]]
    assert names == ["dev", "newcomer"]

    # a developer does not invite, and nobody is left without an owner
    refused = api.post("/company/invitations", json={"roles": ["owner"]}, headers=developer)
    assert refused.status_code == 403
    assert api.post("/company/leave", headers=owner).json()["code"] == "last_owner"
    own = api.post("/company/members/newcomer/roles", json={"roles": ["buyer"]}, headers=owner)
    assert own.json()["code"] == "change_oneself"
    assert api.post("/company/members/dev/roles", json={"roles": ["owner"]}, headers=owner).is_success
    assert api.post("/company/leave", headers=owner).status_code == 204
    assert api.get("/company", headers=owner).status_code == 401

    # another company's members are no members
    foreign = api.post("/company/members/sun/disable", json={}, headers=developer)
    assert foreign.status_code == 404
    kinds = "SELECT entry::json ->> 'kind' FROM log.entries"
    with database.transaction() as tx:
        written = set(tx.scalars(text(kinds)))
    assert {"company.registered", "invitation.made", "invitation.accepted", "account.disabled"} <= written
    assert organisation.startswith("co-")


def test_an_invitation_ends(api, bearer, database: Database) -> None:
    owner = bearer("chen")
    api.post("/company", json={"name": "民生", "credit_code": CODE}, headers=owner)
    wanted = {"roles": ["finance"], "days": 1}
    late, taken = (api.post("/company/invitations", json=wanted, headers=owner).json() for _ in range(2))
    with database.transaction() as tx:
        tx.execute(invitations.update().where(invitations.c.id == late["id"]).values(expires_at=func.now()))
    assert api.post(f"/company/invitations/{taken['id']}/withdraw", headers=owner).status_code == 204
    assert api.post(f"/company/invitations/{taken['id']}/withdraw", headers=owner).status_code == 409
    for secret in (late["secret"], taken["secret"]):
        body = {"invitation": secret, "account": "late", "person": "迟", "password": PASSWORD}
        assert api.post("/invitations/accept", json=body).json()["code"] == "invitation_over"
    body["invitation"] = "chj_" + "0" * 38
    assert api.post("/invitations/accept", json=body).status_code == 404
    strange = api.post("/company/invitations", json={"roles": ["operator"]}, headers=owner)
    assert strange.status_code == 422


def test_an_invitation_does_not_outlive_its_owners_rights(api, bearer, portal, database: Database) -> None:
    api.post("/companies", json=registration())
    owner = bearer("newcomer")
    joined = []
    for name in ("second", "third"):
        link = api.post("/company/invitations", json={"roles": ["owner"]}, headers=owner).json()["secret"]
        body = {"invitation": link, "account": name, "person": "二", "password": PASSWORD}
        joined.append(api.post("/invitations/accept", json=body))
    assert all(each.status_code == 201 for each in joined)
    wanted = {"roles": ["owner"]}
    kept = {
        who: api.post("/company/invitations", json=wanted, headers=bearer(who)).json()
        for who in ("second", "third")
    }
    assert api.post("/company/members/second/disable", json={}, headers=owner).status_code == 204
    demoted = api.post("/company/members/third/roles", json={"roles": ["buyer"]}, headers=owner)
    assert demoted.is_success
    with database.transaction() as tx:
        states = dict(tx.execute(select(invitations.c.id, invitations.c.status)).all())
        assert {states[each["id"]] for each in kept.values()} == {"withdrawn"}
        # a link that stayed open, as where an operator closes the account, opens nothing either
        tx.execute(invitations.update().values(status="open", accepted_by=None))
    for each in kept.values():
        body = {"invitation": each["secret"], "account": "late", "person": "迟", "password": PASSWORD}
        refused = api.post("/invitations/accept", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "invitation_over")


def test_who_is_not_verified_keeps_no_code_and_orders_nothing(api, bearer, database: Database) -> None:
    first = api.post("/companies", json=registration("first")).json()
    second = api.post("/companies", json=registration("second", "同号企业")).json()
    operator = bearer("he")
    assert api.post(f"/companies/{second['organisation']}/verify", headers=operator).is_success
    taken = api.post(f"/companies/{first['organisation']}/verify", headers=operator)
    assert taken.status_code == 409 and taken.json()["code"] == "credit_code_taken"
    assert api.post("/companies", json=registration("third")).json()["code"] == "credit_code_taken"
    twice = registration("second", credit_code="91420000757010137P")
    assert api.post("/companies", json=twice).status_code in (409, 422)
    mistyped = api.post("/companies", json=registration("fourth", credit_code=CODE[:-1] + "4"))
    assert mistyped.json()["code"] == "bad_credit_code"


def test_strangers_are_counted(api, database: Database) -> None:
    """Source: issue 15, "limits so that strangers cannot fill disk or log"."""
    with database.transaction() as tx:
        for _ in range(MOST_OF_ADDRESS):
            tx.execute(registrations.insert().values(address=origin_of("127.0.0.1")))
        before = tx.execute(text("SELECT count(*) FROM log.entries")).scalar_one()
    refused = api.post("/companies", json=registration("flood"))
    assert refused.status_code == 429 and refused.json()["code"] == "too_many_registrations"
    with database.transaction() as tx:
        assert tx.execute(text("SELECT count(*) FROM log.entries")).scalar_one() == before
        assert tx.execute(select(func.count()).select_from(registrations)).scalar_one() == MOST_OF_ADDRESS
    # what made nothing stops nobody elsewhere, and a site is counted over all its networks
    with database.transaction() as tx:
        tx.execute(registrations.delete())
        elsewhere = [{"address": origin_of(f"10.0.{n // 250}.{n % 250}")} for n in range(MOST_OF_ALL + 1)]
        tx.execute(registrations.insert(), elsewhere)
        site = origin_of("2001:db8:7::1", ipv6_bits=48)
        tx.execute(registrations.insert(), [{"address": str(n), "site": site} for n in range(MOST_OF_SITE)])
    with pytest.raises(TooMany):
        count_attempt(database, "2001:db8:7:99::1")
    count_attempt(database, "2001:db8:8::1")
    assert origin_of("2001:db8::1") == origin_of("2001:db8::ffff") != origin_of("2001:db8:0:1::1")
    assert origin_of("::ffff:192.0.2.1") == origin_of("192.0.2.1") != origin_of("192.0.2.2")


def test_pages_register_invite_and_join(portal) -> None:
    browser, colleague = portal.browser(), portal.browser()
    fields = {
        "name": "新企业",
        "credit_code": CODE,
        "account": "owner-1",
        "person": "高",
        "password": PASSWORD,
    }
    wrong = browser.send(
        "/register", "/register", **fields | {"credit_code": "1", "time_zone": "Asia/Shanghai"}
    )
    assert wrong.status_code == 422 and "新企业" in wrong.text and "统一社会信用代码" in wrong.text
    made = browser.send("/register", "/register", **fields)
    assert made.status_code == 303, made.text
    assert (made.status_code, made.headers["location"]) == (303, "/company")
    page = browser.get("/company").text
    assert "待核验" in page and "owner-1" in page
    shown = browser.send("/company", "/company/invitations", roles="developer", days="3", note="")
    link = browser.get(shown.headers["location"]).text.split("/join?link=")[1][:42]
    joining = {"account": "dev-1", "person": "张", "password": PASSWORD}
    invited = colleague.get(f"/join?link={link}")
    assert "新企业" in invited.text and invited.headers["referrer-policy"] == "strict-origin"
    joined = colleague.send(f"/join?link={link}", "/join", **joining)
    assert (joined.status_code, joined.headers["location"]) == (303, "/company")
    assert colleague.get("/company").status_code == 200
    left = colleague.send("/company", "/company/leave")
    assert left.status_code == 303 and colleague.get("/company").status_code == 303
