"""Commands for data contracts: a policy as a contract of the Open Data Contract Standard, and back."""

import io
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML

from sandbox.cli.terminal import As, Home, Json, app, of, out, print_json, visitor_of
from sandbox.errors import InvalidInput

Out = Annotated[Path | None, typer.Option("--out", help="The file to write; without it, it is shown.")]


@app.command("export-contract")
def export_contract(
    dataset: str, to: Out = None, who: As = "lin", home: Home = None, as_json: Json = False
) -> None:
    """Write a dataset's policy as a contract of the Open Data Contract Standard (data officers)."""
    contract = visitor_of(home, who).vault("GET", of(dataset, "contract"))
    if as_json:
        return print_json(contract)
    text = io.StringIO()
    writer = YAML()
    writer.width = 100_000
    writer.dump(contract, text)
    return _give(text.getvalue(), to)


@app.command("import-contract")
def import_contract(
    file: Annotated[Path, typer.Argument(help="The contract, YAML or JSON.")],
    department: Annotated[str, typer.Option(help="Yours, where the contract is not of this city.")],
    to: Out = None,
    as_json: Json = False,
) -> None:
    """Make a policy of a data contract, on this machine. One that others wrote is completed before it is
    published: it does not say whom the rows are about."""
    from sandbox.drafts.contract import policy_of
    from sandbox.drafts.write_policy import write_policy
    from sandbox.policy import YamlText

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidInput(
            f"{file} cannot be read: {why}.", remedy="Name a file that you may read."
        ) from None
    contract: Any = YamlText(text, None, what=file.name).document
    policy = policy_of(contract, department=department)
    if as_json:
        return print_json(json.loads(json.dumps(policy)))
    return _give(write_policy(policy), to)


def _give(text: str, to: Path | None) -> None:
    if to is None:
        out.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        return
    try:
        to.write_text(text, "utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{to} cannot be written: {error.strerror}.", remedy="Name a file in a folder of yours."
        ) from None
    out.print(f"Wrote {to}.")
