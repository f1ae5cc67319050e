"""The vault: the only process that holds the raw bucket's keys.
It listens on two sockets, one for services and people's tools, one for kernels.

`create_vault(settings)` is where everything is put together; nothing happens at import.
"""

import gc

if __name__ == "__main__":
    gc.disable()  # nothing that is imported is garbage: looking for it is a quarter of the time it takes

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import duckdb
import uvicorn
from fastapi import Depends, FastAPI, Query
from starlette.formparsers import MultiPartParser
from starlette.types import ASGIApp

import sandbox.answer_pages.endpoints as answer_pages_endpoints
import sandbox.catalog.endpoints as catalog_endpoints
import sandbox.competitions.endpoints as competitions_endpoints
import sandbox.demands.endpoints as demands_endpoints
import sandbox.grants.endpoints as grants_endpoints
import sandbox.jobs.endpoints as jobs_endpoints
import sandbox.lifecycle.endpoints as lifecycle_endpoints
import sandbox.models.endpoints as models_endpoints
import sandbox.openings.endpoints as openings_endpoints
import sandbox.oversight.endpoints as oversight_endpoints
import sandbox.quality.endpoints as quality_endpoints
import sandbox.releases.endpoints as releases_endpoints
import sandbox.releases.interrupted as releases_interrupted
import sandbox.responsibilities.endpoints as responsibilities_endpoints
import sandbox.reviews.endpoints as reviews_endpoints
import sandbox.synthesis.endpoints as synthesis_endpoints
import sandbox.training.endpoints as training_endpoints
from sandbox.api_schema import answers
from sandbox.audit import Log, Signer
from sandbox.audit.endpoints import router as audit_router
from sandbox.audit.witness_policy import read_witness_policy
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.notice import NoticeRule, read_notice_days
from sandbox.catalog.populations import read_populations
from sandbox.catalog.sweep import sweep
from sandbox.catalog.tables import taken_on
from sandbox.cleaning import PseudonymKeys, StepCleaner
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.entries.score import ScoringContext, wait_until
from sandbox.competitions.notify import Teller
from sandbox.competitions.organisers.endpoints import forms_router
from sandbox.competitions.scorer import Scorer
from sandbox.database import Database
from sandbox.declared import DeclaredContext, UnitDigests
from sandbox.derivations import endpoints as derivations_endpoints
from sandbox.derivations.context import DerivationContext
from sandbox.derivations.schedule import run_due
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.taxonomy import Taxonomy, load_disclosure
from sandbox.drafts import endpoints as drafts_endpoints
from sandbox.drafts.context import DraftContext
from sandbox.drafts.files import sweep_files
from sandbox.engines.duckdb import DuckDBEngine
from sandbox.engines.process import EngineProcesses
from sandbox.engines.without_pandas import leave_pandas_out
from sandbox.errors import CihuError
from sandbox.grants import expire_due, warn_of_ends
from sandbox.http import api_docs, openapi, problem_details
from sandbox.http.accepted_types import refuse_unaccepted_types
from sandbox.http.authentication import claims_at, principal_at, puller_at
from sandbox.http.body_limit import Admit, BodyLimit, LargeBody
from sandbox.http.clocks import ClocksTogether
from sandbox.http.connection_limits import LimitedProtocol
from sandbox.http.endpoints import error_pages_router, health_router, metrics_router
from sandbox.http.health import Health, room_on_disk
from sandbox.http.known_parameters import refuse_unknown_parameters
from sandbox.http.log_lines import set_up
from sandbox.http.maintenance_gate import SAFE, changes_refused
from sandbox.http.metrics import Metrics
from sandbox.http.openapi_examples import read_examples
from sandbox.http.redacted_logs import redact_logs
from sandbox.http.refused_changes import log_refused_changes
from sandbox.http.request_log import RequestLog
from sandbox.http.security_headers import SecurityHeaders
from sandbox.identity import (
    KERNEL,
    VAULT,
    WORKSPACE,
    Claims,
    Principal,
    TokenIssuer,
    TokenVerifier,
    live_officers,
)
from sandbox.ingest.code_lists import load_code_lists
from sandbox.jobs import RunContext, Worker
from sandbox.lifecycle.context import LifecycleContext, has_live_grants
from sandbox.lifecycle.erase import finish_erasures
from sandbox.memory_dumps import forbid_core_dumps, hide_memory
from sandbox.memory_release import keep_little_memory
from sandbox.models.context import ModelContext
from sandbox.models.sealed_use import SealedLibrary
from sandbox.openings.context import OpeningContext
from sandbox.openings.openings import remind_of_openings
from sandbox.oversight.deadlines import read_deadlines
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.risk_alerts import RiskWatch
from sandbox.oversight.risk_limits import read_risk_limits
from sandbox.oversight.risks import RiskContext
from sandbox.oversight.taken_on import TakenOnContext, look_after
from sandbox.oversight.waiting_things import KINDS as THINGS
from sandbox.oversight.waiting_things import VaultThings
from sandbox.policy import Gate, Resource
from sandbox.policy.identity_rules import read_identity_rules
from sandbox.public import endpoints as public_endpoints
from sandbox.public.entries import PublicContext, refresh
from sandbox.pulls import endpoints as pulls_endpoints
from sandbox.pulls.attempts import sweep_pulls
from sandbox.pulls.context import PullContext
from sandbox.pushes import endpoints as pushes_endpoints
from sandbox.pushes.batches import MOST_BATCH_BYTES, expire_pushes, sweep_pushes
from sandbox.pushes.pusher import Pusher
from sandbox.quality.assess import Assessor
from sandbox.quality.buy_classes import CLASSES
from sandbox.quality.limits import read_quality_limits
from sandbox.quality.problem_reports import ProblemContext
from sandbox.releases import AskContext
from sandbox.releases.contribution_histogram import measure_contributions
from sandbox.responsibilities.transfer import HandOverContext
from sandbox.reviews import ReviewContext, read_review_policy, trial_check
from sandbox.reviews.declared_tables import cell_rules
from sandbox.reviews.raw_inputs import RawInputs
from sandbox.reviews.remind import remind
from sandbox.reviews.sealed_decoder import SealedDecoder
from sandbox.sources.source_list import read_sources
from sandbox.splits import SplitRawStore
from sandbox.storage import ProductStore, QuarantineStore, RawStore, ReleasedStore
from sandbox.synthesis.buy_stand_in import STAND_IN
from sandbox.training.certificates import warn_of_certificates
from sandbox.training.context import TrainingContext
from sandbox.training.course import read_course
from sandbox.vault import kernel_tokens
from sandbox.vault.loading import START_SECONDS, Loading
from sandbox.vault.schemas import MOST_THINGS, PersonDocument, Thing, VisibleThings
from sandbox.vault.settings import Settings, read_settings
from sandbox.vault.visible import visible_things

