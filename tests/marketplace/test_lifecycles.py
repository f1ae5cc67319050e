"""Every life cycle is whole: each status has an owner and an event that the log knows,
and what follows exists."""

import pytest

from marketplace.keys.model import KEY_STATUSES
from marketplace.licences.model import LICENCE_STATUSES
from marketplace.lifecycle import Lifecycle, check_step
from marketplace.orders.model import ORDER_STATUSES
from marketplace.products.model import PRODUCT_STATUSES
from sandbox.audit.model import KINDS
from sandbox.errors import Conflict

CYCLES = {
    "product": PRODUCT_STATUSES,
    "order": ORDER_STATUSES,
    "licence": LICENCE_STATUSES,
    "key": KEY_STATUSES,
}
EVERY_STATUS = [(thing, name) for thing, cycle in CYCLES.items() for name in cycle]


@pytest.mark.parametrize(("thing", "name"), EVERY_STATUS)
def test_every_status_has_an_owner_and_an_audit_event(thing: str, name: str) -> None:
    status = CYCLES[thing][name]
    assert status.meaning and status.owner
    assert status.event in KINDS and status.event.startswith(thing)
    assert KINDS[status.event].owner == f"marketplace.{thing}s"
    assert all(then in CYCLES[thing] for then in status.next)


@pytest.mark.parametrize("cycle", CYCLES.values(), ids=CYCLES)
def test_every_status_can_be_reached_and_has_its_own_event(cycle: Lifecycle) -> None:
    first = next(iter(cycle))
    reached = {first} | {then for status in cycle.values() for then in status.next}
    assert reached == set(cycle)
    assert len({status.event for status in cycle.values()}) == len(cycle)


@pytest.mark.parametrize("cycle", CYCLES.values(), ids=CYCLES)
def test_a_step_that_is_not_in_the_table_is_refused(cycle: Lifecycle) -> None:
    for now in cycle:
        for then in cycle:
            if then in cycle[now].next:
                assert check_step(cycle, thing="x", now=now, then=then) is cycle[then]
            else:
                with pytest.raises(Conflict):
                    check_step(cycle, thing="x", now=now, then=then)
