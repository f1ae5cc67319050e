"""Ask questions about data that you cannot see.

    import cihu
    cihu.datasets()                                   # what is there
    cihu.dataset("health.visits")                     # its columns, bounds, keys
    cihu.stand_in("health.visits")                    # invented rows of the same shape, to write programs on
    cihu.explain("SELECT year, AVG(mdvis) ...")       # the price and the error; free, touches no data
    answer = cihu.sql("SELECT year, AVG(mdvis) ...")  # a private answer with its error bars
    answer.df                                         # an ordinary pandas DataFrame
    answer.plot()                                     # bars with their intervals
    cihu.budget()                                     # what is left, and what it was spent on
    # your own program goes to the data, sealed
    cihu.submit("program.py", name="...", inputs=["health.visits"])
    # exact counts, suppressed and rounded; people decide
    cihu.exact_table("SELECT site, COUNT(*) AS n ...", name="...")
    # whether what the trial left would be released
    cihu.check("t.csv", statbarn="frequencies", context="...", controls="...")
    cihu.runs()                                       # what became of such programs and tables
    # people decide
    cihu.runs()[0].request_release("t.csv", statbarn="frequencies", context="...", controls="...")
    cihu.runs()[0].files().df("t.csv")                # what they released
    cihu.board("health-2026")                         # a competition's board, with its intervals
    # a model as data; a program is entered by the magic %%entry above a cell
    cihu.enter("health-2026", model=fitted, features=["age", "female"]).wait()
    # a named private question, for a jury: the vault checks it first, and says its price
    cihu.enter("health-2026", question={"title": "...", "purpose": "...", "sql": "...", "epsilon": 0.5})

A program reads `cihu.inputs["health.visits"]` and writes into `cihu.outbox`; `%%sealed` above a
cell submits the cell. What `cihu.out` describes (tables, regressions, curves, charts, models) the vault
computes and protects itself.

Or without strings: `%%private_sql` above a cell of SQL, or an expression on `cihu.table("health.visits")`.

You never get a row of the data. You get sums, counts and averages with noise, each with its standard error
and 95 % interval, and a receipt that proves what was asked and answered.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from cihu import out
from cihu.answer import Answer
from cihu.budget import Budget
from cihu.catalogue import Dataset, Datasets
from cihu.chart import Chart
from cihu.checked import Checked, check_trial
from cihu.competition import Board, Competition, Competitions, read_competition
from cihu.computed import Computed
from cihu.course import Course, read_course
from cihu.entering import Entry, enter
from cihu.explanation import Explanation
from cihu.messages import LANGUAGES, choose, current, say
from cihu.notebook import load, remember, unload
from cihu.problem import CihuError
from cihu.program import Inputs, Models
from cihu.program import outbox as _outbox
from cihu.question import as_sql, question
from cihu.released import Wish
from cihu.runs import Run, Runs
from cihu.sealed import LIMITS, hand_in, interface_of, read_program
from cihu.stand_in_frame import unreal
from cihu.stand_in_quality import StandInQuality
from cihu.vault import Vault, the_vault
from cihu.waiting import Waiting, shell

EXPLAIN_SECONDS = 3.0  # while another question waits, how long such questions take is not worth more
ASKING_SECONDS = 1200.0  # longer than the vault ever takes: keys, bounds and totals, each after a wait

inputs = Inputs()
"""What a program reads, by dataset: real rows in a sealed run, stand-in rows in a notebook."""

models = Models()
"""The library's models that a program reads, by name@version."""

__all__ = [
    "Answer",
    "Board",
    "Budget",
    "Chart",
    "Checked",
    "CihuError",
    "Competition",
    "Competitions",
    "Computed",
    "Course",
    "Dataset",
    "Datasets",
    "Entry",
    "Explanation",
    "Inputs",
    "Run",
    "Runs",
    "Vault",
    "board",
    "budget",
    "check",
    "competition",
    "competitions",
    "course",
    "dataset",
    "datasets",
    "enter",
    "entries",
    "exact_table",
    "explain",
    "inputs",
    "language",
    "models",
    "out",
    "outbox",
    "run",
    "runs",
    "sql",
    "stand_in",
    "stand_in_quality",
    "submit",
    "table",
    "to_sql",
    "whoami",
]


def datasets() -> Datasets:
    """The catalogue: every dataset that you may know of."""
    documents = the_vault().get("/v1/datasets")
    remember(documents)
    return Datasets(documents)


