"""What a login leads to: its session, and the page where what it lacks is given."""

from datetime import UTC, datetime, timedelta

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from marketplace.portal.authentication import Authenticator, LoginIncomplete, safe_next, sent_from
from marketplace.portal.city_login.city_sessions import carry_on, remember_session
from marketplace.portal.city_login.client import FED
from marketplace.portal.city_login.identities import CityPerson
from marketplace.portal.city_login.refusals import CityLoginRefused
from marketplace.portal.form_draft import FormDraft
from marketplace.portal.rendering import Pages
from marketplace.portal.sessions import Session, csrf_of, hash_secret, open_session
from sandbox.identity import Login, Source, what_login_needs
from sandbox.identity.passkeys import RelyingParty

CODE_SECONDS = 10 * 60  # between the password and the code


def answer_login(
    request: Request,
    authenticator: Authenticator,
    pages: Pages,
    login: Login,
    source: Source,
    *,
    next: str,
    kept: str = "",
    who: CityPerson | None = None,
    continues: bytes | None = None,
) -> Response:
    """The answer to a login: its session, and what it needs before it goes on. `who`: whom an identity
    provider vouched for. `continues`: the session that lacked a second step. Raises `CityLoginRefused` if the
    provider has ended its session since."""
    settings = authenticator.settings
    with authenticator.database.transaction() as tx:
        need = what_login_needs(tx, login.principal, login.methods, authenticator.rules)
        cookie = open_session(
            tx,
            login=login,
            seconds=CODE_SECONDS if need == "code" else settings.session_seconds,
            replaces=request.cookies.get(authenticator.session_cookie),
            sent_from=sent_from(request),
            provider=who.provider.id if who else "",
        )
        if who is not None:
            life = timedelta(seconds=settings.session_seconds + settings.workspace_seconds)
            remember_session(tx, hash_secret(cookie), who, login.principal.id, life=life)
        elif continues is not None:
            carried = carry_on(tx, continues, hash_secret(cookie))
            if FED in login.methods and not carried:
                raise CityLoginRefused("city_login_expired", "the provider has ended the session")
    again = FormDraft.from_text(kept)
    answer: Response
    if need == "code":
        session = Session(
            login.principal, hash_secret(cookie), datetime.now(UTC), csrf_of(cookie), login.methods
        )
        answer = code_form(request, pages, session, next=next, kept=kept)
    elif need:
        answer = RedirectResponse(LoginIncomplete(need).leads_to, status_code=303)
    elif again:
        session = Session(login.principal, hash_secret(cookie), datetime.now(UTC), csrf_of(cookie))
        answer = pages.show(request, "send_again.html", session, kept=again)
    else:
        answer = RedirectResponse(safe_next(next), status_code=303)
    authenticator.admit(answer, cookie)
    authenticator.remember_browser(answer, source)
    return answer


def code_form(
    request: Request,
    pages: Pages,
    session: Session,
    *,
    next: str,
    kept: str = "",
    refusal: str = "",
    status: int = 200,
) -> Response:
    values = {
        "next": safe_next(next),
        "kept": kept,
        "refusal": refusal,
        "by_password": "pwd" in session.methods,
        "unread_count": None,
    }
    return pages.show(request, "login_code.html", session, status=status, **values)


def relying_party(authenticator: Authenticator) -> RelyingParty:
    """Whom a passkey is for: this portal."""
    return RelyingParty(authenticator.settings.portal_url.rstrip("/"), "磁湖 Cihu", authenticator.box)
