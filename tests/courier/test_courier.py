"""The courier against a real mail server: each mail at least once, with one Message-ID; refusals as RFC 5321
means them; nothing in a mail or a header that does not belong there."""

import logging
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from mail_server import TAKEN
from sandbox.courier.deliver import GIVEN_UP_AFTER, LONGEST_WAIT, MOST_TRIES, deliver, wait_after
from sandbox.courier.letter import Letter, message_id, write
from sandbox.courier.settings import Settings, check, is_address
from sandbox.errors import InvalidInput, Unavailable
from sandbox.notices.tables import courier_signs, outbox

NOW = datetime.now(UTC)


@pytest.fixture
def waiting(database):
    """`waiting(id, address=…)`: a mail that waits. The portal would write it."""

    def add(id: str = "notice:log:7:wang", **changes: object) -> str:
        values = {
            "account": "wang",
            "address": "wang@example.org",
            "language": "zh",
            "form": "notice",
            "items": [["grant.approved", "grant:12"]],
            "token": "leave-token",
            "next_at": NOW,
            "made_at": NOW,
        }
        with database.transaction() as tx:
            tx.execute(insert(outbox).values(id=id, **values | changes))
        return id

    return add


def row(database, id: str):
    with database.transaction() as tx:
        return tx.execute(select(outbox).where(outbox.c.id == id)).one()


def send(courier, at: datetime = NOW) -> int:
    return deliver(courier.database, courier.server, courier.settings, clock=lambda: at)


def test_a_mail_goes_over_tls_with_a_login_in_its_reader_s_language(
    courier, mailbox, waiting, database
) -> None:
    waiting()
    waiting("notice:log:8:lin", account="lin", address="lin@example.org", language="en")
    assert send(courier) == 2 and send(courier) == 0
    mails = {mail["To"]: mail for mail in mailbox.mails}
    chinese, english = mails["wang@example.org"], mails["lin@example.org"]
    assert chinese["Subject"] == "申报获批，授权 #12 开始"
    assert english["Subject"] == "Grant #12 began: your request was approved"
    assert (chinese["Content-Language"], english["Content-Language"]) == ("zh-CN", "en")
    for mail in mails.values():
        plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
        assert (
            "https://data.example.org/requests" in plain
            and 'href="https://data.example.org/requests"' in html
        )
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["From"] in {"磁湖 <notices@example.org>", "Cihu <notices@example.org>"}
    assert chinese["List-Unsubscribe"] == (
        "<https://data.example.org/notices/leave?account=wang&token=leave-token>"
    )
    ended = row(database, "notice:log:7:wang")
    assert (ended.state, ended.tries, ended.token, ended.fault) == ("sent", 1, None, None)
    with database.transaction() as tx:
        assert tx.scalar(select(courier_signs.c.seen_at)) == NOW


def test_a_day_s_mail_lists_its_notices(courier, mailbox, waiting) -> None:
    items = [["grant.approved", "grant:12"], ["order.approved", "order:3"], ["no.such", "x:1"]]
    waiting("daily:2026-12-02:wang", form="daily", items=items)
    send(courier)
    plain = mailbox.mails[0].get_body(("plain",)).get_content()
    assert mailbox.mails[0]["Subject"] == "磁湖通知：2 条"
    assert "订单 #3 获批" in plain and "https://data.example.org/orders/3" in plain


def test_what_is_not_due_waits(courier, mailbox, waiting) -> None:
    waiting(next_at=NOW + timedelta(hours=1))
    assert send(courier) == 0 and not mailbox.mails
    assert send(courier, NOW + timedelta(hours=1)) == 1


@pytest.mark.parametrize("reply", ["450 4.2.1 mailbox busy", "451 4.3.0 try later"])
def test_a_refusal_for_now_is_tried_again_with_pauses_until_it_is_given_up(
    courier, mailbox, waiting, database, reply, caplog
) -> None:
    id = waiting()
    mailbox.answer = lambda: reply
    at = NOW
    for tries in range(1, MOST_TRIES + 1):
        assert send(courier, at) == 0
        held = row(database, id)
        assert held.tries == tries and held.fault == f"smtp_{reply[:3]}"
        if tries < MOST_TRIES:
            assert held.state == "waiting" and held.next_at == at + wait_after(tries)
            assert send(courier, held.next_at - timedelta(seconds=1)) == 0
            assert row(database, id).tries == tries, "not before its time"
        at = held.next_at
    assert held.state == "failed" and held.token is None
    assert "given up: smtp_45" in caplog.text and "wang@" not in caplog.text
    mailbox.answer = lambda: TAKEN
    assert send(courier, at + LONGEST_WAIT) == 0 and not mailbox.mails


def test_after_a_refusal_for_now_it_goes_when_the_server_takes_it(
    courier, mailbox, waiting, database
) -> None:
    id = waiting()
    mailbox.answer = lambda: "451 try later"
    assert send(courier) == 0
    mailbox.answer = lambda: TAKEN
    assert send(courier, NOW + wait_after(1)) == 1
    assert row(database, id).state == "sent" and mailbox.mails[0]["Message-ID"] == message_id(
        id, "notices@example.org"
    )


