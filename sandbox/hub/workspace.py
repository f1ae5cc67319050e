"""What does a person find on the first day? A folder with the guided notebooks, open to nobody else."""

import shutil
from pathlib import Path

from sandbox.errors import InvalidInput
from sandbox.identity.names import is_id


def prepare_workspace(home: Path, person: str, notebooks: Path) -> Path:
    """Make `person`'s folder and copy the notebooks that were never there; what the person changed or deleted stays so."""
    if not is_id(person):
        raise InvalidInput(f"{person!r} cannot be the name of a workspace.", mend="Account names are letters and digits.")
    folder = home / "workspaces" / person
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o700)
    given = server_folder(home, person) / "given"  # which notebooks this person was given already
    known = set(given.read_text().splitlines()) if given.exists() else set()
    for notebook in sorted(notebooks.glob("*.ipynb")):
        if notebook.name not in known and not (folder / notebook.name).exists():
            shutil.copyfile(notebook, folder / notebook.name)
        known.add(notebook.name)
    given.write_text("\n".join(sorted(known)) + "\n")
    return folder


def server_folder(home: Path, person: str) -> Path:
    """What a person's server keeps for itself: its token, settings of JupyterLab, a runtime folder. No file browser sees it."""
    folder = home / "hub" / "servers" / person
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def token_file(home: Path, person: str) -> Path:
    return server_folder(home, person) / "token"


def write_workspace_token(home: Path, person: str, token: str) -> None:
    """Replace the token with which this person's server opens kernels; a new login mends a running server."""
    draft = server_folder(home, person) / "token.draft"
    draft.touch(mode=0o600)
    draft.chmod(0o600)
    draft.write_text(token)
    draft.replace(token_file(home, person))
