"""Ends at the hub what a login opened there, as soon as the login is ended anywhere:
session, server, kernels, tokens.

The portal tells whose logins were ended (`GET /oauth/ended`, one request that stays open). The hub
believes it no more than that: for whom it is told, and for everybody when it connects, it asks the
portal with the token that it has of the person. A token that is refused there is good nowhere, so all
that hangs on it ends here.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from jupyterhub import orm
from jupyterhub.user import User

from sandbox.hub import run_folder
from sandbox.hub.workspace import token_file

AGAIN_SECONDS = 1.0
ANSWER_SECONDS = 10.0
SILENT_SECONDS = 30.0  # it says something every ten
EVERYBODY = "*"
REFUSED = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})


class EndedLogins:
    """Watches the portal for the hub `app` (JupyterHub), and ends what a person has there."""

    def __init__(self, app: Any, *, home: Path, portal_url: str, client: tuple[str, str]) -> None:
        self.app, self.home, self.portal_url, self.client = app, home, portal_url, client
        self.checking: dict[str, asyncio.Task[None]] = {}
        self.told_again: set[str] = set()
        self.ending: dict[str, asyncio.Lock] = {}

    async def watch(self) -> None:
        """For ever. What was missed while the portal was away is made good when it is there again."""
        while True:
            try:
                await self._listen()
            except (httpx.HTTPError, OSError) as failed:
                self.app.log.warning(
                    "the portal does not tell which logins are ended: %s", type(failed).__name__
                )
            except Exception as failed:  # noqa: BLE001  # the watch goes on, whatever failed; words could hold a token
                self.app.log.error("ended logins could not be looked at: %s", type(failed).__name__)  # noqa: TRY400  # no words
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self) -> None:
        patience = httpx.Timeout(ANSWER_SECONDS, read=SILENT_SECONDS)
        async with (
            httpx.AsyncClient(auth=self.client, timeout=patience, trust_env=False) as client,
            client.stream("GET", f"{self.portal_url}/oauth/ended") as answer,
        ):
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                for name in self._with_login() if line == EVERYBODY else [line] if line else []:
                    self.look_at(name)

    def look_at(self, name: str) -> None:
        """Check `name` beside all others: nobody's end waits for another's server to stop."""
        if name in self.checking:
            self.told_again.add(name)
        else:
            self.checking[name] = asyncio.get_running_loop().create_task(self._check_until_known(name))

    async def _check_until_known(self, name: str) -> None:
        try:
            while True:
                self.told_again.discard(name)
                try:
                    await self.check(name)
                except Exception as failed:  # noqa: BLE001  # asked again until the portal says; words could hold a token
                    self.app.log.warning(
                        "whether a login was ended is not known yet: %s", type(failed).__name__
                    )
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                if name not in self.told_again:
                    return
        finally:
            del self.checking[name]

    def _with_login(self) -> list[str]:
        return [row.name for row in self.app.db.query(orm.User) if row.encrypted_auth_state is not None]

    async def check(self, name: str) -> None:
        """End what `name` has here if the portal takes their token no more.
        Raises `httpx.HTTPError` if it cannot be asked."""
        user = self.app.users.get(name)
        token = await self.token_of(user) if user else ""
        if user and token and await self._refused(token):
            await self.end(user, token)

    async def token_of(self, user: User) -> str:
        state = await user.get_auth_state()
        return str((state or {}).get("access_token") or "")

    async def _refused(self, token: str) -> bool:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = await client.get(
                f"{self.portal_url}/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}
            )
        if answer.status_code not in REFUSED:
            answer.raise_for_status()
            return False
        # what only ran out ends by itself: the person logs in again, and their kernels' variables need
        # not be lost for that
        return bool(answer.json().get("code") != "token_expired")

    async def end(self, user: User, token: str) -> None:
        """Cookies, tokens and the login are worth nothing from now on; then the server and its kernels end.

        One at a time for a person: the portal also reports who logs out here. A login that began while this
        one waited, and has another token, goes on.
        """
        async with self.ending.setdefault(user.name, asyncio.Lock()):
            if await self.token_of(user) == token:
                await self._end(user)

    async def _end(self, user: User) -> None:
        self.app.log.info("the login of %s was ended: ending their session and their server", user.name)
        token_file(self.home, user.name).unlink(missing_ok=True)
        user.orm_user.cookie_id = orm.new_token()
        for held in (orm.APIToken, orm.OAuthCode):
            for row in self.app.db.query(held).filter_by(user_id=user.id):
                self.app.db.delete(row)
        self.app.db.commit()
        await user.save_auth_state(None)
        for name in [name for name, spawner in user.spawners.items() if spawner.active]:
            await self._stop(user, name)
        run_folder.sweep(self.home / "run")  # tokens and keys of its kernels

    async def _stop(self, user: User, name: str) -> None:
        spawner = user.spawners[name]
        spawner.at_once = True
        # nothing reaches the server from now on: a browser is led to the login, not to what is ending
        await self.app.proxy.delete_user(user, name)
        if starting := spawner._spawn_future:
            spawner.kill_now()
            with suppress(Exception):  # that it did not come up is what is wanted
                await asyncio.wait_for(asyncio.shield(starting), ANSWER_SECONDS)
        try:
            # somebody else stopped it meanwhile (an idle server, its owner), and took it out
            with suppress(KeyError):
                await user.stop(name)
        finally:
            spawner.at_once = False
        await self.app.proxy.delete_user(user, name)  # who was starting, or was found alive, got it again

    async def log_out(self, user: User) -> None:
        """The hub's own log-out: the portal ends the login for everything.
        Raises `httpx.HTTPError`; here it has ended anyway."""
        token = await self.token_of(user)
        try:
            if token:
                async with httpx.AsyncClient(
                    auth=self.client, timeout=ANSWER_SECONDS, trust_env=False
                ) as client:
                    (
                        await client.post(f"{self.portal_url}/oauth/revoke", data={"token": token})
                    ).raise_for_status()
        finally:
            await self.end(user, token)
