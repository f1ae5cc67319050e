"""The documentation under /help: static files that `make docs` builds, looked for anew at every request."""

from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from marketplace.portal.language import language_of
from marketplace.portal.rendering import Pages
from sandbox.errors import NotFound
from sandbox.http.error_pages import FOLDER, NAME

INDEX = "index.html"
CHINESE = "zh/"
ERROR_PAGES = "reference/generated/errors"  # as docs/generate.py writes them


def router(*, folder: Path, pages: Pages) -> APIRouter:
    """`folder` may be missing, and may be replaced by a newer one while the service runs."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/help")
    def in_the_readers_language(request: Request) -> Response:
        return RedirectResponse(f"/help/{CHINESE if language_of(request) == 'zh' else ''}", status_code=303)

    @routes.get(f"{FOLDER}/{{name}}")
    def error_page(request: Request, name: str) -> Response:
        """Where the `type` of a problem leads: the page of its code, in the reader's language."""
        if not NAME.fullmatch(name):
            raise NotFound("There is no such page.", zh="没有这个页面。")
        language = CHINESE if language_of(request) == "zh" else ""
        return RedirectResponse(f"/help/{language}{ERROR_PAGES}/{name}.html", status_code=303)

    @routes.api_route("/help/{path:path}", methods=["GET", "HEAD"])
    async def page(request: Request, path: str) -> Response:
        if not (folder / INDEX).exists():
            return pages.show(request, "help_missing.html", None, status=404)
        # a new object for each request: one that is kept would remember the folder that
        # `make docs` has replaced
        answer = await StaticFiles(directory=folder, check_dir=False, html=True).get_response(
            path or ".", request.scope
        )
        if "Location" in answer.headers:  # a folder without its slash; not by the Host that was sent
            answer.headers["Location"] = f"/help/{quote(path)}/"
        answer.headers["Cache-Control"] = (
            "no-cache"  # asked again each time: answered with 304 while it is the same
        )
        return answer

    return routes
