"""Lists which service may append which kind of event: the service that runs the package which appends it.

The database enforces it (`append_function.py`), by the table `log.kinds`, which every migration fills from
here: a new kind needs no migration of its own, only that any migration is run.
"""

from collections.abc import Mapping

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit.model import KINDS
from sandbox.audit.tables import kinds
from sandbox.database import Transaction
from sandbox.database.roles import PORTAL, VAULT

MARKETPLACE = "marketplace."

WRITERS: Mapping[str, tuple[str, ...]] = {
    "catalog": (VAULT,),
    "pulls": (VAULT,),
    "derivations": (VAULT,),
    "pushes": (VAULT,),
    "grants": (VAULT,),
    "openings": (VAULT,),
    "responsibilities": (VAULT,),
    "lifecycle": (VAULT,),
    "demands": (VAULT,),
    "oversight": (VAULT,),
    "oversight.taken_on": (PORTAL, VAULT),  # of each, what waits there
    "releases": (VAULT,),
    "answer_pages": (VAULT,),
    "synthesis": (VAULT,),
    "quality": (VAULT,),
    "jobs": (VAULT,),
    "reviews": (VAULT,),
    "splits": (VAULT,),
    "competitions": (VAULT,),
    "training": (VAULT,),
    "models": (VAULT,),
    "vault.kernel_tokens": (VAULT,),
    "audit.log": (VAULT,),
    "audit.erase": (),  # the database's owner alone
    "identity": (PORTAL,),
    "identity.signing_keys": (PORTAL, VAULT),  # each has keys of its own
    "policy": (PORTAL, VAULT),  # each has actions that are refused
}
"""The roles of the services that run a package of the governed side. The marketplace is the portal's."""


def writers_of(kind: str) -> tuple[str, ...]:
    """The roles that may append it; beside them the owner may, always."""
    owner = KINDS[kind].owner
    return (PORTAL,) if owner.startswith(MARKETPLACE) else WRITERS[owner]


def write_kinds(tx: Transaction) -> None:
    """Let the database know, as its owner."""
    pairs = [(kind, role) for kind in KINDS for role in writers_of(kind)]
    tx.execute(delete(kinds).where(tuple_(kinds.c.kind, kinds.c.role).not_in(pairs)))
    tx.execute(insert(kinds).on_conflict_do_nothing(), [{"kind": kind, "role": role} for kind, role in pairs])
