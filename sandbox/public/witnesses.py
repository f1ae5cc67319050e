"""What anybody may know of the log's witnesses."""

from datetime import UTC, datetime

from sandbox.audit import Log
from sandbox.audit.note import Checkpoint
from sandbox.errors import NotFound
from sandbox.public.schemas import PublicWitnesses


def witnesses_of(log: Log) -> PublicWitnesses:
    """Each known witness with what it co-signed last, and up to where the log is witnessed."""
    size = log.size()
    return {
        "size": size,
        "quorum": log.policy.quorum,
        "groups": [
            {"name": name, "needed": group.needed, "members": list(group.members)}
            for name, group in log.policy.groups.items()
        ],
        "witnesses": [
            {
                "name": each.name,
                "key": str(each.key),
                "size": each.size,
                "time": datetime.fromtimestamp(each.time, UTC) if each.time is not None else None,
                "behind": max(size - each.size, 0) if each.size is not None else None,
            }
            for each in log.witnesses()
        ],
        "witnessed": _witnessed(log),
    }


def _witnessed(log: Log) -> int | None:
    try:
        note = log.witnessed_checkpoint()
    except NotFound:
        return None
    return Checkpoint.parse(note.rpartition("\n\n")[0] + "\n").size
