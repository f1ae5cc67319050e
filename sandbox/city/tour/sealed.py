"""The team's part where SQL is not enough: rows that nobody is behind, and two programs that go to the real ones."""

from sandbox.city.tour.stage import Stage, check

GOOD = """
import cihu

rows = cihu.inputs["health.visits"]
people = rows.groupby("site")["person"].nunique()
print(people)
(people / 10).round().mul(10).astype(int).rename("people").to_csv(cihu.outbox / "people.csv")
"""
BAD = """
import cihu

cihu.inputs["health.visits"].head(40).to_csv(cihu.outbox / "rows.csv", index=False)
"""
SAID = {
    "people.csv": {"statbarn": "frequencies", "context": "People of the health insurance experiment by site, all years",
                   "controls": "Each person once; counts rounded to 10"},
    "rows.csv": {"statbarn": "frequencies", "context": "People of the health insurance experiment by site, all years",
                 "controls": "Counts rounded to 10"},
}
LIMIT_SECONDS = 10


def stand_in(stage: Stage) -> str:
    """wang writes the program on rows of which none is real; they are marked so, and have the real ones' columns."""
    cells = stage.cells()
    cells.run('import cihu\nrows = cihu.stand_in("health.visits")')
    number, columns = cells.value("len(rows)"), set(cells.value("list(rows.columns)"))
    check("is real" in cells.run("rows.head()"), "stand-in rows are not marked")
    hidden = {"black"}
    check({"person", "site", "doctor_visits"} <= columns and not hidden & columns, f"stand-in rows have the columns {columns}")
    people = cells.value('int(rows["person"].nunique())')
    return f"{number} rows of {people} people, none of them real; {len(columns)} columns"


def sealed_run(stage: Stage) -> str:
    """Two programs are tried on stand-in rows and go to the real ones; that they have ended is told when their limit is over."""
    cells = stage.cells()
    for name, program in (("people", GOOD), ("rows", BAD)):
        said = cells.run(f'%%sealed name="{name} {stage.number}" inputs=[health.visits] limit={LIMIT_SECONDS}s{program}')
        made = cells.value("[one.document['id'] for one in cihu.runs() if one.document['name'] == "
                           f"'{name} {stage.number}']")
        check(len(made) == 1, f"the program was not taken: {said[-300:]}")
        stage.known[name] = made[0]
        check(cells.value(f"cihu.runs()['{made[0]}'].program['main.py']").strip() == program.strip(),
              "another text was recorded")
    for name in ("people", "rows"):
        run = cells.value(f"cihu.runs()['{stage.known[name]}'].wait().document")
        check(run["state"] == "finished", f"the run is {run['state']}")
        check(run["ended_at"] >= run["told_at"], "the end was told before its moment")
        file = f"{name}.csv"
        asked = cells.value(f"cihu.runs()['{stage.known[name]}'].request_release({ {file: SAID[file]}!r}).state")
        check(asked == "open", f"the request is {asked}")
    return f"2 programs ran on the raw rows; their end was told after {LIMIT_SECONDS} s, and nothing else; 2 files asked for"
