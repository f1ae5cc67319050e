"""What can be got out of names and values?
Group keys, NULL, NaN, huge numbers, look-alikes, SQL within SQL: nothing of a row.

The list of attacks: "Attacks to keep repelling" of the survey of peers (2026).
"""

import csv
import math
import unicodedata
from pathlib import Path

import pytest
from ask_attempts import CHOSEN_ROWS, NO_QUESTIONS, OWN_VALUES

from asked_vault import AskedVault
from false_alarms import noise_bound, noise_of
from story import POLICY, rows_csv

HEAD = "person,district,year,cost,visits,note,day,smoker,secret\n"


@pytest.fixture(scope="module")
def clinic(asked: AskedVault) -> str:
    """The usual rows: some districts, years and costs are not as the policy lists them, or are empty."""
    return asked.dataset()[0]


# --- group keys


def test_a_value_that_the_policy_does_not_list_never_shows(asked: AskedVault) -> None:
    """Source: group-key leakage (the survey; Wilson et al., "Differentially Private SQL with Bounded User
    Contribution", PoPETs 2020, section 4.1: a group's being there tells that somebody is in it). One person
    alone is in a place of her own."""
    rows = rows_csv(50, extra="lone,atlantis,7,5,1,n,2026-01-01,true,s\nlone2,,,5,1,n,2026-01-01,true,s\n")
    dataset, _ = asked.dataset(rows=rows)
    told = asked.person("wang").answer(
        f"SELECT district, year, COUNT(*) AS n, AVG(cost) AS c FROM {dataset} GROUP BY district, year",
        epsilon="1",
    )
    shown = [(row[0], row[1]) for row in told["rows"]]
    assert shown == [(district, year) for district in ("north", "south", "east") for year in (1, 2, 3)]
    assert not any(word in str(told["rows"]) for word in ("atlantis", "west", "None, None"))


def test_every_listed_value_shows_whether_anybody_has_it_or_not(asked: AskedVault) -> None:
    """Source: group-key leakage, the other way round:
    a listed key that no row has is not missing from the answer."""
    rows = "\n".join(f"p{n},north,1,5,1,n,2026-01-01,true,s" for n in range(20)).encode()
    dataset, _ = asked.dataset(rows=HEAD.encode() + rows)
    wang = asked.person("wang")
    for where in ("", "WHERE note = 'nobody'", "WHERE visits > 100 AND visits < 0"):
        told = wang.answer(
            f"SELECT district, year, COUNT(*) AS n FROM {dataset} {where} GROUP BY district, year"
        )
        assert len(told["rows"]) == 9
        assert all(isinstance(row[2], float | int) for row in told["rows"])


@pytest.mark.parametrize("sql", OWN_VALUES)
def test_no_construct_makes_a_rows_own_value_a_group(sql: str, asked: AskedVault, clinic: str) -> None:
    """Source: group-key leakage; count distinct of a private column (the survey)."""
    status, code = asked.person("wang").refusal(sql.format(clinic))
    assert (status, code) in ((422, "query_refused"), (422, "not_sql"))


def test_a_group_that_few_people_have_is_never_told(asked: AskedVault) -> None:
    """Source: group-key leakage; stability thresholds (the survey).
    Everybody has one note of their own and one in common; each key is found with a delta of 1e-9, so one of
    these ten tells somebody's own with a chance of at most 1e-8."""
    rows = "".join(
        f"p{n},north,1,5,1,{note},{day},true,s\n"
        for n in range(3000)
        for note, day in (
            (f"lonely{n}", f"{1900 + n // 300}-{1 + n % 300 // 25:02}-{1 + n % 25:02}"),
            ("shared", "2026-01-01"),
        )
    )
    dataset, _ = asked.dataset(rows=HEAD.encode() + rows.encode())
    wang, told = asked.person("wang"), []
    for key in (
        "note",
        "UPPER(note)",
        "COALESCE(note, 'x')",
        "SUBSTRING(note, 1, 9)",
        "CASE WHEN cost > 1 THEN note ELSE 'x' END",
        "day",
        "LENGTH(note)",
        "visits",
        "note, day",
        "TRIM(note)",
    ):
        names = [f"{one} AS k{place}" for place, one in enumerate([key] if "(" in key else key.split(", "))]
        answer = wang.answer(
            f"SELECT {', '.join(names)}, COUNT(*) AS n FROM {dataset} "
            f"GROUP BY {', '.join(str(place + 1) for place in range(len(names)))}",
            epsilon="0.3",
        )
        told += [value for row in answer["rows"] for value in row[: len(names)]]
    assert {"shared", "SHARED", "2026-01-01"} <= set(told)
    assert not [value for value in told if "lonely" in str(value).lower() or str(value).startswith("19")]


