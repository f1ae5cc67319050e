"""Writes a mail out of a row of the outbox. Pure: the same row gives the same mail, with the same Message-ID.

It says what notices say, and leads to their pages. It is built by `email.message.EmailMessage`, whose policy
refuses a line break in a header.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from urllib.parse import urlencode

from sandbox.notices.events import EVENTS, page_of, words_for

POLICY = SMTP.clone(max_line_length=900)
"""Less than the 998 of RFC 5322. A link in a header is not folded: some programs lose one that is."""
CITY = {"zh": "磁湖", "en": "Cihu"}
WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "daily": "磁湖通知：{number} 条",
        "intro": "以下事项有变化。内容请登录后查看。",
        "settings": "邮件设置",
        "leave": "不再接收邮件",
        "verify": "请确认您的邮箱地址",
        "verify_is": "您的账号 {account} 请求把通知发送到此地址。请登录后打开下面的链接确认，24 小时内有效。",
        "verify_not": "如果不是您本人的请求，请忽略本邮件，不会再收到其他邮件。",
    },
    "en": {
        "daily": "Cihu: {number} notices",
        "intro": "This happened. Log in to see what it says.",
        "settings": "Which mails I want",
        "leave": "No more mails",
        "verify": "Confirm your address",
        "verify_is": "Your account {account} asked for notices at this address. Log in and open this link to "
        "confirm it; it is good for 24 hours.",
        "verify_not": "If you did not ask for this, ignore this mail. No other mail will come.",
    },
}


@dataclass(frozen=True)
class Letter:
    """A row of the outbox. `items`: event and thing of each notice. `token`: for the link that verifies the
    address, or the one that ends the mails."""

    id: str
    account: str
    address: str
    language: str
    form: str
    items: Sequence[Sequence[str]]
    token: str
    made_at: datetime


def write(letter: Letter, *, sender: str, portal_url: str) -> EmailMessage:
    """Raises `ValueError` for an address that is none."""
    known = [each for each in letter.items if each[0] in EVENTS]
    words = WORDS[letter.language]
    if letter.form == "verify":
        subject, lines = words["verify"], _verifying(letter, portal_url)
    else:
        subject = words["daily"].format(number=len(known))
        if len(known) == 1:
            event, about = known[0]
            subject = words_for(event, about, letter.language)
        lines = _listing(letter, known, portal_url)
    message = EmailMessage(policy=POLICY)
    message["Message-ID"] = message_id(letter.id, sender)
    message["Date"] = format_datetime(letter.made_at)
    message["From"] = Address(CITY[letter.language], addr_spec=sender)
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's machine answers it
    if letter.form != "verify":
        message["List-Unsubscribe"] = f"<{leave_link(letter, portal_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content("\n".join(f"{text}\n{link}\n" if link else f"{text}\n" for text, link in lines))
    message.add_alternative(_html(letter.language, subject, lines), subtype="html")
    # last: what the content's own headers are, its making decides
    message["Content-Language"] = "zh-CN" if letter.language == "zh" else "en"
    return message


def message_id(id: str, sender: str) -> str:
    """Derived, so that a mail that was sent twice is known as one."""
    digest = hashlib.sha256(id.encode()).hexdigest()[:40]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


def leave_link(letter: Letter, portal_url: str) -> str:
    return f"{portal_url}/notices/leave?{urlencode({'account': letter.account, 'token': letter.token})}"


Line = tuple[str, str]
"""A text and the address that it leads to, or nothing."""


def _listing(letter: Letter, known: Sequence[Sequence[str]], portal_url: str) -> list[Line]:
    words = WORDS[letter.language]
    items = [
        (words_for(event, about, letter.language), f"{portal_url}{page_of(event, about)}")
        for event, about in known
    ]
    return [
        (words["intro"], ""),
        *items,
        (words["settings"], f"{portal_url}/my/notices"),
        (words["leave"], leave_link(letter, portal_url)),
    ]


def _verifying(letter: Letter, portal_url: str) -> list[Line]:
    words = WORDS[letter.language]
    link = f"{portal_url}/my/notices/verify?{urlencode({'token': letter.token})}"
    return [(words["verify_is"].format(account=letter.account), link), (words["verify_not"], "")]


def _html(language: str, title: str, lines: Sequence[Line]) -> str:
    paragraphs = "".join(
        f'<p><a href="{escape(link)}">{escape(text)}</a></p>\n' if link else f"<p>{escape(text)}</p>\n"
        for text, link in lines
    )
    lang = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head>\n<body>\n{paragraphs}</body></html>\n"
    )
