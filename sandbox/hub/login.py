"""Who may open a workspace? Whoever the portal says is an analyst or an officer, for as long as its token is good."""

from pathlib import Path
from typing import Any

from jupyterhub.spawner import Spawner
from jupyterhub.user import User
from oauthenticator.generic import GenericOAuthenticator
from tornado.web import HTTPError
from traitlets import Unicode

from sandbox.hub.workspace import team_folders, write_workspace_token

ROLES = frozenset({"analyst", "officer"})


class PortalAuthenticator(GenericOAuthenticator):  # type: ignore[misc]
    """Login by the portal's OpenID provider (authorization code with PKCE). The hub knows no password.

    The access token is the workspace's token at the vault. Asking userinfo with it is the refresh: when the portal no
    longer takes it (run out, account disabled), the person logs in again.
    """

    home = Unicode(help="CIHU_HOME").tag(config=True)

    async def check_allowed(self, username: str, auth_model: dict[str, Any] | None) -> bool:
        """Exactly the portal's analysts and officers. No list of users, no "allow all", is asked."""
        if auth_model is None:
            return False
        said = (auth_model.get("auth_state") or {}).get(self.user_auth_state_key) or {}
        return bool(ROLES & set(said.get("roles") or ()))

    async def authenticate(self, handler: Any, data: Any = None, **more: Any) -> dict[str, Any] | None:
        model: dict[str, Any] | None = await super().authenticate(handler, data, **more)
        if model and not await self.check_allowed(model["name"], model):
            raise HTTPError(403, "A workspace is for analysts and data officers.")
        if model:  # a server that runs already gets the new token
            write_workspace_token(Path(self.home), model["name"], model["auth_state"]["access_token"])
            self.let_into_teams(model["name"], model["auth_state"])
        return model

    async def refresh_user(self, user: User, handler: Any = None, **more: Any) -> bool | dict[str, Any]:
        found: bool | dict[str, Any] = await super().refresh_user(user, handler, **more)
        if isinstance(found, dict):
            self.let_into_teams(user.name, found["auth_state"])
        return found

    def let_into_teams(self, person: str, state: dict[str, Any]) -> None:
        """As the portal says now: whoever has left a team loses its folder with the next refresh."""
        said = state.get(self.user_auth_state_key) or {}
        team_folders(Path(self.home), person, said.get("teams") or ())

    async def pre_spawn_start(self, user: User, spawner: Spawner) -> None:
        state = await user.get_auth_state()
        if not state or not state.get("access_token"):
            raise HTTPError(403, "Log in again: the hub has no token for your workspace.")
        write_workspace_token(Path(self.home), user.name, state["access_token"])