EXPIRY_SECONDS = 60.0
MOST_BODY_BYTES = 64 * 1024
MOST_UPLOAD_BYTES = 2 * 1024**3
API_VERSION = "1"
VAULT_API = (
    "The governed side of Cihu: the catalogue, private questions, access, sealed runs, reviews and the "
    "transparency log. Errors are problem documents (RFC 9457) with a stable code."
)
KERNEL_API = (
    "What a sealed kernel can reach of the vault, over its socket. Errors are problem documents (RFC 9457) "
    "with a stable code."
)
TAGS = {
    "datasets": "The catalogue: datasets, stand-in rows, publishing.",
    "demands": "Which data analysts ask departments for, and the answers.",
    "responsibilities": "What officers answer for, and handing it over.",
    "drafts": "Officers' files, and the policies that are drafted for them.",
    "pulls": "From where datasets' rows are fetched, and when.",
    "derivations": "Datasets that are derived from others by SQL that their officers agreed to.",
    "pushes": "Rows that departments' systems send in batches.",
    "requests and grants": "Access requests and grants.",
    "oversight": "What is out of the ordinary, for officers and auditors.",
    "decisions": "Why something was allowed or refused, and what the rules would say.",
    "quality": "The quality of versions, and problems that are reported on datasets.",
    "questions": "Private questions, their answers and budgets.",
    "sealed runs": "Programs that run on raw data in a seal, and their released files.",
    "competitions": "Competitions: teams, entries, boards, juries, results and appeals.",
    "training": "The safe-researcher course: its test, and certificates.",
    "models": "The model library: cards, lineage, and predictions in a seal.",
    "reviews": "Reviews of files that are to leave, and the rules for them.",
    "log": "The transparency log.",
    "public": "What anybody may know without an account.",
    "kernels": "Tokens and pauses of sealed kernels.",
    "me": "The person whom the token names.",
}
EXAMPLES = Path(__file__).parent / "examples.json"  # of both descriptions
KERNEL_TAGS = (
    *("datasets", "questions", "sealed runs", "models", "competitions", "training", "reviews", "kernels"),
    "me",
)
EVERY_OPERATION = (Depends(refuse_unaccepted_types), Depends(refuse_unknown_parameters))
GOES_ON = frozenset(
    {
        "/v1/explain",
        "/v1/competition-drafts/check",
        "/v1/log/exports",
        trial_check.PATH,
        # kernels of workspaces that are open
        "/v1/kernels",
        "/v1/kernels/pause",
        "/v1/kernels/renew",
    }
)
DUE_PULLS = "/v1/pulls/due"


