"""What a crafted policy gets out of cleaning steps: other tables and files, one person by a failure, the rows
of two people compared, a pseudonym computed from outside, raw values in messages.

Sources: Abowd and Schmutte, on what a data curator may do before a privacy mechanism (2019); CWE-89 (SQL
injection), CWE-209 (values in error messages); Article 29 Working Party, opinion 05/2014, on pseudonyms that
can be computed by whoever knows the ids.
"""

import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from asked_vault import AskedVault, Asker
from cleaned_files import CLEANER, cleaned, csv_of, policy_of
from drafts.test_drafts import answered, drafted, upload
from sandbox.audit.tables import openings
from sandbox.cleaning import PseudonymKeys
from sandbox.declared import UnitDigests
from sandbox.errors import InvalidInput
from sandbox.identity.accounts import create_account

TEXT = {"role": "attribute", "type": "text"}
INTEGER = {"role": "attribute", "type": "integer"}
CANARY = "CANARY-4711"


@pytest.mark.parametrize(
    "expression",
    [
        "x > (SELECT MAX(x) FROM r)",
        "x IN (SELECT x FROM r)",
        "EXISTS (SELECT 1 FROM 'rows.parquet')",
        "x > 0) FROM (SELECT 1 AS x",
        "x > 0 FROM read_csv('/etc/passwd')",
        "read_text('/etc/passwd') IS NULL",
        "x > 0; COPY r TO '/tmp/out.csv'",
        "x > 0 UNION SELECT x > 0 FROM r",
        "other.x > 0",
        "main.r.x > 0",
        "getenv('CIHU_S3_SECRET_KEY') = 'a'",
        "current_setting('memory_limit') = 'a'",
        "x > 0 LIMIT 1",
        "DISTINCT x > 0",
        "x > random()",
        "x > 0 AND CURRENT_DATE > DATE '2026-01-01'",
        "COUNT(*) OVER () > 1",
        "LAG(x) OVER (ORDER BY x) = x",
        "x = AVG(x)",
        "x > ALL (SELECT x FROM r)",
        "COLUMNS(*) > 0",
        "error('a') IS NULL",
        "CAST(w AS INTEGER) > 0",
        "x > ?",
        "x > $1",
    ],
)
def test_an_expression_reads_its_own_row_alone(expression: str) -> None:
    for step in ({"drop_rows": expression}, {"derive": "y", "as": expression}):
        with pytest.raises(InvalidInput) as refusal:
            policy_of({"x": INTEGER, "w": TEXT, "y": {"role": "attribute", "type": "boolean"}}, [step])
        assert refusal.value.remedy


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("1 / x", "number"),
        ("x % 7", "integer"),
        ("SQRT(ABS(x))", "number"),
        ("SUBSTRING(w, 999, 1000)", "text"),
        ("DATE_DIFF('day', d, DATE '9999-12-31')", "integer"),
        ("DATE_TRUNC('month', d)", "date"),
        ("x + x", "number"),
    ],
)
def test_no_value_of_one_person_makes_a_step_fail(expression: str, kind: str) -> None:
    """A failure of the whole file would tell a colleague, or the log, that such a person is in it."""
    columns = {"x": INTEGER, "w": TEXT, "d": {"role": "attribute", "type": "date"}}
    policy = policy_of(
        columns | {"y": {"role": "attribute", "type": kind}}, [{"derive": "y", "as": expression}]
    )
    rows = [[f"p{n}", x, w, d] for n, (x, w, d) in enumerate([
        (0, "", "0001-01-01"),
        (2**53, "\U0010ffff" * 4000, "9999-12-31"),
        (-(2**53), "a", None),
        (None, None, None),
    ])]  # fmt: skip
    assert len(cleaned(policy, csv_of([["person", "x", "w", "d"], *rows])).table) == 4


def test_a_map_that_meets_a_value_counts_it_and_does_not_quote_it() -> None:
    policy = policy_of({"x": TEXT}, [{"map": "x", "values": {"a": "b"}, "others": "refuse"}])
    with pytest.raises(InvalidInput) as refusal:
        cleaned(policy, csv_of([["person", "x"], ["p", CANARY], ["q", "a"]]))
    said = " ".join([*refusal.value.words("en"), *refusal.value.words("zh"), refusal.value.internal])
    assert "1 cells" in said and CANARY not in said


def test_what_steps_told_the_officer_quotes_nothing() -> None:
    steps = [{"trim": "x"}, {"map": "x", "values": {"a": "b"}, "others": "empty"}, {"pseudonym": "person"}]
    told = cleaned(policy_of({"x": TEXT}, steps), csv_of([["person", "x"], [CANARY, CANARY + " "]])).told
    assert told and CANARY not in " ".join(told)


