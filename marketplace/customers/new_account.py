"""Opens the account of a person who joins a company: a login name, a name, a password of their own."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, Field

from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import IdentityRules, Principal, create_account
from sandbox.identity.new_passwords import check_new_password
from sandbox.plain_text import ExactText, PlainText


class NewAccount(BaseModel):
    """A person's login name (2 to 32 of a-z, 0-9 and -), name and password (8 to 256 characters)."""

    account: Annotated[PlainText, Field(min_length=2, max_length=32)]
    person: Annotated[PlainText, Field(min_length=1, max_length=80)]
    password: Annotated[ExactText, Field(min_length=8, max_length=256)]


def open_account(
    tx: Transaction,
    wanted: NewAccount,
    *,
    rules: IdentityRules,
    organisation: str,
    roles: Iterable[str],
    by: str,
) -> Principal:
    """Raises `InvalidInput`, also for a password that the rules refuse, and `Conflict` if the login name is
    taken."""
    check_new_password(rules.passwords, account_id=wanted.account, password=wanted.password)
    try:
        return create_account(
            tx,
            account_id=wanted.account,
            display_name=wanted.person,
            organisation=organisation,
            roles=roles,
            password=wanted.password,
            by=by,
        )
    except Conflict:
        raise Conflict(
            "This login name is taken.",
            code="account_taken",
            remedy="Choose another.",
            zh="该登录名已被使用。",
            remedy_zh="请换一个登录名。",
        ) from None
    except InvalidInput as error:
        if error.code != InvalidInput.code:
            raise
        raise InvalidInput(
            error.message,
            code="bad_account",
            remedy=error.remedy,
            zh=error.zh or "登录名、姓名或密码不能使用。",
            remedy_zh=error.remedy_zh
            or "登录名为 2 至 32 个小写字母、数字或连字符，以字母开头；姓名须可见；"
            "密码至少 8 个字符，较短时须含多种字符。",
        ) from None