@pytest.mark.parametrize("sql", CHOSEN_ROWS)
def test_rows_are_neither_chosen_nor_multiplied(sql: str, asked: AskedVault, clinic: str) -> None:
    """Source: ORDER/LIMIT inside subqueries, non-deterministic functions, joins that multiply a unit's rows
    (the survey)."""
    status, code = asked.person("wang").refusal(sql.format(clinic))
    assert (status, code) in ((422, "query_refused"), (422, "not_sql"))


def test_a_persons_many_rows_weigh_no_more_than_the_policy_allows(asked: AskedVault) -> None:
    """Source: joins that multiply a unit's rows: here the unit brings them itself, ten thousand of them.
    The sum can move by max_rows * bound = 400, beside the noise."""
    rows = rows_csv(100, seed=1)
    heavy = "".join(f"whale,north,1,100,10,n,2026-01-01,true,s{n}\n" for n in range(10_000))
    told = []
    for extra in ("", heavy):
        dataset, _ = asked.dataset(rows=rows + extra.encode())
        answer = asked.person("wang").answer(f"SELECT SUM(cost) AS x FROM {dataset}", epsilon="2")
        told.append((answer["rows"][0][0], noise_of(answer["errors"][0]["x"])))
    assert abs(told[0][0] - told[1][0]) <= 400 + noise_bound(told[0][1], told[1][1])


# --- NULL


def test_no_rows_at_all_give_a_noisy_number_and_never_null(asked: AskedVault, clinic: str) -> None:
    """Source: NULL semantics (the survey): SUM over nothing is NULL in SQL,
    which would tell that nobody is there."""
    wang = asked.person("wang")
    some = wang.answer(
        f"SELECT SUM(cost) AS s, COUNT(cost) AS k, COUNT(*) AS n FROM {clinic} WHERE note = 'n1'"
    )
    none = wang.answer(
        f"SELECT SUM(cost) AS s, COUNT(cost) AS k, COUNT(*) AS n FROM {clinic} WHERE note = 'nobody'"
    )
    assert all(isinstance(value, float | int) for value in none["rows"][0])
    assert [{name: noise_of(fault) for name, fault in line.items()} for line in none["errors"]] == [
        {name: noise_of(fault) for name, fault in line.items()} for line in some["errors"]
    ]
    average = wang.answer(f"SELECT AVG(cost) AS a FROM {clinic} WHERE note = 'nobody'", epsilon="0.1")
    value, fault = average["rows"][0][0], average["errors"][0]["a"]
    assert value is None or 0 <= value <= 100
    assert 0 <= fault["low"] <= fault["high"] <= 100