def dataset(name: str) -> Dataset:
    """One dataset: what its columns mean, which values and bounds they have, whom it protects,
    what it may cost."""
    return Dataset(the_vault().get(f"/v1/datasets/{quote(name, safe='')}"))


def stand_in(name: str, kind: str = "best") -> pd.DataFrame:
    """Invented rows of the dataset's shape, to write a program on before it meets the data:
    an ordinary DataFrame.

    No row is real, and whatever shows them says so. `kind="schema"`: made from the dataset's policy alone
    (types, bounds, grids, public values, several rows a unit, empty cells); no number computed from them
    means anything. `kind="dp"`: made from noisy counts of columns and pairs of columns, if the dataset's
    officer bought some; numbers are roughly right. "best": the latter if there is. Costs you nothing. The
    same version gives everybody the same rows.
    """
    return unreal(
        the_vault().fetch(f"/v1/datasets/{quote(name, safe='')}/stand-in?kind={quote(kind, safe='')}")
    )


def stand_in_quality(name: str) -> StandInQuality:
    """How near the best stand-in rows come to what was bought: means of groups, correlations, deciles, models
    tested on real rows, each with its error, and what is not kept. Costs you nothing."""
    return StandInQuality(the_vault().get(f"/v1/datasets/{quote(name, safe='')}/stand-in/about"))


def table(name: str) -> Any:
    """The dataset as an Ibis table: filter, compute, group and aggregate it,
    and give the expression to `cihu.sql`.

    It holds no rows and executes nothing; it only becomes SQL.
    """
    from cihu.expression import table_of  # imports Ibis, which takes a second

    return table_of(dataset(name).document)


def to_sql(asked: object) -> str:
    """The SQL that an expression on `cihu.table(…)` is asked as."""
    return as_sql(asked)


def explain(
    asked: object, epsilon: float | None = None, error: float | None = None, grant: int | None = None
) -> Explanation:
    """What the question would cost and how far off its answer would be.
    Spends nothing and touches no data."""
    body = question(asked, epsilon, error, grant)
    return Explanation(body["sql"], the_vault().post("/v1/explain", body))


def sql(
    asked: object, epsilon: float | None = None, error: float | None = None, grant: int | None = None
) -> Answer:
    """Ask, in SQL or by an expression on `cihu.table(…)`.

    `epsilon` is the price that you offer (default: the dataset's); more buys a smaller error. Or say with
    `error` how far off the answer may be (0.05: ±5 % with 95 % confidence), and the price is solved for.
    `grant` says under which grant, when your team has several. The same question again is free. A question
    that was interrupted stays charged if it had touched data.
    """
    body = question(asked, epsilon, error, grant)
    vault = the_vault()

    def usual() -> float | None:
        try:
            seconds = vault.post("/v1/explain", body, seconds=EXPLAIN_SECONDS).get("answer_takes_seconds")
        except CihuError:
            return None
        return float(seconds) if seconds else None

    waiting = Waiting(usual)
    try:
        document = vault.post("/v1/ask", body, waiting.tick, ASKING_SECONDS)
    except KeyboardInterrupt:
        raise CihuError(say("interrupted"), code="interrupted", remedy=say("interrupted_mend")) from None
    finally:
        waiting.over()
    return Answer(body["sql"], document)


def budget(grant: int | None = None) -> Budget:
    """What has been spent and what is left of your team's grants, by whom and on what."""
    return Budget(the_vault().get("/v1/budgets" + (f"?grant={int(grant)}" if grant is not None else "")))


def submit(
    path: str | Path,
    *,
    name: str | None = None,
    inputs: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    limit: str | None = None,
    team: str | None = None,
    hint: bool | None = None,
) -> Run:
    """Submit a program, one .py file or a folder with a cihu.yaml, to run on real rows in a seal.

    With `kind: predictor`, `columns` and `predicts` in its cihu.yaml it is a predictor: `predict(rows)`
    in predictor.py is called on these columns, and returns what is declared for each row. A model beside
    it (skops, safetensors, ONNX) goes along. `hint=True`: its end comes with its class, where the
    datasets' officers allow it.

    `models`: of the library, such as ["high-cost@1"], which the program finds by
    `cihu.models.path("high-cost@1")`, here and in the seal.

    It is tried on stand-in rows here first; if that fails, nothing is submitted. What it prints and leaves in
    `cihu.outbox` on real rows goes to quarantine, and what reviewers release goes to your team. `limit`
    (10s, 1m, 5m, 15m, 1h, 4h) is when it is ended and its end disclosed, never before: declare a short one.
    """
    files, entry, said = read_program(path)
    made = hand_in(
        files,
        entry,
        name=name or str(said.get("name", "")),
        inputs=list(inputs or said.get("inputs") or []),
        models=list(models or said.get("models") or []),
        limit=limit or str(said.get("limit", "1m")),
        team=team or said.get("team"),
        interface=interface_of(said),
        hint=bool(said.get("hint", False)) if hint is None else hint,
    )
    assert made is not None, "only the magic can be told not to hand in"
    return made


