"""Can exact tables that left one by one be put together so that they tell of a person?
By every way that is known to us.

The attacks: tracker and linear-system attacks on statistical databases (Denning, Denning and Schwartz,
"The Tracker: A Threat to Statistical Database Security", 1979), differencing of releases over time and
over teams (AzureTRE #5077, ACRO #117). In each the last table alone is harmless, and passes where the
others have not left.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from declared_tables import GRADE_2, Declaring, people, person
from reviewed_runs import approval, refusal
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.reviews import Choice, Outcome
from story import POLICY

OLD = person("p999", visits=10)  # the only one with as many visits
ALL = "SELECT COUNT(*) AS n FROM clinic.visits"
BY_DISTRICT = "SELECT district, COUNT(*) AS n FROM clinic.visits GROUP BY district"
BUT_ONE = "SELECT district, COUNT(*) AS n FROM clinic.visits WHERE visits <> 10 GROUP BY district"


@pytest.fixture
def city(declaring: Declaring) -> Declaring:
    declaring.publish([*people(), OLD])
    return declaring


def test_a_count_and_the_same_without_the_oldest(city: Declaring) -> None:
    """The issue's own: a district's count, then the same with age <> 90."""
    city.released(BUT_ONE)
    assert city.blocks(city.asked(BY_DISTRICT)) == {"differs_by_few"}
    assert city.blocks(city.asked(ALL)) == {"differs_by_few"}, "the sum of what left is known, too"
    city.released(f"{ALL} WHERE visits <> 10 AND district = 'north'")


def test_two_teams_that_each_take_one_half(city: Declaring) -> None:
    """Neither team's own releases tell of anybody, and no reviewer sees both requests as
    anything but harmless."""
    first = city.released(BY_DISTRICT, who="wang")
    review = city.asked(BUT_ONE, who="qin")
    assert city.blocks(review) == {"differs_by_few"}
    with pytest.raises(InvalidInput) as refused:
        city.city.votes(review, "lin", approval(comment="looks fine to me"))
    assert refused.value.code == "blocked"
    for said in [one for one in city.findings(review) if one.severity.value == "blocks"]:
        assert (
            str(first.run) in said.message and "another team" in said.message and "lake" not in said.message
        )


def test_two_halves_that_wait_at_the_same_time(city: Declaring) -> None:
    """Both were checked, and one reviewer approved both, before either left: the second does not."""
    halves = [city.asked(BY_DISTRICT, who="wang"), city.asked(BUT_ONE, who="qin")]
    for review in halves:
        assert not city.blocks(review)
        city.city.votes(review, "lin", approval())
    assert city.city.votes(halves[0], "zhou").outcome is Outcome.RELEASED
    with pytest.raises(InvalidInput) as refused:
        city.city.votes(halves[1], "zhou")
    assert refused.value.code == "blocked"
    assert city.city.votes(halves[1], "zhou", refusal(choice=Choice.CHANGE)).outcome is None


def test_two_halves_that_are_decided_in_the_same_moment(city: Declaring) -> None:
    halves = [city.asked(BY_DISTRICT, who="wang"), city.asked(BUT_ONE, who="qin")]
    for review in halves:
        city.city.votes(review, "lin")

    def decide(review: object) -> bool:
        try:
            return city.city.votes(review, "zhou").outcome is Outcome.RELEASED  # type: ignore[arg-type]
        except (Conflict, InvalidInput):
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(decide, halves)) == 1


def test_a_total_minus_its_cells(city: Declaring) -> None:
    """A group of one is not listed, and neither is its value; but all minus the others is that group."""
    city.publish([*people(), person("p999", note="rare")])
    notes = city.released("SELECT note, COUNT(*) AS n FROM clinic.visits GROUP BY note")
    for name in ("table.csv", "counts.csv"):
        assert {line["note"] for line in city.table(city.city.run(notes.run), name)} == {
            "n0",
            "n1",
            "n2",
            "n3",
        }
    assert city.blocks(city.asked(ALL)) == {"differs_by_few"}


def test_three_tables_added_and_subtracted(city: Declaring) -> None:
    """No two of their numbers are near each other."""
    north, year, either = (
        f"{ALL} WHERE {condition}"
        for condition in (
            "district = 'north'",
            "year = 2 AND district <> 'north'",
            "(district = 'north' OR year = 2) AND visits <> 10",
        )
    )
    city.released(north)
    city.released(year, who="qin")
    review = city.asked(either)
    assert city.blocks(review) == {"combines_to_few"}
    assert "1 unit" in next(one.message for one in city.findings(review) if one.code == "combines_to_few")


def test_a_version_that_has_one_person_more(city: Declaring) -> None:
    city.released(ALL)
    city.publish([*people(), OLD, person("p1000", district="south")])
    assert city.blocks(city.asked(ALL)) == {"differs_by_few"}
    city.released(f"{ALL} WHERE district <> 'south'")


def test_a_version_from_which_one_person_withdrew(city: Declaring) -> None:
    """Their rows are gone; that they were behind a number that left is not forgotten."""
    city.released(ALL)
    city.publish([*people(239), OLD])
    assert city.blocks(city.asked(ALL)) == {"differs_by_few"}


def test_a_version_in_which_one_person_moved(city: Declaring) -> None:
    city.released(BY_DISTRICT)
    city.publish([*people(), OLD.replace("north", "south")])
    assert city.blocks(city.asked(BY_DISTRICT)) == {"differs_by_few"}


def test_another_dataset_about_the_same_people(city: Declaring) -> None:
    """Its numbers are about the same persons, whatever it is called and whatever type
    their names have there."""
    city.released("SELECT COUNT(DISTINCT person) AS people FROM clinic.visits")
    city.publish(people(), GRADE_2.replace("clinic.visits", "clinic.other"))
    city.grant("clinic.other", "qin", "river")
    assert city.blocks(
        city.asked("SELECT COUNT(DISTINCT person) AS people FROM clinic.other", who="qin")
    ) == {"differs_by_few"}


def test_rows_of_the_same_people(city: Declaring) -> None:
    """The same units stand behind both numbers; one of them with one row less."""
    city.publish([*people(), person("p1", district="south", visits=10)])
    city.released(ALL)
    assert city.blocks(city.asked(f"{ALL} WHERE visits < 10")) == {"differs_by_few"}


def test_rows_and_people_beside_each_other(city: Declaring) -> None:
    """One row each, but for one person: the number of rows is that of people, and theirs."""
    city.publish([*people(), person("p1", district="south", visits=10)])
    both = "SELECT COUNT(*) AS n, COUNT(DISTINCT person) AS people FROM clinic.visits"
    assert city.blocks(city.asked(both)) == {"differs_by_few"}


def test_both_halves_in_one_table(city: Declaring) -> None:
    assert city.blocks(
        city.asked("SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE visits <> 10) AS m FROM clinic.visits")
    ) == {"differs_by_few"}


def test_a_suppressed_cell_by_another_cut(city: Declaring) -> None:
    """Of two cells that protect each other, one is asked for by itself:
    with a total from elsewhere the other follows."""
    city.publish([*people(), *(person(f"q{one}", year=3) for one in range(2))])
    first = city.released("SELECT year, COUNT(*) AS n FROM clinic.visits GROUP BY year")
    hidden = [line["year"] for line in city.table(city.city.run(first.run)) if line["n"] == "suppressed"]
    assert "3" in hidden and len(hidden) == 2, "a second cell protects the first"
    other = next(year for year in hidden if year != "3")
    assert city.blocks(city.asked(f"{ALL} WHERE year = {other}")) == {"suppression_undone"}
    assert not city.blocks(city.asked(ALL)), "the two together are many"
    city.released(f"{ALL} WHERE district = 'south'")


def test_many_harmless_looking_cuts(city: Declaring) -> None:
    """A general tracker: each table is of half of the people; the last solves the system."""
    for condition in (
        "district = 'north' AND year = 1",
        "district = 'north' AND year = 2",
        "district = 'south'",
    ):
        city.released(f"{ALL} WHERE {condition}")
    assert city.blocks(city.asked(f"{ALL} WHERE district IN ('north', 'south') AND visits < 10"))


def test_only_the_table_can_leave(city: Declaring) -> None:
    """The supporting counts are exact, the log and the exit are of the raw run."""
    for path in ("counts.csv", "exit.json", "log.txt"):
        assert "not_the_table" in city.blocks(city.asked(ALL, path=path))


def test_what_was_refused_tells_of_nobody_later(city: Declaring) -> None:
    """A refused table has not left, so it stands in nobody's way, and who was behind it is not kept."""
    review = city.asked(BUT_ONE)
    for officer in ("lin", "zhou"):
        city.city.votes(review, officer, refusal())
    assert review.run not in city.kept()
    city.released(BY_DISTRICT)


def test_data_that_nothing_of_may_be_reviewed_is_not_counted(city: Declaring) -> None:
    city.publish(people(), POLICY.replace('grade: "3"', "grade: important"))
    with pytest.raises(Forbidden) as refused:
        city.declare(ALL)
    assert refused.value.code == "grade_forbids_way"
