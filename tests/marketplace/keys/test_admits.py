"""What a key opens, from where, and until when: pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.keys.admits import Scope, admits, may_restore, read_networks
from marketplace.keys.model import Key
from sandbox.errors import InvalidInput

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Key(1, 1, "chk_abcdef", "", "live", "chen", NOW)


def verdict(key: Key, scope: Scope = Scope.CALL, address: str = "203.0.113.7") -> str | None:
    denied = admits(key, scope=scope, address=address, now=NOW)
    assert denied is None or (denied.message and denied.remedy)
    return denied.verdict if denied else None


def test_a_live_key_opens_its_scopes_and_no_other() -> None:
    assert {scope: verdict(KEY, scope) for scope in Scope} == dict.fromkeys(Scope)
    sampling = replace(KEY, scopes=("sample",))
    assert verdict(sampling, Scope.SAMPLE) is None
    assert verdict(sampling, Scope.CALL) == verdict(sampling, Scope.USAGE) == "FORBIDDEN"
    assert verdict(replace(KEY, scopes=())) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("address", "opens"),
    [
        ("203.0.113.7", True),
        ("203.0.114.7", False),
        ("::ffff:203.0.113.7", True),
        ("2001:db8::9", True),
        ("2001:db9::9", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_a_key_with_networks_opens_from_them_alone(address: str, opens: bool) -> None:
    listed = replace(KEY, networks=("203.0.113.0/24", "2001:db8::/32"))
    assert verdict(listed, address=address) == (None if opens else "FORBIDDEN")
    assert verdict(KEY, address=address) is None


def test_a_revoked_key_and_one_whose_time_is_over_open_nothing() -> None:
    assert verdict(replace(KEY, status="revoked")) == "DISABLED"
    retiring = replace(KEY, status="retiring", ends_at=NOW + timedelta(seconds=1))
    assert verdict(retiring) is None
    assert verdict(replace(retiring, ends_at=NOW)) == "EXPIRED"


def test_networks_are_written_in_one_way_and_what_is_none_is_named() -> None:
    assert read_networks((" 203.0.113.0/24", "203.0.113.0/24", "10.0.0.1", "2001:DB8::/32")) == (
        "203.0.113.0/24",
        "10.0.0.1/32",
        "2001:db8::/32",
    )
    for wrong in ("203.0.113.7/24", "everywhere", "", "300.0.0.0/8"):
        with pytest.raises(InvalidInput, match="is not a network"):
            read_networks((wrong,))
    with pytest.raises(InvalidInput, match="at most 50"):
        read_networks(("10.0.0.0/8",) * 51)


def test_a_revocation_is_taken_back_within_a_minute_by_who_revoked() -> None:
    def may(
        *, status: str = "revoked", seconds: int = 59, organisation: str = "minsheng", revoked: bool = True
    ) -> bool:
        return may_restore(
            status=status,
            revoked_at=NOW - timedelta(seconds=seconds) if revoked else None,
            revoked_for="minsheng",
            organisation=organisation,
            now=NOW,
        )

    assert may()
    assert not may(seconds=60)
    assert not may(organisation="market"), "nobody takes back what another organisation revoked"
    assert not may(status="live")
    assert not may(revoked=False)
