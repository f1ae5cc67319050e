"""A page that shows a service's API and tries it: Swagger UI, served by the service itself.

It works without a network and under the pages' own policy: no inline script, nothing from elsewhere.
`make setup` fetches Swagger UI's two files.
"""

from html import escape
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "files"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/files/swagger-ui.css">
</head>
<body>
<div id="api" data-specification="{specification}"></div>
<script src="/docs/files/swagger-ui-bundle.js"></script>
<script src="/docs/files/start.js"></script>
</body>
</html>
"""


def install(app: FastAPI) -> None:
    """Let `app` show its own description under /docs."""
    page = PAGE.format(title=escape(app.title), specification=escape(app.openapi_url or ""))
    app.mount("/docs/files", StaticFiles(directory=FOLDER), name="api_docs")

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(page)
