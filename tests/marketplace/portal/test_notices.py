"""One inbox for each person: what happened is told to those whom it concerns, who may see it still, in their
language, with its page; nobody reads or marks another's."""

import re
import socket
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Request
from sqlalchemy import delete, insert, select, text, update

from marketplace.keys.networks import note_networks
from marketplace.portal.notices.addresses import Links
from marketplace.portal.notices.due import tell_due
from marketplace.portal.notices.inbox import COUNT_SECONDS, Inbox
from marketplace.portal.notices.periodic import DROPPED_EVERY, KEPT_FOR, NoticeJob
from marketplace.portal.notices.post import Post, members_of, next_morning, tell_failures
from marketplace.portal.pages.after_login import code_form
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session
from marketplace.settings import REPOSITORY
from marketplace.vault import Vault
from sandbox.courier.deliver import sign_of_life
from sandbox.database import lock_name
from sandbox.identity import TokenIssuer, create_account, leave_team, load_principal
from sandbox.identity.tables import accounts
from sandbox.notices import SYSTEM_ADMINISTRATORS, tell
from sandbox.notices.events import EVENTS, KINDS
from sandbox.notices.tables import mail_addresses, notices, outbox
from sandbox.policy import Gate

WISH = {"dataset": "clinic.visits", "team": "cihu-lake", "epsilon": "1", "until": "2027-06-30"}
PURPOSE = "研究各年就诊次数的变化"
GATE = Gate(REPOSITORY / "policies")


@pytest.fixture(scope="module")
def refused(shared_city) -> int:
    """A request of wang's that lin refused, and an order of chen's that waits."""
    asked = shared_city.vault("wang").post("/requests", json={**WISH, "purpose": PURPOSE}).json()["id"]
    answer = shared_city.vault("lin").post(f"/requests/{asked}/refuse", json={"reason": "用途不够具体"})
    assert answer.status_code == 200, answer.text
    shared_city.list_query()
    order = {"product": "visits-by-year", "use": "industry", "calls_per_month": 100, "calls_per_second": 1}
    until = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    placed = shared_city.api("chen").post("/orders", json=order | {"ends_on": until})
    assert placed.status_code == 201, placed.text
    return int(asked)


