"""Notices over HTTP: one's own inbox, and of what one wants mails."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from marketplace.portal.authentication import Authenticator
from marketplace.portal.notices.addresses import Links, drop_address, set_address, verify_address
from marketplace.portal.notices.inbox import MOST_LISTED, Inbox, Notice
from marketplace.portal.notices.schemas import NoticeDocument, NoticeList, NoticeSettings, ReadNotices
from marketplace.portal.notices.settings import change_settings, settings_of
from sandbox.api_schema import answers
from sandbox.identity import Principal
from sandbox.notices.events import KINDS
from sandbox.plain_text import PlainText

Id = Annotated[PlainText, Field(min_length=1, max_length=200)]
Kind = Annotated[PlainText, Field(min_length=1, max_length=40)]


class MarkedNotices(BaseModel):
    """`notices`: ids; without them all are marked."""

    model_config = ConfigDict(extra="forbid")

    notices: Annotated[list[Id], Field(max_length=MOST_LISTED)] | None = None


class WantedAddress(BaseModel):
    """Where mails are to go, and in which language."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[PlainText, Field(min_length=3, max_length=254)]
    language: Literal["zh", "en"] = "zh"


class MailLink(BaseModel):
    """What the link in the mail holds."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[PlainText, Field(min_length=1, max_length=100)]


class WantedMails(BaseModel):
    """`off`: the kinds of which no mail is sent. The inbox has them all."""

    model_config = ConfigDict(extra="forbid")

    off: Annotated[list[Kind], Field(max_length=len(KINDS))]
    daily: bool = False


def shown(notice: Notice) -> NoticeDocument:
    return {
        "id": notice.id,
        "event": notice.event,
        "kind": notice.kind,
        "about": notice.about,
        "page": notice.page,
        "text": {"zh": notice.words("zh"), "en": notice.words("en")},
        "at": notice.at,
        "read": notice.read,
    }


def router(*, inbox: Inbox, links: Links, authenticator: Authenticator) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/notices", tags=["notices"])
    Caller = Annotated[Principal, Depends(authenticator.caller)]

    @routes.get("", operation_id="list_notices", summary="My notices", responses=answers(NoticeList, 403))
    def listed(
        me: Caller, *, unread: bool = False, kind: Annotated[PlainText, Query(max_length=40)] = ""
    ) -> NoticeList:
        """The newest 500 of the last 90 days, the unread first; of things that I may see now. `kind`: of one
        kind alone."""
        found = inbox.list(me, unread=unread, kind=kind)
        return {
            "notices": [shown(each) for each in found],
            "unread": sum(not each.read for each in found),
        }

    @routes.post(
        "/read",
        operation_id="mark_notices_read",
        summary="Mark notices as read",
        responses=answers(ReadNotices, 403),
    )
    def mark(me: Caller, marked: MarkedNotices) -> ReadNotices:
        """What is not mine is passed over."""
        return {"read": inbox.mark(me, marked.notices)}

    @routes.get(
        "/settings",
        operation_id="get_notice_settings",
        summary="Of what I want mails",
        responses=answers(NoticeSettings, 403),
    )
    def settings(me: Caller) -> NoticeSettings:
        return settings_of(inbox, me)

    @routes.put(
        "/settings",
        operation_id="set_notice_settings",
        summary="Say of what I want mails",
        responses=answers(NoticeSettings, 403),
    )
    def change(me: Caller, wanted: WantedMails) -> NoticeSettings:
        """The inbox has everything always."""
        change_settings(inbox, me, off=wanted.off, daily=wanted.daily)
        return settings_of(inbox, me)

    @routes.put(
        "/address",
        operation_id="set_mail_address",
        summary="Say where mails go to; a link is sent there",
        responses=answers(NoticeSettings, 403, 429),
    )
    def set_mail_address(me: Caller, wanted: WantedAddress) -> NoticeSettings:
        """No notice is sent there before the link was opened; the address of before gets none either."""
        set_address(inbox, links, me, address=wanted.address, language=wanted.language)
        return settings_of(inbox, me)

    @routes.post(
        "/address/verify",
        operation_id="verify_mail_address",
        summary="Verify the address by what its link holds",
        responses=answers(NoticeSettings, 403),
    )
    def verify(me: Caller, link: MailLink) -> NoticeSettings:
        verify_address(inbox, links, me, token=link.token)
        return settings_of(inbox, me)

    @routes.delete(
        "/address",
        status_code=204,
        operation_id="drop_mail_address",
        summary="No mails any more",
        responses=answers(None, 403, status=204),
    )
    def drop(me: Caller) -> None:
        drop_address(inbox, me)

    return routes
