"""Recognises a form that is sent twice, as by a double click: it acts once, and both answers lead to the same
page.

A page gives each of its forms a random number. A submission is identified by the session, the form's address,
this number and its words: the same form with other words is another submission. A refused one is not kept, so
it can be corrected and sent again.
"""

from collections.abc import Callable
from datetime import timedelta

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import delete, func, insert, select
from starlette.datastructures import FormData

from marketplace.portal.authentication import Authenticator
from marketplace.portal.sessions import hash_secret
from marketplace.portal.tables import sent_forms

KEPT = timedelta(days=1)


def sent_once(
    authenticator: Authenticator, request: Request, once: str, *said: str, deed: Callable[[], str]
) -> Response:
    """Act unless this very form acted already. Leads to where the action says.
    `once` is the form's number; a form without one, which no page of ours has, acts each time."""
    if not once:
        return RedirectResponse(deed(), status_code=303)
    id_hash = hash_secret(authenticator.seed(request, once, *said).hex())
    with authenticator.database.lock(f"form {id_hash.hex()}"):  # the second waits for the first
        with authenticator.database.transaction() as tx:
            leads_to = tx.scalar(select(sent_forms.c.leads_to).where(sent_forms.c.id_hash == id_hash))
        if leads_to is None:
            leads_to = deed()
            with authenticator.database.transaction() as tx:
                tx.execute(delete(sent_forms).where(sent_forms.c.sent_at < func.now() - KEPT))
                tx.execute(insert(sent_forms).values(id_hash=id_hash, leads_to=leads_to))
    return RedirectResponse(leads_to, status_code=303)


def number_and_words(given: FormData) -> tuple[str, ...]:
    """A whole form: its number, then its fields in their order, each with all of its values."""
    words = [
        f"{name}={value}"
        for name, value in given.multi_items()
        if isinstance(value, str) and name not in ("csrf", "once")
    ]
    return str(given.get("once", "")), *words
