"""Disjoint parts of a split cost a population the most that any of them lost, never the sum."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.budgets import (
    Account,
    Level,
    Part,
    ShareTooLarge,
    begin_split,
    end_split,
    give_share,
    open_account,
    part_account,
    reserve,
    reserve_part,
    statement,
)
from sandbox.budgets.parts import added, largest
from sandbox.database import Database
from sandbox.errors import BudgetExhausted, Conflict
from sandbox.privacy import ZERO, PrivacyLoss

DATASET, POPULATION = Account(Level.DATASET, "a.b"), Account(Level.POPULATION, "all")

losses = st.builds(PrivacyLoss, st.integers(0, 50), st.integers(0, 5))


@given(st.lists(st.tuples(st.sampled_from(Part), losses), max_size=30))
def test_the_whole_is_charged_the_largest_part(steps: list[tuple[Part, PrivacyLoss]]) -> None:
    parts: dict[Part, PrivacyLoss] = {}
    charged = scored = ZERO
    for part, loss in steps:
        more = added(parts, part, loss)
        assert more.increase.fits_in(loss) and more.of_scored.fits_in(loss)
        parts[part] = parts.get(part, ZERO) + loss
        charged, scored = charged + more.increase, scored + more.of_scored
        if part is Part.TRAIN:
            assert more.of_scored == ZERO
        else:  # what is held for the parts is enough for what they add
            assert more.increase.fits_in(more.of_scored)
    assert charged == largest(parts)
    assert scored == largest({part: lost for part, lost in parts.items() if part is not Part.TRAIN})


def opened(database: Database) -> UUID:
    id = uuid4()
    with database.transaction() as tx:
        for account, limit in ((DATASET, 100), (POPULATION, 100), (Account(Level.GRANT, "1"), 100)):
            open_account(tx, account, PrivacyLoss(limit))
        give_share(tx, Account(Level.GRANT, "1"), dataset="a.b", population="all", picorho=60)
        begin_split(tx, id=id, dataset="a.b", population="all", live=PrivacyLoss(30), final=PrivacyLoss(40))
    return id


def spent(database: Database) -> list[tuple[int, int]]:
    with database.transaction() as tx:
        both = [statement(tx, each) for each in (DATASET, POPULATION)]
    return [(one.spent.picorho, one.held.picorho) for one in both]


def ask(database: Database, picorho: int) -> None:
    with database.transaction() as tx:
        reserve(tx, id=uuid4(), grant="1", dataset="a.b", population="all", loss=PrivacyLoss(picorho))


def score(database: Database, split: UUID, part: Part, picorho: int) -> None:
    with database.transaction() as tx:
        reserve_part(tx, id=uuid4(), split=split, part=part, loss=PrivacyLoss(picorho))


def test_a_population_with_a_split_pays_the_maximum(database: Database) -> None:
    split = opened(database)
    assert spent(database) == [(0, 100)] * 2  # 60 for the grant, 40 for the larger part
    ask(database, 20)
    score(database, split, Part.LIVE, 15)
    assert spent(database) == [(20, 65)] * 2
    score(database, split, Part.LIVE, 15)
    score(database, split, Part.FINAL, 25)
    assert spent(database) == [(30, 50)] * 2
    ask(database, 40)
    assert spent(database) == [(60, 10)] * 2
    with database.transaction() as tx:
        assert statement(tx, part_account(split, Part.LIVE)).spent.picorho == 30
        end_split(tx, split)
    assert spent(database) == [(60, 0)] * 2
    with database.transaction() as tx:
        open_account(tx, Account(Level.GRANT, "2"), PrivacyLoss(100))
        reserve(tx, id=uuid4(), grant="2", dataset="a.b", population="all", loss=PrivacyLoss(5))
    assert spent(database) == [(65, 0)] * 2  # about everybody again: in full


def test_a_question_that_was_prepared_before_a_split_is_asked_again(database: Database) -> None:
    split = opened(database)

    def prepared_for(*splits: str) -> None:
        with database.transaction() as tx:
            more = {"dataset": "a.b", "population": "all", "loss": PrivacyLoss(1), "prepared_for": splits}
            reserve(tx, id=uuid4(), grant="1", **more)  # type: ignore[arg-type]

    prepared_for(str(split), str(split))
    before = spent(database)
    for others in (("",), (str(split), ""), (str(uuid4()),)):
        with pytest.raises(Conflict) as refused:
            prepared_for(*others)
        assert refused.value.code == "split_meanwhile" and refused.value.remedy_zh
    assert spent(database) == before
    with database.transaction() as tx:
        end_split(tx, split)
    with pytest.raises(Conflict):
        prepared_for(str(split))
    prepared_for("")


def test_a_part_spends_its_own_limit_and_no_more(database: Database) -> None:
    split = opened(database)
    score(database, split, Part.LIVE, 30)
    with pytest.raises(BudgetExhausted):
        score(database, split, Part.LIVE, 1)
    assert spent(database) == [(30, 70)] * 2
    with database.transaction() as tx:
        end_split(tx, split)
    with pytest.raises(Conflict) as refused:
        score(database, split, Part.FINAL, 1)
    assert refused.value.code == "split_opened"


def test_what_is_promised_is_not_held_twice_and_one_split_at_a_time(database: Database) -> None:
    split = opened(database)
    with pytest.raises(Conflict) as refused, database.transaction() as tx:
        begin_split(tx, id=uuid4(), dataset="a.b", population="all", live=ZERO, final=ZERO)
    assert refused.value.code == "population_split"
    with database.transaction() as tx:
        end_split(tx, split)
    with pytest.raises(ShareTooLarge), database.transaction() as tx:
        begin_split(tx, id=uuid4(), dataset="a.b", population="all", live=PrivacyLoss(41), final=ZERO)
