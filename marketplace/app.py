"""The portal service: puts its parts together and starts it. `python -m marketplace.app`"""

import gc

if __name__ == "__main__":
    gc.disable()  # nothing that is imported is garbage: looking for it is a quarter of the time it takes

import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI
from sqlalchemy import text
from starlette.types import ASGIApp

from marketplace.company_endings import endpoints as company_endings
from marketplace.company_endings.periodic import EndingJob
from marketplace.company_endings.rules import EndingRules, read_ending_rules
from marketplace.company_limits import endpoints as company_limits
from marketplace.customers import endpoints as customers
from marketplace.delivery import endpoints as calls
from marketplace.delivery.answer_call import Delivery
from marketplace.delivery.files import endpoints as file_calls
from marketplace.delivery.files.answer_files import FileDelivery
from marketplace.delivery.files.file_store import FileStore
from marketplace.delivery.files.manifest import ManifestKey
from marketplace.delivery.maintenance_watch import MaintenanceWatch
from marketplace.delivery.models import endpoints as model_calls
from marketplace.delivery.models.answer_model import ModelDelivery
from marketplace.delivery.sql import endpoints as sql_calls
from marketplace.delivery.sql.answer_sql import SqlDelivery
from marketplace.delivery.watermarks import endpoints as watermarks
from marketplace.delivery.watermarks.trace import MOST_BYTES as MOST_TRACED_BYTES
from marketplace.invoices import endpoints as invoices
from marketplace.invoices.invoice_rules import read_invoice_rules
from marketplace.invoices.periodic import InvoiceJob
from marketplace.keys import endpoints as keys
from marketplace.licences import endpoints as licences
from marketplace.licences.entitlements import Buyers
from marketplace.licences.privacy_account import ClosingJob
from marketplace.metering import endpoints as metering
from marketplace.metering.service import Metering
from marketplace.offers.price_rules import read_price_rules
from marketplace.orders import endpoints as orders
from marketplace.orders.combination import may_hold
from marketplace.portal import assets, help_pages, my_security, refusals, sign_in
from marketplace.portal.authentication import Authenticator
from marketplace.portal.city_login.client import CityClient
from marketplace.portal.city_login.providers import read_providers
from marketplace.portal.drafts.upload import MOST_FILE_BYTES
from marketplace.portal.market_things import TakenOnJob, market_context
from marketplace.portal.named_persons import NamedPersons
from marketplace.portal.notices import endpoints as notices
from marketplace.portal.notices.addresses import Links
from marketplace.portal.notices.inbox import Inbox
from marketplace.portal.notices.periodic import NoticeJob
from marketplace.portal.notices.post import Post
from marketplace.portal.one_name import OneName
from marketplace.portal.openid import endpoints as openid
from marketplace.portal.openid.client import hub_client
from marketplace.portal.openid.provider import Provider
from marketplace.portal.operations import endpoints as operations_endpoints
from marketplace.portal.operations.administer import Operations
from marketplace.portal.operations.health import PartsHealth
from marketplace.portal.pages import (
    answer_pages,
    city_login,
    companies,
    company_account,
    competition_discussion,
    competition_forms,
    competition_jury,
    competition_manage,
    competition_team,
    course,
    datasets,
    decisions,
    demands,
    derivations,
    draft_clean,
    draft_file,
    draft_publish,
    draft_steps,
    drafts,
    elements,
    invitations,
    licence_forms,
    log,
    log_search,
    login,
    login_steps,
    models,
    my_sessions,
    notice_mails,
    offer_model,
    offer_product,
    offer_question,
    openings,
    password,
    person,
    pulls,
    push_batches,
    pushes,
    quality,
    questions,
    ranked_entries,
    request_decision,
    requests,
    responsibilities,
    reviews,
    risks,
    runs,
    security,
    start,
    team_income,
    uploads,
    versions,
    waiting,
)
from marketplace.portal.pages import invoices as invoice_pages
from marketplace.portal.pages import licences as licence_pages
from marketplace.portal.pages import notices as notice_pages
from marketplace.portal.pages import operations as operations_pages
from marketplace.portal.pages import orders as order_pages
from marketplace.portal.pages import people as people_pages
from marketplace.portal.pages import products as product_pages
from marketplace.portal.pages import selling as selling_pages
from marketplace.portal.pages import watermarks as watermark_pages
from marketplace.portal.pages.public import about, competitions, feeds
from marketplace.portal.pages.public import rows as public_rows
from marketplace.portal.pages.public.catalogue import PublicCatalogue
from marketplace.portal.pages.public.products import PublicProducts
from marketplace.portal.pages.step_pages import StepPages
from marketplace.portal.people import endpoints as people_operations
from marketplace.portal.people.administer import People
from marketplace.portal.rendering import Pages
from marketplace.products import endpoints as products
from marketplace.products.copies import Copies
from marketplace.products.default_masks import read_mask_rules
from marketplace.products.selling import Selling
from marketplace.service_accounts import endpoints as service_accounts
from marketplace.service_accounts.tokens import AccessTokens
from marketplace.settings import Settings, read_settings
from marketplace.vault import Vault
from sandbox.chores import Chore
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.http import openapi
from sandbox.http.accepted_types import refuse_unaccepted_types
from sandbox.http.body_limit import BodyLimit, LargeBody
from sandbox.http.clocks import ClocksTogether
from sandbox.http.connection_limits import FastLimitedProtocol
from sandbox.http.endpoints import health_router, metrics_router
from sandbox.http.health import Health, room_on_disk
from sandbox.http.known_parameters import refuse_unknown_parameters
from sandbox.http.log_lines import set_up
from sandbox.http.maintenance_gate import SAFE, changes_refused
from sandbox.http.metrics import Metrics
from sandbox.http.openapi_examples import read_examples
from sandbox.http.redacted_logs import redact_logs
from sandbox.http.request_log import RequestLog
from sandbox.http.security_headers import SecurityHeaders
from sandbox.identity import SecretBox, TokenIssuer, TokenVerifier
from sandbox.memory_dumps import forbid_core_dumps
from sandbox.oversight.deadlines import read_deadlines
from sandbox.oversight.endpoints import taken_on_router
from sandbox.oversight.risk_limits import read_risk_limits
from sandbox.policy import Gate
from sandbox.policy.identity_rules import read_identity_rules
from sandbox.policy.rules import load_rules
from sandbox.storage import ProductStore