def changes_something(method: str, path: str) -> bool:
    """What is refused during maintenance: not what is sent by POST and changes nothing, nor what an open
    workspace needs to go on. The puller is refused before it reads a source whose rows nobody could take."""
    return path == DUE_PULLS or (method not in SAFE and path not in GOES_ON)


@dataclass(frozen=True)
class Vault:
    """The two apps of one vault (public, for kernels), their context, and who carries out its sealed runs."""

    app: ASGIApp
    kernel_app: ASGIApp
    context: AskContext
    worker: Worker


def create_vault(settings: Settings, processes: EngineProcesses | None = None) -> Vault:
    """Put the vault together. Raises `CihuError` when a part is missing or broken.

    `processes`: of the engine, where several vaults in one process share them; else its own,
    which end when the engine is closed.
    """
    # an upload is raw data: it must not be spooled to a temporary file
    MultiPartParser.spool_max_size = MOST_UPLOAD_BYTES + 1
    database = Database(settings.database_url.get_secret_value())
    gate = Gate(settings.policies)
    raw, products, quarantine, released = _stores(settings)
    digests, assessor = UnitDigests(settings.home / "keys" / "units"), _assessor(settings)
    repository = _repository(settings, database, digests, assessor, raw)
    engine = DuckDBEngine(raw, processes or EngineProcesses())
    context = AskContext(database, repository, gate, engine)
    taxonomy = load_disclosure(settings.policies / "disclosure.yaml", checks=CHECKS)
    declared = DeclaredContext(
        context.engine,
        digests,
        lambda grade: cell_rules(taxonomy.at(grade).thresholds),
    )
    worker = Worker(
        RunContext(
            database,
            repository,
            gate,
            raw,
            quarantine,
            folder=settings.runs,
            python=settings.kernel_python,
            lock=settings.kernel_lock,
            places=settings.run_places,
            memory_bytes=settings.run_memory_mib * 1024 * 1024,
            sealer=settings.run_seal,
            declared=declared,
            taxonomy=taxonomy,
            library=SealedLibrary(database, repository, gate, released),
        )
    )
    reviews = ReviewContext(
        database,
        repository,
        gate,
        read_review_policy(settings.policies, gate.grades),
        quarantine,
        released,
        taxonomy,
        RawInputs(raw),
        SealedDecoder(),
    )

    notice = NoticeRule(read_notice_days(settings.policies), has_live_grants)
    lifecycle = LifecycleContext(
        database, repository, gate, raw, notice, forget=(engine.forget, reviews.raw.forget)
    )
    log = Log(database, Signer(settings.home / "keys" / "log"), read_witness_policy(settings.policies))
    issuer = TokenIssuer("vault", settings.home / "keys" / "vault", database)
    verifier = TokenVerifier(database, issuers=("portal", "vault"))

    person = principal_at(database, verifier, VAULT)
    openings = OpeningContext(
        database,
        repository,
        gate,
        read_populations(settings.policies),
        notice,
        partial(measure_contributions, context),
    )
    listing = PublicContext(database, repository, gate)
    scorer = _scorer(worker.context, raw, settings.policies)
    risks, taken = _oversight(
        OversightContext(database, repository, gate), taxonomy, reviews, settings.policies
    )
    training = TrainingContext(database, gate, read_course(settings.policies))
    lifespan = _housekeeping(
        database, worker, scorer, raw, lifecycle, openings, listing, risks, taken, training
    )
    app = FastAPI(
        title="Cihu vault",
        version=API_VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        dependencies=[*EVERY_OPERATION, Depends(changes_refused(database, changes_something))],
    )
    _answer_errors(app, database)
    openapi.install(app, description=VAULT_API, tags=TAGS, examples=read_examples(EXAMPLES))
    api_docs.install(app)
    puller = puller_at(settings.puller_secret.get_secret_value())
    drafting = _add_catalogue(app, lifecycle, products, settings.policies, assessor, openings, person)
    pusher = pushes_endpoints.pusher_at(drafting, person)
    _add_data_zone(app, drafting, person=person, puller=puller, pusher=pusher)
    _add_questions(app, context, log, person)
    _add_grants(app, risks, taken, settings.policies, person)
    _add_quality(app, context, drafting, assessor, reviews, person)
    _add_runs(app, worker, log, person)
    _add_reviews(app, reviews, log, person)
    _add_competitions(app, scorer.served, log, person)
    _add_training(app, training, log, person)
    _add_models(app, ModelContext(worker.context, reviews), scorer.served, person)
    _add_log(app, listing, log, person)
    _add_kernels(app, context, worker, issuer, claims_at(verifier, WORKSPACE))
    _add_small_talk(app, database, person)
    metrics = Metrics("vault", version("cihu"))
    needs = Health(
        {
            "disk": room_on_disk(settings.home),
            "database": ClocksTogether(database),
            "store": raw.require_there,
            "engine": _engine_answers,
            "runs": worker.require_places,
        }
    )
    _add_health(app, database, gate, needs, settings, person)
    app.include_router(metrics_router(metrics.registry, settings.metrics_token.get_secret_value()))
    uploads = [
        LargeBody("POST", "/v1/datasets", MOST_UPLOAD_BYTES),
        LargeBody("POST", drafts_endpoints.UPLOADS, MOST_UPLOAD_BYTES),
        LargeBody("POST", pulls_endpoints.ROWS, MOST_UPLOAD_BYTES, admit=puller),
        LargeBody("POST", pushes_endpoints.BATCHES, MOST_BATCH_BYTES, admit=pusher),
    ]
    kernel_app = _kernel_app(
        context, worker, reviews, lifecycle, scorer.served, training, log, issuer, verifier
    )
    return Vault(
        _guarded(app, large=uploads, admit=person, metrics=metrics),
        _guarded(
            kernel_app,
            large=[LargeBody("POST", trial_check.PATH, trial_check.MOST_BYTES)],
            admit=principal_at(database, verifier, KERNEL),
        ),
        context,
        worker,
    )


