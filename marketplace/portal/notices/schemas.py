"""What the operations on notices answer with."""

from datetime import datetime

from typing_extensions import TypedDict


class NoticeWords(TypedDict):
    zh: str
    en: str


class NoticeDocument(TypedDict):
    """One notice. `about` names its thing, such as request:12; `page` is the path of its page here."""

    id: str
    event: str
    kind: str
    about: str
    page: str
    text: NoticeWords
    at: datetime
    read: bool


class NoticeList(TypedDict):
    """The unread first, then the newest."""

    notices: list[NoticeDocument]
    unread: int


class ReadNotices(TypedDict):
    """How many were unread until now."""

    read: int


class NoticeKindDocument(TypedDict):
    """A kind of notice. `mail`: mails of it are wanted; the inbox has it always."""

    kind: str
    name: NoticeWords
    mail: bool


class NoticeSettings(TypedDict):
    """`kinds`: each kind of notice. `daily`: one mail a day instead of one for each. `address`: where mails
    go to, once `verified`. `sending`: a courier sends mails here."""

    kinds: list[NoticeKindDocument]
    address: str | None
    verified: bool
    language: str
    daily: bool
    sending: bool