MOST_BODY_BYTES = 256 * 1024
log_file = logging.getLogger("cihu.portal")
STOP_SECONDS = 3
STRANGERS_BYTES = 128 * 1024 * 1024  # of the open rows that strangers read, apart from what is sold
LARGE_BODIES = (
    LargeBody("POST", uploads.UPLOAD, MOST_FILE_BYTES),
    LargeBody("POST", watermarks.TRACES, MOST_TRACED_BYTES + 1),
    LargeBody("POST", watermark_pages.WATERMARKS, MOST_TRACED_BYTES + MOST_BODY_BYTES),
)
API = (
    "The marketplace of Cihu: products, orders, licences, keys, calls, usage and invoices, and the login for "
    "programs and for the hub. Money is in fen. Errors are problem documents (RFC 9457) with a stable code."
)
TAGS = {
    "login": "Tokens for programs.",
    "people": "Accounts, organisations, teams and roles, for whoever looks after them.",
    "notices": "What happened for me, and of what I want mails.",
    "products": "What is on offer.",
    "customers": "Records of companies, verified by an operator.",
    "orders": "Orders, and what was decided.",
    "licences": "Licences of organisations.",
    "keys": "Keys that open a licence.",
    "call": "Calls of products with a key.",
    "usage": "What a licence used.",
    "invoices": "What a month costs: invoices, credit notes, payments.",
    "open": "Open rows, for anybody.",
    "oversight": "Who has taken on what waits in the market.",
    "operations": "The health of every part, maintenance, announcements and backups, for operators.",
    "openid": "The OpenID provider, for the hub.",
}
GOES_ON = frozenset(
    {
        "/login",
        "/login/code",
        "/login/passkey",
        "/login/city/{provider}",
        "/login/city/{provider}/logout",
        "/logout",
        "/me/sessions/end",
        "/me/sessions/{id}/end",
        # what a log-in may still lack: also of whoever ends the maintenance
        "/me/password",
        "/me/security/totp",
        "/me/security/totp/confirm",
        "/me/security/passkeys",
        "/log/verify",
        "/log/growth",
        "/log/exports",
        "/oauth/token",
        "/oauth/revoke",
        "/operations/maintenance",
        "/operations/maintenance/{number}/end",
        "/operations/announcements",
        "/operations/announcements/{number}/withdraw",
        "/announcements/{number}/dismiss",
        "/api/v1/login",
        "/api/v1/sessions",
        "/api/v1/sessions/{id}",
        "/api/v1/maintenance",
        "/api/v1/maintenance/{number}/end",
        "/api/v1/announcements",
        "/api/v1/announcements/{number}/withdraw",
        "/api/v1/backups",
    }
)
EXAMPLES = Path(__file__).parent / "examples.json"  # of the description