def _answer_errors(app: FastAPI, database: Database) -> None:
    """Errors are problem documents; changes that were refused stand in the log."""
    problem_details.install(app)
    log_refused_changes(app, database)


def _add_grants(
    app: FastAPI,
    risks: RiskContext,
    taken: TakenOnContext,
    policies: Path,
    person: Callable[..., Principal],
) -> None:
    """Requests and grants, what officers look at before they decide, and what is out of the ordinary."""
    facts = risks.facts
    app.include_router(
        grants_endpoints.router(facts.database, facts.repository, facts.gate, authenticate=person)
    )
    app.include_router(oversight_endpoints.router(facts, authenticate=person))
    app.include_router(oversight_endpoints.held_router(facts.database, authenticate=person))
    _add_sight(app, facts.repository, facts.gate, person)
    app.include_router(oversight_endpoints.risks_router(risks, authenticate=person))
    app.include_router(oversight_endpoints.taken_on_router(taken, authenticate=person, prefix="/v1", of=""))
    app.include_router(oversight_endpoints.scoreboard_router(facts, authenticate=person))
    separated = read_identity_rules(policies).separated
    app.include_router(oversight_endpoints.decisions_router(facts, separated=separated, authenticate=person))


def _oversight(
    facts: OversightContext, taxonomy: Taxonomy, reviews: ReviewContext, policies: Path
) -> tuple[RiskContext, TakenOnContext]:
    """The risk watch, and who has taken on what waits."""
    risks = RiskContext(facts, read_risk_limits(policies), taxonomy)
    return risks, TakenOnContext(
        facts.database,
        facts.gate,
        taken_on,
        THINGS,
        VaultThings(risks, reviews),
        lambda tx, _, department: live_officers(tx, department),
        facts.repository.lists.deputies_of,
        read_deadlines(policies).due,
        "vault",
    )


def _add_health(
    app: FastAPI,
    database: Database,
    gate: Gate,
    needs: Health,
    settings: Settings,
    person: Callable[..., Principal],
) -> None:
    """For whatever restarts a service, and for operators; and where errors are explained."""
    app.include_router(error_pages_router(settings.portal_url))
    app.include_router(health_router(needs))
    app.include_router(
        oversight_endpoints.health_router(
            database, gate, needs=needs.met, home=settings.home, authenticate=person
        )
    )


