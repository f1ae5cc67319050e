"""What blocks a declared table, and what does not: each beside tables that have really left."""

from declared_tables import Declaring, people, person

BY_DISTRICT = "SELECT district, COUNT(*) AS n FROM clinic.visits{where} GROUP BY district"
ALL = BY_DISTRICT.format(where="")


def test_the_first_table_leaves_and_the_same_once_more(declaring: Declaring) -> None:
    first = declaring.released(ALL)
    assert [line["n"] for line in declaring.table(declaring.city.run(first.run))] == ["80", "80", "80"]
    declaring.released(ALL, who="qin")
    declaring.released("SELECT year, COUNT(*) AS n FROM clinic.visits WHERE year < 3 GROUP BY year")


def test_the_same_table_without_one_person_is_blocked_and_the_finding_names_the_release(
    declaring: Declaring,
) -> None:
    first = declaring.released(ALL)
    declaring.publish([*people(), person("p999", visits=9, year=3)])
    review = declaring.asked(BY_DISTRICT.format(where=" WHERE year <> 3"))
    assert not declaring.blocks(review), "the same people as before: nobody is told apart"
    review = declaring.asked(ALL, who="qin")
    assert declaring.blocks(review) == {"differs_by_few"}
    said = next(one for one in declaring.findings(review) if one.code == "differs_by_few")
    assert str(first.run) in said.message and "another team" in said.message and "1 unit" in said.message
    assert (
        str(first.run) in said.zh and said.remedy and said.remedy_zh and said.where == "n (district = north)"
    )
    assert "lake" not in said.message and "wang" not in said.message