def selling_of(database: Database, gate: Gate, vault: Vault, copies: Copies, policies: Path) -> Selling:
    rules = read_price_rules(policies)
    buyers = Buyers(partial(may_hold, gate=gate, rules=rules))
    masks = read_mask_rules(policies, gate.grades)
    return Selling(database, gate, vault, copies, rules, buyers, masks)


def _calls(app: FastAPI, delivery: Delivery, settings: Settings) -> None:
    """The ways of delivery with a key."""
    store = FileStore(settings.home / "files", most_bytes=settings.files_bytes)
    calls.install(app, delivery)
    file_calls.install(
        app, FileDelivery(delivery, store, link_life=timedelta(seconds=settings.file_link_seconds))
    )
    sql_calls.install(app, SqlDelivery(delivery))
    model_calls.install(app, ModelDelivery(delivery))


def _traces_and_endings(
    app: FastAPI,
    selling: Selling,
    delivery: Delivery,
    endings: EndingRules,
    authenticator: Authenticator,
    pages: Pages,
    strict: list[Any],
) -> None:
    """Whose copy was found, and companies with their limits and their end."""
    gate, caller, key = selling.gate, authenticator.caller, ManifestKey(delivery.secret)
    traces = watermarks.router(delivery=delivery, gate=gate, caller=caller)
    app.include_router(traces, dependencies=strict)
    app.include_router(
        company_endings.router(
            database=selling.database,
            gate=gate,
            rules=endings,
            caller=caller,
            vault=selling.vault,
            key=key,
        ),
        dependencies=strict,
    )
    app.include_router(
        company_account.router(
            database=selling.database,
            gate=gate,
            rules=endings,
            authenticator=authenticator,
            pages=pages,
            vault=selling.vault,
            key=key,
        )
    )
    app.include_router(
        watermark_pages.router(delivery=delivery, gate=gate, authenticator=authenticator, pages=pages)
    )


