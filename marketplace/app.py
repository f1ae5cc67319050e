"""The portal service: puts its parts together and starts it. `python -m marketplace.app`"""

import gc

if __name__ == "__main__":
    gc.disable()  # nothing that is imported is garbage: looking for it is a quarter of the time it takes

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from sqlalchemy import text
from starlette.types import ASGIApp

from marketplace.delivery import endpoints as calls
from marketplace.delivery.answer_call import Delivery
from marketplace.invoices import endpoints as invoices
from marketplace.keys import endpoints as keys
from marketplace.licences import endpoints as licences
from marketplace.metering import endpoints as metering
from marketplace.metering.abandoned import credit_abandoned
from marketplace.orders import endpoints as orders
from marketplace.portal import help_pages, refusals, sign_in
from marketplace.portal.authentication import Authenticator
from marketplace.portal.drafts.upload import MOST_FILE_BYTES
from marketplace.portal.openid import endpoints as openid
from marketplace.portal.openid.client import hub_client
from marketplace.portal.openid.provider import Provider
from marketplace.portal.pages import (
    datasets,
    demands,
    draft_clean,
    draft_file,
    draft_publish,
    draft_steps,
    drafts,
    log,
    login,
    my_sessions,
    pulls,
    quality,
    requests,
    reviews,
    runs,
    start,
    uploads,
    versions,
)
from marketplace.portal.pages import licences as licence_pages
from marketplace.portal.pages import products as product_pages
from marketplace.portal.pages.step_pages import StepPages
from marketplace.portal.rendering import Pages
from marketplace.products import endpoints as products
from marketplace.products.copies import Copies
from marketplace.settings import Settings, read_settings
from marketplace.vault import Vault
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.http import openapi
from sandbox.http.accepted_types import refuse_unaccepted_types
from sandbox.http.body_limit import BodyLimit
from sandbox.http.clocks import ClocksTogether
from sandbox.http.connection_limits import LimitedProtocol
from sandbox.http.endpoints import health_router, metrics_router
from sandbox.http.health import Health, room_on_disk
from sandbox.http.known_parameters import refuse_unknown_parameters
from sandbox.http.log_lines import set_up
from sandbox.http.metrics import Metrics
from sandbox.http.openapi_examples import read_examples
from sandbox.http.redacted_logs import redact_logs
from sandbox.http.request_log import RequestLog
from sandbox.http.security_headers import SecurityHeaders
from sandbox.identity import TokenIssuer, TokenVerifier
from sandbox.memory_dumps import forbid_core_dumps
from sandbox.policy import Gate
from sandbox.storage import ProductStore

MOST_BODY_BYTES = 256 * 1024
SWEEP_SECONDS = 60.0
log_file = logging.getLogger("cihu.portal")
STOP_SECONDS = 3
API = (
    "The marketplace of Cihu: products, orders, licences, keys, calls, usage and invoices, and the login for "
    "programs and for the hub. Money is in fen. Errors are problem documents (RFC 9457) with a stable code."
)
TAGS = {
    "login": "Tokens for programs.",
    "products": "What is on offer.",
    "orders": "Orders, and what was decided.",
    "licences": "Licences of organisations.",
    "keys": "Keys that open a licence.",
    "call": "Calls of products with a key.",
    "usage": "What a licence used.",
    "invoices": "What a month costs.",
    "openid": "The OpenID provider, for the hub.",
}
EXAMPLES = Path(__file__).parent / "examples.json"  # of the description
STATIC = Path(__file__).parent / "portal" / "static"


