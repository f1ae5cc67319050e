"""Defines an entry of the log: an event, reduced to what may stay for ever, and an opening that may be
erased."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.audit.note import NotProven
from sandbox.errors import InvalidInput

VERSION = 1
SALT_BYTES = 32
DEEPEST = 32


class Kind(NamedTuple):
    meaning: str
    owner: str  # the package that appends it; `writers.py` says in which service that runs


KINDS: Mapping[str, Kind] = {
    "dataset.published": Kind("an officer published a version of a dataset", "catalog"),
    "version.opening_answered": Kind(
        "somebody answered what is asked before a version or a copy of a dataset opens", "openings"
    ),
    "version.opened": Kind("a version or a copy of a dataset was found fit to open", "openings"),
    "version.opening_refused": Kind("a version or a copy of a dataset was refused to open", "openings"),
    "version.opening_overdue": Kind("such a review was not decided by its due date", "openings"),
    "version.opening_asked": Kind("an officer asked for a review of an open copy", "catalog"),
    "version.announced": Kind("an officer announced what a coming version of a dataset changes", "lifecycle"),
    "version.announcement_dropped": Kind("an officer took such an announcement back", "lifecycle"),
    "version.withdrawn": Kind("a wrong version of a dataset was withdrawn", "lifecycle"),
    "lifecycle.proposed": Kind("an officer proposed to end a version or a dataset", "lifecycle"),
    "lifecycle.dropped": Kind("an officer took such a proposal or a retirement back", "lifecycle"),
    "dataset.retired": Kind("a dataset was given the day on which it retires", "lifecycle"),
    "dataset.erasing": Kind("the erasure of a dataset's rows began", "lifecycle"),
    "dataset.erased": Kind("the rows of a dataset were deleted", "lifecycle"),
    "dataset.opened": Kind(
        "a version of an openly graded dataset was copied into the product bucket", "catalog"
    ),
    "pull.set": Kind("an officer set from where a dataset's rows are pulled, and when", "pulls"),
    "pull.agreed": Kind("a second officer agreed to a pull", "pulls"),
    "pull.asked": Kind("an officer asked for a pull at once", "pulls"),
    "pull.removed": Kind("an officer ended a pull", "pulls"),
    "pull.suspended": Kind("a pull may not go on until an officer sets it again", "pulls"),
    "derivation.set": Kind("an officer proposed a derived dataset, or changed it", "derivations"),
    "derivation.agreed": Kind("an officer agreed to the SQL of a derivation", "derivations"),
    "derivation.agreement_withdrawn": Kind("a department agrees to a derivation no more", "derivations"),
    "derivation.begun": Kind("a derivation was run", "derivations"),
    "derivation.removed": Kind("an officer ended a derivation", "derivations"),
    "derivation.ended": Kind("a derivation ended with a dataset that it reads", "derivations"),
    "competition.created": Kind("an officer drafted a competition, or changed its draft", "competitions"),
    "competition.agreed": Kind("an officer agreed that a competition uses their data", "competitions"),
    "competition.announced": Kind("a competition was announced", "competitions"),
    "competition.split": Kind("the people of a track of a competition were split", "competitions"),
    "competition.opened": Kind("the first phase of a competition opened", "competitions"),
    "competition.judging": Kind("the last phase of a competition closed", "competitions"),
    "competition.closed": Kind("the public notice of a competition ended", "competitions"),
    "competition.cancelled": Kind("an officer cancelled a competition", "competitions"),
    "competition.team_formed": Kind("somebody formed a team in a competition", "competitions"),
    "competition.joined": Kind(
        "somebody joined a team of a competition, and accepted its terms", "competitions"
    ),
    "competition.left": Kind("somebody left a team of a competition", "competitions"),
    "competition.merger_proposed": Kind("a team proposed to merge into another", "competitions"),
    "competition.teams_merged": Kind("two teams of a competition merged", "competitions"),
    "competition.team_dissolved": Kind("a team of a competition was dissolved", "competitions"),
    "competition.team_withdrawn": Kind("a team withdrew from a competition", "competitions"),
    "competition.team_disqualified": Kind("an officer disqualified a team of a competition", "competitions"),
    "competition.team_reinstated": Kind("an officer took a disqualification back", "competitions"),
    "competition.entered": Kind("a team handed in an entry", "competitions"),
    "competition.entry_started": Kind("the scoring of an entry began", "competitions"),
    "competition.entry_requeued": Kind(
        "the scoring of an entry was cut off, and it waits again", "competitions"
    ),
    "competition.entry_scored": Kind("an entry got its score", "competitions"),
    "competition.baseline_scored": Kind("the organiser's baseline got its place on a board", "competitions"),
    "competition.entry_failed": Kind("an entry failed, and its team was told the class", "competitions"),
    "competition.entry_not_run": Kind("an entry never ran, and costs its team nothing", "competitions"),
    "competition.entry_cancelled": Kind("a team took back an entry that waited", "competitions"),
    "competition.entry_chosen": Kind("a team chose its entry for the final", "competitions"),
    "competition.final_opened": Kind("the final of a competition was opened, once", "competitions"),
    "competition.juror_appointed": Kind("an officer appointed a juror", "competitions"),
    "competition.juror_removed": Kind("an officer removed a juror", "competitions"),
    "competition.documents_assigned": Kind("documents were assigned to jurors", "competitions"),
    "competition.document_scored": Kind("a juror scored a document", "competitions"),
    "competition.result_published": Kind(
        "the result of a competition was published for notice", "competitions"
    ),
    "competition.certified": Kind("somebody who took part got a certificate", "competitions"),
    "competition.certificate_replaced": Kind(
        "a certificate was replaced by one with another name", "competitions"
    ),
    "competition.announcement_posted": Kind(
        "the organiser of a competition announced something", "competitions"
    ),
    "competition.question_posted": Kind("somebody asked in a competition's discussion", "competitions"),
    "competition.answer_posted": Kind("somebody answered in a competition's discussion", "competitions"),
    "competition.post_hidden": Kind("the organiser of a competition hid a post", "competitions"),
    "competition.post_restored": Kind("the organiser of a competition showed a post again", "competitions"),
    "competition.post_withdrawn": Kind("somebody took a post of theirs back", "competitions"),
    "opportunity.published": Kind(
        "an officer put an idea of a competition on the list of opportunities", "competitions"
    ),
    "competition.appealed": Kind("a team appealed against a result", "competitions"),
    "competition.appeal_reviewed": Kind("a reviewer looked at an appeal", "competitions"),
    "competition.appeal_decided": Kind("an appeal was decided", "competitions"),
    "model.registered": Kind("a team registered a version of a model in the library", "models"),
    "model.retired": Kind("the retirement of a model's version was announced", "models"),
    "certificate.issued": Kind("an officer issued a training certificate", "training"),
    "certificate.earned": Kind("somebody passed a course's test and got a certificate", "training"),
    "push.opened": Kind("an officer or a department's system began to push rows into a dataset", "pushes"),
    "push.completed": Kind("a push was complete: it became a version, or waits for an officer", "pushes"),
    "push.agreed": Kind("a second officer agreed to a push, and it became a version", "pushes"),
    "push.abandoned": Kind("a push was abandoned, and its rows were removed", "pushes"),
    "push_credential.issued": Kind("an officer issued a credential for pushing rows", "pushes"),
    "push_credential.agreed": Kind("a second officer agreed to such a credential", "pushes"),
    "push_credential.confirmed": Kind("an officer confirmed such a credential for a new policy", "pushes"),
    "push_credential.suspended": Kind("such a credential may not go on until it is confirmed", "pushes"),
    "push_credential.revoked": Kind("an officer revoked such a credential", "pushes"),
    "left_out.asked": Kind(
        "the estimate of the rows that bounding leaves out was begun, and its loss reserved", "releases"
    ),
    "left_out.released": Kind("that estimate was stored with its version", "releases"),
    "stand_in.asked": Kind("an officer began to buy stand-in rows, and their loss was reserved", "synthesis"),
    "stand_in.released": Kind(
        "stand-in rows were made of noisy counts and stored with their version", "synthesis"
    ),
    "stand_in.interrupted": Kind(
        "the vault ended while it made stand-in rows; the loss stays spent", "synthesis"
    ),
    "stand_in.failed": Kind(
        "making stand-in rows failed after their loss was reserved; the loss stays spent", "synthesis"
    ),
    "quality.asked": Kind(
        "an officer began to buy classes of a version's completeness, and their loss was reserved", "quality"
    ),
    "quality.released": Kind("those classes were stored with their version, for everybody", "quality"),
    "quality.interrupted": Kind("the vault ended while it computed them; the loss stays spent", "quality"),
    "quality.failed": Kind(
        "computing them failed after their loss was reserved; the loss stays spent", "quality"
    ),
    "problem.reported": Kind("somebody reported a problem on a dataset", "quality"),
    "problem.answered": Kind("an officer answered a reported problem", "quality"),
    "responsibility.handed_over": Kind(
        "what an officer answered for was handed over to a colleague", "responsibilities"
    ),
    "waiting.taken_on": Kind("somebody took on what waits for a decision", "oversight.taken_on"),
    "waiting.handed_over": Kind(
        "somebody handed what they had taken on over to a colleague", "oversight.taken_on"
    ),
    "waiting.given_back": Kind("somebody gave back what they had taken on", "oversight.taken_on"),
    "waiting.passed_on": Kind("it passed to the deputy of somebody who left", "oversight.taken_on"),
    "waiting.ended": Kind("it was done, or whoever had taken it on may do it no more", "oversight.taken_on"),
    "demand.made": Kind("an analyst asked a department for data that the catalogue has not", "demands"),
    "demand.answered": Kind("a department answered such a demand", "demands"),
    "split.committed": Kind(
        "a population was split for a competition: all see train people alone from here on", "splits"
    ),
    "split.opened": Kind("the seed of a split was told, and all see everybody again", "splits"),
    "entry.scoring": Kind("an entry's loss was reserved, and its scoring began", "competitions"),
    "entry.scored": Kind("an entry was scored, and its released score may be told", "competitions"),
    "entry.failed": Kind("scoring an entry failed after its loss was reserved", "competitions"),
    "request.made": Kind("a team asked for a dataset", "grants"),
    "request.refused": Kind("an officer refused a request", "grants"),
    "request.withdrawn": Kind("a team took its request back", "grants"),
    "grant.approved": Kind("an officer approved a request, and a grant began", "grants"),
    "grant.renewed": Kind("an officer prolonged a grant", "grants"),
    "grant.expired": Kind("a grant expired", "grants"),
    "grant.revoked": Kind("an officer ended a grant", "grants"),
    "query.asked": Kind("a question was accepted and its loss reserved", "releases"),
    "query.released": Kind("an answer was stored and may leave", "releases"),
    "query.failed": Kind("a question failed after its loss was reserved; the loss stays spent", "releases"),
    "query.answered_openly": Kind(
        "a question on open data alone was answered as it is, at no cost", "releases"
    ),
    "query.interrupted": Kind(
        "the vault ended while it answered a question; the loss stays spent", "releases"
    ),
    "query.refused": Kind("a question was refused before any data was touched", "releases"),
    "answer_page.saved": Kind("a member of a team saved a page of its answers", "answer_pages"),
    "answer_page.refreshed": Kind(
        "a member of a team asked a page's questions of the newest versions again", "answer_pages"
    ),
    "answer_page.removed": Kind("a member of a team removed a page of its answers", "answer_pages"),
    "run.submitted": Kind("a program was handed in to run on raw data, and queued", "jobs"),
    "run.started": Kind("a sealed run began", "jobs"),
    "run.hinted": Kind(
        "the class of a sealed run's end was told to its team, counted in bits against its grants", "jobs"
    ),
    "run.finished": Kind("a sealed run's declared time was over, and what it left is in quarantine", "jobs"),
    "run.interrupted": Kind("the vault ended while a sealed run ran; told at its declared time", "jobs"),
    "run.cancelled": Kind("a sealed run was called off, and what it made thrown away", "jobs"),
    "release.requested": Kind("a team asked for files of a sealed run", "reviews"),
    "release.changed": Kind(
        "a team said something else of a file that it asks for; the votes on it fell", "reviews"
    ),
    "release.withdrawn": Kind("a team took back what it asked for", "reviews"),
    "file.viewed": Kind("a reviewer was about to be shown a file that is in quarantine", "reviews"),
    "review.voted": Kind("a reviewer voted on the files of a sealed run", "reviews"),
    "review.seat_given_on": Kind(
        "an officer let others take the seats of reviewers who did not go on", "reviews"
    ),
    "review.overdue": Kind("a review was not decided by its due date", "reviews"),
    "output.released": Kind("reviewers let files of a sealed run go to its team", "reviews"),
    "output.returned": Kind(
        "reviewers want something changed before files of a sealed run can go", "reviews"
    ),
    "output.refused": Kind("reviewers refused to let files of a sealed run go", "reviews"),
    "decision.refused": Kind("a policy refused a deed", "policy"),
    "account.created": Kind("an account began", "identity"),
    "account.disabled": Kind("an account was disabled", "identity"),
    "organisation.created": Kind("an organisation was entered", "identity"),
    "team.created": Kind("a team was formed", "identity"),
    "team.joined": Kind("somebody joined a team", "identity"),
    "session.opened": Kind("somebody logged in", "marketplace.portal"),
    "session.refused": Kind("a login failed", "identity"),
    "session.closed": Kind("somebody logged out", "marketplace.portal"),
    "code.reused": Kind(
        "a login code was presented a second time; its tokens are suspect", "marketplace.portal"
    ),
    "workspace.entered": Kind("the hub got the tokens of somebody logged in", "marketplace.portal"),
    "account.roles_changed": Kind("the roles of an account became others", "identity"),
    "account.password_changed": Kind("the password of an account was set anew", "identity"),
    "account.invited": Kind(
        "an account was made, or lost its password, and a one-use link was handed over", "identity"
    ),
    "account.accepted": Kind("somebody used such a link and chose a password", "identity"),
    "account.invitation_withdrawn": Kind("such a link was withdrawn", "identity"),
    "account.enabled": Kind("a disabled account was enabled", "identity"),
    "account.renamed": Kind("the name of an account became another", "identity"),
    "account.factor_added": Kind("an account got a second factor", "identity"),
    "account.factor_removed": Kind("an account lost a second factor", "identity"),
    "account.identity_connected": Kind(
        "somebody of an identity provider can log in to an account", "marketplace.portal"
    ),
    "account.identity_disconnected": Kind(
        "an identity provider opens an account no more", "marketplace.portal"
    ),
    "account.recovery_used": Kind("somebody logged in with a recovery code", "identity"),
    "account.unlocked": Kind("the counts of wrong logins of an account were taken back", "identity"),
    "account.exported": Kind("somebody read what the system holds about them", "marketplace.portal"),
    "team.merged": Kind("a team's members went over to another team", "identity"),
    "team.left": Kind("somebody was taken out of a team", "identity"),
    "signing_key.retired": Kind("a signing key was given its end", "identity.signing_keys"),
    "signing_key.created": Kind("a token issuer began to use a new signing key", "identity.signing_keys"),
    "kernel.opened": Kind("a sealed kernel got its session", "vault.kernel_tokens"),
    "company.entered": Kind(
        "a buyer entered or changed the record of their company", "marketplace.customers"
    ),
    "company.verified": Kind("an operator verified the record of a company", "marketplace.customers"),
    "company.refused": Kind("an operator refused the record of a company", "marketplace.customers"),
    "company.registered": Kind("a company registered itself, with its first person", "marketplace.customers"),
    "company.limits_set": Kind(
        "an operator or an owner set the limits of a whole company", "marketplace.company_limits"
    ),
    "company.exported": Kind(
        "a company's lines, receipts, orders and invoices were exported", "marketplace.company_endings"
    ),
    "company_ending.noticed": Kind(
        "an owner gave notice that their company ends", "marketplace.company_endings"
    ),
    "company_ending.withdrawn": Kind("such a notice was taken back", "marketplace.company_endings"),
    "company_ending.ended": Kind(
        "a company ended, with its keys, licences and service accounts", "marketplace.company_endings"
    ),
    "company_ending.closed": Kind(
        "the time of an ended company's export is over, and its accounts are closed",
        "marketplace.company_endings",
    ),
    "watermark.traced": Kind(
        "an officer compared a file that was found with the watermarks of its buyers",
        "marketplace.delivery",
    ),
    "invitation.made": Kind("an owner made an invitation into their company", "marketplace.customers"),
    "invitation.accepted": Kind("somebody joined a company by an invitation", "marketplace.customers"),
    "invitation.withdrawn": Kind("an owner took an invitation back", "marketplace.customers"),
    "service_account.made": Kind(
        "a company made a service account for a program", "marketplace.service_accounts"
    ),
    "service_account.rotated": Kind("a service account got a new secret", "marketplace.service_accounts"),
    "service_account.revoked": Kind("a service account was revoked", "marketplace.service_accounts"),
    "product.listed": Kind("an officer put a product on offer", "marketplace.products"),
    "product.withdrawn": Kind("a product was taken off", "marketplace.products"),
    "product.released": Kind("an officer released other data of a product", "marketplace.products"),
    "product.release_dropped": Kind(
        "an officer took a release back before it took effect", "marketplace.products"
    ),
    "offer.published": Kind("a price and terms of a product were published", "marketplace.offers"),
    "order.placed": Kind("a buyer ordered a product", "marketplace.orders"),
    "order.approved": Kind("an order was approved", "marketplace.orders"),
    "order.refused": Kind("an order was refused", "marketplace.orders"),
    "order.offered": Kind("a seller offered something else back for an order", "marketplace.orders"),
    "order.declined": Kind("a buyer declined what was offered back", "marketplace.orders"),
    "order.withdrawn": Kind("a buyer took an order back", "marketplace.orders"),
    "licence.issued": Kind("a licence began", "marketplace.licences"),
    "licence.revoked": Kind("a licence was ended", "marketplace.licences"),
    "licence.suspended": Kind("a licence was suspended", "marketplace.licences"),
    "licence.resumed": Kind("a suspended licence was resumed", "marketplace.licences"),
    "licence.notice_given": Kind(
        "notice was given that a licence ends before its time", "marketplace.licences"
    ),
    "licence.ended": Kind("a buyer ended a licence at once", "marketplace.licences"),
    "licence.pinned": Kind(
        "a buyer pinned a licence to a release, or let it follow the newest", "marketplace.licences"
    ),
    "licence.privacy_account_opened": Kind(
        "an officer opened the privacy account of a licence of free SQL", "marketplace.licences"
    ),
    "licence.expired": Kind("a licence expired", "marketplace.licences"),
    "key.issued": Kind("an API key was made", "marketplace.keys"),
    "key.rotated": Kind("an API key got a successor, and ends soon", "marketplace.keys"),
    "key.revoked": Kind("an API key was revoked", "marketplace.keys"),
    "key.restored": Kind("the revocation of an API key was taken back", "marketplace.keys"),
    "call.metered": Kind(
        "a call by key was metered (until calls were sealed by the second)", "marketplace.metering"
    ),
    "call.credited": Kind("a metered call could not be delivered, and was credited", "marketplace.metering"),
    "usage.sealed": Kind("the Merkle root over the usage lines since the last seal", "marketplace.metering"),
    "invoice.previewed": Kind("a bill was looked at (until looking wrote no entry)", "marketplace.invoices"),
    "invoice.drafted": Kind("an invoice of a month was made", "marketplace.invoices"),
    "invoice.in_grace": Kind("the days began in which a buyer reads an invoice", "marketplace.invoices"),
    "invoice.final": Kind("an invoice got its number and became final", "marketplace.invoices"),
    "invoice.paid": Kind("what an invoice asks for was paid", "marketplace.invoices"),
    "invoice.voided": Kind("an invoice was withdrawn before it was final", "marketplace.invoices"),
    "invoice.credited": Kind("a credit note was issued for a final invoice", "marketplace.invoices"),
    "invoice.due_again": Kind("a payment of a paid invoice was returned or paid out", "marketplace.invoices"),
    "payment.proposed": Kind(
        "somebody proposed to assign a payment to an invoice, or that it was returned", "marketplace.invoices"
    ),
    "payment.changed": Kind("a second person agreed to a change of a payment", "marketplace.invoices"),
    "payment.refused": Kind("a second person refused a change of a payment", "marketplace.invoices"),
    "invoice.statement_read": Kind("a bank's statement was matched with invoices", "marketplace.invoices"),
    "log.exported": Kind("an auditor exported entries of the log with what they say", "oversight"),
    "log.key_created": Kind("the log began to sign with a new key", "audit.log"),
    "maintenance.set": Kind("an operator set maintenance", "marketplace.portal"),
    "maintenance.ended": Kind("an operator ended maintenance before its time", "marketplace.portal"),
    "announcement.made": Kind("an operator announced something on every page", "marketplace.portal"),
    "announcement.withdrawn": Kind("an operator withdrew an announcement", "marketplace.portal"),
    "backup.recorded": Kind("a backup, or that one was verified, was recorded", "marketplace.portal"),
    "opening.erased": Kind("what an entry committed to was erased", "audit.erase"),
}


def exact(value: object, where: str, depth: int = 0) -> None:
    """Refuse what JSON cannot carry exactly: a float, or anything that is no JSON value."""
    if depth > DEEPEST:
        raise InvalidInput(f"{where} is nested deeper than {DEEPEST} levels.")
    if value is None or isinstance(value, bool | int):
        return
    if isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InvalidInput(
                f"{where} holds half a character (a lone surrogate), which UTF-8 cannot carry."
            )
        return
    if isinstance(value, list | tuple):
        for place, member in enumerate(value):
            exact(member, f"{where}[{place}]", depth + 1)
        return
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str):
                raise InvalidInput(f"{where} has a name that is no string.", remedy="JSON names are strings.")
            exact(name, f"a name in {where}", depth + 1)
            exact(member, f"{where}.{name}", depth + 1)
        return
    raise InvalidInput(
        f"{where} is a {type(value).__name__}, which the log cannot hold exactly.",
        remedy="Write it as a string or an integer (a Fraction as '1/10', a time in ISO 8601).",
    )


def canonical(value: object) -> str:
    """The one text of a JSON value: names sorted by code point, no spaces,
    no escapes but those JSON requires."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_sha256(value: object) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


