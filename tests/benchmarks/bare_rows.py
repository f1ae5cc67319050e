"""The row product on a bare FastAPI route: the same look-up and serialiser, no key, no meter, no log.

Usage: python -m benchmarks.bare_rows PORT PARQUET
"""

import sys

import orjson
import pyarrow.parquet
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response

from marketplace.delivery.row_index import RowIndex
from marketplace.delivery.rows import look_up, read_wish
from marketplace.products.model import RowsDefinition


def bare_app(path: str) -> FastAPI:
    app = FastAPI()
    index = RowIndex(pyarrow.parquet.read_table(path))
    definition = RowsDefinition(
        object="o", version_id="1", columns=tuple(index.table.column_names), keys={"number": "integer"}
    )

    @app.get("/rows")
    async def rows(request: Request) -> Response:
        found = look_up(index, read_wish(definition, dict(request.query_params)))
        return Response(orjson.dumps(found), media_type="application/json")

    @app.get("/healthz")
    async def health() -> Response:
        return Response()

    return app


if __name__ == "__main__":
    uvicorn.run(
        bare_app(sys.argv[2]),
        port=int(sys.argv[1]),
        access_log=False,
        log_level="error",
        loop="uvloop",
        http="httptools",
    )