def _scorer(runs: RunContext, raw: SplitRawStore, policies: Path) -> Scorer:
    """What scores entries, with the context of everything about competitions."""
    context = CompetitionContext(runs.database, runs.repository, runs.gate, policies, raw)
    return Scorer(context, ScoringContext(runs.database, raw, runs, wait_until))


def _add_runs(app: FastAPI, worker: Worker, log: Log, person: Callable[..., Principal]) -> None:
    app.include_router(jobs_endpoints.router(worker, log, authenticate=person))
    app.include_router(jobs_endpoints.recipes_router(worker.context, authenticate=person))


def _add_competitions(
    app: FastAPI, context: CompetitionContext, log: Log, person: Callable[..., Principal]
) -> None:
    """What anybody may see, what organisers do, and what teams and jurors do."""
    app.include_router(competitions_endpoints.public_router(context, log))
    app.include_router(competitions_endpoints.opportunities_router(context))
    app.include_router(competitions_endpoints.organisers_router(context, log, authenticate=person))
    app.include_router(competitions_endpoints.teams_router(context, log, authenticate=person))
    app.include_router(competitions_endpoints.discussion_router(context, authenticate=person))
    app.include_router(forms_router(context, authenticate=person))


def _add_kernels(
    app: FastAPI, context: AskContext, worker: Worker, issuer: TokenIssuer, workspace: Callable[..., Claims]
) -> None:
    """What workspaces ask for their kernels."""
    app.include_router(kernel_tokens.opening(context.database, context.gate, issuer, workspace=workspace))
    app.include_router(jobs_endpoints.pause_router(worker.pauses, workspace=workspace))


def _add_training(app: FastAPI, context: TrainingContext, log: Log, person: Callable[..., Principal]) -> None:
    app.include_router(training_endpoints.router(context, log, authenticate=person))
    app.include_router(training_endpoints.officers_router(context, authenticate=person))


def _add_reviews(app: FastAPI, context: ReviewContext, log: Log, person: Callable[..., Principal]) -> None:
    for router in (reviews_endpoints.for_teams, reviews_endpoints.for_officers):
        app.include_router(router(context, log, authenticate=person))
    app.include_router(reviews_endpoints.disclosure(context, authenticate=person))


def _add_models(
    app: FastAPI, context: ModelContext, competitions: CompetitionContext, person: Callable[..., Principal]
) -> None:
    app.include_router(models_endpoints.router(context, competitions, authenticate=person))
    reviews = context.reviews
    library = SealedLibrary(context.database, reviews.repository, context.gate, reviews.released)
    app.include_router(models_endpoints.reading(library, authenticate=person))


def _add_questions(app: FastAPI, context: AskContext, log: Log, person: Callable[..., Principal]) -> None:
    """Questions under grants, and stand-in rows that are bought."""
    app.include_router(releases_endpoints.router(context, log, authenticate=person))
    app.include_router(answer_pages_endpoints.router(context, log, authenticate=person))
    app.include_router(synthesis_endpoints.router(context, authenticate=person))


def _stores(settings: Settings) -> tuple[SplitRawStore, ProductStore, QuarantineStore, ReleasedStore]:
    """The buckets. Raises `Unavailable`."""
    keys = settings.s3_access_key, settings.s3_secret_key.get_secret_value()
    raw = SplitRawStore(settings.s3_endpoint, *keys, settings.raw_bucket, secure=settings.s3_secure)
    products = ProductStore(settings.s3_endpoint, *keys, settings.product_bucket, secure=settings.s3_secure)
    quarantine = QuarantineStore(
        settings.s3_endpoint, *keys, settings.quarantine_bucket, secure=settings.s3_secure
    )
    released = ReleasedStore(settings.s3_endpoint, *keys, settings.released_bucket, secure=settings.s3_secure)
    for bucket in (raw, products, quarantine, released):
        bucket.ensure()
    return raw, products, quarantine, released


def _cleaner(digests: UnitDigests) -> StepCleaner:
    return StepCleaner(PseudonymKeys(digests.secret_for("pseudonyms")))


def _repository(
    settings: Settings, database: Database, digests: UnitDigests, assessor: Assessor, raw: SplitRawStore
) -> DatasetRepository:
    """The catalogue, with what is asked before a dataset opens and the data elements: what is wrong in one of
    them stops the start. The raw bucket follows its splits."""
    repository = DatasetRepository(database, settings.policies, _cleaner(digests), assessor.check)
    _ = repository.opening, repository.elements
    raw.follow(repository)
    return repository