@dataclass(frozen=True)
class Event:
    """Something that happened. `actor` did `kind` to `subject`; the payload says the rest.

    `kind` is one of KINDS. `subject` names a thing, such as "grant:12". The payload is JSON without
    floats, and must not hold a value from raw data. Raises `InvalidInput`. The content is fixed
    when the event is made. `decisions`: what the gate was asked, kept beside the entry and not proven by it.
    """

    kind: str
    actor: str
    subject: str
    payload: Mapping[str, object] = field(default_factory=dict)
    decisions: tuple[Mapping[str, object], ...] = field(default=(), repr=False, compare=False)
    content: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput(
                f"The log knows no kind {self.kind!r}.", remedy="Add it to sandbox/audit/model.py KINDS."
            )
        content = {"actor": self.actor, "subject": self.subject, "payload": dict(self.payload)}
        exact(content, "the event")
        object.__setattr__(self, "content", canonical(content))


@dataclass(frozen=True)
class Opening:
    """What opens a commitment: the salt and the content's canonical JSON.
    It may be erased; the entry stays."""

    salt: bytes
    content: str

    def commitment(self) -> str:
        """In hex: SHA-256 over the salt and the content.
        The salt hides even a content that could be guessed."""
        return hashlib.sha256(self.salt + self.content.encode()).hexdigest()

    def actor(self) -> str:
        return parse_content(self.content).actor