def test_three_valued_logic_hides_and_shows_nobody(asked: AskedVault) -> None:
    """Source: NULL semantics. What is true, what is false and what is unknown are three parts of all rows:
    their noisy counts add up to the whole's, and no part goes missing or is counted twice. One row a person,
    or bounding would leave out more of the whole than of its parts."""
    head, *lines = rows_csv(3000).decode().splitlines()
    each = {line.split(",")[0]: line for line in lines}
    clinic, _ = asked.dataset(rows="\n".join([head, *each.values()]).encode())
    wang = asked.person("wang")
    counts = [
        wang.answer(f"SELECT COUNT(*) AS n FROM {clinic} {where}", epsilon="1")
        for where in ("", "WHERE cost > 50", "WHERE NOT cost > 50", "WHERE cost IS NULL")
    ]
    whole, *shares = [answer["rows"][0][0] for answer in counts]
    errors = [noise_of(answer["errors"][0]["n"]) for answer in counts]
    assert abs(whole - sum(shares)) <= noise_bound(*errors, comparisons=2)
    empty = sum(not row["cost"] for row in csv.DictReader([head, *each.values()]))
    assert abs(shares[2] - empty) <= noise_bound(errors[3], comparisons=2) < empty


@pytest.mark.parametrize(
    "where",
    [
        "cost = NULL",
        "cost <> NULL",
        "cost BETWEEN NULL AND 3",
        "isnull(note)",
        "COALESCE(note, NULL) = 'a'",
        "COALESCE(note, 1) = 1",
        "NULLIF(note, 1) IS NULL",
    ],
)
def test_tricks_with_null_are_refused_by_name(where: str, asked: AskedVault, clinic: str) -> None:
    """Source: NULL semantics."""
    assert asked.person("wang").refusal(f"SELECT COUNT(*) FROM {clinic} WHERE {where}") == (
        422,
        "query_refused",
    )


# --- NaN and huge numbers


def test_no_nan_or_infinity_survives_into_an_answer(asked: AskedVault) -> None:
    """Source: NaN survival (the survey; Mironov, "On Significance of the Least Significant Bits for
    Differential Privacy", CCS 2012, on what floating point lets through). A sum with NaN in it is NaN, unless
    it is made of bounded integers."""
    for value in ("nan", "NaN", "-nan", "inf", "-inf", "Infinity"):  # is not published
        refused = asked.publish(POLICY, rows_csv(5, extra=f"q,north,1,{value},1,n,2026-01-01,true,s\n"))
        assert (refused.status_code, refused.json()["code"]) == (422, "unfit_values")
    strange = ("1e308", "-1e308", "1e-320", "-0.0")
    rows = rows_csv(
        50, extra="".join(f"q{n},north,1,{value},1,n,2026-01-01,true,s\n" for n, value in enumerate(strange))
    )
    dataset, _ = asked.dataset(rows=rows)
    told = asked.person("wang").ask(
        f"SELECT district, SUM(cost) AS s, AVG(cost) AS a, COUNT(cost) AS n FROM {dataset} "
        "WHERE cost > -9e15 OR cost < 9e15 OR cost IS NULL GROUP BY district",
        epsilon="1",
    )
    assert told.status_code == 200, told.text
    assert not any(word in told.text for word in ("NaN", "Infinity", "nan", "inf,"))
    for row, errors in zip(told.json()["rows"], told.json()["errors"], strict=True):
        assert all(isinstance(value, float | int) and math.isfinite(value) for value in row[1:2] + row[3:])
        assert 0 <= errors["a"]["low"] <= errors["a"]["high"] <= 100


def test_a_huge_value_moves_a_sum_no_further_than_its_bound(asked: AskedVault) -> None:
    """Source: overflow, and clamping that comes too late (Casacuberta et al.,
    "Widespread Underestimation of Sensitivity in Differentially Private Libraries and How to Fix It", CCS
    2022). Noise is allowed beside the bound."""
    told = []
    for extra in (
        "",
        "x,north,1,1.7e308,9007199254740992,n,2026-01-01,true,s\n"
        "y,north,1,-1.7e308,-9007199254740992,n,2026-01-01,true,s\n",
    ):
        dataset, _ = asked.dataset(rows=rows_csv(100, seed=2, extra=extra))
        answer = asked.person("wang").answer(
            f"SELECT SUM(cost) AS c, SUM(visits) AS v FROM {dataset}", epsilon="2"
        )
        told.append((answer["rows"][0], [noise_of(answer["errors"][0][name]) for name in ("c", "v")]))
    for place, bound in ((0, 100), (1, 10)):
        allowed = bound + noise_bound(told[0][1][place], told[1][1][place], comparisons=2)
        assert abs(told[0][0][place] - told[1][0][place]) <= allowed


