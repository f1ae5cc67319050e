"""Which files can a person see in the browser? Those of the workspace's folder, and nothing that leads out of it."""

import errno
import os
import stat
from contextvars import ContextVar
from typing import Any

from jupyter_server.files.handlers import FilesHandler
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError
from traitlets import default

LISTING: ContextVar[bool] = ContextVar("LISTING", default=False)


class WorkspaceContents(AsyncLargeFileManager):
    """Jupyter's own manager, with every path resolved before it is used (Judge0, CVE-2024-28185; Jupyter's checks look
    at the path's text only)."""

    def _get_os_path(self, path: str) -> str:
        found: str = super()._get_os_path(path)  # type: ignore[no-untyped-call]
        root = os.path.realpath(self.root_dir)
        real = os.path.realpath(found)
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


def refusal(path: str) -> Exception:
    """Jupyter leaves out of a listing what gives ELOOP; a request for the thing itself is answered."""
    if LISTING.get():
        return OSError(errno.ELOOP, "not shown")
    return HTTPError(404, f"{path} is no file or folder of this workspace")
