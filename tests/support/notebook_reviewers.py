"""Officers who review what a team's notebook requested, over the vault's HTTP service."""

from typing import Any

import httpx

from sandbox.identity import VAULT, TokenIssuer
from workspace import VaultProcess


def officer(vault: VaultProcess, who: str, method: str, path: str, body: Any = None) -> Any:
    token = TokenIssuer("portal", vault.home / "keys" / "portal", vault.story.database).issue(
        who, audience=VAULT, lifetime_seconds=60
    )
    said = httpx.request(
        method,
        f"{vault.url}/v1/reviews{path}",
        headers={"Authorization": f"Bearer {token}"},
        json=body,
        timeout=60,
        trust_env=False,
    )
    assert said.status_code == 200, said.text
    return said.json()


def vote(vault: VaultProcess, who: str, choice: str, comment: str = "") -> str:
    (waiting,) = officer(vault, who, "GET", "")
    told = officer(vault, who, "GET", f"/{waiting['id']}")
    reasons = ["no_context"] if choice != "approve" else []
    votes = [
        {"path": file["path"], "vote": choice, "comment": comment, "reasons": reasons}
        for file in told["files"]
    ]
    return str(
        officer(
            vault, who, "POST", f"/{waiting['id']}/votes", {"revision": told["revision"], "votes": votes}
        )["state"]
    )


def findings_of(vault: VaultProcess, who: str = "lin") -> dict[str, list[dict[str, Any]]]:
    """What the checks say of each file of the one request that waits."""
    (waiting,) = officer(vault, who, "GET", "")
    told = officer(vault, who, "GET", f"/{waiting['id']}")
    return {str(file["path"]): list(file["findings"]) for file in told["files"]}
