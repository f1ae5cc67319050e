"""The command that checks outputs on one's own machine, as a review would, without raw values."""

from pathlib import Path
from typing import Annotated, Any

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
    from sandbox.disclosure.check_file import check_file, check_together
    from sandbox.disclosure.checks.registry import CHECKS
    from sandbox.disclosure.clean_file import clean_file
    from sandbox.disclosure.declaration import Declaration
    from sandbox.disclosure.finding import Severity, Unfit
    from sandbox.disclosure.taxonomy import load_disclosure
    from sandbox.standalone.settings import read_settings

    rules_folder = policies or read_settings().policies
    taxonomy = load_disclosure(rules_folder / "disclosure.yaml", checks=CHECKS)
    if grade not in taxonomy.grades:
        raise InvalidInput(
            f"There is no grade {grade!r}.", remedy=f"Use one of {', '.join(taxonomy.grades)}."
        )
    rules = taxonomy.at(grade)
    there = {}
    for said in read_declared(wish):
        words = TEXT | {name: str(value) for name, value in said.items()}
        counts = _read(folder, words["counts"]) if said.get("counts") else None
        declared = Declaration(words["statbarn"], words["context"], words["controls"], counts)
        there[words["path"]] = _read(folder, words["path"]), declared
    found = {path: check_file(path, *file, rules, None) for path, file in there.items()}
    for path, more in check_together(there, rules, None).items():
        found[path] += more
    told: list[dict[str, Any]] = []
    for path, (content, declared) in there.items():
        blocked = any(one.severity is Severity.BLOCKS for one in found[path])
        leaves_as = None
        if not blocked:
            try:
                counting = taxonomy.is_counting(declared.statbarn)
                leaves_as, written = clean_file(path, content, counting=counting)
            except Unfit as unfit:
                found[path].append(unfit.finding)
                blocked = True
            else:
                _save(save, leaves_as, written)
        told.append(
            {
                "path": path,
                "blocked": blocked,
                "leaves_as": leaves_as,
                "findings": [
                    {
                        "severity": one.severity.value,
                        "code": one.code,
                        "message": one.message,
                        "remedy": one.remedy,
                        "where": one.where,
                    }
                    for one in found[path]
                ],
            }
        )
    lines = []
    for file in told:
        lines.append(f"{file['path']}: {'blocked' if file['blocked'] else 'would not be blocked'}")
        for one in file["findings"]:
            place = f" ({one['where']})" if one["where"] else ""
            lines += [f"  {one['severity']}{place}: {one['message']}", f"    {one['remedy']}"]
    show({"grade": grade, "files": told}, as_json, *map(escape, lines))
    if any(file["blocked"] for file in told):
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


def _save(folder: Path | None, name: str, content: bytes) -> None:
    if folder is not None:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
