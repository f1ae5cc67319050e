"""Which files can a person see in the browser? Those of the workspace's folder, and nothing that leads out of it."""

import os
import stat

from jupyter_server.files.handlers import FilesHandler
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError
from traitlets import default


class WorkspaceContents(AsyncLargeFileManager):
    """Jupyter's own manager, with every path resolved before it is used (Judge0, CVE-2024-28185; Jupyter's checks look
    at the path's text only)."""

    def _get_os_path(self, path: str) -> str:
        found: str = super()._get_os_path(path)  # type: ignore[no-untyped-call]
        root = os.path.realpath(self.root_dir)
        real = os.path.realpath(found)
        if real != root and not real.startswith(root + os.sep):
            raise HTTPError(404, f"{path} is outside of the workspace")
        self.refuse_special(found, path)
        return found

    def refuse_special(self, found: str, path: str) -> None:
        try:
            mode = os.lstat(found).st_mode
        except (OSError, ValueError):
            return  # not there yet, or no file name at all: Jupyter says so itself
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            # a link could be changed between look and use; a pipe would hang the server
            raise HTTPError(404, f"{path} is neither a file nor a folder")

    @default("files_handler_class")
    def _opens_through_this_manager(self) -> type[FilesHandler]:
        return FilesHandler  # the default one opens paths itself