def _pages_of_the_vault(
    app: FastAPI, settings: Settings, authenticator: Authenticator, pages: Pages, vault: Vault
) -> None:
    """The pages that show what the vault has, and nothing of the market's. Their order counts: a form has no
    competition's address, and /drafts/upload is no draft's number."""
    of_competitions = (
        competition_forms,
        competition_manage,
        competition_team,
        competition_discussion,
        course,
        competition_jury,
        ranked_entries,
        competitions,
    )
    of_datasets = (versions, openings, elements, request_decision, questions, answer_pages, runs, reviews)
    of_publishing = (uploads, drafts, quality, derivations, pulls, pushes, push_batches)
    for part in (*of_competitions, *of_datasets, *of_publishing):
        app.include_router(part.router(authenticator=authenticator, pages=pages, vault=vault))
    rules = load_rules(settings.policies)
    app.include_router(decisions.router(rules=rules, authenticator=authenticator, pages=pages, vault=vault))
    steps = StepPages(pages, settings.policies)
    for of_draft in (draft_file, draft_steps, draft_clean, draft_publish):
        app.include_router(of_draft.router(authenticator=authenticator, steps=steps, vault=vault))


def _jobs(
    database: Database, gate: Gate, vault: Vault, policies: Path, endings: EndingRules, mails: Post
) -> tuple[Chore, ...]:
    billing = read_invoice_rules(policies)
    return (
        InvoiceJob(database, billing),
        ClosingJob(database, vault),
        EndingJob(database, endings, billing),
        NoticeJob(database, mails),
        TakenOnJob(market_context(database, gate, read_deadlines(policies), policies)),
    )


def create_app(settings: Settings) -> ASGIApp:
    """The portal, from its settings: the one place where its parts meet.
    Raises `CihuError` if one cannot be made."""
    database = Database(settings.database_url)
    issuer = TokenIssuer("portal", settings.keys, database)
    verifier = TokenVerifier(database, issuers={"portal"})
    tokens = AccessTokens(database, issuer=issuer, verifier=verifier, issuer_url=settings.portal_url)
    gate = Gate(settings.policies)
    identity = read_identity_rules(settings.policies)
    box = SecretBox(settings.secret("second-factors.key"))
    authenticator = Authenticator(
        database,
        settings,
        verifier,
        rules=identity,
        box=box,
        city_providers=read_providers(settings.policies, settings.home),
    )
    pages = Pages(settings, database)
    provider = Provider(
        client=hub_client(hub_url=settings.hub_url, secret=settings.hub_client_secret.get_secret_value()),
        issuer=issuer,
        issuer_url=settings.portal_url,
        workspace_seconds=settings.workspace_seconds,
    )

    meter = Metering(
        settings.database_url,
        abandoned_after=timedelta(seconds=settings.abandoned_call_seconds),
        keyed_after=timedelta(seconds=settings.abandoned_keyed_call_seconds),
    )
    vault = Vault(settings.vault_url, issuer)
    endings = read_ending_rules(settings.policies)
    mails = Post(Inbox(database, gate, vault), Links(settings.secret("mail.secret")))
    jobs = _jobs(database, gate, vault, settings.policies, endings, mails)
    app = FastAPI(
        title="Cihu portal",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=_running(meter, *jobs),
        dependencies=[Depends(changes_refused(database, changes_something))],
    )
    openapi.install(app, description=API, tags=TAGS, examples=read_examples(EXAMPLES))
    # of the JSON operations; calls have the parameters of their product, and pages are for people
    typed = [Depends(refuse_unaccepted_types)]
    strict = [*typed, Depends(refuse_unknown_parameters)]
    app.include_router(assets.router(pages.assets))
    app.include_router(
        openid.router(
            database=database,
            authenticator=authenticator,
            provider=provider,
            verifier=verifier,
            gate=gate,
            tokens=tokens,
        ),
        dependencies=typed,
    )
    _accounts(
        app,
        issuer,
        People(database, gate, identity, settings.portal_url, vault, authenticator.city_providers),
        authenticator,
        pages,
        strict,
    )
    products_store = ProductStore(
        settings.s3_endpoint,
        settings.s3_access_key,
        settings.s3_secret_key.get_secret_value(),
        settings.product_bucket,
        settings.s3_secure,
    )
    copies = Copies(products_store)
    selling = selling_of(database, gate, vault, copies, settings.policies)
    delivery = Delivery(
        meter,
        grades=gate.grades,
        copies=copies,
        vault=vault,
        secret=settings.secret("delivery.secret"),
        tokens=tokens,
    )
    strangers = PublicCatalogue(database, gate, pages, Copies(products_store, kept_bytes=STRANGERS_BYTES))
    # before the market: /companies/{organisation}/limits is no decision on a record
    _traces_and_endings(app, selling, delivery, endings, authenticator, pages, strict)
    _market(app, selling, authenticator, pages, strict, strangers)
    _calls(app, delivery, settings)
    parts = Health(
        {
            "disk": room_on_disk(settings.home),
            "database": ClocksTogether(database),
            "store": products_store.require_there,
            "vault": vault.require_alive,
        }
    )
    _public(app, selling, authenticator, pages, strangers, parts)
    _operations(app, selling, authenticator, pages, parts, strict)
    _desk(app, selling, authenticator, pages, strict)
    _notices(app, mails, authenticator, pages, strict)
    _pages_of_the_vault(app, settings, authenticator, pages, vault)
    app.include_router(
        licence_pages.router(
            database=database,
            gate=gate,
            rules=selling.rules,
            authenticator=authenticator,
            pages=pages,
            vault=vault,
        )
    )
    app.include_router(log.router(authenticator=authenticator, pages=pages, vault=vault, app=app))
    app.include_router(log_search.router(authenticator=authenticator, pages=pages, vault=vault))
    app.include_router(help_pages.router(folder=settings.help_folder, pages=pages))
    refusals.install(app, database=database, authenticator=authenticator, pages=pages)

    metrics = Metrics("portal", version("cihu"))
    app.include_router(health_router(parts))
    app.include_router(metrics_router(metrics.registry, settings.metrics_token.get_secret_value()))

    @app.get("/healthz", include_in_schema=False)
    def health() -> dict[str, str]:
        with database.transaction() as tx:
            tx.execute(text("SELECT 1"))
        return {"status": "ok"}

    # a login form leads on to the hub
    secured = SecurityHeaders(app, form_targets=(settings.hub_url,), secure=settings.secure)
    # the session of an upload, its form token and the role are checked before its body is read
    bounded = BodyLimit(secured, MOST_BODY_BYTES, large=LARGE_BODIES)
    return calls.PaidFirst(
        RequestLog(OneName(bounded, settings.portal_url), log_file, metrics),
        delivery,
        headers=secured.headers,
        log_file=log_file,
        metrics=metrics,
        watch=meter.listener.telling(MaintenanceWatch(database)),
    )


