"""Start a whole city on this machine, and play its story."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from sandbox.cli.terminal import Home, Json, app, err, home_of, out, print_json


@app.command()
def up(
    home: Home = None,
    demo: Annotated[bool, typer.Option(help="Load the demo's data, grant and products.")] = True,
) -> None:
    """Start a whole city on this machine, on the loopback, and stay until Ctrl-C.

    Postgres, an S3 server, the vault, the portal and the hub; with `--demo` (the default) three real data
    sets are published, the team has a grant, and two products are on offer. A second start takes seconds.
    """
    from sandbox.standalone.run_city import run_city
    from sandbox.standalone.settings import read_settings
    from sandbox.standalone.supervisor import City
    from sandbox.standalone.welcome import load_demo, welcome

    settings = read_settings()

    def report(step: str) -> None:
        err.print(f"[dim]· {escape(step)}[/dim]", soft_wrap=True, highlight=False)

    def furnish() -> None:
        if demo:
            report("loading the demo city (the first time takes a few seconds)")
            load_demo(city.home, settings, city.go_on)

    def ready(_: object) -> None:
        welcome(out, city.home, settings)

    city = City(home_of(home), settings, report=report, furnish=furnish)

    raise typer.Exit(run_city(city, ready=ready))


@app.command()
def tour(
    against: Annotated[
        Path | None, typer.Option(help="Play against the running city of this home, not a fresh one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play the whole story, with every gate in its place: publish, ask, be refused, sell, prove.

    Without `--against` it starts a city of its own in a temporary folder, on free ports, and removes it
    afterwards. Exit status 1 if a step fails.
    """
    from sandbox.client.session import places
    from sandbox.standalone.fresh import fresh_city
    from sandbox.standalone.settings import read_settings
    from sandbox.standalone.tour import Report, play
    from sandbox.standalone.tour.play import Step

    settings = read_settings()
    terminal = Console(stderr=True, quiet=as_json)
    shown = Console(quiet=as_json)

    def told(step: Step) -> None:
        mark = "[green]✓[/green]" if step.ok else "[red]✗[/red]"
        shown.print(
            f"{mark} [bold]{step.name:16}[/bold] [dim]{step.actor:22}[/dim] "
            f"{step.seconds:6.1f} s  {step.detail}",
            highlight=False,
            soft_wrap=True,
        )

    def perform(home: Path) -> Report:
        with terminal.status("playing", spinner="dots") as status, tempfile.TemporaryDirectory() as folder:
            return play(
                places(home),
                password=settings.password,
                policies=settings.policies,
                folder=Path(folder),
                told=told,
                begins=lambda name, actor: status.update(f"{name}: {actor}"),
            )

    if against is not None:
        report = perform(against.resolve())
    else:
        with fresh_city(report=lambda step: terminal.print(f"[dim]· {step}[/dim]")) as home:
            report = perform(home)
    if as_json:
        print_json(report.as_json())
    else:
        shown.print("[green]Every gate held.[/green]" if report.ok else "[red]The tour failed.[/red]")
    raise typer.Exit(0 if report.ok else 1)