def _assessor(settings: Settings) -> Assessor:
    """What looks at the rows of each new version."""
    codes = settings.policies / "codes"
    code_lists = load_code_lists(codes) if codes.is_dir() else ()
    return Assessor(code_lists, read_quality_limits(settings.policies))


def _add_quality(
    app: FastAPI,
    context: AskContext,
    drafting: DraftContext,
    assessor: Assessor,
    reviews: ReviewContext,
    person: Callable[..., Principal],
) -> None:
    """Quality reports, and problems that are reported; closed days are those of reviews."""
    app.include_router(quality_endpoints.quality_router(context, drafting, assessor, authenticate=person))
    reported = ProblemContext(
        context.database, context.repository, context.gate, assessor.limits, reviews.policy.closed
    )
    app.include_router(quality_endpoints.problems_router(reported, authenticate=person))


def _add_catalogue(
    app: FastAPI,
    lifecycle: LifecycleContext,
    products: ProductStore,
    policies: Path,
    assessor: Assessor,
    openings: OpeningContext,
    person: Callable[..., Principal],
) -> DraftContext:
    """Datasets with their versions and their end, and what is asked for."""
    database, repository, gate, raw = lifecycle.database, lifecycle.repository, lifecycle.gate, lifecycle.raw
    populations, measured = dict(openings.populations), openings.published
    app.include_router(catalog_endpoints.reading(repository, gate, authenticate=person))
    app.include_router(catalog_endpoints.elements_router(repository, gate, authenticate=person))
    app.include_router(
        catalog_endpoints.writing(
            database,
            repository,
            gate,
            raw=raw,
            products=products,
            populations=populations,
            authenticate=person,
            published=measured,
            assess=assessor,
            notice=lifecycle.notice,
        )
    )
    app.include_router(lifecycle_endpoints.reading(lifecycle, authenticate=person))
    app.include_router(lifecycle_endpoints.writing(lifecycle, authenticate=person))
    app.include_router(demands_endpoints.router(database, repository, gate, authenticate=person))
    app.include_router(openings_endpoints.router(openings, authenticate=person))
    handing = HandOverContext(database, repository, gate)
    app.include_router(responsibilities_endpoints.router(handing, authenticate=person))
    return DraftContext(
        database, repository, gate, raw, policies, populations, measured, assessor, lifecycle.notice
    )


def _add_data_zone(
    app: FastAPI,
    drafting: DraftContext,
    *,
    person: Callable[..., Principal],
    puller: Callable[..., None],
    pusher: Callable[..., Pusher],
) -> None:
    """What officers do with files and sources, the three operations of the puller, and those of pushers."""
    app.include_router(drafts_endpoints.router(drafting, authenticate=person))
    app.include_router(drafts_endpoints.contract_router(drafting, authenticate=person))
    app.state.derivation = DerivationContext(drafting)  # also refreshed by schedule
    app.include_router(derivations_endpoints.router(app.state.derivation, authenticate=person))
    app.include_router(drafts_endpoints.progress_router(drafting, authenticate=person))
    pulling = PullContext(drafting, read_sources(drafting.policies))
    # before those of officers: an address of theirs must not take one of the puller's
    app.include_router(pulls_endpoints.for_puller(pulling, authenticate=puller))
    app.include_router(pulls_endpoints.router(pulling, authenticate=person))
    app.include_router(pushes_endpoints.officers_router(drafting, authenticate=person))
    app.include_router(pushes_endpoints.router(drafting, authenticate=pusher))


def _add_log(app: FastAPI, listing: PublicContext, log: Log, person: Callable[..., Principal]) -> None:
    """The log, and with it the views that ask nobody for a token."""
    gate = listing.gate

    def may_open(principal: Principal, actor: str) -> bool:
        return gate.decide(principal, "read_openings", Resource("LogEntry", actor, {"actor": actor})).allowed

    app.include_router(audit_router(log, authenticate=person, may_open=may_open))
    app.include_router(oversight_endpoints.log_router(log, gate, authenticate=person))
    app.include_router(public_endpoints.router(listing, log))


def _guarded(
    app: FastAPI,
    *,
    large: Sequence[LargeBody] = (),
    admit: Admit | None = None,
    metrics: Metrics | None = None,
) -> ASGIApp:
    """Bodies are counted as they come, and no failure puts its words into the log."""
    bounded = BodyLimit(SecurityHeaders(app), MOST_BODY_BYTES, large=large, admit=admit)
    return RequestLog(bounded, logging.getLogger("cihu.vault"), metrics)


