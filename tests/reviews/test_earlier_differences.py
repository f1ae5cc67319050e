"""Reviewers see which cells of a file are new or changed beside what the team got earlier."""

from typing import Any

from reviewed_runs import FILES, Reviewing, approval, declared
from sandbox.disclosure.files.csv_table import read_csv
from sandbox.disclosure.table_difference import ChangedCell, TableDifference, table_difference
from sandbox.jobs import load_run
from sandbox.reviews.checks import checked_review
from sandbox.reviews.model import Review
from sandbox.reviews.views import told_to_reviewer

LATER = b"district,n\nnorth,130\nsouth,90\nwest,80\n"


def difference(now: str, before: str) -> TableDifference:
    return table_difference(read_csv(now), read_csv(before))


def test_rows_are_matched_by_their_labels_and_cells_by_their_columns() -> None:
    before = "district,year,n,old\neast,2020,10,1\nnorth,2020,20,1\nnorth,2021,25,1\n"
    now = "year,district,n,new\n2021,north,26,1\n2020,north,20,1\n2022,east,10,1\n"
    assert difference(now, before) == TableDifference((3,), ("new",), (ChangedCell(1, "n"),), 1, ("old",))
    assert difference(now, now) == TableDifference()
    assert difference("a\n1\n2\n", "a\n1\n3\n4\n") == TableDifference(
        changed=(ChangedCell(2, "a"),), gone_rows=1
    )
    assert difference("k,a\nx,1\nx,2\n", "k,a\nx,1\nx,3\nx,4\n").changed == (ChangedCell(2, "a"),)


def released(city: Reviewing, content: bytes = FILES["table.csv"], **changed: Any) -> Review:
    one = declared(**changed)
    review = city.asked(one, run=city.finished({**FILES, one.path: content}))
    for officer in ("lin", "zhou"):
        city.votes(review, officer, approval_of(one.path))
    return review


def approval_of(path: str) -> Any:
    return approval(path, "the counts are of groups of more than ten")


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
        declared("other.csv", statbarn="mean", context="mean visits by district, all adults"),
        run=city.finished({**FILES, "other.csv": FILES["table.csv"]}),
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
    }


def test_what_leaves_while_a_review_waits_is_compared_too_and_votes_stay(city: Reviewing) -> None:
    review = city.asked()
    city.votes(review, "lin")
    assert shown(city, review) == []
    released(city)
    (found,) = shown(city, review)
    assert found["same"] and found["table"]["new_rows"] == found["table"]["changed"] == []
    assert len(city.review(review.id).votes) == 1


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
