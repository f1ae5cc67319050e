"""Writes a refusal into the log, as an event that is appended once the refused change is rolled back."""

from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.policy.model import Decision, Refused


def refusal_event(decision: Decision) -> Event:
    """The log's event of a refused decision, with what it was made of beside it.

    Append it in a transaction of its own, after the refused action's has ended: the log is appended to one at
    a time, and a second transaction inside the first would wait for it for ever.
    """
    asked = decision.asked
    return Event(
        kind="decision.refused",
        actor=asked.principal,
        subject=f"{asked.resource_kind.lower()}:{asked.resource_id}",
        payload={"action": asked.action, "code": decision.code, "policies": list(decision.policies)},
        decisions=() if decision.stored is None else (decision.stored,),
    )


def log_refusal(database: Database, refused: Refused) -> None:
    """Append a refusal in a transaction of its own, once: whoever passes it on does not log it again.

    Where the caller is told that there is no such thing, nothing is appended: the log is public, and an entry
    would say that the thing is there.
    """
    if not refused.logged and refused.shown_as is None:
        with database.transaction() as tx:
            append(tx, refusal_event(refused.decision))
        refused.logged = True
