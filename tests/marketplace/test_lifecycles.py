"""Every life cycle is whole: each status has an owner and an event that the log knows,
and what follows exists."""

import pytest

from marketplace.company_endings.model import ENDING_STATUSES
from marketplace.customers.model import COMPANY_STATUSES, INVITATION_STATUSES
from marketplace.invoices.model import INVOICE_STATUSES
from marketplace.keys.model import KEY_STATUSES
from marketplace.licences.model import LICENCE_STATUSES
from marketplace.lifecycle import Lifecycle, check_step
from marketplace.orders.model import ORDER_STATUSES
from marketplace.products.model import PRODUCT_STATUSES
from marketplace.service_accounts.model import SERVICE_STATUSES
from sandbox.audit.model import KINDS
from sandbox.errors import Conflict

CYCLES = {
    "company": COMPANY_STATUSES,
    "company_ending": ENDING_STATUSES,
    "product": PRODUCT_STATUSES,
    "order": ORDER_STATUSES,
    "licence": LICENCE_STATUSES,
    "key": KEY_STATUSES,
    "invoice": INVOICE_STATUSES,
    "invitation": INVITATION_STATUSES,
    "service_account": SERVICE_STATUSES,
}
EVERY_STATUS = [(thing, name) for thing, cycle in CYCLES.items() for name in cycle]


@pytest.mark.parametrize(("thing", "name"), EVERY_STATUS)
def test_every_status_has_an_owner_and_an_audit_event(thing: str, name: str) -> None:
    status = CYCLES[thing][name]
    assert status.meaning and status.owner
    events = [status.event, *status.event_from.values()]
    assert all(event in KINDS and event.startswith(thing) for event in events)
    package = "customers" if thing in ("company", "invitation") else f"{thing}s"
    assert KINDS[status.event].owner == f"marketplace.{package}"
    assert all(then in CYCLES[thing] for then in status.next)
    assert all(name in CYCLES[thing][before].next for before in status.event_from)


@pytest.mark.parametrize("cycle", CYCLES.values(), ids=CYCLES)
def test_every_status_can_be_reached_and_has_its_own_event(cycle: Lifecycle) -> None:
    first = next(iter(cycle))
    reached = {first} | {then for status in cycle.values() for then in status.next}
    assert reached == set(cycle)
    events = [event for status in cycle.values() for event in (status.event, *status.event_from.values())]
    assert len(set(events)) == len(events)


@pytest.mark.parametrize("cycle", CYCLES.values(), ids=CYCLES)
def test_a_step_that_is_not_in_the_table_is_refused(cycle: Lifecycle) -> None:
    for now in cycle:
        for then in cycle:
            if then in cycle[now].next:
                step = check_step(cycle, thing="x", now=now, then=then)
                assert step.next == cycle[then].next
                assert step.event == cycle[then].event_from.get(now, cycle[then].event)
            else:
                with pytest.raises(Conflict):
                    check_step(cycle, thing="x", now=now, then=then)