def _public(
    app: FastAPI,
    selling: Selling,
    authenticator: Authenticator,
    pages: Pages,
    strangers: PublicCatalogue,
    parts: Health,
) -> None:
    """Pages that people without an account can open, too."""
    database, gate, vault = selling.database, selling.gate, selling.vault
    # before datasets: /datasets/{name} is no file of rows
    app.include_router(public_rows.router(catalogue=strangers, vault=vault))
    app.include_router(about.router(authenticator=authenticator, pages=pages, health=parts))
    app.include_router(feeds.router(database=database, gate=gate, pages=pages, vault=vault))
    app.include_router(
        datasets.router(
            database=database, authenticator=authenticator, pages=pages, vault=vault, strangers=strangers
        )
    )
    app.include_router(
        demands.router(authenticator=authenticator, pages=pages, vault=vault, strangers=strangers)
    )


def changes_something(method: str, path: str) -> bool:
    """What is refused during maintenance: not what is sent by POST and changes nothing of the city's, nor
    logging in and out, nor what ends maintenance. A call by key is metered, so it changes something."""
    if path.startswith("/api/v1/call/"):
        return not path.endswith(("/sample", "/explain"))
    return method not in SAFE and path not in GOES_ON


def _operations(
    app: FastAPI,
    selling: Selling,
    authenticator: Authenticator,
    pages: Pages,
    parts: Health,
    strict: list[Any],
) -> None:
    """What operators do with the service as a whole."""
    operations = Operations(selling.database, selling.gate)
    health = PartsHealth(operations, authenticator.settings, selling.vault, parts)
    app.include_router(
        operations_endpoints.router(operations=operations, health=health, authenticator=authenticator),
        dependencies=strict,
    )
    app.include_router(
        operations_pages.router(
            operations=operations, health=health, authenticator=authenticator, pages=pages
        )
    )


