"""Reviewers see which cells of a file are new or changed beside what the team got earlier."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from sqlalchemy import text, update

from reviewed_runs import FILES, Reviewing, approval, declared
from sandbox.database import lock_name
from sandbox.disclosure.files.csv_table import read_csv
from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.likeness import Likeness, are_alike, closeness, likeness
from sandbox.disclosure.table_difference import ChangedCell, TableDifference, table_difference
from sandbox.errors import Conflict
from sandbox.jobs import load_run
from sandbox.reviews.checks import checked_review
from sandbox.reviews.model import Review
from sandbox.reviews.tables import review_files
from sandbox.reviews.views import told_to_reviewer

WAIT_FOR_LOCKS = (
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
    "WHERE NOT granted AND locktype = 'advisory' AND datname = current_database()"
)
LATER = b"district,n\nnorth,130\nsouth,90\nwest,80\n"


@pytest.fixture
def rng() -> Random:
    return Random(13)


def grid(header: list[str], rows: list[list[str]]) -> Grid:
    return Grid("", tuple(header), tuple(tuple(row) for row in rows))


def difference(now: str, before: str) -> TableDifference:
    return table_difference(read_csv(now), read_csv(before))


def test_rows_are_matched_by_their_labels_and_cells_by_their_columns() -> None:
    before = "district,year,n,old\neast,2020,10,900\nnorth,2020,20,900\nnorth,2021,25,900\n"
    now = "year,district,n,new\n2021,north,26,1\n2020,north,20,1\n2022,east,10,1\n"
    assert difference(now, before) == TableDifference(
        (3,), ("new",), (ChangedCell(1, "n"),), 1, ("old",), 1.0
    )
    assert difference(now, now) == TableDifference()
    assert difference("a\n1\n2\n", "a\n1\n3\n4\n") == TableDifference(
        changed=(ChangedCell(2, "a"),), gone_rows=1, least_change=1.0
    )
    assert difference("k,a\nx,1\nx,2\n", "k,a\nx,1\nx,3\nx,4\n").changed == (ChangedCell(2, "a"),)


def test_columns_are_matched_by_what_they_hold_where_their_names_are_new() -> None:
    before = "district,n,mean\neast,100,3.5\nnorth,200,4.5\nwest,300,5.5\n"
    now = "区,人数,avg\nwest,300,5.5\neast,101,3.5\nnorth,200,4.6\n"
    found = difference(now, before)
    assert found == TableDifference(
        changed=(ChangedCell(2, "人数"), ChangedCell(3, "avg")), least_change=found.least_change
    )
    assert found.least_change == float(Fraction("4.6") - Fraction("4.5"))
    assert difference("a,n\nx,1e400\n", "a,n\nx,-1e400\n").least_change == 1e15, "no float holds it"
    far = difference("k,p\nx,1\ny,2\n", "k,q\nx,500\ny,900\n")
    assert far.new_columns == ("p",) and far.gone_columns == ("q",), "something else under another name"


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("k,n\na,200\nb,300\n", "k,n\n A,201\nB,301\n"),
        ("k,n,n\na,100,200\n", "k,n,n\na,100,201\n"),
        ("k,,\na,100,200\n", "k,,\na,100,201\n"),
        ("k,n\na,200\nb,300\nc,400\n", "all,k,n\nx,a,200\nx,b,301\nx,c,400\n"),
    ],
    ids=["labels in capitals", "a name twice", "no names", "a column that says nothing"],
)
def test_one_person_more_is_found_however_the_table_is_dressed(before: str, now: str) -> None:
    assert are_alike(likeness([read_csv(now)]), likeness([read_csv(before)]))
    assert difference(now, before).least_change == 1


def test_tables_are_alike_whatever_their_columns_are_called_and_in_whatever_order(rng: Random) -> None:
    for _ in range(60):
        labels = [f"g{number}" for number in rng.sample(range(10_000), rng.randint(2, 900))]
        rows = [[label, str(rng.randint(10, 10**6)), str(rng.randint(10, 10**6))] for label in labels]
        mine = likeness([grid(["group", "n", "sum"], rows)])
        written_anew = [[f"{int(b):,}", f" {a.upper()} ", f"{c}.0"] for a, b, c in rows]
        rng.shuffle(written_anew)
        assert likeness([grid(["x", "y", "z"], written_anew)]) == mine
        kept = rng.sample(rows, len(rows) - len(rows) // 3)
        padded = [*kept, *([f"h{number}", "7", "8"] for number in range(len(kept)))]
        assert are_alike(mine, likeness([grid(["group", "n", "sum"], padded)])), "a part of it, and much else"
        others = [[f"o{number}", str(number), str(-number)] for number in range(len(rows))]
        assert not are_alike(mine, likeness([grid(["group", "n", "sum"], others)]))
        assert closeness(mine, mine) == (1, 1) and closeness(mine, Likeness()) == (0, 0)
    assert not are_alike(Likeness(), Likeness())
    one, two = ([["ab", "c", "1"]], [["a", "bc", "1"]])
    assert likeness([grid(["k", "l", "n"], one)]) != likeness([grid(["k", "l", "n"], two)])


def released(
    city: Reviewing,
    content: bytes = FILES["table.csv"],
    *,
    person: str = "wang",
    comment: str = "the counts are of groups of more than ten",
    **changed: Any,
) -> Review:
    one = declared(**changed)
    run = city.finished({**FILES, one.path: content}, person=person)
    review = city.asked(one, run=run, person=person)
    for officer in ("lin", "zhou"):
        city.votes(review, officer, approval(one.path, comment))
    return review


def shown(city: Reviewing, review: Review) -> list[dict[str, Any]]:
    checked_review(city.context, officer=city.principal("lin"), id=review.id)
    with city.context.database.transaction() as tx:
        found = told_to_reviewer(
            tx, city.context, city.review(review.id), load_run(tx, review.run), city.principal("lin")
        )
    return [dict(one) for one in found["files"][0]["differences"]]


def test_reviewers_see_what_is_new_beside_what_left_under_the_same_name_or_declaration(
    city: Reviewing,
) -> None:
    first = released(city)
    renamed = released(city, path="again.csv")
    other = city.asked(
        declared("other.csv", statbarn="mean", context="mean visits by sex, all adults"),
        run=city.finished({**FILES, "other.csv": b"sex,mean\nwomen,3.5\nmen,4.5\n"}),
    )
    review = city.asked(run=city.finished({**FILES, "table.csv": LATER}))
    assert shown(city, other) == []
    found = shown(city, review)
    assert [(one["run"], one["path"], one["same"]) for one in found] == [
        (str(renamed.run), "again.csv", False),
        (str(first.run), "table.csv", False),
    ]
    assert found[0]["table"] == {
        "new_rows": [3],
        "new_columns": [],
        "changed": [{"row": 1, "column": "n"}],
        "gone_rows": 0,
        "gone_columns": [],
        "least_change": 10.0,
    }
    assert [one["team"] for one in found] == ["", ""]


def test_what_leaves_while_a_review_waits_is_compared_too_and_votes_stay(city: Reviewing) -> None:
    review = city.asked()
    city.votes(review, "lin")
    assert shown(city, review) == []
    released(city)
    (found,) = shown(city, review)
    assert found["same"] and found["table"]["new_rows"] == found["table"]["changed"] == []
    assert len(city.review(review.id).votes) == 1


def test_a_review_that_waits_since_an_earlier_release_of_the_vault_is_compared_too(city: Reviewing) -> None:
    released(city)
    other = declared("again.csv", context="people by quarter of the city, those of one age")
    review = city.asked(other, run=city.finished({**FILES, "again.csv": b"quarter,people\nnorth,130\n"}))
    assert len(shown(city, review)) == 1
    with city.context.database.transaction() as tx:  # as migration 0057 finds it
        kept = {"labels": None, "cells": None, "differences": []}
        tx.execute(update(review_files).where(review_files.c.review == review.id).values(kept))
    assert len(shown(city, review)) == 1


def test_what_is_no_table_is_compared_as_a_whole_and_what_is_blocked_not_at_all(city: Reviewing) -> None:
    words = {"statbarn": "words", "context": "the name of two districts"}
    released(city, b"two districts", path="note.txt", **words)
    note = city.asked(declared("note.txt", **words), run=city.finished({**FILES, "note.txt": b"two lakes\n"}))
    (found,) = shown(city, note)
    assert found["table"] is None and not found["same"]
    released(city)
    blocked = city.asked(run=city.finished({**FILES, "table.csv": b"district,n\nnorth,3\nsouth,90\n"}))
    (found,) = shown(city, blocked)
    assert found["table"] is None and not found["same"]


def test_a_table_in_other_words_is_compared_with_what_any_team_got_and_a_few_people_more_are_asked_about(
    city: Reviewing,
) -> None:
    """Subtracting two tables of almost the same people (Dinur and Nissim, PODS 2003): of one team under
    another name, or of two teams that put them together."""
    city.team("river", "chen", "hbpu")
    mine = released(city)
    theirs = released(city, b"district,n\nnorth,140\nsouth,90\n", person="chen", path="t.csv")
    review = city.asked(
        declared("again.csv", context="people by quarter of the city, without those of one age"),
        run=city.finished({**FILES, "again.csv": b"quarter,people\nnorth,130\nsouth,90\n"}),
    )
    found = shown(city, review)
    assert sorted((one["run"], one["team"]) for one in found) == sorted(
        [(str(mine.run), ""), (str(theirs.run), "river")]
    )
    for one in found:
        assert one["table"]["changed"] == [{"row": 1, "column": "people"}]
    asked = [one for one in city.review(review.id).files[0].findings or () if one.code == "small_change"]
    assert len(asked) == 2 and all(one.severity == "asks" for one in asked)
    assert any("of the team river" in one.message for one in asked) and all("10" in one.zh for one in asked)
    coarse = city.asked(
        declared("coarse.csv", context="people by quarter, all of the next year"),
        run=city.finished({**FILES, "coarse.csv": b"quarter,people\nnorth,240\nsouth,190\n"}),
    )
    assert len(shown(city, coarse)) == 2
    assert not [one for one in city.review(coarse.id).files[0].findings or () if one.code == "small_change"]


def test_of_two_that_are_released_at_the_same_moment_the_second_is_compared_first(city: Reviewing) -> None:
    """Each was checked before the other left: whoever comes second is told to look again."""
    reviews = [
        city.asked(declared(path), run=city.finished({**FILES, path: content}))
        for path, content in (("one.csv", FILES["table.csv"]), ("two.csv", LATER))
    ]
    for review, path in zip(reviews, ("one.csv", "two.csv"), strict=True):
        city.votes(review, "lin", approval(path))

    def last_vote(review: Review, path: str) -> str:
        try:
            return str(city.votes(review, "zhou", approval(path)).outcome)
        except Conflict as again:
            return str(again.code)

    with ThreadPoolExecutor(2) as threads, city.context.database.transaction() as held:
        lock_name(held, "cihu releases of declared tables")
        told = []
        for place, (review, path) in enumerate(zip(reviews, ("one.csv", "two.csv"), strict=True), 1):
            told.append(threads.submit(last_vote, review, path))
            while held.scalar(text(WAIT_FOR_LOCKS)) < place:
                assert not told[-1].done(), told[-1].result()
        held.rollback()
        assert [one.result() for one in told] == ["released", "review_changed"]
    (found,) = shown(city, reviews[1])
    assert found["path"] == "one.csv"