def _engine_answers() -> None:
    """The library that computes is there and computes.
    Of the rows nothing is asked: that would be a question."""
    duckdb.connect(":memory:").execute("SELECT 1").fetchall()


def _kernel_app(
    context: AskContext,
    worker: Worker,
    reviews: ReviewContext,
    lifecycle: LifecycleContext,
    competitions: CompetitionContext,
    training: TrainingContext,
    log: Log,
    issuer: TokenIssuer,
    verifier: TokenVerifier,
) -> FastAPI:
    """The kernels' socket: catalogue, questions, sealed runs and their released files, a team's entries in
    competitions, the course's test, renewal. No publishing, deciding, reviewing, judging or posting; nothing
    that is sent in is stored but programs, entries and the options that are chosen in the test."""
    analyst = principal_at(context.database, verifier, KERNEL)
    app = FastAPI(
        title="Cihu vault, for kernels",
        version=API_VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[*EVERY_OPERATION, Depends(changes_refused(context.database, changes_something))],
    )
    problem_details.install(app)
    openapi.install(
        app,
        description=KERNEL_API,
        tags={tag: TAGS[tag] for tag in KERNEL_TAGS},
        examples=read_examples(EXAMPLES),
    )
    app.include_router(catalog_endpoints.reading(context.repository, context.gate, authenticate=analyst))
    app.include_router(lifecycle_endpoints.reading(lifecycle, authenticate=analyst))
    app.include_router(releases_endpoints.router(context, log, authenticate=analyst))
    app.include_router(jobs_endpoints.router(worker, log, authenticate=analyst))
    app.include_router(jobs_endpoints.recipes_router(worker.context, authenticate=analyst))
    app.include_router(reviews_endpoints.for_teams(reviews, log, authenticate=analyst))
    app.include_router(reviews_endpoints.for_kernels(reviews, authenticate=analyst))
    app.include_router(reviews_endpoints.disclosure(reviews, authenticate=analyst))
    app.include_router(competitions_endpoints.public_router(competitions, log))
    app.include_router(competitions_endpoints.kernels_router(competitions, log, authenticate=analyst))
    app.include_router(training_endpoints.router(training, log, authenticate=analyst))
    app.include_router(
        kernel_tokens.renewing(
            context.database, issuer, gate=context.gate, kernel=claims_at(verifier, KERNEL)
        )
    )
    library = SealedLibrary(context.database, context.repository, context.gate, reviews.released)
    app.include_router(models_endpoints.reading(library, authenticate=analyst))
    _add_small_talk(app, context.database, analyst)
    return app


def _add_small_talk(app: FastAPI, database: Database, authenticate: Callable[..., Principal]) -> None:
    """The health of the service, and the account of the caller."""

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, Any]:
        with database.transaction():
            return {"ok": True}

    @app.get(
        "/v1/me",
        tags=["me"],
        operation_id="get_me",
        summary="Who you are",
        responses=answers(PersonDocument),
    )
    def me(asker: Annotated[Principal, Depends(authenticate)]) -> dict[str, Any]:
        """The person whom the token names, with roles and teams as they are now."""
        return {
            "id": asker.id,
            "display_name": asker.display_name,
            "organisation": asker.organisation,
            "roles": sorted(asker.roles),
            "teams": sorted(asker.teams),
        }


def _add_sight(
    app: FastAPI, repository: DatasetRepository, gate: Gate, authenticate: Callable[..., Principal]
) -> None:
    """Which things somebody may see, for whoever shows notices of them."""

    @app.get(
        "/v1/visible",
        tags=["me"],
        operation_id="list_visible_things",
        summary="Which of these things you may see",
        responses=answers(VisibleThings),
    )
    def visible(
        asker: Annotated[Principal, Depends(authenticate)],
        thing: Annotated[list[Thing], Query(max_length=MOST_THINGS)],
    ) -> VisibleThings:
        """Things such as request:12 or dataset:schools. What is not there is not visible either."""
        return {"things": visible_things(repository.database, gate, repository, asker, thing)}


