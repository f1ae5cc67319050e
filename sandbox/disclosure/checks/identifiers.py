"""Finds identified people: a column that identifies them, or numbers that a person has in China."""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.column_roles import folded
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, blocks

NAMES = re.compile(
    r"(?:.*_)?(?:person|patient|user|customer|subject|citizen|resident|household|member|student|employee|"
    r"case|record|participant|taxpayer)[_ ]?(?:id|no|number|key)|"
    r"id|uuid|guid|pid|uid|ssn|mrn|nhs[_ ]?number|passport(?:[_ "
    r"]?no)?|phone|mobile|telephone|tel|e-?mail|address|full[_ ]?name|first[_ ]?name|last[_ ]?name|"
    r"surname|id[_ ]?card|national[_ ]?id|date[_ ]?of[_ ]?birth|birth[_ ]?date|dob|licen[cs]e[_ ]?plate|ip[_"
    r" ]?address|device[_ ]?id|imei|lat(?:itude)?|"
    r"lon(?:gitude)?|lng|geo[_ ]?hash|plus[_ ]?code|ids|indices|members?|rows?[_ "
    r"]?(?:ids?|no|numbers?|index)|hash(?:ed)?[_ "
    r"]?id|.*(?:身份证|手机号|电话号|姓名|住址|家庭地址|病历号|社保号|护照号|车牌|邮箱|编号|统一"
    r"社会信用代码|出生日期).*",
    re.IGNORECASE,
)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
IDENTITY = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)"
)
MOBILE = re.compile(r"(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?![\d.])")
MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[A-Za-z]{2,}")
MASKED = re.compile(r"1[3-9]\d\*{4}\d{4}")
CREDIT = re.compile(r"(?<![0-9A-Z])[159][1-9]\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Z])")
CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
SHOWN = 5


def identifiers(subject: Subject) -> Iterator[Finding]:
    """Columns with an identifying name, or the name of a unit's or hidden column of the inputs."""
    for roles in subject.tables:
        for place, name in enumerate(roles.grid.header):
            private = subject.raw is not None and subject.raw.is_identifying(name)
            if (private or NAMES.fullmatch(folded(name))) and not _is_code_of_groups(
                subject, roles.grid.header, place
            ):
                yield blocks(
                    "identifier_column",
                    "single_unit",
                    f"The column {name!r} identifies units.",
                    "Leave the column out.",
                    f"列 {name!r} 可识别个体。",
                    "请去掉该列。",
                    where=f"column {place + 1}",
                )


def _is_code_of_groups(subject: Subject, header: tuple[str, ...], place: int) -> bool:
    """A count may be called as the unit is: `persons`, or `person` beside nothing else
    but keys when counted."""
    return subject.statbarn.id == "frequencies" and any(
        place in roles.counts
        and roles.grid.header == header
        and len(roles.counts) == 1
        and NAMES.fullmatch(folded(header[place])) is None
        for roles in subject.tables
    )


def personal_numbers(subject: Subject) -> Iterator[Finding]:
    """Identity numbers (GB 11643, with their check digit), mobile numbers, credit codes (GB 32100) and mail
    addresses, wherever they stand.
    """
    shown = 0
    for piece in subject.words:
        what = _found(piece.text)
        if what and shown < SHOWN:
            shown += 1
            yield blocks(
                "personal_number",
                "single_unit",
                f"Here stands {what[0]}.",
                "Leave it out.",
                f"此处含有{what[1]}。",
                "请去掉。",
                where=piece.where,
            )


def _found(text: str) -> tuple[str, str] | None:
    if any(_checks(match.group()) for match in IDENTITY.finditer(text)):
        return "an identity number", "身份证号"
    if any(_credit(match.group()) for match in CREDIT.finditer(text)):
        return "a unified social credit code", "统一社会信用代码"
    if MOBILE.search(text) or MASKED.search(text):
        return "a mobile number", "手机号"
    return ("a mail address", "邮箱地址") if MAIL.search(text) else None


def _checks(number: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number, strict=False))
    return "10X98765432"[total % 11] == number[-1].upper()


def _credit(code: str) -> bool:
    total = sum(CREDIT_SIGNS.index(sign) * 3**place % 31 for place, sign in enumerate(code[:17]))
    return CREDIT_SIGNS[(31 - total % 31) % 31] == code[17]