@pytest.mark.parametrize("where", ["recipient", "content"])
def test_a_refusal_for_ever_ends_that_mail_and_no_other(courier, mailbox, waiting, database, where) -> None:
    gone = waiting("notice:log:1:gone", address="gone@example.org")
    waiting("notice:log:2:lin", address="lin@example.org", next_at=NOW - timedelta(minutes=1))
    waiting("notice:log:9:lin", address="lin@example.org")
    said = "550 5.1.1 no such user gone@example.org"
    if where == "recipient":
        mailbox.to_recipient = lambda address: said if address.startswith("gone") else TAKEN
    else:
        replies = iter([TAKEN, said, TAKEN])  # the oldest first, then by id
        mailbox.answer = lambda: next(replies)
    assert send(courier) == 2
    held = row(database, gone)
    assert (held.state, held.tries, held.fault) == ("failed", 1, "smtp_550")


@pytest.mark.parametrize("how", ["closes", "is lost"])
def test_a_connection_that_ends_costs_no_other_mail_a_try(courier, mailbox, waiting, database, how) -> None:
    ids = [waiting(f"notice:log:{number}:wang") for number in range(3)]

    def answer() -> str:
        if not mailbox.mails:
            return TAKEN
        if how == "is lost":
            courier.server._client.sock.shutdown(socket.SHUT_RDWR)
        return "421 4.3.2 closing"

    mailbox.answer = answer
    assert send(courier) == 1
    assert [(row(database, id).state, row(database, id).tries) for id in ids] == [
        ("sent", 1), ("waiting", 0), ("waiting", 0),
    ]  # fmt: skip
    assert send(courier) == 0, "it may be this mail that ends them: the try counts, and the next has its turn"
    assert [row(database, id).tries for id in ids] == [1, 1, 0]
    mailbox.answer = lambda: TAKEN
    assert send(courier) == 1 and send(courier, NOW + wait_after(1)) == 1


def test_what_its_person_ended_while_it_was_sent_stays_ended(courier, mailbox, waiting, database) -> None:
    id = waiting()

    def replaced() -> str:
        with database.transaction() as tx:
            tx.execute(update(outbox).values(state="failed", fault="replaced"))
        return "550 no such user"

    mailbox.answer = replaced
    assert send(courier) == 0
    assert (row(database, id).state, row(database, id).fault) == ("failed", "replaced")


def test_a_server_that_is_away_or_lets_nobody_in_costs_no_try(courier, waiting, database, tmp_path) -> None:
    id = waiting()
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    changes = (
        {"smtp_port": 1},
        {"smtp_password_file": wrong},
        {"smtp_ca_file": None},  # a certificate that nobody vouches for
    )
    for changed in changes:
        settings = courier.settings.model_copy(update=changed)
        with pytest.raises(Unavailable) as away:
            deliver(courier.database, type(courier.server)(settings), settings, clock=lambda: NOW)
        assert away.value.code == "mail_server_away" and away.value.zh
    assert row(database, id).tries == 0


def test_what_waited_too_long_is_no_news(courier, mailbox, waiting, database) -> None:
    id = waiting()
    assert send(courier, NOW + GIVEN_UP_AFTER + timedelta(seconds=1)) == 0
    assert (row(database, id).state, row(database, id).fault) == ("failed", "too_old") and not mailbox.mails


def test_a_courier_that_dies_between_sending_and_saying_so_sends_the_same_mail_again(
    courier, mailbox, waiting, database, certificate
) -> None:
    id = waiting(made_at=datetime.now(UTC), next_at=datetime.now(UTC))
    variables = {
        "CIHU_DATABASE_URL": courier.settings.database_url,
        "CIHU_PORTAL_URL": courier.settings.portal_url,
        "CIHU_SMTP_HOST": "127.0.0.1",
        "CIHU_SMTP_PORT": str(courier.settings.smtp_port),
        "CIHU_SMTP_CA_FILE": str(certificate),
        "CIHU_SMTP_USER": courier.settings.smtp_user,
        "CIHU_SMTP_PASSWORD_FILE": str(courier.settings.smtp_password_file),
        "CIHU_MAIL_SENDER": courier.settings.mail_sender,
        "PATH": os.environ["PATH"],
    }
    process = subprocess.Popen([sys.executable, "-m", "sandbox.courier"], env=variables)
    # it is killed when the server has the mail, and before it hears so
    mailbox.on_taken = lambda: process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=250) == -signal.SIGKILL
    held = row(database, id)
    assert len(mailbox.mails) == 1 and (held.state, held.tries) == ("waiting", 1)
    mailbox.on_taken = lambda: None
    assert send(courier, held.next_at) == 1
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"] and row(database, id).state == "sent"


