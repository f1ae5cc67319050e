"""Prepares a person's workspace: a folder with the guided notebooks, open to nobody else, and the folders of
their teams."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from sandbox.errors import InvalidInput
from sandbox.identity.names import is_id

TEAMS = "teams"
FIRST_NOTEBOOK = "01-first-question.ipynb"  # what a server opens
SETS = {"en": ".", "zh": "zh"}  # where the notebooks of a language stand in the folder of all


def prepare_workspace(home: Path, person: str) -> Path:
    """Make `person`'s folder, and let nobody else into it."""
    if not is_id(person):
        raise InvalidInput(
            f"{person!r} cannot be the name of a workspace.", remedy="Account names are letters and digits."
        )
    folder = home / "workspaces" / person
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o700)
    return folder


def give_notebooks(home: Path, person: str, notebooks: Path, language: str = "") -> str:
    """Copy the guided notebooks of `language` ("zh", "en", or "": as before, else Chinese) that were never
    there; what the person changed or deleted stays so. The first language's notebooks stand in the workspace
    itself, the other's in a folder with the name of the language.

    Returns where the first of them stands, from the workspace on, such as "zh/01-first-question.ipynb".
    """
    first = _first_language(home, person, language)
    language = language or first
    beside = Path() if language == first else Path(language)
    workspace = home / "workspaces" / person
    try:
        (workspace / beside).mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:  # a file of the person's has this name: it stays
        return FIRST_NOTEBOOK
    given = server_folder(home, person) / "given"  # which notebooks this person was given already
    known = set(given.read_text().splitlines()) if given.exists() else set()
    for notebook in sorted((notebooks / SETS[language]).glob("*.ipynb")):
        name = (beside / notebook.name).as_posix()
        if name not in known and not (workspace / name).exists():
            shutil.copyfile(notebook, workspace / name)
        known.add(name)
    given.write_text("\n".join(sorted(known)) + "\n")
    return (beside / FIRST_NOTEBOOK).as_posix()


def _first_language(home: Path, person: str, language: str) -> str:
    """In which language the notebooks of the workspace itself are."""
    kept = server_folder(home, person) / "notebook-language"
    language_kept = kept.read_text() if kept.exists() else ""
    if language_kept in SETS:
        return language_kept
    # a workspace from before there were two sets has the English one
    earlier = (server_folder(home, person) / "given").exists()
    first = "en" if earlier else language or "zh"
    kept.write_text(first)
    return first


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
            link.unlink(missing_ok=True)
    for team in wanted:
        (shared / team).mkdir(mode=0o700, exist_ok=True)
        # what a person had there before stays theirs
        if not ((own / team).is_symlink() or (own / team).exists()):
            (own / team).symlink_to(shared / team, target_is_directory=True)


def remove_moved_links(home: Path, person: str) -> None:
    """Remove all links from the workspace but those of `team_folders`: no other link is the service's, and
    once they could be moved (contents.py). Visits every folder: never in an event loop."""
    workspace = home / "workspaces" / person
    for base, folders, files in os.walk(workspace):
        for link in (Path(base, name) for name in (*folders, *files)):
            if link.is_symlink() and link.parent != workspace / TEAMS:
                link.unlink(missing_ok=True)


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
