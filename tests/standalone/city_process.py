"""A city in a process of its own, for tests that kill it: real Postgres and S3, and one small service."""

import sys
from pathlib import Path

from sandbox.standalone.checks import CHECKS, sealed_kernels
from sandbox.standalone.city_config import CityConfig
from sandbox.standalone.managed_service import ManagedService
from sandbox.standalone.run_city import run_city
from sandbox.standalone.settings import ANY_PORTS
from sandbox.standalone.supervisor import City

SERVICE = """
import http.server, os, subprocess, sys
subprocess.Popen(["sleep", "600"], start_new_session=True)   # what a hub does: a child in a session of its own
if "crash" in sys.argv: print("the small service has had enough"); sys.exit(3)
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
        if self.path == "/end": print("told to end", flush=True); os._exit(7)
host, port = os.environ["CIHU_BIND"].split(":")
http.server.HTTPServer((host, int(port)), Health).serve_forever()
"""  # noqa: E501


def small_parts(ground: CityConfig) -> tuple[ManagedService, ...]:
    """A portal that is nothing but its health."""
    environment = dict(ground.environment) | {"CIHU_BIND": ground.addresses.portal.removeprefix("http://")}
    return (
        ManagedService(
            "portal", (sys.executable, "-c", SERVICE), environment, f"{ground.addresses.portal}/healthz"
        ),
    )


CHECKS_WITHOUT_SEAL = tuple(check for check in CHECKS if check is not sealed_kernels)


if __name__ == "__main__":
    sys.exit(
        run_city(
            City(Path(sys.argv[1]), ANY_PORTS, parts=small_parts, checks=CHECKS_WITHOUT_SEAL),
            ready=lambda _: print("ready", flush=True),
        )
    )
