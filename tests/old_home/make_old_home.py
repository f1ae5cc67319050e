"""Makes the home of an earlier release that tests/releases/test_upgrade.py starts.

`PYTHONPATH=tests:tests/support python tests/old_home/make_old_home.py`, to be run at the release that the
home is to be of, never later: it is kept as data because the code that made it is gone.
What is in it: two datasets, a grant on each, and answered questions of each kind that leaves
something to be found again (totals, values of keys, bounds of columns), with their answers. The rows
are made up, from a fixed seed.
"""

import base64
import gzip
import json
import random
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import create_engine, text

import marketplace.migrate
import sandbox.vault.migrate
from sandbox.database import Database
from sandbox.grants import approve, request_access
from sandbox.releases import ask
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from story import POLICY, Story, open_story

FREE = (
    POLICY.replace("clinic.visits", "clinic.free")
    .replace("note: {role: attribute, type: text}", "note: {role: attribute, type: integer}")
    .replace("day: {role: attribute, type: date}", "day: {role: attribute, type: number}")
)
QUESTIONS = (
    "SELECT COUNT(*) AS n FROM clinic.visits",
    (
        "SELECT district, COUNT(*) AS n, AVG(cost) AS mean, SUM(visits) AS s "
        "FROM clinic.visits GROUP BY district"
    ),
    "SELECT year, COUNT(DISTINCT person) AS n FROM clinic.visits WHERE smoker AND visits > 2 GROUP BY year",
    (
        "SELECT district, COUNT(*) AS n FROM clinic.visits "
        "WHERE cost BETWEEN 10 AND 50 OR note = 'cough' GROUP BY district"
    ),
    "SELECT MEDIAN(cost) AS m FROM clinic.visits WHERE year IN (1, 2) AND NOT smoker",
    (
        "SELECT AVG(n) AS m FROM (SELECT person, COUNT(*) AS n FROM clinic.visits "
        "WHERE visits > 1 GROUP BY person)"
    ),
    "SELECT note, COUNT(*) AS n FROM clinic.visits GROUP BY note",
    "SELECT district, AVG(note) AS m FROM clinic.free GROUP BY district",
    "SELECT COUNT(*) AS n FROM clinic.visits JOIN clinic.free ON clinic.visits.person = clinic.free.person",
)
HERE = Path(__file__).parent


def rows(people: int, *, numbers: bool) -> bytes:
    chance = random.Random(11)
    lines = ["person,district,year,cost,visits,note,day,smoker,secret"]
    for person in range(people):
        for _ in range(1 if numbers else chance.randint(1, 3)):
            note, day = (
                (chance.randint(20, 200), chance.randint(1, 9))
                if numbers
                else (chance.choice(["cough", "fever"]), f"2026-01-0{chance.randint(1, 3)}")
            )
            lines.append(
                f"p{person},{chance.choice(['north', 'south', 'east'])},{chance.randint(1, 3)},"
                f"{chance.randint(0, 100)},{chance.randint(0, 10)},{note},{day},"
                f"{chance.choice(['true', 'false'])},s"
            )
    return "\n".join(lines).encode() + b"\n"


def grant(story: Story, dataset: str) -> None:
    version = story.shelf.current(dataset)
    asked = request_access(
        story.database,
        gate=story.gate,
        principal=story.principal("wang"),
        version=version,
        team="lake",
        purpose="to be asked again by a later release",
        epsilon=Decimal(4),
        until=datetime.now(UTC) + timedelta(days=360),
    )
    approve(
        story.database, gate=story.gate, officer=story.principal("lin"), request_id=asked.id, version=version
    )


def dumped(database: Database) -> dict[str, list[object]]:
    """Every row of every table of ours, as JSON."""
    with database.transaction() as tx:
        tables = tx.execute(
            text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN "
                "('log', 'identity', 'vault', 'market') AND tablename <> 'schema_version' ORDER BY 1"
            )
        ).scalars()
        found = {
            table: tx.execute(text(f"SELECT row_to_json(t) FROM {table} t")).scalars().all()
            for table in tables.all()
        }
        return {table: list(lines) for table, lines in found.items() if lines}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="old", dir="/tmp") as folder:
        postgres = Postgres(Path(folder, "pg"), Path(folder, "pg.log"), durable=False)
        s3 = S3Server(Path(folder, "s3"), Path(folder, "s3.log"))
        postgres.start()
        s3.start()
        try:
            engine = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text("CREATE DATABASE cihu"))
            engine.dispose()
            sandbox.vault.migrate.migrate(postgres.url())
            marketplace.migrate.migrate(postgres.url())
            database = Database(postgres.url())
            with database.transaction() as tx:
                at = {
                    schema: tx.execute(text(f"SELECT version_num FROM {schema}.schema_version")).scalar_one()
                    for schema in ("vault", "market")
                }
            store = s3.raw_store()
            store.ensure()
            story = open_story(database, store)
            story.publish(rows(600, numbers=False))
            story.publish(rows(1500, numbers=True), FREE)
            grant(story, "clinic.visits")
            grant(story, "clinic.free")
            answers = []
            for sql in QUESTIONS:
                given = ask(story.desk, principal=story.principal("wang"), sql=sql)
                answers.append(
                    {"sql": sql, "columns": [one["name"] for one in given["columns"]], "rows": given["rows"]}
                )
            tables = dumped(database)
            objects = {
                line["object_name"]: base64.b85encode(
                    store.get(line["object_name"], line["object_version"])
                ).decode()
                for line in tables["vault.dataset_versions"]
            }  # type: ignore[index]
            home = {"at": at, "answers": answers, "objects": objects, "tables": tables}
            kept = HERE / f"home_{at['vault']}.json.gz"
            kept.write_bytes(
                gzip.compress(json.dumps(home, ensure_ascii=False, sort_keys=True).encode(), mtime=0)
            )
            print(kept, kept.stat().st_size, *answers, sep="\n")
            database.close()
        finally:
            s3.stop()
            postgres.stop()


if __name__ == "__main__":
    main()
