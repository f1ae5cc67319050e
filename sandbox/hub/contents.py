"""Serves the files that a person can see in the browser: those of the workspace and those of their teams.
Nothing leads out."""

import errno
import os
import stat
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from jupyter_server.files.handlers import FilesHandler
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError
from traitlets import default

from sandbox.hub.workspace import TEAMS

LISTING: ContextVar[bool] = ContextVar("LISTING", default=False)


class WorkspaceContents(AsyncLargeFileManager):
    """Jupyter's own manager, with every path resolved before it is used (Judge0, CVE-2024-28185;
    Jupyter's checks look at the path's text only)."""

    def _get_os_path(self, path: str) -> str:
        refuse_detours(path)
        found: str = super()._get_os_path(path)  # type: ignore[no-untyped-call]
        root = os.path.realpath(self.root_dir)
        real = os.path.realpath(found)
        if name := team_of(path):
            team = self._folder(name)
            if team is None:
                raise refusal(path)
            if real == team:
                return found
            root = team
        if real != root and not real.startswith(root + os.sep):
            raise refusal(path)
        try:
            mode = os.lstat(found).st_mode
        except (OSError, ValueError):
            return found  # not there yet, or no file name at all: Jupyter says so itself
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            # a link could be changed between look and use; a pipe would hang the server
            raise refusal(path)
        return found

    def _folder(self, name: str) -> str | None:
        """The team's folder, as long as the person is a member: then the service's own link to it is there
        (workspace.team_folders)."""
        workspace = Path(self.root_dir).resolve()
        link, folder = workspace / TEAMS / name, workspace.parent.parent / TEAMS / name
        return str(folder) if link.is_symlink() and link.resolve() == folder else None

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        refuse_beside_teams(path)
        saved: dict[str, Any] = await super().save(model, path)  # type: ignore[no-untyped-call]
        return saved

    async def rename_file(self, old_path: str, new_path: str) -> None:
        refuse_beside_teams(old_path)
        refuse_beside_teams(new_path)
        await super().rename_file(old_path, new_path)  # type: ignore[no-untyped-call]

    async def delete_file(self, path: str) -> None:
        refuse_beside_teams(path)
        await super().delete_file(path)  # type: ignore[no-untyped-call]

    async def _copy_dir(
        self, from_path: str, to_path_original: str, to_name: str, to_path: str
    ) -> dict[str, Any]:
        """A copy would hold what a link leads to, and still have it when the link is gone."""
        refuse_beside_teams(to_path)
        if holds_link(self._get_os_path(from_path)):
            raise HTTPError(403, f"{from_path} leads to other folders: copy what is in one of them")
        copied: dict[str, Any] = await super()._copy_dir(from_path, to_path_original, to_name, to_path)
        return copied

    async def _dir_model(self, path: str, content: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002  # Jupyter's signature
        """One strange thing in a folder must not hide the rest of it."""
        listing = LISTING.set(True)
        try:
            model: dict[str, Any] = await super()._dir_model(path, content)  # type: ignore[no-untyped-call]
            return model
        finally:
            LISTING.reset(listing)

    @default("files_handler_class")
    def _opens_through_this_manager(self) -> type[FilesHandler]:
        return FilesHandler  # the default one opens paths itself


def team_of(path: str) -> str:
    """The team that a path names; empty for a path of the workspace's own,
    and for the folder of teams itself."""
    top, _, rest = path.strip("/").partition("/")
    return rest.partition("/")[0] if top == TEAMS else ""


def refuse_detours(path: str) -> None:
    """What a path leads to is decided by its text, too (the folders of teams): it must say where it goes."""
    if any(part in {".", ".."} for part in path.split("/")):
        raise refusal(path)


def holds_link(folder: str) -> bool:
    return any(
        Path(base, name).is_symlink()
        for base, folders, files in os.walk(folder)
        for name in (*folders, *files)
    )


def refuse_beside_teams(path: str) -> None:
    """The folder of teams holds the teams' folders and nothing else:
    what lay beside them would look shared, and not be."""
    refuse_detours(path)
    parts = path.strip("/").split("/")
    if parts[0] == TEAMS and len(parts) <= 2:
        raise HTTPError(
            403, f"{TEAMS}/ holds your teams' folders: change what is in one of them, not these folders"
        )


def refusal(path: str) -> Exception:
    """Jupyter leaves out of a listing what gives ELOOP; a request for the thing itself is answered."""
    if LISTING.get():
        return OSError(errno.ELOOP, "not shown")
    return HTTPError(404, f"{path} is no file or folder of this workspace")