def create_app(settings: Settings) -> ASGIApp:
    """The portal, from its settings: the one place where its parts meet.
    Raises `CihuError` if one cannot be made."""
    database = Database(settings.database_url)
    issuer = TokenIssuer("portal", settings.keys, database)
    verifier = TokenVerifier(database, issuers={"portal"})
    gate = Gate(settings.policies)
    authenticator = Authenticator(database, settings, verifier)
    pages = Pages(settings)
    provider = Provider(
        client=hub_client(hub_url=settings.hub_url, secret=settings.hub_client_secret.get_secret_value()),
        issuer=issuer,
        issuer_url=settings.portal_url,
        workspace_seconds=settings.workspace_seconds,
    )

    app = FastAPI(
        title="Cihu portal",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=_housekeeping(database, older_than=timedelta(seconds=settings.abandoned_call_seconds)),
    )
    openapi.install(app, description=API, tags=TAGS, examples=read_examples(EXAMPLES))
    # of the JSON operations; calls have the parameters of their product, and pages are for people
    typed = [Depends(refuse_unaccepted_types)]
    strict = [*typed, Depends(refuse_unknown_parameters)]
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(
        openid.router(
            database=database, authenticator=authenticator, provider=provider, verifier=verifier, gate=gate
        ),
        dependencies=typed,
    )
    app.include_router(login.router(database=database, authenticator=authenticator, pages=pages))
    app.include_router(start.router(authenticator=authenticator, pages=pages))
    app.include_router(
        my_sessions.router(database=database, authenticator=authenticator, pages=pages), dependencies=strict
    )
    app.include_router(sign_in.router(database=database, issuer=issuer), dependencies=strict)
    vault = Vault(settings.vault_url, issuer)
    products_store = ProductStore(
        settings.s3_endpoint,
        settings.s3_access_key,
        settings.s3_secret_key.get_secret_value(),
        settings.product_bucket,
        settings.s3_secure,
    )
    copies = Copies(products_store)
    delivery = Delivery(database, grades=gate.grades, copies=copies, vault=vault)
    app.include_router(
        products.router(
            database=database, gate=gate, vault=vault, copies=copies, caller=authenticator.caller
        ),
        dependencies=strict,
    )
    for noun in (orders, licences, keys, metering, invoices):
        app.include_router(
            noun.router(database=database, gate=gate, caller=authenticator.caller), dependencies=strict
        )
    app.include_router(calls.router(delivery=delivery), dependencies=typed)
    app.include_router(
        datasets.router(database=database, authenticator=authenticator, pages=pages, vault=vault)
    )
    app.include_router(versions.router(authenticator=authenticator, pages=pages, vault=vault))
    app.include_router(demands.router(authenticator=authenticator, pages=pages, vault=vault))
    app.include_router(
        requests.router(database=database, gate=gate, authenticator=authenticator, pages=pages, vault=vault)
    )
    app.include_router(runs.router(authenticator=authenticator, pages=pages, vault=vault))
    app.include_router(reviews.router(authenticator=authenticator, pages=pages, vault=vault))
    # before drafts: /drafts/upload is no draft's number
    app.include_router(uploads.router(authenticator=authenticator, pages=pages, vault=vault))
    app.include_router(drafts.router(authenticator=authenticator, pages=pages, vault=vault))
    app.include_router(quality.router(authenticator=authenticator, pages=pages, vault=vault))
    app.include_router(pulls.router(authenticator=authenticator, pages=pages, vault=vault))
    steps = StepPages(pages, settings.policies)
    for of_draft in (draft_file, draft_steps, draft_clean, draft_publish):
        app.include_router(of_draft.router(authenticator=authenticator, steps=steps, vault=vault))
    app.include_router(
        product_pages.router(database=database, gate=gate, authenticator=authenticator, pages=pages)
    )
    app.include_router(
        licence_pages.router(
            database=database, gate=gate, authenticator=authenticator, pages=pages, vault=vault
        )
    )
    app.include_router(log.router(authenticator=authenticator, pages=pages, vault=vault, app=app))
    app.include_router(help_pages.router(folder=settings.help_folder, pages=pages))
    refusals.install(app, database=database, authenticator=authenticator, pages=pages)

    metrics = Metrics("portal", version("cihu"))
    app.include_router(
        health_router(
            Health(
                {
                    "disk": room_on_disk(settings.home),
                    "database": ClocksTogether(database),
                    "store": products_store.require_there,
                    "vault": vault.require_alive,
                }
            )
        )
    )
    app.include_router(metrics_router(metrics.registry, settings.metrics_token.get_secret_value()))

    @app.get("/healthz", include_in_schema=False)
    def health() -> dict[str, str]:
        with database.transaction() as tx:
            tx.execute(text("SELECT 1"))
        return {"status": "ok"}

    # a login form leads on to the hub
    secured = SecurityHeaders(app, form_targets=(settings.hub_url,), secure=settings.secure)
    # the session of an upload, its form token and the role are checked before its body is read
    bounded = BodyLimit(secured, MOST_BODY_BYTES, large=[("POST", uploads.UPLOAD, MOST_FILE_BYTES)])
    return RequestLog(bounded, log_file, metrics)


def _housekeeping(database: Database, *, older_than: timedelta) -> Any:
    """Calls that a crash cut off are credited: at the start, and once a minute."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async def sweep() -> None:
            try:
                if credited := await asyncio.to_thread(credit_abandoned, database, older_than=older_than):
                    log_file.warning("%s calls that were metered and never answered are credited", credited)
            except CihuError as error:
                log_file.warning("abandoned calls cannot be credited yet: %s", error.code)

        async def sweep_again() -> None:
            while True:
                await asyncio.sleep(SWEEP_SECONDS)
                await sweep()

        await sweep()
        task = asyncio.create_task(sweep_again())
        yield
        task.cancel()

    return lifespan


def main() -> int:
    """Serve until a signal to stop. Exits with 1 and one clear line if something is missing."""
    gc.freeze()
    gc.enable()
    redact_logs()
    forbid_core_dumps()
    set_up("portal")
    try:
        settings = read_settings()
        app = create_app(settings)
    except CihuError as error:
        print(f"The portal cannot start. {error}", file=sys.stderr)
        return 1
    host, port = settings.address
    # the hub's request for ended logins has no end of its own
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        log_config=None,
        http=LimitedProtocol,
        ws="none",
        forwarded_allow_ips="127.0.0.1",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
