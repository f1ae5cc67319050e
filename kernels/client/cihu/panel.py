"""What the panel beside the notebook shows: the team's grants with what is left of them, and the columns of
the datasets. The workspace's page asks for it by a silent message to the kernel, so the page needs no leave
of its own at the vault (`sandbox/hub/lab`)."""

from typing import Any

from cihu.messages import current
from cihu.vault import the_vault


class Panel:
    """A document for the page alone, as JSON; shown nowhere."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def _repr_json_(self) -> dict[str, Any]:
        return self.document


def panel() -> Panel:
    """The newest grant of each account of a team on a dataset, and all datasets of the catalogue.
    Raises `CihuError`."""
    vault = the_vault()
    accounts = {(one["team"], one["dataset"]): one for one in reversed(vault.get("/v1/budgets"))}
    return Panel(
        {
            "language": current(),
            "grants": [_grant(one) for one in reversed(accounts.values())],
            "datasets": [_dataset(one) for one in vault.get("/v1/datasets")],
        }
    )


def _grant(grant: dict[str, Any]) -> dict[str, Any]:
    """What is left is of the narrowest level: a question is charged to all of them at once."""
    levels = grant.get("levels", [])
    return {
        "grant": grant["grant"],
        "dataset": grant["dataset"],
        "team": grant["team"],
        "status": grant["status"],
        "until": grant["until"][:10],
        "percent_left": min((100 - float(level["percent_used"]) for level in levels), default=None),
    }


def _dataset(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": document["name"],
        "title": document.get("title"),
        "grade": document.get("grade"),
        "columns": [
            {"name": column["name"], "title": column.get("title"), "type": column["type"]}
            for column in document.get("columns", [])
        ],
    }