def _desk(
    app: FastAPI, selling: Selling, authenticator: Authenticator, pages: Pages, strict: list[Any]
) -> None:
    """What waits for somebody, who has taken it on, requests for access, and who answers for what."""
    policies = authenticator.settings.policies
    deadlines = read_deadlines(policies)
    taken = market_context(selling.database, selling.gate, deadlines, policies)
    named = NamedPersons(selling.vault, taken)
    pages.named = named.where_known
    app.include_router(
        taken_on_router(taken, authenticate=authenticator.caller, prefix="/api/v1", of="_of_market"),
        dependencies=strict,
    )
    app.include_router(
        waiting.router(named=named, authenticator=authenticator, pages=pages, vault=selling.vault)
    )
    app.include_router(
        start.router(
            database=selling.database,
            gate=selling.gate,
            deadlines=deadlines,
            named=named,
            authenticator=authenticator,
            pages=pages,
            vault=selling.vault,
        )
    )
    app.include_router(
        requests.router(
            database=selling.database,
            gate=selling.gate,
            rules=selling.rules,
            deadlines=deadlines,
            authenticator=authenticator,
            pages=pages,
            vault=selling.vault,
        )
    )
    app.include_router(
        responsibilities.router(
            database=selling.database,
            gate=selling.gate,
            authenticator=authenticator,
            pages=pages,
            vault=selling.vault,
        )
    )


def _notices(
    app: FastAPI, mails: Post, authenticator: Authenticator, pages: Pages, strict: list[Any]
) -> None:
    """Everybody's inbox; its count stands on every page."""
    inbox, links = mails.inbox, mails.links
    pages.unread = inbox.count
    app.include_router(
        notices.router(inbox=inbox, links=links, authenticator=authenticator), dependencies=strict
    )
    app.include_router(notice_pages.router(inbox=inbox, authenticator=authenticator, pages=pages))
    app.include_router(
        notice_mails.router(inbox=inbox, links=links, authenticator=authenticator, pages=pages)
    )


def _accounts(
    app: FastAPI,
    issuer: TokenIssuer,
    people: People,
    authenticator: Authenticator,
    pages: Pages,
    strict: list[Any],
) -> None:
    """Logging in, one's own account, and looking after those of others."""
    database = authenticator.database
    app.include_router(
        security.router(database=database, vault=people.vault, authenticator=authenticator, pages=pages)
    )
    for of_logins in (login, login_steps, password, invitations):
        app.include_router(of_logins.router(database=database, authenticator=authenticator, pages=pages))
    client = CityClient(
        authenticator.city_providers,
        database=database,
        portal_url=authenticator.settings.portal_url,
        session_seconds=authenticator.settings.session_seconds,
    )
    app.include_router(
        city_login.router(database=database, authenticator=authenticator, pages=pages, client=client)
    )
    for operations in (
        my_sessions.router(database=database, authenticator=authenticator, pages=pages),
        sign_in.router(database=database, issuer=issuer, authenticator=authenticator),
        my_security.router(database=database, vault=people.vault, authenticator=authenticator),
        people_operations.router(people=people, authenticator=authenticator),
    ):
        app.include_router(operations, dependencies=strict)
    for of_people in (people_pages, person):
        app.include_router(of_people.router(people=people, authenticator=authenticator, pages=pages))


