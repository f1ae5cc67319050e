"""How does a request find its server? By configurable-http-proxy, in Python, with room for a class of people.

It asks on behalf of each browser by tornado's client, whose defaults (ten requests at a time, twenty seconds each) would
make the eleventh person wait and would cut a slow start off. Run as `python -m sandbox.hub.proxy`, by the hub.
"""

import sys

from configurable_http_proxy.cli import main as serve  # type: ignore[import-untyped]
from tornado.httpclient import AsyncHTTPClient

REQUESTS_AT_ONCE = 1000
REQUEST_SECONDS = 120  # longer than a server may take to start: the page that waits is one request


def main() -> None:
    AsyncHTTPClient.configure(None, max_clients=REQUESTS_AT_ONCE)
    sys.argv.append(f"--proxy-timeout={REQUEST_SECONDS * 1000}")
    serve()


if __name__ == "__main__":
    main()