@pytest.mark.parametrize(
    "number",
    [
        "9" * 400,
        "1e309",
        "1e999999999",
        "0x" + "f" * 40,
        "1" + "0" * 20,
        "-" + "9" * 30,
        "9007199254740993",
        "1_000_000_000_000_000_000_000",
        "1e-400",
        "0." + "0" * 300 + "1",
    ],
)
def test_numbers_that_no_double_holds_are_refused_at_once(
    number: str, asked: AskedVault, clinic: str
) -> None:
    """Source: overflow; a number that takes minutes to become one (CVE-2020-10735 is of this kind)."""
    status, code = asked.person("wang").refusal(f"SELECT COUNT(*) FROM {clinic} WHERE cost > {number}")
    assert status == 422 and code in ("query_refused", "not_sql", "invalid_input")


# --- look-alikes

LOOK_ALIKES = {
    "a Cyrillic o": "SELECT SUM(c\u043est) FROM {0}",
    "a fullwidth word": "SELECT SUM(\uff43\uff4f\uff53\uff54) FROM {0}",
    "a zero-width space": "SELECT SUM(co\u200bst) FROM {0}",
    "a soft hyphen": "SELECT SUM(co\u00adst) FROM {0}",
    "a dotless i": "SELECT SUM(v\u0131sits) FROM {0}",
    "a fullwidth function": "SELECT \uff2d\uff21\uff38(cost) FROM {0}",
    "fullwidth quotes": "SELECT COUNT(*) FROM {0} WHERE note = \uff07n1\uff07",
    "a Greek question mark": "SELECT COUNT(*) FROM {0}\u037e DROP TABLE x",
    "hidden, a long s": "SELECT COUNT(\u017fecret) FROM {0}",
    "hidden, fullwidth": "SELECT COUNT(\uff53\uff45\uff43\uff52\uff45\uff54) FROM {0}",
    "hidden, a Cyrillic e": "SELECT COUNT(*) FROM {0} WHERE s\u0435cret = 's1'",
    "hidden, capitals": "SELECT COUNT(*) FROM {0} WHERE SECRET = 's1'",
    "hidden, quoted": "SELECT COUNT(*) FROM {0} WHERE \"Secret\" = 's1'",
    "hidden, from right to left": "SELECT COUNT(*) FROM {0} WHERE \u202eterces = 's1'",
    "the unit, capitals": "SELECT COUNT(*) FROM {0} WHERE PERSON = 'p1'",
    "the unit, quoted": "SELECT COUNT(*) FROM {0} WHERE \"person\" = 'p1'",
    "the unit, a Cyrillic e": "SELECT COUNT(*) FROM {0} WHERE p\u0435rson = 'p1'",
}


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_name_that_looks_like_another_is_that_other_to_nobody(
    name: str, asked: AskedVault, clinic: str
) -> None:
    """Source: Unicode look-alikes in names (the survey; Unicode Technical Standard 39)."""
    status, code = asked.person("wang").refusal(LOOK_ALIKES[name].format(clinic))
    assert status == 422 and code in ("query_refused", "not_sql")


def test_a_dataset_that_looks_like_another_is_none(asked: AskedVault, clinic: str) -> None:
    """Source: as above."""
    wang = asked.person("wang")
    for name in (
        clinic.replace("c", "\u0441", 1),
        clinic.replace("clinic", "\uff43linic"),
        clinic + "\u200b",
    ):
        status, code = wang.refusal(f'SELECT COUNT(*) FROM "{name.split(".")[0]}"."{name.split(".")[1]}"')
        assert (status, code) == (404, "dataset_not_found")