def test_a_mail_that_ends_the_courier_each_time_is_not_tried_for_ever(
    courier, mailbox, waiting, database
) -> None:
    id = waiting()
    with database.transaction() as tx:
        tx.execute(update(outbox).values(tries=MOST_TRIES))
    assert send(courier) == 0 and not mailbox.mails
    assert row(database, id).state == "failed"


def test_two_couriers_never_take_the_same_mail(courier, mailbox, waiting) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for number in range(8):
        waiting(f"notice:log:{number}:wang")
    servers = [type(courier.server)(courier.settings) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        sent = list(
            pool.map(lambda each: deliver(courier.database, each, courier.settings, lambda: NOW), servers)
        )
    assert sum(sent) == 8 == len({mail["Message-ID"] for mail in mailbox.mails}) == len(mailbox.mails)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM notices.notices",
        "SELECT * FROM notices.mail_addresses",
        "SELECT * FROM identity.accounts",
        "SELECT * FROM vault.grants",
        "SELECT * FROM market.orders",
        "INSERT INTO notices.outbox (id, account, address, language, form, items) "
        "VALUES ('x', 'x', 'x', 'zh', 'notice', '[]')",
        "DELETE FROM notices.outbox",
        "SELECT log.append('session.opened', '', '{}')",
    ],
)
def test_its_role_has_the_outbox_and_nothing_else(courier, statement) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), courier.database.transaction() as tx:
        tx.execute(text(statement))


HOSTILE = (
    "a@example.org\r\nBcc: all@example.org",
    "a@example.org\nSubject: x",
    "a@example.org, b@example.org",
    '"a b"@example.org',
    "Name <a@example.org>",
    "a@localhost",
    "a@-example.org",
    "a@[127.0.0.1]",
    "a b@example.org",
    "a@exa mple.org",
    "甲@example.org",
    "a@例.org",
    "@example.org",
    "a@",
    "",
    "a" * 65 + "@example.org",
    "a@" + "b" * 260 + ".org",
    "a@b..org",
    "a\0@example.org",
)


@pytest.mark.parametrize("address", HOSTILE)
def test_what_is_no_plain_address_is_none(address: str) -> None:
    """CWE-93: a line break in an address would be a header of its own."""
    assert not is_address(address)


def test_what_is_a_plain_address_is_one() -> None:
    assert all(map(is_address, ("a@example.org", "a.b+c@mail.example.org", "o'neil_1@ex-ample.cn")))


def test_a_hostile_row_becomes_no_header_and_stops_nobody(courier, mailbox, waiting, database) -> None:
    bad = waiting("notice:1:x", address="a@example.org\r\nBcc: all@example.org")
    waiting(
        "notice:2:x",
        items=[["team.joined", "team:x\r\nBcc: all@example.org"]],
        next_at=NOW - timedelta(minutes=2),
    )
    good = waiting("notice:3:x")
    assert send(courier) == 1
    assert row(database, bad).fault == "bad_address" == row(database, "notice:2:x").fault
    assert row(database, good).state == "sent" and [mail["Bcc"] for mail in mailbox.mails] == [None]


def test_html_is_escaped_and_a_verifying_mail_has_no_way_to_unsubscribe() -> None:
    letter = Letter("verify:1", "<b>", "a@example.org", "en", "verify", [], "to&<ken", NOW)
    message = write(letter, sender="notices@example.org", portal_url="https://data.example.org")
    html = message.get_body(("html",)).get_content()
    assert "<b>" not in html and "&lt;b&gt;" in html and "token=to%26%3Cken" in html
    assert message["List-Unsubscribe"] is None and message["Subject"] == "Confirm your address"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"smtp_host": ""}, "CIHU_SMTP_HOST"),
        ({"database_url": ""}, "CIHU_DATABASE_URL"),
        ({"mail_sender": "x\r\ny@example.org"}, "CIHU_MAIL_SENDER"),
        ({"smtp_tls": "none"}, "CIHU_SMTP_TLS"),
        ({"smtp_user": "x"}, "CIHU_SMTP_PASSWORD_FILE"),
    ],
)
def test_settings_that_are_unsafe_or_cannot_work_stop_the_start(changed, named) -> None:
    known = {
        "database_url": "postgresql+psycopg://x", "smtp_host": "mail.example.org",
        "mail_sender": "notices@example.org",
    }  # fmt: skip
    check(Settings(**known))
    with pytest.raises(InvalidInput, match=named) as refusal:
        check(Settings(**known | changed))
    assert refusal.value.zh and refusal.value.remedy


def test_a_look_survives_a_server_that_is_away_and_says_so_once(courier, waiting, caplog) -> None:
    from sandbox.courier.app import Courier

    waiting(made_at=datetime.now(UTC), next_at=datetime.now(UTC))
    away = Courier(courier.settings.model_copy(update={"smtp_port": 1}))
    with caplog.at_level(logging.WARNING):
        away.look()
        away.look()
    assert caplog.text.count("no mails are sent") == 1
    away.database.close()
