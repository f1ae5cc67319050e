"""From which networks a key was called is kept; one that is new to a key is found by its seller."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.keys.networks import network_of, new_networks, note_networks
from marketplace.products.model import Terms
from selling import Market

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", ""),
        ("testclient", ""),
    ],
)
def test_an_address_stands_for_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_the_first_network_of_a_key_is_not_new_to_it_and_the_next_is_until_the_window_ends(
    market: Market,
) -> None:
    sold = market.sell(Terms(price_fen=5, purpose="x", calls_per_second=5))
    now = datetime.now(UTC)
    with market.database.transaction() as tx:
        note_networks(tx, {(sold.key_id, "203.0.113.77"), (sold.key_id, "203.0.113.78")})
    with market.database.transaction() as tx:
        assert new_networks(tx, since=now - DAY, department=None) == []
        note_networks(tx, {(sold.key_id, "198.51.100.1"), (sold.key_id, "203.0.113.79")})
    with market.database.transaction() as tx:
        (found,) = new_networks(tx, since=now - DAY, department=None)
        assert (found.key, found.network, found.known) == (sold.key_id, "198.51.100.0/24", 1)
        assert new_networks(tx, since=now - DAY, department=found.department) == [found]
        assert new_networks(tx, since=now - DAY, department="another") == []
        assert new_networks(tx, since=now + DAY, department=None) == []