def test_no_name_in_a_policy_can_look_like_another(asked: AskedVault) -> None:
    """Source: as above, from the officer's side: names of datasets and columns are plain ASCII."""
    for old, new in (
        ("note:", "n\u043ete:"),
        ("clinic.visits", "clinic.visits\u0430"),
        ("note:", "no\u200bte:"),
    ):
        told = asked.publish(POLICY.replace(old, new, 1), rows_csv(3))
        assert told.status_code == 422, told.text


def test_texts_are_compared_by_their_letters_and_by_nothing_else(asked: AskedVault) -> None:
    """Source: as above: a value and its look-alike, and two ways to write one letter, are different values;
    asking for one never counts the other."""
    composed, apart = unicodedata.normalize("NFC", "caf\u00e9"), unicodedata.normalize("NFD", "caf\u00e9")
    rows = "".join(f"p{n},north,1,5,1,{composed},2026-01-01,true,s\n" for n in range(400))
    dataset, _ = asked.dataset(rows=HEAD.encode() + rows.encode())
    wang, counts = asked.person("wang"), []
    for value in (composed, apart, composed.upper(), composed + " "):
        answer = wang.answer(f"SELECT COUNT(*) AS n FROM {dataset} WHERE note = '{value}'", epsilon="1")
        counts.append((answer["rows"][0][0], noise_of(answer["errors"][0]["n"])))
    for (count, error), truth in zip(counts, (400, 0, 0, 0), strict=True):
        assert abs(count - truth) <= noise_bound(error, comparisons=4) < 200


# --- SQL within SQL

LITERALS = (
    "' OR 1=1 --",
    "'; DROP TABLE private_rows; --",
    "'' OR ''1''=''1",
    "x' UNION SELECT secret FROM private_rows --",
    "\\' OR TRUE --",
    "$$ OR TRUE $$",
    "') OR (1=1",
    "%' OR '%'='",
    "n\n' OR TRUE --",
    "\u2019 OR 1=1 --",
    "' || (SELECT secret FROM private_rows LIMIT 1) || '",
    "E'\\x27 OR TRUE --",
    "{0}",
    "%s",
    ":note",
    "?",
)


@pytest.mark.parametrize("literal", LITERALS)
def test_a_literal_stays_a_literal(literal: str, asked: AskedVault, clinic: str) -> None:
    """Source: SQL injection (OWASP; CWE-89), through the only thing of a question that reaches the engine:
    its values. Nobody's note is this, so the count is noise around 0; had the condition been opened, it were
    about 1,000."""
    written = literal.replace("'", "''")
    answer = asked.person("wang").answer(
        f"SELECT COUNT(*) AS n FROM {clinic} WHERE note = '{written}'", epsilon="0.4"
    )
    assert abs(answer["rows"][0][0]) <= noise_bound(noise_of(answer["errors"][0]["n"])) < 600


def test_a_name_of_the_answer_stays_a_name(asked: AskedVault, clinic: str) -> None:
    """Source: SQL injection through identifiers.
    What stands after AS names a column of the answer, and nothing else."""
    names = (
        'n"; DROP TABLE private_rows; --',
        "secret",
        "person",
        "(SELECT secret)",
        "<script>alert(1)</script>",
        "n'--",
    )
    for name in names:
        quoted = name.replace('"', '""')
        answer = asked.person("wang").answer(f'SELECT COUNT(*) AS "{quoted}" FROM {clinic}')
        assert [column["name"] for column in answer["columns"]] == [name]
        assert len(answer["rows"]) == 1 and isinstance(answer["rows"][0][0], float | int)


@pytest.mark.parametrize("sql", NO_QUESTIONS)
def test_what_is_no_question_reaches_no_engine(sql: str, asked: AskedVault, clinic: str) -> None:
    """Source: SQL injection through statements, functions and identifiers;
    DuckDB's own doors (duckdb.org, "Securing DuckDB")."""
    status, code = asked.person("wang").refusal(sql.format(clinic))
    assert (status, code) in ((422, "query_refused"), (422, "not_sql"), (404, "dataset_not_found"))
    assert not Path("/tmp/out.csv").exists()
