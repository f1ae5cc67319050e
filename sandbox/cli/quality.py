"""Commands for the quality of datasets: the report, the classes that everybody sees, reported problems."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, out, print_json, show, visitor_of


@app.command()
def quality(
    dataset: str,
    version: Annotated[int | None, typer.Option(help="Which version (default: the newest).")] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print the quality report of a version: scores by GB/T 36344, rules, columns (the officer who published
    it)."""
    officer, name = visitor_of(home, who), quote(dataset, safe="")
    number = version or officer.vault("GET", f"/v1/datasets/{name}")["version"]
    report = officer.vault("GET", f"/v1/datasets/{name}/versions/{number}/quality")
    if as_json:
        return print_json(report)
    return _print_report(report)


@app.command("draft-quality")
def draft_quality(
    number: Annotated[int, typer.Argument(help="The draft's number.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print the quality report of a draft's file before it is published (the officer whose file it is)."""
    report = visitor_of(home, who).vault("GET", f"/v1/drafts/{number}/quality", timeout=1800)
    if as_json:
        return print_json(report)
    return _print_report(report)


@app.command("buy-quality")
def buy_quality(
    dataset: str,
    epsilon: Annotated[str, typer.Option(help="The privacy loss to spend, once for this version.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Tell everybody the completeness of a dataset's columns as classes, paid from its budget (data
    officers)."""
    done = visitor_of(home, who).vault(
        "POST", f"/v1/datasets/{quote(dataset, safe='')}/quality", json={"epsilon": epsilon}
    )
    if as_json:
        return print_json(done)
    table = Table("column", "cells filled")
    for each in done["completeness"]:
        table.add_row(each["column"], f"{100 * each['at_least']:g} to {100 * each['at_most']:g} %")
    out.print(table)
    return out.print(
        f"{dataset}@{done['version']}: epsilon {done['epsilon']:.4g} at delta {done['delta']:g}. Each "
        f"class is wrong with a chance of at most {100 * done['wrong_at_most']:g} %. "
        f"Log entry {done['log_index']}."
    )


@app.command("report-problem")
def report_problem(
    dataset: str,
    words: Annotated[str, typer.Argument(help="What is wrong, without the content of any row.")],
    column: Annotated[str | None, typer.Option(help="In which column.")] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Report a problem on a dataset to its department (whoever has a grant; on open data anybody)."""
    body = {"words": words} | ({"column": column} if column else {})
    done = visitor_of(home, who).vault("POST", f"/v1/datasets/{quote(dataset, safe='')}/reports", json=body)
    show(
        done,
        as_json,
        f"Report {done['id']} was sent to {done['department']}, which answers by {done['due_at'][:10]}.",
    )


@app.command()
def problems(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List the problems that you reported, or that were reported on your department's data."""
    listed = visitor_of(home, who).vault("GET", "/v1/reports")
    if as_json:
        return print_json({"reports": listed})
    table = Table("report", "dataset", "column", "what is wrong", "due", "outcome")
    for each in listed:
        table.add_row(
            str(each["id"]),
            each["dataset"],
            each["column"] or "",
            escape(each["words"]),
            each["due_at"][:10] + (" (overdue)" if each["overdue"] else ""),
            each["outcome"] or "",
        )
    return out.print(table if listed else "No problem was reported.")


@app.command("answer-problem")
def answer_problem(
    number: Annotated[int, typer.Argument(help="The report's number.")],
    words: Annotated[str, typer.Argument(help="The answer: everybody sees it with the next version.")],
    outcome: Annotated[
        Literal["corrected", "explained", "not_a_fault"], typer.Option(help="What became of it.")
    ],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Answer a problem that was reported on your department's data (data officers)."""
    done = visitor_of(home, who).vault(
        "POST", f"/v1/reports/{number}/answer", json={"outcome": outcome, "words": words}
    )
    show(done, as_json, f"Report {number} is answered. It stands in the notes of the next version.")


def _print_report(report: dict[str, Any]) -> None:
    from sandbox.quality.rules import told

    scores = Table("dimension", "score", "made of")
    for dimension in report["score"]["dimensions"]:
        points = dimension["score"]
        scores.add_row(
            f"{dimension['en']} ({dimension['zh']})",
            "" if points is None else f"{points:.1f}",
            escape("; ".join(measure["en"] for measure in dimension["measures"])),
        )
    out.print(scores)
    for rule in report["rules"]:
        kept = "kept" if rule["kept"] else "not kept"
        out.print(f"  rule {rule['place'] + 1}, {escape(rule['en'])}: {kept} ({told(rule)})", highlight=False)
    columns = Table("column", "filled", "fit", "unfit", "outside", "different", "outliers", "drift", "newest")
    for column in report["columns"]:
        columns.add_row(
            column["name"],
            f"{100 * column['completeness']:.2f} %",
            f"{100 * column['validity']:.2f} %",
            *(str(column.get(name, "")) for name in ("unfit", "outside", "distinct", "outliers")),
            f"{column['drift']:.3f}" if "drift" in column else "",
            column.get("newest", ""),
        )
    out.print(columns)
    total, table = report["score"]["total"], report["table"]
    out.print(
        f"{table['rows']} rows, {table['left_out']} left out, {table['repeated']} repeated. "
        f"{report['score']['standard']}: {'no score' if total is None else f'{total:.1f}'}.",
        highlight=False,
    )
