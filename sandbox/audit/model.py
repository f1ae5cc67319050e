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
    "demand.made": Kind("an analyst asked a department for data that the catalogue has not", "demands"),
    "demand.answered": Kind("a department answered such a demand", "demands"),
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
    "team.left": Kind("somebody was taken out of a team", "identity"),
    "signing_key.retired": Kind("a signing key was given its end", "identity.signing_keys"),
    "signing_key.created": Kind("a token issuer began to use a new signing key", "identity.signing_keys"),
    "kernel.opened": Kind("a sealed kernel got its session", "vault.kernel_tokens"),
    "product.listed": Kind("an officer put a product on offer", "marketplace.products"),
    "product.withdrawn": Kind("a product was taken off", "marketplace.products"),
    "order.placed": Kind("a buyer ordered a product", "marketplace.orders"),
    "order.approved": Kind("an order was approved", "marketplace.orders"),
    "order.refused": Kind("an order was refused", "marketplace.orders"),
    "licence.issued": Kind("a licence began", "marketplace.licences"),
    "licence.revoked": Kind("a licence was ended", "marketplace.licences"),
    "licence.expired": Kind("a licence expired", "marketplace.licences"),
    "key.issued": Kind("an API key was made", "marketplace.keys"),
    "key.rotated": Kind("an API key got a successor, and ends soon", "marketplace.keys"),
    "key.revoked": Kind("an API key was revoked", "marketplace.keys"),
    "call.metered": Kind("a call by key was metered", "marketplace.metering"),
    "call.credited": Kind("a metered call could not be delivered, and was credited", "marketplace.metering"),
    "invoice.previewed": Kind("a bill was looked at", "marketplace.invoices"),
    "log.key_created": Kind("the log began to sign with a new key", "audit.log"),
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


@dataclass(frozen=True)
class Event:
    """Something that happened. `actor` did `kind` to `subject`; the payload says the rest.

    `kind` is one of KINDS. `subject` names a thing, such as "grant:12". The payload is JSON without
    floats, and must not hold a value from raw data. Raises `InvalidInput`. The content is fixed
    when the event is made.
    """

    kind: str
    actor: str
    subject: str
    payload: Mapping[str, object] = field(default_factory=dict)
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