def _housekeeping(
    database: Database,
    worker: Worker,
    scorer: Scorer,
    raw: RawStore,
    lifecycle: LifecycleContext,
    openings: OpeningContext,
    listing: PublicContext,
    risks: RiskContext,
    taken: TakenOnContext,
    training: TrainingContext,
) -> Any:
    """Sealed runs are carried out while the service is up.
    Grants expire by the clock of each decision, and reviews become overdue; this writes it
    down, once a minute."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async def expire() -> None:
            while True:
                with contextlib.suppress(CihuError):
                    await asyncio.to_thread(look_after, taken)
                with contextlib.suppress(CihuError):
                    await asyncio.to_thread(expire_due, database)
                    await asyncio.to_thread(warn_of_ends, database)
                    await asyncio.to_thread(warn_of_certificates, training)
                    await asyncio.to_thread(remind, database)
                    await asyncio.to_thread(remind_of_openings, openings)
                    await asyncio.to_thread(finish_erasures, lifecycle)
                    await asyncio.to_thread(expire_pushes, database, raw)
                    while await asyncio.to_thread(refresh, listing):
                        pass
                await asyncio.sleep(EXPIRY_SECONDS)

        async def derive() -> None:
            # apart from the others, which wait for no computing
            while True:
                with contextlib.suppress(CihuError):
                    await asyncio.to_thread(run_due, app.state.derivation)
                await asyncio.sleep(EXPIRY_SECONDS)

        await asyncio.to_thread(_sweep_raw, database, raw)
        await asyncio.to_thread(worker.start)
        scorer.start()
        teller = Teller(database)
        teller.start()
        watch = RiskWatch(risks)
        watch.start()
        tasks = [asyncio.create_task(expire()), asyncio.create_task(derive())]
        yield
        for task in tasks:
            task.cancel()
        await teller.stop()
        await watch.stop()
        scorer.stop()
        await asyncio.to_thread(worker.stop)

    return lifespan


def _sweep_raw(database: Database, raw: RawStore) -> None:
    """What a publish left that was killed.
    A store that is away does not stop a start: it is swept at the next."""
    try:
        sweep(database, raw)
        sweep_files(database, raw)
        sweep_pulls(database, raw)
        sweep_pushes(database, raw)
    except CihuError as error:
        logging.getLogger("cihu.catalog").warning(
            "raw objects that no version owns were not looked for: %s", error.code
        )


def _close_interrupted(database: Database) -> None:
    """Record what the vault's last end cut off, before anything new begins.
    (Runs have moments of their own.)"""
    for what, closed in (
        ("questions", releases_interrupted.close_interrupted(database)),
        ("purchases of stand-in rows", STAND_IN.close_interrupted(database)),
        ("purchases of quality classes", CLASSES.close_interrupted(database)),
    ):
        if closed:
            logging.getLogger("cihu.vault").warning(
                "%s %s were cut off when the vault ended: closed as interrupted, and their loss stays spent",
                closed,
                what,
            )


class SignallessServer(uvicorn.Server):
    """A second server in one process: signals belong to the first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings) -> None:
    """Serve both doors until a signal comes.
    Loads what was published, so that the first question is not slow."""
    vault = create_vault(settings)
    gc.freeze()  # an app is a hundred thousand objects, and none of them is ever garbage
    gc.enable()
    await asyncio.to_thread(_close_interrupted, vault.context.database)
    settings.socket.parent.mkdir(parents=True, exist_ok=True)
    # kernels of other uids pass through it; the home above it is closed to others
    settings.socket.parent.chmod(0o755)
    with contextlib.suppress(FileNotFoundError):
        settings.socket.unlink()
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(settings.socket))
    settings.socket.chmod(0o666)  # who may reach it is decided by who has its folder bound in
    await asyncio.to_thread(vault.context.engine.check)
    loading = Loading(vault.context.repository, vault.context.engine)
    await loading.go_on(START_SECONDS)
    main = uvicorn.Server(
        uvicorn.Config(
            vault.app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            http=LimitedProtocol,
            loop="asyncio",  # it asks a socket for its peer
            ws="none",
        )
    )
    kernels = SignallessServer(
        uvicorn.Config(
            vault.kernel_app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=LimitedProtocol,
            loop="asyncio",  # it asks a socket for its peer
            ws="none",
        )
    )
    inner = asyncio.create_task(kernels.serve(sockets=[door]))
    behind = asyncio.create_task(loading.go_on_behind())
    await main.serve()
    kernels.should_exit = True
    behind.cancel()
    await inner  # its questions may finish
    await asyncio.to_thread(vault.context.engine.close)


def main() -> None:
    """`python -m sandbox.vault.app`."""
    leave_pandas_out()
    redact_logs()
    forbid_core_dumps()
    hide_memory()
    keep_little_memory()
    set_up("vault")
    try:
        asyncio.run(serve(read_settings()))
    except CihuError as error:
        sys.exit(f"The vault cannot start: {error}{' (' + error.internal + ')' if error.internal else ''}")


if __name__ == "__main__":
    main()
