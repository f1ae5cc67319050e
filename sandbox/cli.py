"""The command line: start a city, walk through it, and do each person's part of the work. `cihu --help` teaches it."""

import json
import os
import sys
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.audit import verify_receipt
from sandbox.errors import CihuError, InvalidInput

if TYPE_CHECKING:  # what a command needs is imported in it: --help must not wait for JupyterHub and pandas
    from sandbox.city.visitor import Visitor

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown", help="""
**Cihu (磁湖)**: use a city's data without seeing it; sell what may safely leave.

Start with `cihu up` (a city on this machine) and, in another terminal, `cihu tour --against .cihu` (the whole story).

The people's commands need a login: `--as NAME`, and the password in CIHU_PASSWORD or at the prompt. The demo's
people: lin and zhou (data officers), wang, li, zhao (analysts), chen (a company's buyer), he (operator), xu (auditor).
""")
audit_app = typer.Typer(no_args_is_help=True, help="The transparency log: receipts, and how to verify them without trust.")
app.add_typer(audit_app, name="audit")
out, err = Console(), Console(stderr=True)

Home = Annotated[Path | None, typer.Option("--home", help="The city's folder (default: CIHU_HOME, or .cihu).")]
As = Annotated[str, typer.Option("--as", help="Who you are, such as wang.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Epsilon = Annotated[str | None, typer.Option(help="The privacy loss you offer (default: the dataset's own).")]
RelativeError = Annotated[float | None, typer.Option("--error", help="Instead of an epsilon: the relative error you need in "
                                                     "a group of typical size, such as 0.05.")]
GrantNumber = Annotated[int | None, typer.Option("--grant", help="Under which grant; needed if you have several.")]


@app.command()
def up(home: Home = None, demo: Annotated[bool, typer.Option(help="Load the demo's data, grant and products.")] = True) -> None:
    """Start a whole city on this machine, on the loopback, and stay until Ctrl-C.

    Postgres, an S3 server, the vault, the portal and the hub; with `--demo` (the default) two real data sets are
    published, the team has a grant, and two products are on offer. A second start takes seconds.
    """
    from sandbox.city.run_city import run_city
    from sandbox.city.settings import read_settings
    from sandbox.city.supervisor import City
    from sandbox.city.welcome import load_demo, welcome

    settings = read_settings()
    city = City(_home(home), settings, report=lambda step: err.print(f"[dim]· {step}[/dim]"))

    def ready(_: object) -> None:
        if demo:
            err.print("[dim]· loading the demo city (the first time takes a few seconds)[/dim]")
            load_demo(city.home, settings)
        welcome(out, city.home, settings)

    raise typer.Exit(run_city(city, ready=ready))


@app.command()
def tour(
    against: Annotated[Path | None, typer.Option(help="Play against the running city of this home, not a fresh one.")] = None,
    as_json: Json = False,
) -> None:
    """Play the whole story, with every gate in its place: publish, ask, be refused, sell, prove.

    Without `--against` it starts a city of its own in a temporary folder, on free ports, and removes it afterwards.
    Exit status 1 if a step fails.
    """
    from sandbox.city.fresh import fresh_city
    from sandbox.city.settings import read_settings
    from sandbox.city.tour import Report, play
    from sandbox.city.tour.play import Step
    from sandbox.city.visitor import places

    settings = read_settings()
    terminal = Console(stderr=True, quiet=as_json)
    shown = Console(quiet=as_json)

    def told(step: Step) -> None:
        mark = "[green]✓[/green]" if step.ok else "[red]✗[/red]"
        shown.print(f"{mark} [bold]{step.name:16}[/bold] [dim]{step.actor:22}[/dim] {step.seconds:6.1f} s  {step.detail}",
                    highlight=False, soft_wrap=True)

    def perform(home: Path) -> Report:
        with terminal.status("playing", spinner="dots") as status, tempfile.TemporaryDirectory() as folder:
            return play(places(home), password=settings.password, policies=settings.policies, folder=Path(folder),
                        told=told, begins=lambda name, actor: status.update(f"{name}: {actor}"))

    if against is not None:
        report = perform(against.resolve())
    else:
        with fresh_city(report=lambda step: terminal.print(f"[dim]· {step}[/dim]")) as home:
            report = perform(home)
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        shown.print("[green]Every gate held.[/green]" if report.ok else "[red]The tour failed.[/red]")
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def publish(policy: Annotated[Path, typer.Argument(help="What you say of the data (YAML; see policies/dataset.schema.json).")],
            rows: Annotated[Path, typer.Argument(help="The rows: CSV with a header, or Parquet.")],
            who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Publish a dataset, or a new version of it (data officers). Says how well your bounds fit the rows."""
    done = _visitor(home, who).publish(policy, rows)
    _show(done, as_json, f"Published {done['dataset']}, version {done['version']}: {done['rows']} rows.",
          *[f"  Look at this: {advice}" for advice in done["advice"]])


@app.command()
def request(dataset: str, purpose: Annotated[str, typer.Option(help="What you want to find out, and what for.")],
            team: Annotated[str, typer.Option(help="For which of your teams.")] = "cihu-lake",
            epsilon: Annotated[str, typer.Option(help="The privacy budget you ask for.")] = "1",
            days: Annotated[int, typer.Option(help="For how long.")] = 60,
            who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Request a grant on a dataset (analysts, for a team)."""
    until = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    done = _visitor(home, who).vault("POST", "/v1/requests", json={
        "dataset": dataset, "team": team, "purpose": purpose, "epsilon": epsilon, "until": until})
    _show(done, as_json, f"Request {done['id']} was made; an officer of {done['department']} decides.",
          f"  They approve it with: cihu approve {done['id']} --as lin")


@app.command()
def approve(number: int, epsilon: Annotated[str | None, typer.Option(help="A smaller budget than asked.")] = None,
            note: str = "", refuse: Annotated[str, typer.Option(help="Refuse instead, for this reason.")] = "",
            who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Approve a request, perhaps with a smaller budget, or refuse it (data officers)."""
    officer = _visitor(home, who)
    if refuse:
        done = officer.vault("POST", f"/v1/requests/{number}/refuse", json={"reason": refuse})
        return _show(done, as_json, f"Request {number} was refused.")
    body = {"note": note} | ({"epsilon": epsilon} if epsilon else {})
    done = officer.vault("POST", f"/v1/requests/{number}/approve", json=body)
    return _show(done, as_json, f"Grant {done['id']}: {done['team']} may ask {done['dataset']} until {done['until'][:10]}, "
                 f"with a budget of epsilon {done['epsilon']}.")


@app.command("stand-in")
def stand_in(dataset: str, to: Annotated[Path, typer.Option("--out", help="Where to write the rows (Parquet).")],
             who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Write invented rows of a dataset's shape into a file, to write programs on. None is real; it costs nothing."""
    body = _visitor(home, who).vault("GET", f"/v1/datasets/{quote(dataset, safe='')}/stand-in")
    try:
        to.write_bytes(body)
    except OSError as error:
        raise InvalidInput(f"{to} cannot be written: {error.strerror}.", mend="Name a file in a folder of yours.") from None
    _show({"dataset": dataset, "file": str(to), "bytes": len(body)}, as_json,
          f"Stand-in rows of {dataset} are in {to} (Parquet). They are invented: no row is real.")


@app.command("buy-stand-in")
def buy_stand_in(dataset: str, epsilon: Annotated[str, typer.Option(help="The privacy loss to spend, once for this version.")],
                 who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Buy better stand-in rows from a dataset's budget (data officers): its columns and their pairs will be roughly right."""
    done = _visitor(home, who).vault("POST", f"/v1/datasets/{quote(dataset, safe='')}/stand-in", json={"epsilon": epsilon})
    if as_json:
        return print(json.dumps(done, ensure_ascii=False))
    table = Table("columns", "rows differ from the noisy counts by", "the counts' own noise")
    for of in done["quality"]:
        if len(of["columns"]) == 1:
            table.add_row(of["columns"][0], f"{100 * of['distance']:.1f} %", f"{100 * of['noise']:.1f} %")
    out.print(table)
    pairs = [of for of in done["quality"] if len(of["columns"]) == 2]
    for part in ("distance", "noise"):
        done[part] = 100 * sum(of[part] for of in pairs) / len(pairs) if pairs else 0.0
    return out.print(f"{dataset}@{done['version']}: epsilon {done['epsilon']:.4g} at delta {done['delta']:g}. Over {len(pairs)} "
                     f"pairs of columns: {done['distance']:.1f} %, noise {done['noise']:.1f} %. Log entry {done['log_index']}.")


@app.command()
def explain(sql: str, epsilon: Epsilon = None, error: RelativeError = None, grant: GrantNumber = None, who: As = "wang",
            home: Home = None, as_json: Json = False) -> None:
    """What a question would cost, and how far off its answer would be. Touches no data, spends nothing."""
    told = _visitor(home, who).vault("POST", "/v1/explain", json={"sql": sql, "epsilon": epsilon, "error": error, "grant": grant})
    if as_json:
        return print(json.dumps(told, ensure_ascii=False))
    out.print("Answered before: free." if told["stored"] else
              f"Costs epsilon {told['epsilon']:.4g} at delta {told['delta']:g}; the grant would be at "
              f"{told['budget']['percent_used_after']:.1f} % (now {told['budget']['percent_used_now']:.1f} %).")
    table = Table("output", "standard error", "95 % of answers within", "noise as of (units)", "epsilon")
    for output in told["outputs"]:
        told_errors = (output["standard_error"], output["plus_minus_95"])
        to_find = told["cells"] is None or any(not one["bought_before"] for one in told["bounds"])
        unknown = "not known yet" if to_find else "too noisy"
        table.add_row(output["name"], *(unknown if one is None else f"± {one:.4g}" for one in told_errors),
                      f"{output['noise_in_units']:.4g}", f"{output['epsilon']:.4g}")
    out.print(table)
    return _say([*told["bounding"], *told["notes"]])


@app.command()
def ask(sql: str, epsilon: Epsilon = None, error: RelativeError = None, grant: GrantNumber = None, who: As = "wang",
        home: Home = None, receipt: Annotated[Path | None, typer.Option(help="Write the answer's receipt here.")] = None,
        as_json: Json = False) -> None:
    """Ask a question in SQL; get a private answer with its error, and a receipt."""
    answer = _visitor(home, who).vault("POST", "/v1/ask", json={"sql": sql, "epsilon": epsilon, "error": error, "grant": grant})
    if receipt:
        receipt.write_text(json.dumps(answer["receipt"], indent=1, ensure_ascii=False) + "\n", "utf-8")
    if as_json:
        return print(json.dumps(answer, ensure_ascii=False))
    table = Table(*[column["name"] for column in answer["columns"]])
    for row, errors in zip(answer["rows"], answer["errors"], strict=True):
        table.add_row(*[_cell(column, value, errors) for column, value in zip(answer["columns"], row, strict=True)])
    out.print(table)
    price = "stored before: free" if answer["stored"] else f"epsilon {answer['price']['epsilon']:.4g}"
    out.print(f"{answer['dataset']}@{answer['version']}, {price}, {answer['price']['grant_percent_used']:.1f} % of the "
              f"grant used; log entry {answer['log_index']}." + (f" Receipt in {receipt}." if receipt else ""))
    return _say(answer["notes"])


@app.command()
def run(folder: Annotated[Path | None, typer.Argument(help="The program: its .py files and a cihu.yaml (name, entry, inputs, "
                                                      "limit).")] = None,
        sql: Annotated[str, typer.Option(help="Instead of a program: a table of exact counts, computed by the vault.")] = "",
        name: Annotated[str, typer.Option(help="With --sql: what it is, in a few words.")] = "a table",
        limit: Annotated[str, typer.Option(help="With --sql: when its end is told (10s, 1m, 5m, ...).")] = "10s",
        who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Hand in a program to run on real rows in a seal, or a declared query; what it leaves waits for reviewers.

    Try a program first on the rows of `cihu stand-in`: of the real run you are told the state, and no more.
    """
    from sandbox.jobs.program_folder import LIMITS, read_folder

    if (folder is None) is (not sql) or limit not in LIMITS:
        raise InvalidInput("A run is a program's folder or a declared query.",
                           mend="Give a folder, or --sql \"SELECT ...\" (with a --limit of 10s, 1m, 5m, 15m, 1h or 4h).")
    body = read_folder(folder) if folder is not None else {"name": name, "sql": sql, "limit_seconds": LIMITS[limit]}
    done = _visitor(home, who).vault("POST", "/v1/runs" if folder is not None else "/v1/runs/table", json=body)
    _show(done, as_json, f"Run {done['id']} is {done['state']}; log entry {done['log_index']}.",
          f"  Its end is told {done['limit_seconds']} seconds after its start, however soon it ends: cihu runs")


@app.command()
def runs(who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """The runs of your teams, newest first: sealed programs and declared tables."""
    told = _visitor(home, who).vault("GET", "/v1/runs")
    if as_json:
        return print(json.dumps(told, ensure_ascii=False))
    table = Table("run", "name", "state", "by", "reads", "its end is told at")
    for one in told:
        reads = ", ".join(f"{read['dataset']}@{read['version']}" for read in one["inputs"])
        table.add_row(one["id"], escape(one["name"]), one["state"], one["submitted_by"], reads, (one["told_at"] or "")[:19])
    return out.print(table)


@app.command()
def cancel(run_id: Annotated[str, typer.Argument(help="As `cihu runs` shows it.")], who: As = "wang", home: Home = None,
           as_json: Json = False) -> None:
    """Call a sealed run off that waits or runs; what it made is thrown away."""
    done = _visitor(home, who).vault("POST", f"/v1/runs/{quote(run_id, safe='')}/cancel")
    _show(done, as_json, f"Run {done['id']} is {done['state']}.")


@app.command()
def release(run_id: Annotated[str, typer.Argument(help="As `cihu runs` shows it.")],
            wish: Annotated[Path, typer.Argument(help="YAML: path -> statbarn, context, controls, and counts if there are any.")],
            who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Ask for files of a finished run (analysts). Officers look at each, and decide."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        said = YAML(typ="safe", pure=True).load(wish.read_text("utf-8"))
        files = [{"path": str(path), **words} for path, words in said.items()]
    except (OSError, UnicodeDecodeError, YAMLError, AttributeError, TypeError) as error:
        raise InvalidInput(f"{wish} does not say which files to release.", mend="For each file: its path, and below it "
                           "statbarn, context, controls and, if there are any, counts.") from error
    done = _visitor(home, who).vault("POST", f"/v1/runs/{quote(run_id, safe='')}/release", json={"files": files})
    _show(done, as_json, f"{len(done['files'])} files wait for reviewers, until {done['due_at'][:10]}.",
          f"  When they have decided: cihu files {run_id}")


@app.command()
def files(run_id: Annotated[str, typer.Argument(help="As `cihu runs` shows it.")],
          save: Annotated[Path | None, typer.Option(help="Write them below this folder, with receipt.json.")] = None,
          who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """The released files of a run, and what reviewers said if it was returned or refused."""
    visitor, address = _visitor(home, who), f"/v1/runs/{quote(run_id, safe='')}"
    done = visitor.vault("GET", f"{address}/files")
    said = visitor.vault("GET", f"{address}/release")
    if save is not None:
        for one in done["files"]:
            place = save / one["path"]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(visitor.vault("GET", f"{address}/files/{one['path']}"))
        if done["receipt"]:
            (save / "receipt.json").write_text(json.dumps(done["receipt"], ensure_ascii=False), "utf-8")
    _show(done | {"request": said}, as_json, f"The request is {said['outcome'] or said['state']}.",
          *[f"  {one['path']}  {one['size']} bytes  sha256 {one['sha256']}" for one in done["files"]],
          *[f"  {one['path']}: {one['comment']}" for one in said["comments"]])


@app.command()
def package(run_id: Annotated[str, typer.Argument(help="As `cihu runs` shows it.")],
            save: Annotated[Path, typer.Option(help="Write it to this zip.")],
            who: As = "wang", home: Home = None) -> None:
    """The whole story of a decided run as one signed RO-Crate; `cihu audit verify` checks it offline."""
    content: bytes = _visitor(home, who).vault("GET", f"/v1/runs/{quote(run_id, safe='')}/package")
    save.write_bytes(content)
    out.print(f"{len(content)} bytes in {escape(str(save))}")


@app.command()
def reviews(decided: Annotated[bool, typer.Option(help="Those that are decided, instead of those that wait.")] = False,
            who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Outputs of sealed runs that wait for reviewers, the most urgent first (data officers)."""
    told = _visitor(home, who).vault("GET", "/v1/reviews", params={"state": "decided" if decided else "waiting"})
    if as_json:
        return print(json.dumps(told, ensure_ascii=False))
    table = Table("review", "due", "run", "team", "reads", "files", "state")
    for one in told:
        table.add_row(one["id"], one["due_at"][:10] + (" overdue" if one["overdue"] else ""), escape(one["name"]), one["team"],
                      ", ".join(one["datasets"]), str(one["files"]), one["outcome"] or one["state"])
    return out.print(table)


@app.command()
def review(review_id: Annotated[str, typer.Argument(help="As `cihu reviews` shows it.")],
           view: Annotated[str, typer.Option(help="Print this file. The view is logged.")] = "",
           original: Annotated[bool, typer.Option(help="With --view: as the run left it, not as it would leave.")] = False,
           give_on: Annotated[bool, typer.Option(help="Once overdue: let others take the seats of who did not go on.")] = False,
           vote: Annotated[list[str] | None, typer.Option(help="PATH=approve, =change or =refuse; once for each file.")] = None,
           comment: Annotated[str, typer.Option(help="Needed for a change and a refusal, and where a check asks.")] = "",
           reason: Annotated[list[str] | None, typer.Option(help="Why: one of those of policies/reviews.yaml.")] = None,
           who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Look at an output that waits, and vote on its files (data officers), blind to the others until all have voted."""
    visitor, address = _visitor(home, who), f"/v1/reviews/{quote(review_id, safe='')}"
    if view:
        content: bytes = visitor.vault("GET", f"{address}/files/{quote(view)}", params={"original": str(original).lower()})
        if sys.stdout.isatty():  # a program wrote it: what could steer a terminal, or hide, is shown by its number
            print("".join(letter if letter.isprintable() or letter in "\n\t" else f"\\u{ord(letter):04x}"
                          for letter in content.decode("utf-8", "backslashreplace")))
        else:
            sys.stdout.buffer.write(content)
        return
    told = visitor.vault("POST", f"{address}/seats/give-on") if give_on else visitor.vault("GET", address)
    if vote:
        parts = [one.rpartition("=") for one in vote]
        told = visitor.vault("POST", f"{address}/votes", json={"revision": told["revision"], "votes": [
            {"path": path, "vote": choice, "comment": comment, "reasons": [] if choice == "approve" else reason or []}
            for path, _, choice in parts]})
    lines = [f"{told['name']} of {told['team']}: {told['outcome'] or told['state']}; "
             f"{told['submitted']} of {told['needed']} have voted."]
    for one in told["files"]:
        lines += [f"  {one['path']}  {one['statbarn']}  {one['size'] if one['left'] else 'not left'}",
                  *[f"    {found['severity']}: {found['message']}" for found in one["findings"]],
                  *[f"    {cast['reviewer']} ({cast['round']}): {cast['vote']} {cast['comment']}"
                    for cast in told["votes"] if cast["path"] == one["path"]]]
    _show(told, as_json, *[escape(line) for line in lines])


@audit_app.command("verify")
def audit_verify(receipt: Annotated[Path, typer.Argument(help="A receipt (JSON), as `cihu ask --receipt` writes it, or a package "
                                                              "of a run (zip), as `cihu package` writes it.")],
                 key: Annotated[str, typer.Option(help="The log's public key, as `cihu audit key` prints it, or a file of it.")],
                 as_json: Json = False) -> None:
    """Verify a receipt or a package offline: it needs nothing but the file and the log's public key."""
    if zipfile.is_zipfile(receipt):
        _verify_package(receipt, Path(key).read_text("utf-8").strip() if Path(key).is_file() else key, as_json=as_json)
        return
    try:
        document = json.loads(receipt.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{receipt} is not a receipt that can be read.", mend="Give a JSON file.") from error
    public_key = Path(key).read_text("utf-8").strip() if Path(key).is_file() else key
    proven = verify_receipt(document, public_key)
    _show({"verified": True, "kind": proven.kind, "index": proven.index, "size": proven.size, "root": proven.root},
          as_json, f"Verified: entry {proven.index} of {proven.size} is a {proven.kind} of {proven.time}.",
          *([f"  {proven.actor}: {proven.subject}"] if proven.opened else []))


def _verify_package(place: Path, public_key: str, *, as_json: bool) -> None:
    from sandbox.reviews.verify_package import verify_package

    proven = verify_package(place.read_bytes(), public_key)
    _show({"verified": True, "name": proven.name, "outcome": proven.outcome, "files": list(proven.files)}, as_json,
          f"Verified: {escape(proven.name)} was {proven.outcome}; {len(proven.files)} files, {proven.receipts} receipts.",
          *[f"  {escape(name)}" for name in proven.files])


@audit_app.command("key")
def audit_key(home: Home = None) -> None:
    """Print the log's public key (anybody may have it; get it once, from somebody you trust)."""
    import httpx

    from sandbox.city.visitor import places

    print(httpx.get(f"{places(_home(home)).vault}/v1/log/key", timeout=30, trust_env=False).json()["key"])


@audit_app.command("receipt")
def audit_receipt(index: int, who: As = "wang", home: Home = None) -> None:
    """Fetch the receipt of a log entry; what it says is shown to whoever did it, and to auditors."""
    print(json.dumps(_visitor(home, who).vault("GET", f"/v1/log/receipts/{index}"), ensure_ascii=False, indent=1))


def _say(notes: list[str]) -> None:
    for note in notes:
        out.print(f"  {escape(note)}", style="dim")


def _cell(column: dict[str, Any], value: Any, errors: dict[str, Any]) -> str:
    if column["kind"] == "key":
        return str(value)
    error = errors[column["name"]]
    if value is None:
        return str(error.get("note", "withheld"))
    return f"{value:,.2f} ± {error['standard_error']:,.2f}  [{error['low']:,.2f}, {error['high']:,.2f}]"


def _home(home: Path | None) -> Path:
    from sandbox.city.settings import home_folder

    return home.resolve() if home else home_folder()


def _visitor(home: Path | None, account: str) -> "Visitor":
    from sandbox.city.visitor import Visitor, places

    where = places(_home(home))
    password = os.environ.get("CIHU_PASSWORD") or typer.prompt(f"Password of {account}", hide_input=True, err=True)
    return Visitor(where, account, password)


def _show(document: dict[str, Any], as_json: bool, *lines: str) -> None:
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        for line in lines:
            out.print(line, highlight=False)


def main() -> None:
    """The entry point: every refusal is a line or two that say what is wrong and how to mend it."""
    try:
        app()
    except CihuError as error:
        err.print(f"[red]{escape(error.message)}[/red]", highlight=False, soft_wrap=True)
        if error.mend:
            err.print(escape(error.mend), highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
