"""Averaging and differencing: asking again, otherwise, as somebody else or under another grant gives
nothing for nothing.

The list of attacks: "Attacks to keep repelling" of the survey of peers (2026): averaging by repetition;
differencing across accounts, views, grants. It names LinkedIn's "same query, same noise" as the remedy, and
fresh budgets by making a view or an account (BigQuery, Snowflake) as the mistake. The attack itself: Dinur
and Nissim, "Revealing Information while Preserving Privacy", PODS 2003; differencing: Denning, Denning and
Schwartz, "The Tracker", ACM TODS 4 (1979).
"""

import itertools
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from asked_vault import AskedVault
from story import POLICY, rows_csv

SPELLINGS = {
    "SELECT": ("SELECT", "select", "Select"),
    "columns": (
        "district, COUNT(*) AS n, SUM(cost) AS total",
        "District ,\n count( * ) n , sum(COST) AS total",
        '"district", COUNT(*) "n", SUM(v.cost) total /* in francs */',
    ),
    "FROM": ("FROM {dataset} v", "from {dataset} AS v", "FROM\t{dataset}   v -- the rows"),
    "WHERE": (
        "\nWHERE year IN (1, 2) AND visits >= 3",
        "\nwhere visits >= 3 and year in (2, 1)",
        "\nWHERE ((3 <= visits) AND (v.year IN (1, 2, 1)))",
        "\nWHERE 3.0 <= visits AND year IN (2, 1, 2)",
        "\nWHERE year IN (1,2) AND visits >= 3.00 AND visits >= 3",
    ),
    "GROUP BY": (
        "\nGROUP BY district",
        "\ngroup by 1",
        "\nGROUP BY v.district, district",
        "\nGROUP\nBY district;",
    ),
}


def spellings(dataset: str) -> list[str]:
    every = itertools.product(*SPELLINGS.values())
    return [" ".join(parts).format(dataset=dataset) for parts in every]


def test_a_hundred_spellings_of_a_question_have_one_set_of_numbers_and_one_price(asked: AskedVault) -> None:
    """Source: averaging by repetition (Dinur and Nissim 2003);
    the mean of a hundred fresh answers would have a tenth of the error of one."""
    dataset, grant = asked.dataset()
    before = asked.spent(grant)
    every = spellings(dataset)
    assert len(set(every)) == 540
    askers = [asked.person(name) for name in ("wang", "song")]
    told = [askers[number % 2].answer(sql) for number, sql in enumerate(every[::5])]
    assert len(told) == 108
    assert {str(answer["rows"]) for answer in told} == {str(told[0]["rows"])}
    assert [answer["stored"] for answer in told] == [False] + [True] * 107
    lost = asked.lost(grant, before)
    assert lost == dict.fromkeys(lost, told[0]["price"]["picorho"])


@pytest.mark.parametrize(
    "same",
    [
        ("year = 1", "year IN (1)", "year BETWEEN 1 AND 1", "NOT year <> 1", "year <= 1", "year < 2"),
        ("smoker", "smoker = TRUE", "smoker AND smoker", "NOT (NOT smoker)"),
        (
            "cost > 5 OR cost <= 5 OR cost IS NULL",
            "visits >= 0 OR visits < 0 OR visits IS NULL",
            "year = year",
        ),
    ],
)
def test_what_is_the_same_in_fact_but_not_in_form_is_paid_each_time(
    same: tuple[str, ...], asked: AskedVault
) -> None:
    """Source: as above. The vault does not prove theorems:
    an equivalent filter may be a new question, and then its fresh noise is bought, never given."""
    dataset, grant = asked.dataset()
    before, wang = asked.spent(grant), asked.person("wang")
    told = [wang.answer(f"SELECT COUNT(*) FROM {dataset} WHERE {where}") for where in same]
    paid = sum(answer["price"]["picorho"] for answer in told)
    fresh = {str(answer["rows"]) for answer in told}
    assert paid == sum(answer["price"]["picorho"] for answer in told if not answer["stored"])
    assert len(fresh) <= sum(not answer["stored"] for answer in told)
    lost = asked.lost(grant, before)
    assert lost == dict.fromkeys(lost, paid)


def test_a_question_asked_in_pieces_or_with_more_columns_reuses_what_was_released(asked: AskedVault) -> None:
    """Source: as above. A total that left once is the same number in every question of which it is a part:
    no second draw comes with another column beside it."""
    dataset, grant = asked.dataset()
    wang = asked.person("wang")
    both = wang.answer(
        f"SELECT district, COUNT(*) AS n, SUM(visits) AS v FROM {dataset} GROUP BY district", epsilon="0.8"
    )
    before = asked.spent(grant)
    alone = wang.answer(f"SELECT district, COUNT(*) AS n FROM {dataset} GROUP BY district", epsilon="0.3")
    more = wang.answer(
        f"SELECT district, AVG(visits) AS mean, COUNT(*) AS k, SUM(visits) AS s FROM {dataset} GROUP BY 1",
        epsilon="0.3",
    )
    assert alone["stored"] and [row[1] for row in alone["rows"]] == [row[1] for row in both["rows"]]
    assert [row[2:] for row in more["rows"]] == [row[1:] for row in both["rows"]]
    lost = asked.lost(grant, before)
    assert lost == dict.fromkeys(lost, more["price"]["picorho"])