def inbox(city, who: str, **wanted) -> list[dict]:
    answer = city.api(who).get("/notices", params=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()["notices"]


def of(city, who: str, about: str) -> list[dict]:
    return [each for each in inbox(city, who) if each["about"] == about]


def test_each_step_reaches_the_requester_once_and_the_department_its_task(shared_city, refused) -> None:
    about = f"request:{refused}"
    team, officer = of(shared_city, "wang", about), of(shared_city, "lin", about)
    assert [each["event"] for each in team] == ["request.refused"]
    assert [each["event"] for each in officer] == ["request.made"], "one's own decision is no news"
    assert team[0]["page"] == "/requests" and officer[0]["page"] == f"/queue/requests/{refused}"
    assert team[0]["text"] == {
        "zh": f"申报 #{refused} 未获批准",
        "en": f"Access request #{refused} was refused",
    }
    assert [each["event"] for each in of(shared_city, "li", about)] == ["request.refused"], "the whole team"


@pytest.mark.parametrize("who", ["zhou", "chen", "sun", "he", "xu"])
def test_nobody_else_is_told(shared_city, refused, who) -> None:
    assert not of(shared_city, who, f"request:{refused}")


def test_an_order_is_told_to_its_seller(shared_city, refused) -> None:
    assert "order.placed" in {each["event"] for each in inbox(shared_city, "lin", kind="orders_received")}
    assert not inbox(shared_city, "zhou", kind="orders_received")


def test_what_somebody_may_see_no_more_is_left_out(shared_city, shared_database, refused) -> None:
    about = f"request:{refused}"
    assert of(shared_city, "li", about)
    with shared_database.transaction() as tx:
        # told to the person, who sees it by their team alone
        tell(
            tx, id="test:1", event="request.refused", about=about, actor="lin", to=["person:li", "person:sun"]
        )
        leave_team(tx, team_id="cihu-lake", account_id="li", by="test")
    assert not of(shared_city, "li", about) and not of(shared_city, "sun", about)
    # of their own place they are told still
    assert "team.left" in {each["event"] for each in of(shared_city, "li", "team:cihu-lake")}


def test_a_mark_is_one_s_own_and_of_one_s_own(shared_city, refused) -> None:
    mine = of(shared_city, "wang", f"request:{refused}")[0]["id"]
    assert shared_city.api("zhou").post("/notices/read", json={"notices": [mine]}).json() == {"read": 0}
    assert not of(shared_city, "wang", f"request:{refused}")[0]["read"]
    assert shared_city.api("wang").post("/notices/read", json={"notices": [mine]}).json() == {"read": 1}
    assert shared_city.api("wang").post("/notices/read", json={"notices": [mine]}).json() == {"read": 0}
    assert of(shared_city, "wang", f"request:{refused}")[0]["read"]
    assert not of(shared_city, "lin", f"request:{refused}")[0]["read"]


def test_a_service_and_a_stranger_have_no_inbox(shared_city) -> None:
    assert shared_city.api("marketplace").get("/notices").status_code == 403
    assert shared_city.portal.browser().get("/api/v1/notices").status_code == 401


@pytest.fixture
def patient(monkeypatch) -> None:
    """The vault may take as long as this machine is busy."""
    monkeypatch.setattr("marketplace.portal.notices.inbox.COUNT_SECONDS", 600.0)
    monkeypatch.setattr("marketplace.portal.notices.inbox.AWAY_SECONDS", 0.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("language", "words"), [("zh", "收到申报"), ("en", "was received")])
def test_the_page_is_in_the_reader_s_language_with_a_count_on_every_page(
    person, refused, language, words
) -> None:
    lin = person("lin")
    lin.client.cookies.set("cihu_language", language)
    page = lin.get("/notices").text
    assert words in page and PURPOSE not in page and "用途不够具体" not in page
    count = re.search(r'class="count"><span aria-hidden="true">(\d+)', lin.get("/me").text)
    assert count and int(count[1]) == page.count("badge live")


def test_opening_marks_as_read_and_leads_to_the_page_and_nowhere_else(person, refused) -> None:
    lin = person("lin")
    page = lin.get("/notices?kind=requests").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    notice = re.search(r'name="notice" value="([^"]+)"', page)[1]
    for wanted, place in (
        (f"/queue/requests/{refused}", f"/queue/requests/{refused}"),
        ("//evil.example", "/"),
    ):
        sent = {"csrf": csrf, "notice": notice, "next": wanted}
        answer = lin.client.post("/notices/read", data=sent)
        assert (answer.status_code, answer.headers["location"]) == (303, place)
    assert notice not in lin.get("/notices?show=unread").text
    assert lin.client.post("/notices/read", data={"notice": notice}).status_code == 403, "a form of ours"
    lin.client.post("/notices/read", data={"csrf": csrf, "kind": "orders_received"})
    assert 'name="notice"' not in lin.get("/notices?kind=orders_received").text


def test_each_kind_is_switched_off_and_on_by_each_person(shared_city, person, refused) -> None:
    wang = person("wang")
    assert wang.get("/my/notices").text.count(" checked>") == len(KINDS)
    csrf = re.search(r'name="csrf" value="([^"]+)"', wang.get("/my/notices").text)[1]
    answer = wang.client.post("/my/notices", data={"csrf": csrf, "mail": ["access", "account"]})
    assert answer.status_code == 303
    settings = shared_city.api("wang").get("/notices/settings").json()
    assert {each["kind"] for each in settings["kinds"] if each["mail"]} == {"access", "account"}
    others = shared_city.api("li").get("/notices/settings").json()
    assert all(each["mail"] for each in others["kinds"])
    assert of(shared_city, "wang", f"request:{refused}"), "the inbox has it always"
    unknown = shared_city.api("wang").put("/notices/settings", json={"off": ["weather"]})
    assert unknown.status_code == 422 and unknown.json()["code"] == "unknown_notice_kind"
    assert shared_city.api("wang").put("/notices/settings", json={"off": []}).status_code == 200


def test_a_thing_that_is_not_there_is_left_out_and_breaks_nothing(shared_city, shared_database) -> None:
    things = [
        "request:999999999", "request:99999999999999", "request:x", "run:no-uuid", "order:0", "licence:9999",
        "dataset:no.such", "product:none", "competition:none", "invoice:none", "nothing:1", "", "review:",
    ]  # fmt: skip
    with shared_database.transaction() as tx:
        for number, about in enumerate(things):
            tell(tx, id=f"gone:{number}", event="request.refused", about=about, actor="t", to=["person:xu"])
    assert inbox(shared_city, "xu") == []
    asked = shared_city.vault("wang").get(
        "/visible", params={"thing": [*things[:4], "dataset:clinic.visits"]}
    )
    assert asked.json() == {"things": ["dataset:clinic.visits"]}


def test_a_vault_that_is_away_costs_the_count_and_no_page(shared_database, refused, tmp_path) -> None:
    away = Vault("http://127.0.0.1:9", TokenIssuer("portal", tmp_path, shared_database), timeout_seconds=1)
    with shared_database.transaction() as tx:
        tell(tx, id="test:2", event="grant.revoked", about="grant:1", actor="lin", to=["person:wang"])
        wang = load_principal(tx, "wang")
    assert Inbox(shared_database, GATE, away).count(wang) is None


def test_a_vault_that_hangs_is_asked_for_a_count_once_and_briefly(
    shared_database, refused, tmp_path, monkeypatch
) -> None:
    """Each page has the count: pages that wait for it would have all of the portal's threads."""
    monkeypatch.setattr("marketplace.portal.notices.inbox.AWAY_SECONDS", 600.0)
    asked: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections, and says nothing
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        vault = Vault(address, TokenIssuer("portal", tmp_path, shared_database))
        vault.client.event_hooks = {"request": [lambda it: asked.append(it.extensions["timeout"]["read"])]}
        everybodys = Inbox(shared_database, GATE, vault)
        with shared_database.transaction() as tx:
            tell(tx, id="test:3", event="request.made", about="request:1", actor="x", to=["person:lin"])
            lin, wang = load_principal(tx, "lin"), load_principal(tx, "wang")
        assert [everybodys.count(each) for each in (lin, wang, lin)] == [None, None, None]
    assert asked == [COUNT_SECONDS]


def test_the_page_between_password_and_code_asks_nothing_and_no_value_of_a_page_becomes_the_count(
    shared_city, shared_database
) -> None:
    pages, asked = Pages(shared_city.portal.settings), list[str]()
    pages.unread = lambda person: asked.append(person.id)
    with shared_database.transaction() as tx:
        session = Session(load_principal(tx, "lin"), b"", datetime.now(UTC), "csrf")
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    request = Request(scope | {"scheme": "http", "server": ("127.0.0.1", 80)})
    assert code_form(request, pages, session, next="/").status_code == 200 and asked == []
    of_code = {"next": "/", "kept": "", "refusal": "", "by_password": True}
    page = pages.show(request, "login_code.html", session, **of_code, unread={"message": "no such row"})
    assert asked == ["lin"] and "no such row" not in page.body.decode()


@pytest.fixture(scope="module")
def courier_seen(shared_database) -> None:
    """A courier looks after the outbox of this city."""
    sign_of_life(shared_database, datetime.now(UTC))


@pytest.fixture
def post(shared_city, shared_database, courier_seen) -> Post:
    links = Links(shared_city.portal.settings.secret("mail.secret"))
    return Post(Inbox(shared_database, GATE, Vault(shared_city.vault_url, shared_city.issuer)), links)


@pytest.fixture
def posted(shared_database, post):
    """`posted(account)`: what waits for the courier for somebody, once all that was told is posted."""

    def waiting(account: str, now: datetime | None = None) -> list:
        with shared_database.transaction() as tx:
            lock_name(tx, "notices job")  # the portal's own job may be at it
            post.post(tx, now or datetime.now(UTC))
        with shared_database.transaction() as tx:
            wanted = select(outbox).where(outbox.c.account == account).order_by(outbox.c.made_at)
            return list(tx.execute(wanted).all())

    return waiting


def ask_and_refuse(city) -> int:
    asked = city.vault("wang").post("/requests", json={**WISH, "purpose": PURPOSE}).json()["id"]
    refusal = city.vault("lin").post(f"/requests/{asked}/refuse", json={"reason": "用途仍不够具体"})
    assert refusal.status_code == 200
    return int(asked)


def test_a_mail_goes_to_a_verified_address_of_whoever_wants_that_kind(shared_city, person, posted) -> None:
    wang, api = person("wang"), shared_city.api("wang")
    ask_and_refuse(shared_city)
    assert posted("wang") == [], "there is no address"
    answer = wang.send("/my/notices", "/my/notices/address", mail_address=" wang@example.org ", language="en")
    assert answer.headers["location"] == "/my/notices?said=sent"
    ask_and_refuse(shared_city)
    link = posted("wang")
    assert [row.form for row in link] == ["verify"], "and no notice before it is verified"
    token = link[0].token
    assert shared_city.api("lin").post("/notices/address/verify", json={"token": token}).status_code == 422
    assert wang.get(f"/my/notices/verify?token={token}").status_code == 200
    assert not api.get("/notices/settings").json()["verified"], "what only opens the link confirms nothing"
    done = wang.send(f"/my/notices/verify?token={token}", "/my/notices/verify")
    assert done.headers["location"] == "/my/notices?said=verified"
    assert api.post("/notices/address/verify", json={"token": token}).status_code == 422, "once"

    number = ask_and_refuse(shared_city)
    mail = posted("wang")[-1]
    assert (mail.form, mail.items) == ("notice", [["request.refused", f"request:{number}"]])
    assert mail.language == "en" and mail.address == "wang@example.org"
    assert PURPOSE not in str(mail) and "用途仍不够具体" not in str(mail), "it holds no word of anybody's"
    assert posted("wang")[-1].id == mail.id, "posted once"
    assert posted("lin") == [] == posted("zhou"), "nobody else has an address"

    assert api.put("/notices/settings", json={"off": ["access"]}).status_code == 200
    before = len(posted("wang"))
    ask_and_refuse(shared_city)
    assert len(posted("wang")) == before, "switched off"

    assert api.put("/notices/settings", json={"off": [], "daily": True}).status_code == 200
    first, second = ask_and_refuse(shared_city), None
    posted("wang")
    second = ask_and_refuse(shared_city)
    daily = [row for row in posted("wang") if row.form == "daily"]
    assert {about for row in daily for _, about in row.items} == {f"request:{first}", f"request:{second}"}
    assert all(row.next_at == next_morning(row.next_at - timedelta(seconds=1)) for row in daily)


def test_the_link_in_a_mail_ends_the_mails_of_its_account_without_a_login(shared_city, posted) -> None:
    sent = [row for row in posted("wang") if row.form == "notice"][-1]
    stranger = shared_city.portal.browser()
    for account, token in (("wang", "wrong"), ("lin", sent.token), ("nobody", sent.token), ("", "")):
        answer = stranger.client.post("/notices/leave", params={"account": account, "token": token})
        assert answer.status_code == 200 and "如果链接有效" in answer.text, "it tells nobody who is there"
    assert shared_city.api("wang").get("/notices/settings").json()["address"] == "wang@example.org"
    there = {"account": "wang", "token": sent.token}
    assert stranger.get("/notices/leave", params=there).status_code == 200
    assert shared_city.api("wang").get("/notices/settings").json()["address"], "a look ends nothing"
    one_click = stranger.client.post("/notices/leave", params=there, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    assert shared_city.api("wang").get("/notices/settings").json()["address"] is None
    assert not [row for row in posted("wang") if row.state == "waiting"]


def test_a_wrong_address_is_refused_at_its_field_and_nobody_s_mailbox_is_filled(
    shared_city, shared_database, person
) -> None:
    lin = person("lin")
    lin.client.cookies.set("cihu_language", "en")
    refused = lin.send(
        "/my/notices", "/my/notices/address", mail_address="lin@example.org\r\nBcc: x@example.org"
    )
    assert refused.status_code == 422 and 'aria-invalid="true"' in refused.text
    assert "not an e-mail address" in refused.text
    for number in range(5):
        given = shared_city.api("lin").put("/notices/address", json={"address": "lin@example.org"})
        assert given.status_code == 200, number
        # the courier sends it, or has begun with it: it may be in the mailbox
        done = {"tries": 1} if number % 2 else {"tries": 1, "state": "sent"}
        with shared_database.transaction() as tx:
            waits = (outbox.c.account == "lin", outbox.c.state == "waiting")
            tx.execute(update(outbox).where(*waits).values(**done))
    for who in ("lin", "zhou"):
        more = shared_city.api(who).put("/notices/address", json={"address": "LIN@example.org"})
        assert more.status_code == 429 and more.json()["code"] == "too_many_links", who
    assert shared_city.api("lin").delete("/notices/address").status_code == 204
    with shared_database.transaction() as tx:
        ended = tx.execute(select(outbox).where(outbox.c.account == "lin", outbox.c.form == "verify")).all()
        tell_failures(tx, datetime.now(UTC))
        told = tx.scalars(select(notices.c.about).where(notices.c.event == "mail.failed")).all()
    assert sorted(row.fault or row.state for row in ended) == ["replaced"] * 2 + ["sent"] * 3
    assert not [row for row in ended if row.fault and row.token] and "mail:lin" not in told
    assert (
        shared_city.api("marketplace").put("/notices/address", json={"address": "a@b.org"}).status_code == 403
    )


@pytest.fixture
def verified_address(shared_database):
    """`verified_address(account, daily=…)`: mails of the account go somewhere, until the test ends."""
    made: list[str] = []

    def verify(account: str, *, daily: bool = False) -> None:
        made.append(account)
        values = {"account": account, "address": f"{account}@example.org", "language": "en"}
        with shared_database.transaction() as tx:
            tx.execute(insert(mail_addresses).values(**values, daily=daily, verified_at=datetime.now(UTC)))

    yield verify
    with shared_database.transaction() as tx:
        tx.execute(delete(mail_addresses).where(mail_addresses.c.account.in_(made)))


def test_whom_the_vault_lets_in_not_yet_sees_nothing_of_it_and_holds_up_nobody_s_mails(
    shared_city, shared_database, posted, verified_address
) -> None:
    company = {"name": "初来企业", "credit_code": "91350200M000200Y40"}
    fields = {"account": "a-newcomer", "person": "初", "password": "a long enough password"}
    made = shared_city.portal.browser().send("/register", "/register", **company, **fields)
    assert made.headers.get("location") == "/company", made.text
    for each in ("a-newcomer", "zhou"):
        verified_address(each)
    with shared_database.transaction() as tx:
        both = ["person:a-newcomer", "person:zhou"]
        tell(tx, id="test:4", event="demand.made", about="dataset:market.inspections", actor="x", to=both)
    assert inbox(shared_city, "a-newcomer") == []
    assert [row.id for row in posted("zhou")] == ["notice:test:4:zhou"] and posted("a-newcomer") == []


def test_a_day_s_mail_that_the_courier_has_begun_with_loses_nothing(
    shared_database, posted, verified_address
) -> None:
    verified_address("zhou", daily=True)
    about, now = "dataset:market.inspections", datetime.now(UTC)
    for event in ("demand.made", "demand.answered", "problem.reported"):
        with shared_database.transaction() as tx:
            tell(tx, id=f"day:{event}", event=event, about=about, actor="x", to=["person:zhou"])
        daily = [row._mapping for row in posted("zhou", now) if row.form == "daily"]
        if event == "demand.answered":
            (begun,) = daily
            assert begun["items"] == [["demand.made", about], ["demand.answered", about]]
            with shared_database.transaction() as tx:
                tx.execute(update(outbox).where(outbox.c.id == begun["id"]).values(tries=1))
    first, second = sorted(daily, key=lambda row: row["next_at"])
    assert second["items"] == [["problem.reported", about]]
    assert second["next_at"] == next_morning(first["next_at"] + timedelta(seconds=1))


def test_no_mail_goes_to_an_address_that_was_taken_away_while_the_vault_was_asked(
    shared_database, post, posted, verified_address
) -> None:
    verified_address("zhou")

    def take_away(_request: object) -> None:
        with shared_database.transaction() as tx:
            tx.execute(delete(mail_addresses).where(mail_addresses.c.account == "zhou"))

    with shared_database.transaction() as tx:
        tell(
            tx,
            id="test:5",
            event="demand.made",
            about="dataset:market.inspections",
            actor="x",
            to=["person:zhou"],
        )
    post.inbox.vault.client.event_hooks = {"request": [take_away]}
    assert "notice:test:5:zhou" not in {row.id for row in posted("zhou")}
    with shared_database.transaction() as tx:
        assert tx.scalar(select(notices.c.posted_at).where(notices.c.id == "test:5"))


def test_what_was_given_up_is_told_to_whoever_looks_after_the_parts_and_their_page_says_whether_mails_go(
    shared_city, shared_database, person, courier_seen
) -> None:
    with shared_database.transaction() as tx:
        create_account(
            tx,
            account_id="sys",
            display_name="sys",
            organisation="operator",
            roles=["system_administrator"],
            by="test",
        )
        failed = {"state": "failed", "ended_at": datetime.now(UTC), "form": "notice", "items": []}
        given = {"account": "wang", "address": "wang@example.org", "language": "zh"}
        for number in range(2):
            tx.execute(outbox.insert().values(id=f"gone:{number}", **given, **failed))
        tell_failures(tx, datetime.now(UTC))
        tell_failures(tx, datetime.now(UTC))
    for who in ("he", "sys"):
        told = [each for each in inbox(shared_city, who) if each["event"] == "mail.failed"]
        assert [each["about"] for each in told] == ["mail:wang"], who
    with shared_database.transaction() as tx:
        by_mail = tx.scalars(select(accounts.c.id).where(members_of(SYSTEM_ADMINISTRATORS))).all()
    assert by_mail == ["sys"]
    assert not [each for each in inbox(shared_city, "lin") if each["event"] == "mail.failed"]
    stranger = shared_city.portal.browser()
    assert "正在发送" in stranger.get("/status").text
    sign_of_life(shared_database, datetime.now(UTC) - timedelta(hours=1))
    assert "没有运行邮件程序" in stranger.get("/status").text
    sign_of_life(shared_database, datetime.now(UTC))


def test_what_comes_due_is_told_once_and_what_is_past_is_dropped(
    shared_city, shared_database, tmp_path
) -> None:
    away = Vault("http://127.0.0.1:9", TokenIssuer("portal", tmp_path, shared_database), timeout_seconds=1)
    shared_city.list_rows()
    shared_city.buy("inspections-by-business")
    now = datetime.now(UTC)
    with shared_database.transaction() as tx:
        ends = tx.scalar(text("SELECT max(ends_at) FROM market.licences WHERE status = 'live'"))
        for _ in range(2):
            tell_due(tx, ends - timedelta(days=3))
        told = tx.execute(select(notices).where(notices.c.event == "licence.expiring")).all()
    assert len(told) == len({row.id for row in told}) >= 1
    assert {row.audience for row in told} == {"developers:minsheng"}
    with shared_database.transaction() as tx:
        key = tx.scalar(text("SELECT max(id) FROM market.keys"))
        for address in ("203.0.113.9", "198.51.100.7", "203.0.113.10"):  # the first is not new, two are one
            note_networks(tx, [(key, address)])
            tx.execute(text("UPDATE market.key_networks SET first_seen = first_seen - interval '1 second'"))
        for _ in range(2):
            tell_due(tx, now)
        called = tx.execute(select(notices).where(notices.c.event == "licence.new_network")).all()
    assert sorted(row.audience for row in called) == ["developers:minsheng", "officers:market"]
    assert not [row for row in called if "198.51.100" in row.about]
    assert {each["event"] for each in inbox(shared_city, "chen", kind="risks")} == {"licence.new_network"}
    assert {each["event"] for each in inbox(shared_city, "chen", kind="orders")} >= {"licence.expiring"}
    job = NoticeJob(shared_database, Post(Inbox(shared_database, GATE, away), Links(b"k" * 32)))
    job.run(now + KEPT_FOR + timedelta(days=1))
    with shared_database.transaction() as tx:
        left = set(tx.scalars(select(notices.c.event)))
    assert left <= {event for event in EVENTS if event.endswith(("expiring", "overdue", "near_quota"))}
    with shared_database.transaction() as tx:
        tell(tx, id="test:6", event="request.made", about="request:1", actor="x", to=["person:he"])
    for later, there in ((timedelta(minutes=1), 1), (DROPPED_EVERY, 0)):  # no table is read through each turn
        job.run(now + KEPT_FOR + timedelta(days=1) + later)
        with shared_database.transaction() as tx:
            assert len(tx.execute(select(notices).where(notices.c.id == "test:6")).all()) == there
