"""The login at the hub: whoever the portal says is an analyst or an officer,
for as long as the portal takes their token.

There is no other way in and no login of its own: a log-out here is one everywhere, and the hub
gives nobody a token.
"""

import asyncio
from pathlib import Path
from typing import Any

import httpx
from jupyterhub.handlers import BaseHandler
from jupyterhub.spawner import Spawner
from jupyterhub.user import User
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import OAuthLogoutHandler
from tornado.web import HTTPError
from traitlets import Unicode

from sandbox.hub.ended_logins import EndedLogins
from sandbox.hub.workspace import remove_moved_links, team_folders, write_workspace_token

ROLES = frozenset({"analyst", "officer"})
CLOSED = (r"/token", r"/api/users/[^/]+/tokens(?:/.*)?", r"/api/authorizations/.*")


class LogoutEverywhere(OAuthLogoutHandler):  # type: ignore[misc]
    """The hub's log-out ends the person's login at the portal, and so everything:
    or the portal would log them in again."""

    async def get(self) -> None:
        if self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise HTTPError(403, "Another site asked to log you out: log out here or at the portal yourself.")
        user = self.current_user
        failed = False
        if user:
            try:
                await self.authenticator.ended.log_out(user)
            except httpx.HTTPError as failure:
                self.log.error("the portal could not be told of a log-out: %s", type(failure).__name__)  # noqa: TRY400
                failed = True
            self._backend_logout_cleanup(user.name)
        await self.handle_logout()
        self._jupyterhub_user = None
        if failed:
            raise HTTPError(
                503, "You are logged out here, but the portal could not be told. Log out there, too."
            )
        await self.render_logout_page()


class Closed(BaseHandler):  # type: ignore[misc]
    """What JupyterHub offers and this city does not: tokens that would outlive a log-out."""

    def check_xsrf_cookie(self) -> None:
        """There is nothing to protect."""

    async def prepare(self) -> None:
        raise HTTPError(404, "The hub gives nobody a token. Log in at the portal.")


class PortalAuthenticator(GenericOAuthenticator):  # type: ignore[misc]
    """Login by the portal's OpenID provider (authorization code with PKCE). The hub knows no password.

    The access token is the workspace's token at the vault. Asking userinfo with it is the refresh: when the
    portal no longer takes it (run out, account disabled), the person logs in again.
    """

    home = Unicode(help="CIHU_HOME").tag(config=True)
    portal_url = Unicode(help="where the portal is").tag(config=True)
    logout_handler = LogoutEverywhere
    ended: EndedLogins

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """Asked for once, when the hub starts: the watch for ended logins starts with it."""
        self.ended = EndedLogins(
            app, home=Path(self.home), portal_url=self.portal_url, client=(self.client_id, self.client_secret)
        )
        # kept here, or it could be collected
        self.watching = asyncio.get_running_loop().create_task(self.ended.watch())
        return [*((address, Closed) for address in CLOSED), *super().get_handlers(app)]

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
            await asyncio.to_thread(remove_moved_links, Path(self.home), model["name"])
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
