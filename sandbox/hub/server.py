"""Starts a person's single-user server: `python -m sandbox.hub.server`, called by the hub's spawner only.

The server is trusted and runs outside any seal, so it offers less than Jupyter's own: no conversion of
notebooks (it would run document tools on what people write), no extension that happens to be installed,
no build, no terminal.
"""

import sandbox.hub.without_iri_grammar  # noqa: F401, I001  # before all others

from jupyter_server.serverapp import ServerApp
from tornado.routing import PathMatches, RuleRouter

from sandbox.http.redacted_logs import redact_logs
from sandbox.hub import lab_settings
from sandbox.hub.connection_limits import limit_connections
from sandbox.hub.lab_language import complete_language_pack

EXTENSIONS = {"jupyterlab": True}
WITHOUT_SERVICES = frozenset({"nbconvert"})
# they run node, or install packages
WITHOUT_PATHS = ("/lab/api/build", "/lab/api/extensions", "/lab/api/plugins")


class WorkspaceServer(ServerApp):
    """Jupyter's server with named extensions and services only."""

    default_services = tuple(  # type: ignore[assignment]
        service for service in ServerApp.default_services if service not in WITHOUT_SERVICES
    )

    def find_server_extensions(self) -> None:
        """Nothing is discovered: a package with a server extension must not open a
        way in by being installed."""
        run_no_node()  # before JupyterLab is imported as an extension, which asks, too
        complete_language_pack()
        load_our_extension()
        self.jpserver_extensions.update(EXTENSIONS)

    def write_server_info_file(self) -> None:
        """Not written: it would hold the server's token, for programs of this machine
        that look for servers."""

    def write_browser_open_files(self) -> None:
        """As above: an address with the token in it."""

    def write_browser_open_file(self) -> None:
        """As above."""

    def load_server_extensions(self) -> None:
        """As usual, and then without what the pages could ask the server to build or install."""
        super().load_server_extensions()
        shut(self.web_app.default_router)


def run_no_node() -> None:
    """JupyterLab asks yarn where packages are built from, at every start and for half a second; nothing is
    built here."""
    import jupyterlab.commands

    jupyterlab.commands._yarn_config = lambda _: {"yarn config": {}, "npm config": {}}


def load_our_extension() -> None:
    """In core mode JupyterLab's page loads no extension: it gets the city's own, and no other."""
    from jupyterlab.labapp import LabApp

    set_paths = LabApp.initialize_templates

    def with_ours(app: LabApp) -> None:
        set_paths(app)
        app.labextensions_path = [str(lab_settings.EXTENSIONS)]

    LabApp.initialize_templates = with_ours


def shut(router: RuleRouter) -> None:
    for rule in list(router.rules):
        if isinstance(rule.target, RuleRouter):
            shut(rule.target)
        elif isinstance(rule.matcher, PathMatches) and any(
            path in rule.matcher.regex.pattern for path in WITHOUT_PATHS
        ):
            router.rules.remove(rule)


def main() -> None:
    redact_logs()
    limit_connections()
    from jupyterhub.singleuser.extension import JupyterHubSingleUser

    JupyterHubSingleUser.serverapp_class = WorkspaceServer
    JupyterHubSingleUser.launch_instance()


if __name__ == "__main__":
    main()