class Content(NamedTuple):
    actor: str
    subject: str
    payload: dict[str, object]


class Entry(NamedTuple):
    kind: str
    time: str
    commitment: str


def parse_entry(text: str) -> Entry:
    """What kind of thing happened when; nothing about whom.
    Raises `NotProven` if no append wrote the text."""
    fields = _parse(text, "entry", {"version", "kind", "time", "commitment"})
    kind, time, commitment = fields["kind"], fields["time"], fields["commitment"]
    if fields["version"] != VERSION or not (
        isinstance(kind, str) and isinstance(time, str) and isinstance(commitment, str)
    ):
        raise NotProven(f"The entry is not of version {VERSION}.")
    return Entry(kind, time, commitment)


def parse_content(text: str) -> Content:
    """Raises `NotProven` if the text is not what an `Event` wrote."""
    fields = _parse(text, "opening", {"actor", "subject", "payload"})
    actor, subject, payload = fields["actor"], fields["subject"], fields["payload"]
    if not (isinstance(actor, str) and isinstance(subject, str) and isinstance(payload, dict)):
        raise NotProven("The opening does not say who did what.")
    return Content(actor, subject, payload)


def _parse(text: str, what: str, names: set[str]) -> dict[str, object]:
    try:
        fields = json.loads(text)
        if not isinstance(fields, dict) or set(fields) != names or canonical(fields) != text:
            raise NotProven(f"The {what} is not the canonical JSON of {', '.join(sorted(names))}.")
    except (ValueError, RecursionError) as error:
        raise NotProven(f"The {what} is not JSON.") from error
    return fields
