"""The command that checks outputs on one's own machine, as a review would, without raw values."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sandbox.cli.terminal import Json, app, show
from sandbox.errors import InvalidInput

TEXT = {"statbarn": "", "context": "", "controls": ""}


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Where the files are.")],
    wish: Annotated[
        Path, typer.Argument(help="YAML: path -> statbarn, context, controls, and counts if there are any.")
    ],
    grade: Annotated[str, typer.Option(help="Of the data that the program read: its rules apply.")] = "3",
    save: Annotated[Path | None, typer.Option(help="Write what would leave below this folder.")] = None,
    policies: Annotated[
        Path | None,
        typer.Option(help="The city's policies (default: CIHU_POLICIES, or this checkout's)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """What a review's checks say of files, before you ask for them. It needs no login and no raw data:
    copies of raw values are looked for in a review alone. Fails if anything blocks."""
    from sandbox.cli.declared_files import read_declared
    from sandbox.disclosure.check_file import check_files
    from sandbox.disclosure.checks.registry import CHECKS
    from sandbox.disclosure.declaration import Declaration
    from sandbox.disclosure.taxonomy import load_disclosure
    from sandbox.standalone.settings import read_settings

    rules_folder = policies or read_settings().policies
    if not (rules_folder / "disclosure.yaml").is_file():
        raise InvalidInput(
            f"There is no disclosure.yaml in {rules_folder}.",
            remedy="Name the folder of the city's policies.",
        )
    taxonomy = load_disclosure(rules_folder / "disclosure.yaml", checks=CHECKS)
    if grade not in taxonomy.grades:
        raise InvalidInput(
            f"There is no grade {grade!r}.", remedy=f"Use one of {', '.join(taxonomy.grades)}."
        )
    rules = taxonomy.at(grade)
    files = {}
    for declaration in read_declared(wish):
        words = TEXT | {name: str(value) for name, value in declaration.items()}
        counts = _read(folder, words["counts"]) if declaration.get("counts") else None
        declared = Declaration(words["statbarn"], words["context"], words["controls"], counts)
        files[words["path"]] = _read(folder, words["path"]), declared
    checked = check_files(files, rules, None)
    document = [
        {
            "path": path,
            "blocked": file.leaves is None,
            "leaves_as": file.leaves[0] if file.leaves else None,
            "findings": [
                {
                    "severity": finding.severity.value,
                    "code": finding.code,
                    "message": finding.message,
                    "remedy": finding.remedy,
                    "where": finding.where,
                }
                for finding in file.findings
            ],
        }
        for path, file in checked.items()
    ]
    lines = []
    for path, file in checked.items():
        lines.append(f"{path}: {'would not be blocked' if file.leaves else 'blocked'}")
        for finding in file.findings:
            where = f" ({finding.where})" if finding.where else ""
            lines += [f"  {finding.severity.value}{where}: {finding.message}", f"    {finding.remedy}"]
        if save is not None and file.leaves:
            _save(save, *file.leaves)
    show({"grade": grade, "files": document}, as_json, *map(escape, lines))
    if any(file.leaves is None for file in checked.values()):
        raise typer.Exit(1)


def _read(folder: Path, path: str) -> bytes:
    """A file below the folder. Raises `InvalidInput`."""
    try:
        place = (folder / path).resolve(strict=True)
        if not place.is_relative_to(folder.resolve()) or not place.is_file():
            raise FileNotFoundError
        return place.read_bytes()
    except OSError:
        raise InvalidInput(
            f"There is no file {path!r} in {folder}.", remedy="Write its path as it is below the folder."
        ) from None


def _save(folder: Path, name: str, content: bytes) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
