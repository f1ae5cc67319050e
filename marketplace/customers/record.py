"""What is entered of a company, and how it is read."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, Field

from sandbox.city_time import CITY_TIME_ZONE
from sandbox.errors import InvalidInput
from sandbox.plain_text import PlainText

Line = Annotated[PlainText, Field(max_length=200)]

NOT_EVERYWHERE = frozenset({"localtime", "posixrules", "Factory"})


class CompanyRecord(BaseModel):
    """What a company enters of itself. `purchase_order`: the number that its new invoices bear."""

    name: Annotated[PlainText, Field(min_length=1, max_length=200)]
    credit_code: Annotated[PlainText, Field(min_length=1, max_length=40)]
    time_zone: Annotated[str, Field(pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}$", max_length=60)] = (
        CITY_TIME_ZONE
    )
    invoice_title: Line = ""
    invoice_address: Line = ""
    invoice_phone: Line = ""
    invoice_bank: Line = ""
    invoice_account: Line = ""
    contact_name: Line = ""
    contact_phone: Line = ""
    contact_email: Line = ""
    purchase_order: Annotated[PlainText, Field(max_length=60)] = ""


def read_time_zone(name: str) -> str:
    """Raises `InvalidInput` for a zone that is not in the IANA database, or only on this machine: months are
    reckoned by Postgres, too, which knows no `localtime` and no `right/UTC`."""
    try:
        if name in NOT_EVERYWHERE or name not in available_timezones():
            raise ZoneInfoNotFoundError(name)
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"There is no time zone {name[:60]!r}.",
            code="bad_time_zone",
            remedy="Write it as the IANA database does, such as Asia/Shanghai.",
            zh=f"没有“{name[:60]}”这一时区。",
            remedy_zh="请使用 IANA 时区名称，例如 Asia/Shanghai。",
        ) from None