def test_who_knows_every_id_cannot_compute_a_pseudonym(tmp_path: Path) -> None:
    """Not from the ids, nor from all that is public: the dataset, its department, the shared name."""
    secret = UnitDigests(tmp_path / "keys").secret_for("pseudonyms")
    kept = tmp_path / "keys" / "units.key"
    assert kept.stat().st_mode & 0o777 == 0o600 and secret not in kept.read_bytes()
    again = UnitDigests(tmp_path / "keys")
    assert again.secret_for("pseudonyms") == secret != again.secret_for("others")
    assert PseudonymKeys(secret).key(department="a", dataset="b", shared_as="") != secret
    policy = policy_of({}, [{"pseudonym": "person", "shared_as": "people"}])
    [pseudonym] = cleaned(policy, csv_of([["person"], ["ID1"]])).table.column("person").to_pylist()
    for guess in (b"", b"people", b"health", b"clinic.cleaned", b"\0" * 32, b"healthpeople"):
        assert hmac.new(guess, b"ID1", hashlib.sha256).hexdigest()[:32].upper() != pseudonym
    assert hashlib.sha256(b"ID1").hexdigest()[:32].upper() != pseudonym


def test_a_preview_is_no_oracle_for_published_pseudonyms() -> None:
    """Whoever previews chooses the rows: the ids of people whose pseudonyms they would like to know."""
    policy = policy_of({}, [{"pseudonym": "person"}])
    body = csv_of([["person"], ["ID1"]])
    table = cleaned(policy_of({}, []), body).table
    shown = {next(CLEANER.preview(table, policy))[0].column("person")[0].as_py() for _ in range(2)}
    assert len(shown) == 2 and cleaned(policy, body).table.column("person")[0].as_py() not in shown


def test_open_rows_are_no_oracle_for_pseudonyms_that_are_shared() -> None:
    """An officer opens a dataset of ids of their choice, and reads their pseudonyms in other datasets."""
    step = {"pseudonym": "x", "shared_as": "people"}
    nobody = {"unit": None, "grade": "1", "population": None, "budget": None}
    columns = {"person": TEXT, "x": TEXT}
    with pytest.raises(InvalidInput, match="share the key") as refusal:
        policy_of(columns, [step], **nobody)
    assert refusal.value.remedy
    own, shared = (
        cleaned(policy, csv_of([["person", "x"], ["p", "ID1"]])).table.column("x")[0].as_py()
        for policy in (policy_of(columns, [{"pseudonym": "x"}], **nobody), policy_of({"x": TEXT}, [step]))
    )
    assert own != shared


@pytest.fixture
def lin(asked: AskedVault) -> Asker:
    return asked.person("lin")


def drafted_visits(lin: Asker) -> dict[str, Any]:
    rows = [["person", "word"], *([f"p{n}", CANARY if n == 1 else f"w{n % 5} "] for n in range(40))]
    name = f"clean_{secrets.token_hex(3)}"
    draft = drafted(lin, upload(lin, csv_of(rows), f"{name}.csv"))
    return answered(lin, draft, **{"steps.add": {"trim": ["word"]}})


def test_a_colleague_previews_invented_rows_and_never_the_file(asked: AskedVault, lin: Asker) -> None:
    draft = drafted_visits(lin)
    name = f"sun-{secrets.token_hex(3)}"
    with asked.story.database.transaction() as tx:
        create_account(
            tx, account_id=name, display_name=name, organisation="health", roles=["officer"], by="system"
        )
    path, colleague = f"/v1/drafts/{draft['id']}/steps", asked.person(name)
    own = lin.send("GET", path).json()
    assert own["rows"] == "own" and CANARY in str(own) and own["steps"][0]["changed"] > 0
    refused = colleague.send("GET", path)
    assert refused.json()["code"] == "file_of_another" and CANARY not in refused.text
    invented = colleague.send("GET", path, params={"rows": "invented"})
    assert invented.status_code == 200 and CANARY not in invented.text
    assert asked.person("zhou").send("GET", path).status_code == 404
    assert asked.person("wang").send("GET", path).status_code == 403


def test_the_log_names_verbs_and_no_count(asked: AskedVault, lin: Asker) -> None:
    draft = drafted_visits(lin)
    done = lin.send("POST", f"/v1/drafts/{draft['id']}/publish", json={"revision": draft["revision"]}).json()
    assert any("step 1, trim word" in line for line in done["advice"])
    with asked.story.database.transaction() as tx:
        contents = tx.execute(select(openings.c.content)).scalars().all()
    entries = [json.loads(each) for each in contents if f"dataset:{done['dataset']}@" in each]
    [entry] = [each for each in entries if "policy_sha256" in each["payload"]]
    assert entry["payload"]["steps"] == ["trim"] and len(entry["payload"]["steps_sha256"]) == 64
    assert "cells" not in str(entry) and CANARY not in str(entry)
    described = asked.person("wang").send("GET", f"/v1/datasets/{done['dataset']}").text
    assert "cells changed" not in described and "steps" not in described
