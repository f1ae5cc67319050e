"""Publishing: typed, profiled, stored; a bad file says which rows are bad and never what is in them."""

import re
from contextlib import suppress

import pytest

from sandbox.catalog.populations import read_populations
from sandbox.catalog.publish import publish, to_parquet
from sandbox.catalog.read_table import read_table
from sandbox.errors import Conflict, Forbidden, InvalidInput
from story import POLICIES, POLICY, Story, rows_csv

CANARY = "CANARY-4711"


def test_a_version_is_stored_in_the_raw_bucket_sorted_by_unit(story: Story) -> None:
    story.publish()
    version = story.repository.current("clinic.visits")
    body = story.store.get(version.object_name, version.object_version)
    assert body.startswith(b"PAR1")
    story.publish()
    assert story.repository.current("clinic.visits").number == 2


def test_the_officer_is_told_how_the_bounds_fit(story: Story) -> None:
    done = publish(
        story.database,
        repository=story.repository,
        store=story.store,
        gate=story.gate,
        populations=read_populations(POLICIES),
        officer=story.principal("lin"),
        policy_text=POLICY,
        body=rows_csv(),
        opening=None,
    )
    assert any("outside the bounds" in line for line in done.profile.advice())
    assert done.profile.rows_left_out_percent > 0
    # up to six rows a person: 5 leaves out more than one in a hundred
    assert done.profile.max_rows_for_most == 10


def test_a_file_that_is_not_near_the_rows_that_its_policy_tells_gets_advice(story: Story) -> None:
    """What questions may cost, and how much is missing beyond limits, follows from about_rows."""
    body = rows_csv(100)
    rows = body.count(b"\n") - 1

    def advised(about: int) -> list[str]:
        done = story.publish(body, policy=POLICY.replace("about_rows: 1000", f"about_rows: {about}"))
        return [line for line in done.advice() if "about_rows" in line]

    [said] = advised(rows // 5)
    told = int(re.sub(r"\D", "", re.search(r"has about ([\d,]+)", said)[1]))  # type: ignore[index]
    assert rows <= told <= 1.5 * rows
    assert advised(rows) == [] and advised(told) == []
    assert advised(5 * rows)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (f"p9,north,{CANARY},1,1,n,2026-01-01,true,s", "year"),
        (f"p9,north,1,{CANARY},1,n,2026-01-01,true,s", "cost"),
        (f"p9,north,1,1,1,n,{CANARY},true,s", "day"),
        (f",north,1,1,1,{CANARY},2026-01-01,true,s", "person"),
        (f"p9,north,1,1,,{CANARY},2026-01-01,true,s", "visits"),
        (f"p9,{CANARY}", "CSV"),
    ],
)
def test_a_bad_row_is_named_by_number_and_never_quoted(story: Story, bad: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        story.publish(rows_csv(5, extra=bad + "\n"))
    assert says in refusal.value.message
    assert CANARY not in str(refusal.value) + refusal.value.internal
    assert not story.repository.all()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"PAR1 broken", "Parquet"),
        (b"a,b\n1,2\n", "has not"),
        (b"\xff\xfe\x00", "has not"),
        (b"person,district\xff\np1,north\n", "has not"),
        (b"person,person\np1,p1\n", "columns number 2"),
        (b"person,district,year,cost,visits,note,day,smoker,secret\n", "no rows"),
    ],
)
def test_a_file_that_cannot_be_a_table_is_refused_clearly(story: Story, body: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        story.publish(body)


def test_a_file_without_a_header_is_refused_without_quoting_its_first_row(story: Story) -> None:
    with pytest.raises(InvalidInput, match="columns number 1, 2, 3") as refusal:
        story.publish(rows_csv(5).split(b"\n", 1)[1])
    said = str(refusal.value) + refusal.value.internal
    assert "p0" not in said and "2026-01" not in said


def test_a_damaged_parquet_file_is_refused_wherever_it_is_damaged(story: Story) -> None:
    """Every byte of it in turn: read, or refused as unreadable; never a failure of the vault."""
    policy = story.repository.read(POLICY)
    whole = to_parquet(read_table(rows_csv(3), policy))
    for place in range(4, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0x5A
        with suppress(InvalidInput):
            read_table(bytes(damaged), policy)


def test_only_an_officer_of_the_department_publishes(story: Story) -> None:
    for somebody in ("zhou", "wang"):
        with pytest.raises(Forbidden):
            publish(
                story.database,
                repository=story.repository,
                store=story.store,
                gate=story.gate,
                populations=story.populations,
                officer=story.principal(somebody),
                policy_text=POLICY,
                body=rows_csv(),
                opening=None,
            )


def test_another_department_cannot_take_a_name(story: Story) -> None:
    story.publish()
    with pytest.raises(Conflict):
        publish(
            story.database,
            repository=story.repository,
            store=story.store,
            gate=story.gate,
            populations=story.populations,
            officer=story.principal("zhou"),
            policy_text=POLICY.replace("department: health", "department: market"),
            body=rows_csv(),
            opening=None,
        )
