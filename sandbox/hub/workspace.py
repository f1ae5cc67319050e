"""Prepares a person's workspace: a folder with the guided notebooks, open to nobody else, and the folders of
their teams."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from sandbox.errors import InvalidInput
from sandbox.identity.names import is_id

TEAMS = "teams"


def prepare_workspace(home: Path, person: str, notebooks: Path) -> Path:
    """Make `person`'s folder and copy the notebooks that were never there;
    what the person changed or deleted stays so."""
    if not is_id(person):
        raise InvalidInput(
            f"{person!r} cannot be the name of a workspace.", remedy="Account names are letters and digits."
        )
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


def team_folders(home: Path, person: str, teams: Iterable[str]) -> None:
    """Let the person's `teams/` lead to the folders of exactly these teams.
    The links are the service's own: through Jupyter nobody can make one, and a kernel sees no workspace. What
    a team has stays when a member leaves."""
    shared, own = home / TEAMS, home / "workspaces" / person / TEAMS
    wanted = {team for team in teams if is_id(team)}
    if wanted:
        shared.mkdir(exist_ok=True)
        shared.chmod(0o700)
        own.mkdir(parents=True, exist_ok=True)
    for link in own.iterdir() if own.is_dir() else ():
        if link.is_symlink() and link.name not in wanted:
            link.unlink()
    for team in wanted:
        (shared / team).mkdir(mode=0o700, exist_ok=True)
        # what a person had there before stays theirs
        if not ((own / team).is_symlink() or (own / team).exists()):
            (own / team).symlink_to(shared / team, target_is_directory=True)


def server_folder(home: Path, person: str) -> Path:
    """What a person's server keeps for itself: its token, settings of JupyterLab, a runtime folder.
    No file browser sees it."""
    folder = home / "hub" / "servers" / person
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def token_file(home: Path, person: str) -> Path:
    return server_folder(home, person) / "token"


def write_workspace_token(home: Path, person: str, token: str) -> None:
    """Replace the token with which this person's server opens kernels;
    a new login takes effect at a running server."""
    draft = server_folder(home, person) / "token.draft"
    draft.touch(mode=0o600)
    draft.chmod(0o600)
    draft.write_text(token)
    draft.replace(token_file(home, person))