def test_a_coarser_question_after_a_finer_one_gives_no_second_draw(asked: AskedVault) -> None:
    """Source: as above. Less precision is the old numbers, free;
    more precision is paid in full, as both are then known."""
    dataset, grant = asked.dataset()
    before, wang = asked.spent(grant), asked.person("wang")
    sql = f"SELECT COUNT(*) FROM {dataset}"
    prices, rows = [], []
    for epsilon in ("0.2", "0.1", "0.4", "0.3", "0.2", "0.05"):
        answer = wang.answer(sql, epsilon=epsilon)
        prices.append(answer["price"]["picorho"])
        rows.append(str(answer["rows"]))
    assert [price > 0 for price in prices] == [True, False, True, False, False, False]
    assert len(set(rows)) == 2
    lost = asked.lost(grant, before)
    assert lost == dict.fromkeys(lost, sum(prices))


def test_two_accounts_of_a_team_difference_out_of_one_purse(asked: AskedVault) -> None:
    """Source: differencing across accounts (the tracker, 1979):
    one asks for all, the other for all but a few. Both are charged to the team, the dataset and the
    population; neither account has anything of its own."""
    dataset, grant = asked.dataset()
    before = asked.spent(grant)
    everybody = asked.person("wang").answer(f"SELECT COUNT(*) FROM {dataset}")
    but_few = asked.person("song").answer(
        f"SELECT COUNT(*) FROM {dataset} WHERE NOT (note = 'n7' AND visits = 9)"
    )
    assert not everybody["stored"] and not but_few["stored"]
    lost = asked.lost(grant, before)
    assert lost == dict.fromkeys(lost, everybody["price"]["picorho"] + but_few["price"]["picorho"])
    seen = {
        asked.person(name).send("GET", "/v1/budgets").json()[0]["levels"][0]["picorho_spent"]
        for name in ("wang", "song")
    }
    assert len(seen) == 1


def test_a_second_grant_gives_a_team_nothing_back(asked: AskedVault) -> None:
    """Source: differencing across grants; fresh budgets by a new grant (the survey's "avoid").
    The purse is the team's on the dataset, however many grants it has."""
    dataset, first = asked.dataset(epsilon="2")
    wang = asked.person("wang")
    wang.answer(f"SELECT COUNT(*) FROM {dataset}", epsilon="1.9", grant=first.id)
    before = asked.account(first.account)
    second = asked.grant(dataset, epsilon="2")
    after = asked.account(second.account)
    assert second.account == first.account and (after.spent, after.limit) == (before.spent, before.limit)
    for grant in (first, second):
        assert wang.refusal(f"SELECT SUM(cost) FROM {dataset}", epsilon="1.5", grant=grant.id) == (
            402,
            "budget_exhausted",
        )
    again = wang.answer(f"SELECT COUNT(*) FROM {dataset}", epsilon="1.9", grant=second.id)
    assert again["stored"]


def test_two_teams_are_charged_to_the_one_dataset(asked: AskedVault) -> None:
    """Source: differencing across accounts, of people who work together under two names.
    Each team has its purse; what both learn is charged to the dataset, and the same question
    is one draw for both."""
    dataset, lake = asked.dataset()
    river = asked.grant(dataset, person="qin", team="river")
    before = asked.spent(lake)
    first = asked.person("wang").answer(f"SELECT COUNT(*) FROM {dataset}")
    second = asked.person("qin").answer(f"SELECT COUNT(*) FROM {dataset} WHERE visits < 14")
    same = asked.person("qin").answer(f"SELECT COUNT(*) FROM {dataset}")
    assert same["stored"] and same["rows"] == first["rows"]
    both = first["price"]["picorho"] + second["price"]["picorho"]
    lost = asked.lost(lake, before)
    assert lost == {"grant": first["price"]["picorho"], "dataset": both, "population": both}
    assert asked.account(river.account).spent.picorho == second["price"]["picorho"]


def test_publishing_again_gives_no_dataset_its_budget_back(asked: AskedVault) -> None:
    """Source: fresh budgets by making a view (BigQuery, Snowflake):
    a new version of a dataset is about the same people."""
    dataset, grant = asked.dataset()
    wang, sql = asked.person("wang"), f"SELECT COUNT(*) FROM {dataset}"
    first = wang.answer(sql)
    before = asked.spent(grant)
    assert asked.publish(POLICY.replace("clinic.visits", dataset), rows_csv()).status_code == 201
    published = asked.spent(grant)
    assert published["grant"] == before["grant"]
    assert all(published[level] > before[level] for level in ("dataset", "population"))
    second = wang.answer(sql)
    assert (first["version"], second["version"]) == (1, 2) and not second["stored"]
    lost = asked.lost(grant, published)
    assert lost == dict.fromkeys(lost, second["price"]["picorho"])


def test_what_is_asked_at_the_same_moment_is_bought_once(asked: AskedVault) -> None:
    """Source: averaging by repetition, in the gap between the look into the store and the charge."""
    dataset, grant = asked.dataset()
    before, askers = asked.spent(grant), [asked.person("wang") for _ in range(24)]

    def ask(number: int) -> httpx.Response:
        return askers[number].ask(spellings(dataset)[number * 20])

    with ThreadPoolExecutor(24) as pool:
        told = [answer.json() for answer in pool.map(ask, range(24))]
    assert len({str(answer["rows"]) for answer in told}) == 1
    lost = asked.lost(grant, before)
    assert lost == dict.fromkeys(lost, max(answer["price"]["picorho"] for answer in told))
