"""Questions in SQL: the price before, the answer with its errors."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from sandbox.cli.terminal import (
    As,
    Epsilon,
    GrantNumber,
    Home,
    Json,
    RelativeError,
    app,
    out,
    print_json,
    say,
    visitor_of,
)


@app.command()
def explain(
    sql: str,
    epsilon: Epsilon = None,
    error: RelativeError = None,
    grant: GrantNumber = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """What a question would cost, and how far off its answer would be. Touches no data, spends nothing."""
    asked = {"sql": sql, "epsilon": epsilon, "error": error, "grant": grant}
    told = visitor_of(home, who).vault("POST", "/v1/explain", json=asked)
    if as_json:
        return print_json(told)
    free = "Open data: exact, free, without a grant." if told.get("open") else "Answered before: free."
    out.print(
        free
        if told["stored"]
        else f"Costs epsilon {told['epsilon']:.4g} at delta {told['delta']:g}; the grant would be at "
        f"{told['budget']['percent_used_after']:.1f} % (now {told['budget']['percent_used_now']:.1f} %)."
    )
    if told["delta_spent"]:
        out.print(
            f"Finding the groups costs delta {told['delta_spent']:.3g}; the grant's delta would be at "
            f"{told['budget']['delta_percent_used_after']:.1f} % (now "
            f"{told['budget']['delta_percent_used_now']:.1f} %)."
        )
    if told["budget"]["refusal"]:
        out.print(
            f"{told['budget']['refusal']['message']} {told['budget']['refusal']['remedy']}", style="red"
        )
    table = Table("output", "standard error", "95 % of answers within", "noise as of (units)", "epsilon")
    for output in told["outputs"]:
        told_errors = (output["standard_error"], output["plus_minus_95"])
        to_find = told["cells"] is None or any(not one["bought_before"] for one in told["bounds"])
        unknown = "not known yet" if to_find else "too noisy"
        table.add_row(
            output["name"],
            *(unknown if one is None else f"± {one:.4g}" for one in told_errors),
            f"{output['noise_in_units']:.4g}",
            f"{output['epsilon']:.4g}",
        )
    out.print(table)
    return say([*told["bounding"], *told["notes"]])


@app.command()
def ask(
    sql: str,
    epsilon: Epsilon = None,
    error: RelativeError = None,
    grant: GrantNumber = None,
    who: As = "wang",
    home: Home = None,
    receipt: Annotated[Path | None, typer.Option(help="Write the answer's receipt here.")] = None,
    as_json: Json = False,
) -> None:
    """Ask a question in SQL; get a private answer with its error, and a receipt."""
    answer = visitor_of(home, who).vault(
        "POST", "/v1/ask", json={"sql": sql, "epsilon": epsilon, "error": error, "grant": grant}
    )
    if receipt:
        receipt.write_text(json.dumps(answer["receipt"], indent=1, ensure_ascii=False) + "\n", "utf-8")
    if as_json:
        return print_json(answer)
    table = Table(*[column["name"] for column in answer["columns"]])
    for row, errors in zip(answer["rows"], answer["errors"], strict=True):
        table.add_row(
            *[_cell(column, value, errors) for column, value in zip(answer["columns"], row, strict=True)]
        )
    out.print(table)
    if answer.get("open"):
        out.print(
            f"{answer['dataset']}@{answer['version']}, open data: exact and free; log entry "
            f"{answer['log_index']}."
        )
        return say(answer["notes"])
    price = "stored before: free" if answer["stored"] else f"epsilon {answer['price']['epsilon']:.4g}"
    out.print(
        (
            f"{answer['dataset']}@{answer['version']}, {price}, "
            f"{answer['price']['grant_percent_used']:.1f} % of the grant used; log entry "
            f"{answer['log_index']}."
        )
        + (f" Receipt in {receipt}." if receipt else "")
    )
    return say(answer["notes"])


def _cell(column: dict[str, Any], value: Any, errors: dict[str, Any]) -> str:
    if column["kind"] == "key":
        return str(value)
    error = errors.get(column["name"])
    if error is None:  # of open data: exact
        return str(value)
    if value is None:
        return str(error.get("note", "withheld"))
    return f"{value:,.2f} ± {error['standard_error']:,.2f}  [{error['low']:,.2f}, {error['high']:,.2f}]"
