"""A team shares a folder in its members' workspaces; nobody else reaches it, and it leads nowhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.hub.workspace import remove_moved_links, team_folders
from workspace import VaultProcess, WorkspaceProcess, workspace_process

FILE = {"type": "file", "format": "text", "content": "各区的计数\n"}


@pytest.fixture(scope="module")
def people(vault: VaultProcess) -> Iterator[dict[str, WorkspaceProcess]]:
    with (
        workspace_process(vault, "wang") as wang,
        workspace_process(vault, "song") as song,
        workspace_process(vault, "qin") as qin,
    ):
        yield {"wang": wang, "song": song, "qin": qin}


@pytest.fixture(autouse=True)
def teams(people: dict[str, WorkspaceProcess]) -> Path:
    home = people["wang"].home
    for person, names in (("wang", ["lake"]), ("song", ["lake", "hill"]), ("qin", ["river"])):
        team_folders(home, person, names)
    return home / "teams"


def put(who: WorkspaceProcess, path: str, model: dict[str, Any] = FILE) -> int:
    return who.request("PUT", f"/api/contents/{path}", json=model).status_code


def names(who: WorkspaceProcess, path: str) -> list[str]:
    return sorted(one["name"] for one in who.request("GET", f"/api/contents/{path}").json()["content"])


def test_what_one_member_saves_the_other_reads_and_changes(people: dict[str, WorkspaceProcess]) -> None:
    wang, song = people["wang"], people["song"]
    assert names(song, "teams") == ["hill", "lake"] and names(wang, "teams") == ["lake"]
    assert put(wang, "teams/lake/plan.md") == 201
    assert song.request("GET", "/api/contents/teams/lake/plan.md").json()["content"] == FILE["content"]
    assert put(song, "teams/lake/plan.md", FILE | {"content": "changed\n"}) == 200
    assert wang.request("GET", "/api/contents/teams/lake/plan.md").json()["content"] == "changed\n"
    assert put(wang, "teams/lake/charts", {"type": "directory"}) == 201
    assert (
        song.request(
            "POST", "/api/contents/teams/lake/charts", json={"copy_from": "teams/lake/plan.md"}
        ).status_code
        == 201
    )
    assert (
        wang.request("PATCH", "/api/contents/teams/lake/charts/plan.md", json={"path": "mine.md"}).status_code
        == 200
    )
    assert "plan.md" not in names(song, "teams/lake/charts") and "mine.md" in names(wang, "")
    assert song.request("DELETE", "/api/contents/teams/lake/plan.md").status_code == 204
    notebook = {
        "type": "notebook",
        "format": "json",
        "content": {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    }
    assert put(wang, "teams/lake/study.ipynb", notebook) == 201
    assert song.request("POST", "/api/contents/teams/lake/study.ipynb/checkpoints").status_code == 201


def test_the_folders_of_teams_are_not_moved_or_copied_by_a_detour(
    people: dict[str, WorkspaceProcess], teams: Path
) -> None:
    """Else a link would stay when the member has left (attack with the source open, 2026-12)."""
    qin, home = people["qin"], people["qin"].home
    for path in ("y/../teams", "./teams", "teams/.", "teams"):
        moved = qin.request("PATCH", f"/api/contents/{path.replace('.', '%2E')}", json={"path": "old"})
        assert moved.status_code in (403, 404), path
        copied = qin.request("POST", "/api/contents", json={"copy_from": path})
        assert copied.status_code in (400, 403, 404), path
    assert names(qin, "teams") == ["river"] and "old" not in names(qin, "")
    # a link that was moved before it was refused goes with the next login
    (qin.folder / "old").mkdir()
    (qin.folder / "old" / "river").symlink_to(teams / "river", target_is_directory=True)
    assert qin.request("POST", "/api/contents", json={"copy_from": "old"}).status_code == 403
    team_folders(home, "qin", ["river"])  # each refresh of the hub, in its event loop: visits no other folder
    assert (qin.folder / "old" / "river").is_symlink()
    remove_moved_links(home, "qin")
    assert not (qin.folder / "old" / "river").is_symlink() and names(qin, "teams") == ["river"]


def test_who_is_not_a_member_reaches_nothing(people: dict[str, WorkspaceProcess]) -> None:
    assert put(people["wang"], "teams/lake/secret.md") == 201
    for path in (
        "teams/lake/secret.md",
        "teams/lake",
        "teams/river/../lake/secret.md",
        "teams/../../../teams/lake/secret.md",
    ):
        assert people["qin"].request("GET", f"/api/contents/{path}").status_code in (400, 404), path
        assert people["qin"].request("GET", f"/files/{path}").status_code in (400, 404), path
    assert put(people["qin"], "teams/lake/mine.md") == 404
    assert "mine.md" not in names(people["wang"], "teams/lake")


def test_who_has_left_a_team_loses_its_folder_and_what_is_in_it_stays(
    people: dict[str, WorkspaceProcess],
) -> None:
    wang, song = people["wang"], people["song"]
    assert put(song, "teams/lake/kept.md") in (200, 201)
    team_folders(song.home, "song", ["hill"])
    assert song.request("GET", "/api/contents/teams/lake/kept.md").status_code == 404
    assert names(song, "teams") == ["hill"]
    assert wang.request("GET", "/api/contents/teams/lake/kept.md").status_code == 200


def test_the_folders_themselves_stay_and_nothing_lies_beside_them(
    people: dict[str, WorkspaceProcess],
) -> None:
    song = people["song"]
    for path in ("teams", "teams/hill", "teams/lake"):
        assert song.request("DELETE", f"/api/contents/{path}").status_code == 403, path
        assert (
            song.request("PATCH", f"/api/contents/{path}", json={"path": "elsewhere"}).status_code == 403
        ), path
    assert put(song, "teams/looks-shared.md") == 404 and put(song, "teams/new", {"type": "directory"}) == 404
    assert names(song, "teams") == ["hill", "lake"]


def test_a_link_in_a_teams_folder_is_not_followed(
    people: dict[str, WorkspaceProcess], teams: Path, tmp_path: Path
) -> None:
    """Nobody can make one through Jupyter; if one were there, it would lead nowhere."""
    (tmp_path / "outside").write_text("not yours")
    (teams / "lake" / "out").symlink_to(tmp_path)
    (teams / "lake" / "other").symlink_to(teams / "river")
    (teams / "river" / "theirs.md").write_text("not yours")
    try:
        for path in ("out/outside", "out", "other/theirs.md", "other"):
            for door in ("api/contents", "files"):
                told = people["wang"].request("GET", f"/{door}/teams/lake/{path}")
                assert told.status_code in (403, 404) and "not yours" not in told.text, (door, path)
        assert not {"out", "other"} & set(names(people["wang"], "teams/lake"))
    finally:
        (teams / "lake" / "out").unlink()
        (teams / "lake" / "other").unlink()


def test_only_the_names_of_teams_make_folders(tmp_path: Path) -> None:
    (tmp_path / "workspaces" / "li").mkdir(parents=True)
    team_folders(tmp_path, "li", ["../workspaces/wang", "a/b", "", ".", "good"])
    assert [link.name for link in (tmp_path / "workspaces" / "li" / "teams").iterdir()] == ["good"]
    assert [folder.name for folder in (tmp_path / "teams").iterdir()] == ["good"]
