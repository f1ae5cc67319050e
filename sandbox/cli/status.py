"""The command that shows the state of this home's city: each part, what it needs, how often it was started
again and why."""

import typer
from rich.markup import escape
from rich.table import Table

from sandbox.cli.terminal import Home, Json, app, home_of, out, print_json


@app.command()
def status(home: Home = None, as_json: Json = False) -> None:
    """Show whether the city is up, and each part of it ready. Exit status 0 if so, 1 otherwise."""
    from sandbox.standalone.status import city_status

    told = city_status(home_of(home))
    if as_json:
        print_json(told)
        raise typer.Exit(0 if told["ready"] else 1)
    if not told["running"]:
        out.print(f"No city runs in {escape(told['home'])}.", soft_wrap=True, highlight=False)
        raise typer.Exit(1)
    table = Table("part", "state", "process", "started again", "needs")
    for name, part in told["parts"].items():
        needs = [f"{what}: {said}" for what, said in part.get("checks", {}).items() if said != "ok"]
        table.add_row(
            name,
            part["state"],
            str(part["pid"] or ""),
            str(part["restarts"]),
            escape("; ".join(needs) or "ok"),
        )
    out.print(table)
    for name, part in told["parts"].items():
        if end := part["last_end"]:
            out.print(
                escape(f"  {name} ended {end['at']}: {end['why']}. Its log: {part['log']}"),
                soft_wrap=True,
                highlight=False,
            )
    out.print(
        f"The city is {'ready' if told['ready'] else 'not ready'}. Its own log: {escape(told['log'])}",
        soft_wrap=True,
        highlight=False,
    )
    raise typer.Exit(0 if told["ready"] else 1)
