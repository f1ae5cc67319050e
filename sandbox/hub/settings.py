"""What does one person's single-user server know? Read once from the environment that the hub gives it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import Unavailable

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ServerSettings:
    home: Path
    person: str
    vault_url: str
    workspace_token: str
    kernel_python: Path
    kernels_per_person: int = 4

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def vault_folder(self) -> Path:
        """Holds the vault's socket for kernels, and nothing else."""
        return self.home / "run" / "vault"

    @property
    def workspace(self) -> Path:
        return self.home / "workspaces" / self.person


def kernel_python(environment: Mapping[str, str]) -> Path:
    given = environment.get("CIHU_KERNEL_PYTHON")
    return Path(given) if given else CHECKOUT / ".venv-kernel" / "bin" / "python"


def server_settings(environment: Mapping[str, str] = os.environ) -> ServerSettings:
    missing = [name for name in ("CIHU_HOME", "CIHU_VAULT_URL", "CIHU_WORKSPACE_TOKEN", "JUPYTERHUB_USER")
               if not environment.get(name)]
    if missing:
        raise Unavailable(f"This server was not started by the hub: {', '.join(missing)} not set.",
                          mend="Log in at the hub and open your workspace there.")
    return ServerSettings(home=Path(environment["CIHU_HOME"]).resolve(), person=environment["JUPYTERHUB_USER"],
                          vault_url=environment["CIHU_VAULT_URL"].rstrip("/"),
                          workspace_token=environment["CIHU_WORKSPACE_TOKEN"],
                          kernel_python=kernel_python(environment),
                          kernels_per_person=int(environment.get("CIHU_KERNELS_PER_PERSON", "4")))