def exact_table(asked: object, *, name: str, limit: str = "10s", team: str | None = None) -> Run:
    """Declare a query: the vault counts exactly, and people decide whether the table may leave.

    Counts alone (`COUNT(*)`, `COUNT(x)`, `COUNT(DISTINCT person)`), with `WHERE`, `GROUP BY` and joins with
    open data. Small counts are suppressed, the others rounded as the data's grade says; a table that would
    disclose a few people, combined with any released table of any team, cannot be released. Then `.wait()`
    and `.request_release("table.csv", context="...")`. Costs no budget.
    """
    if limit not in LIMITS:
        raise CihuError(say("bad_limit", given=limit, limits=", ".join(LIMITS)), code="invalid_input")
    body: dict[str, Any] = {"name": name, "sql": as_sql(asked), "limit_seconds": LIMITS[limit]}
    return Run(the_vault().post("/v1/runs/table", body | ({"team": team} if team else {})))


def check(files: str | Mapping[str, Wish] | None = None, **said: str | None) -> Checked:
    """What a review's checks would say of files that the last trial left,
    declared as in `run.request_release`; without `files`, of those that the vault computes (`cihu.out`).

    It spends nothing and touches no real row: quotes of raw values are looked for in the review itself.
    """
    return check_trial({files: said} if isinstance(files, str) else files)


def runs() -> Runs:
    """The runs of your teams, newest first: sealed programs, and tables that were declared."""
    return Runs(the_vault().get("/v1/runs"))


def run(id: str) -> Run:
    """One sealed run by its id."""
    return Run(the_vault().get(f"/v1/runs/{quote(id, safe='')}"))


def competitions() -> Competitions:
    """The competitions that were announced."""
    return Competitions(the_vault().get("/v1/competitions"))


def competition(name: str) -> Competition:
    """A competition (大赛): phases, tracks, terms, your team, and how to form or join one."""
    return read_competition(name)


def course() -> Course:
    """The safe-researcher course (notebooks 07 and 08): the rules of its test, and where you stand.
    `course().begin()` is an attempt, `.answer([...])` of it the outcome, `course().certificate` what it
    gave."""
    return read_course()


def board(name: str, track: str | None = None, phase: str | None = None) -> Board:
    """The board of a competition's track: scores with intervals, ranges of ranks, the organiser's baseline.
    Without `track`, of the only one; without `phase`, of the newest."""
    return read_competition(name).board(track, phase)


def entries(name: str) -> list[Entry]:
    """Your team's entries in a competition, the newest first."""
    found = the_vault().get(f"/v1/competitions/{quote(name, safe='')}/entries")
    return [Entry(name, document) for document in found]


def __getattr__(name: str) -> Path:
    """`cihu.outbox`: the folder of what may leave, as a Path; it is made when it is first looked at."""
    if name == "outbox":
        return _outbox()
    raise AttributeError(f"module 'cihu' has no attribute {name!r}")


def whoami() -> dict[str, object]:
    """Who you are for the vault."""
    return dict(the_vault().get("/v1/me"))


def language(chosen: str | None = None) -> str:
    """Which language errors and tables are in: "zh" or "en".
    With an argument: use it from now on in this kernel."""
    if chosen is not None:
        if chosen not in LANGUAGES:
            raise CihuError(
                say("bad_language", given=repr(chosen)), code="invalid_input", remedy=say("languages_are")
            )
        choose(chosen)
    return current()


def load_ipython_extension(notebook: Any) -> None:
    """`%load_ext cihu`; `import cihu` in a notebook does the same."""
    load(notebook)


def unload_ipython_extension(notebook: Any) -> None:
    unload(notebook)


if running := shell():
    load(running)
