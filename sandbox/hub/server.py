"""How does a person's single-user server start? `python -m sandbox.hub.server`, by the hub's spawner only.

The server is trusted and runs outside any seal, so it offers less than Jupyter's own: no conversion of notebooks (it
would run document tools on what people write), no extension that happens to be installed, no terminal.
"""

from jupyter_server.serverapp import ServerApp

EXTENSIONS = {"jupyterlab": True}
WITHOUT = frozenset({"nbconvert"})


class WorkspaceServer(ServerApp):
    """Jupyter's server with named extensions and services only."""

    default_services = tuple(service for service in ServerApp.default_services if service not in WITHOUT)  # type: ignore[assignment]

    def find_server_extensions(self) -> None:
        """Nothing is discovered: a package that brings a server extension must not open a door by being there."""
        self.jpserver_extensions.update(EXTENSIONS)


def main() -> None:
    from jupyterhub.singleuser.extension import JupyterHubSingleUser

    JupyterHubSingleUser.serverapp_class = WorkspaceServer
    JupyterHubSingleUser.launch_instance()


if __name__ == "__main__":
    main()