def _market(
    app: FastAPI,
    selling: Selling,
    authenticator: Authenticator,
    pages: Pages,
    strict: list[Any],
    strangers: PublicCatalogue,
) -> None:
    """What is sold: operations and pages of products, offers, orders, licences, keys and bills."""
    caller, database, gate = authenticator.caller, selling.database, selling.gate
    billing = read_invoice_rules(authenticator.settings.policies)
    app.include_router(products.router(selling=selling, caller=caller), dependencies=strict)
    for priced in (orders, licences):
        app.include_router(
            priced.router(
                database=database, gate=gate, rules=selling.rules, caller=caller, vault=selling.vault
            ),
            dependencies=strict,
        )
    window = timedelta(days=read_risk_limits(authenticator.settings.policies).window_days)
    app.include_router(
        keys.risks_router(database=database, gate=gate, caller=caller, window=window), dependencies=strict
    )
    app.include_router(
        risks.router(
            database=database,
            gate=gate,
            window=window,
            authenticator=authenticator,
            pages=pages,
            vault=selling.vault,
        )
    )
    for noun in (customers.router, company_limits.router, keys.router, keys.sandbox_router):
        app.include_router(noun(database=database, gate=gate, caller=caller), dependencies=strict)
    url = authenticator.settings.portal_url
    app.include_router(
        customers.members_router(
            database=database, gate=gate, caller=caller, portal_url=url, rules=authenticator.rules
        ),
        dependencies=strict,
    )
    app.include_router(
        service_accounts.router(database=database, gate=gate, caller=caller, portal_url=url),
        dependencies=strict,
    )
    app.include_router(
        companies.router(database=database, gate=gate, authenticator=authenticator, pages=pages)
    )
    app.include_router(
        invoices.router(database=database, gate=gate, rules=billing, caller=caller), dependencies=strict
    )
    app.include_router(
        metering.router(database=database, gate=gate, caller=caller, vault=selling.vault), dependencies=strict
    )
    shop = PublicProducts(selling, pages, strangers)
    app.include_router(public_rows.open_router(catalogue=strangers, vault=selling.vault), dependencies=strict)
    app.include_router(
        product_pages.router(selling=selling, authenticator=authenticator, pages=pages, strangers=shop)
    )
    for of_market in (order_pages, offer_product, models, offer_model, offer_question):
        app.include_router(of_market.router(selling=selling, authenticator=authenticator, pages=pages))
    for of_invoices in (invoice_pages, team_income):
        app.include_router(
            of_invoices.router(selling=selling, rules=billing, authenticator=authenticator, pages=pages)
        )
    for forms in (selling_pages, licence_forms):
        app.include_router(forms.router(selling=selling, authenticator=authenticator))


def _running(meter: Metering, *jobs: Chore) -> Any:
    """Metering, what is due with invoices and notices, and the ends of privacy accounts and companies run as
    long as the service does."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await meter.start()
        for job in jobs:
            job.start()
        try:
            yield
        finally:
            for job in jobs:
                await job.stop()
            await meter.stop()

    return lifespan


def proxy_options(settings: Settings) -> dict[str, Any]:
    """For uvicorn: a caller's address is the connection's, unless that is a proxy of ours."""
    return {"proxy_headers": bool(settings.proxies), "forwarded_allow_ips": list(settings.proxies)}


def main() -> int:
    """Serve until a signal to stop. Exits with 1 and one clear line if something is missing."""
    redact_logs()
    forbid_core_dumps()
    set_up("portal")
    try:
        settings = read_settings()
        app = create_app(settings)
    except CihuError as error:
        print(f"The portal cannot start. {error}", file=sys.stderr)
        return 1
    gc.freeze()  # an app is a hundred thousand objects, and none of them is ever garbage
    gc.enable()
    host, port = settings.address
    # the hub's request for ended logins has no end of its own
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        log_config=None,
        http=FastLimitedProtocol,
        loop="uvloop",
        ws="none",
        **proxy_options(settings),
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
