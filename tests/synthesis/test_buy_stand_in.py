"""An officer buys stand-in rows, at a real vault: charged first, logged, once, and then everybody's."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pandas as pd
import pyarrow.parquet
import pytest
from sqlalchemy import select

from asked_vault import AskedVault, asked
from sandbox.budgets import Account, Level, statement
from sandbox.catalog.bought_stand_in import bought_stand_in
from sandbox.catalog.publish import publish
from sandbox.catalog.tables import stand_ins
from sandbox.errors import InvalidInput, Unavailable
from sandbox.synthesis.buy_stand_in import buy_stand_in
from story import DATASET, POLICIES, Story

__all__ = ["asked"]


def bought(asked: AskedVault, dataset: str, epsilon: str = "2", who: str = "lin"):
    return asked.person(who).send("POST", f"/v1/datasets/{dataset}/stand-in", json={"epsilon": epsilon})


def rows_of(
    asked: AskedVault, dataset: str, kind: str = "best", who: str = "wang"
) -> tuple[pd.DataFrame, dict]:
    answer = asked.kernel(who).send("GET", f"/v1/datasets/{dataset}/stand-in?kind={kind}")
    assert answer.status_code == 200, answer.text
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    return table.to_pandas(), json.loads(table.schema.metadata[b"cihu"])


def test_it_is_charged_to_the_dataset_and_the_population_and_logged_before_and_after(
    asked: AskedVault,
) -> None:
    dataset, grant = asked.dataset()
    before, entries = asked.spent(grant), len(asked.kinds())
    done = bought(asked, dataset, "2")
    assert done.status_code == 201, done.text
    said = done.json()
    lost = asked.lost(grant, before)
    assert lost == {"grant": 0, "dataset": said["picorho"], "population": said["picorho"]}, (
        "no team pays for it"
    )
    assert 1.99 < said["epsilon"] <= 2
    new = [kind for kind in asked.kinds()[entries:] if kind.startswith("stand_in.")]
    assert new == ["stand_in.asked", "stand_in.released"]
    with asked.story.database.transaction() as tx:
        row = tx.execute(select(stand_ins).where(stand_ins.c.dataset == dataset)).one()
    assert (
        row.status == "released"
        and sum(part["picorho"] for part in row.marginals) <= row.picorho == said["picorho"]
    )
    receipt = asked.person("lin").send("GET", f"/v1/log/receipts/{said['log_index']}").json()
    assert said["sha256"] in json.dumps(receipt)


def test_everybody_gets_the_bought_rows_and_may_still_have_the_others(asked: AskedVault) -> None:
    dataset, _ = asked.dataset()
    free, said = rows_of(asked, dataset)
    assert said["stand_in"] == "schema"
    assert (
        asked.kernel("wang").send("GET", f"/v1/datasets/{dataset}/stand-in?kind=dp").json()["code"]
        == "no_stand_in"
    )
    assert bought(asked, dataset).status_code == 201
    best, said = rows_of(asked, dataset)
    assert said["stand_in"] == "dp" and 1.99 < said["epsilon"] <= 2 and said["delta"] == 1e-6
    assert best.equals(rows_of(asked, dataset, who="qin")[0]) and not best.equals(free)
    assert list(best.dtypes.index) == list(free.dtypes.index) and "secret" not in best
    assert free.equals(rows_of(asked, dataset, "schema")[0])
    about = asked.kernel("wang").send("GET", f"/v1/datasets/{dataset}/stand-in/about").json()
    assert about["kind"] == "dp" and about["bought_by"] == "lin"
    assert all(set(of) - {"kept"} == {"columns", "distance", "noise"} for of in about["quality"])
    assert {"group_means", "correlations", "deciles", "lost"} <= set(about) and "trained" not in about
    # whether noise hides that it depends on nothing is chance; that its values were not counted is none
    [of_note] = [lost["why"] for lost in about["lost"] if lost["column"] == "note"]
    assert "only_emptiness" in of_note
    assert asked.kernel("wang").send("GET", f"/v1/datasets/{dataset}/stand-in?kind=none").status_code == 422


def test_what_is_in_the_rows_is_roughly_in_the_stand_in(asked: AskedVault) -> None:
    """Nine in ten rows from the north, where costs are high; everybody has three rows;
    nobody's cost is empty elsewhere.

    Each bound is seven of the figure's standard deviations away or more, as measured over seeds of the noise.
    """
    lines = ["person,district,year,cost,visits,note,day,smoker,secret"]
    for person in range(3000):
        north = person % 10 > 0
        lines += [
            f"p{person},{'north' if north else 'east'},{year},{90 if north else ''},2,n,2026-01-01,true,s"
            for year in (1, 2, 3)
        ]
    dataset, _ = asked.dataset(rows="\n".join(lines).encode())
    assert bought(asked, dataset, "4").status_code == 201
    rows, _ = rows_of(asked, dataset)
    assert 0.84 < (rows["district"] == "north").mean() < 0.98
    assert rows.loc[rows["district"] == "north", "cost"].between(75, 100).mean() > 0.85
    assert rows.loc[rows["district"] == "east", "cost"].isna().mean() > 0.5
    sizes = rows.groupby("person").size()
    assert (sizes == 3).mean() > 0.9
    places = rows.fillna({"district": "-"}).groupby("person")["district"].agg(lambda of: len(set(of)))
    assert (places == 1).mean() > 0.9, "nobody moves"


def test_who_may_not_buy_is_refused_spends_nothing_and_is_logged(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    before = asked.spent(grant)
    for who in ("wang", "zhou"):
        entries = len(asked.kinds())
        answer = bought(asked, dataset, who=who)
        assert (answer.status_code, answer.json()["code"]) == (403, "no_permit")
        assert "decision.refused" in asked.kinds()[entries:]
    assert (
        asked.kernel("lin")
        .send("POST", f"/v1/datasets/{dataset}/stand-in", json={"epsilon": "1"})
        .status_code
        == 405
    )
    assert asked.spent(grant) == before


@pytest.mark.parametrize(
    ("epsilon", "status", "code"),
    [
        ("100", 402, "budget_exhausted"),
        ("0.000001", 422, "loss_too_small"),
        ("0", 422, "invalid_input"),
        ("NaN", 422, "invalid_input"),
        ("1e3", 402, "budget_exhausted"),
        ("-1", 422, "invalid_input"),
    ],
)
def test_what_cannot_be_paid_is_refused_before_data_is_touched(
    asked: AskedVault, epsilon: str, status: int, code: str
) -> None:
    dataset, grant = asked.dataset()
    before = asked.spent(grant)
    answer = bought(asked, dataset, epsilon)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert asked.spent(grant) == before
    with asked.story.database.transaction() as tx:
        assert tx.execute(select(stand_ins).where(stand_ins.c.dataset == dataset)).first() is None


def test_two_officers_clicks_at_once_pay_once(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    before = asked.spent(grant)
    with ThreadPoolExecutor(2) as pool:
        done = sorted(
            pool.map(lambda _: bought(asked, dataset, "1"), range(2)), key=lambda answer: answer.status_code
        )
    assert [answer.status_code for answer in done] == [201, 409]
    assert asked.lost(grant, before)["dataset"] == done[0].json()["picorho"]
    assert (
        asked.account(Account(Level.GRANT, f"stand-in:{dataset}")).spent.picorho == done[0].json()["picorho"]
    )


def test_a_failure_after_the_loss_was_reserved_stays_charged_and_tells_nothing(story: Story) -> None:
    """The rows are gone from the bucket when they are needed."""
    story.publish()
    version = story.repository.current("clinic.visits")
    story.store.client.remove_object(
        story.store.bucket, version.object_name, version_id=version.object_version
    )
    for _ in range(2):  # it may be tried again, and is paid again
        with pytest.raises(Unavailable) as failure:
            buy_stand_in(
                story.context, officer=story.principal("lin"), dataset="clinic.visits", epsilon=Fraction(1)
            )
        assert failure.value.code == "synthesis_failed" and "clinic" not in failure.value.message
    assert DATASET.budget is not None
    loss = DATASET.budget.loss(Fraction(1)).picorho
    with story.database.transaction() as tx:
        assert statement(tx, Account(Level.DATASET, "clinic.visits")).spent.picorho == 2 * loss
        assert [row.status for row in tx.execute(select(stand_ins))] == ["failed", "failed"]
        assert bought_stand_in(tx, version) is None


def test_an_open_dataset_needs_none(story: Story) -> None:
    publish(
        story.database,
        repository=story.repository,
        store=story.store,
        gate=story.gate,
        populations=story.populations,
        officer=story.principal("zhou"),
        policy_text=(POLICIES / "datasets" / "market.inspections.yaml").read_text("utf-8"),
        body=b"business,year,score,locations,weekend\na,2001,90,1,true\n",
        opening=None,
    )
    with pytest.raises(InvalidInput, match="open"):
        buy_stand_in(
            story.context, officer=story.principal("zhou"), dataset="market.inspections", epsilon=Fraction(1)
        )
