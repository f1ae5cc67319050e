"""Holds keys, licences and month sums in memory, so that a wrong call is refused early and a right one is
priced without reading.

It is speed, not safety: the commit decides again. A notification drops what changed within a second. Without
a listener the cache is closed, and each call reads.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from marketplace.customers.limits import NO_LIMITS, CompanyLimits, limits_in_effect
from marketplace.keys.find import key_of
from marketplace.keys.model import Key
from marketplace.keys.secret import hash_key
from marketplace.keys.tables import keys
from marketplace.licences.entitlements import delivered_product, entitled_releases
from marketplace.licences.find import find_licence
from marketplace.licences.model import Licence
from marketplace.metering.charge import MonthSoFar
from marketplace.metering.line import MonthState
from marketplace.metering.lookup_limit import LookupLimit
from marketplace.metering.months import month_of
from marketplace.metering.pace import Pace, take
from marketplace.metering.shared_months import month_so_far
from marketplace.offers.price import Price, Quantity
from marketplace.products.model import Product
from marketplace.service_accounts.open_licence import open_licence
from sandbox.database import Database, Transaction

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
MOST_KEYS = 20_000
READERS = 4
FINDERS = 4
RENEWERS = 2
MOST_MISSES = 10_000
MOST_ADDRESSES = 10_000
KEPT = timedelta(seconds=30)
FRESH = timedelta(seconds=1)


@dataclass(frozen=True)
class Opened:
    """What a key opens: the licence, and the product in the release that it delivers `until` some time."""

    key: Key
    licence: Licence
    product: Product
    price: Price
    until: datetime
    company: CompanyLimits = NO_LIMITS
    """the limits of the whole company"""


@dataclass(frozen=True)
class CompanyMonth:
    """What all licences of a company used in a month, as a commit gave it at a time."""

    month: str
    calls: int
    bytes: int
    learned: datetime


Found = tuple[Opened | None, MonthState | None]


class LicenceCache:
    """Keys by hash, with their licences and products; the months and the paces of licences.

    `database` is a small pool of its own: what else fills the service's pool does not delay a paid call.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.readers = ThreadPoolExecutor(READERS, thread_name_prefix="licences")
        # unknown keys are looked up in threads of their own: invented ones delay no credit, no seal, and no
        # key that opened something before
        self.finders = ThreadPoolExecutor(FINDERS, thread_name_prefix="keys")
        self.renewers = ThreadPoolExecutor(RENEWERS, thread_name_prefix="renewals")
        self.strangers = LookupLimit()
        self.familiar: dict[bytes, None] = {}  # keys that opened something, also after they were dropped
        self.renewing: dict[bytes, asyncio.Future[Opened | None]] = {}
        self.misses: dict[bytes, None] = {}  # secrets that no key has, until anything changes
        self.kept = False
        self.changes = 0
        self.by_hash: dict[bytes, Opened] = {}
        self.states: dict[int, MonthState] = {}
        self.paces: dict[int, datetime] = {}
        self.learned: dict[int, datetime] = {}
        self.company_months: dict[str, CompanyMonth] = {}
        self.company_paces: dict[str, datetime] = {}
        self.used: set[int] = set()  # keys, since their use was last written down
        self.called_from: set[tuple[int, str]] = set()  # keys and addresses, since then

    def note_address(self, key: int, address: str) -> None:
        """A key was called from there. In a flood of addresses the rest waits for the next turn."""
        if len(self.called_from) < MOST_ADDRESSES:
            self.called_from.add((key, address))

    def at_hand(self, secret: str) -> Opened | None:
        """What a key opens, as far as it is in memory."""
        opened = self.by_hash.get(hash_key(secret))
        return opened if opened is not None and datetime.now(UTC) < opened.until else None

    async def find(self, secret: str, address: str = "") -> Opened | None:
        """What the key opens; None if there is no such key.
        Raises `Unavailable` while too many unknown keys are looked up."""
        hash = hash_key(secret)
        return await self.look_up(hash, lambda: self.read(hash), address)

    async def find_service(self, client_id: str, product: str, address: str = "") -> Opened | None:
        """What a service account's licence of a product opens to it; None if it has none.
        Raises `Unavailable` as `find` does."""
        name = service_hash(client_id, product)
        return await self.look_up(name, lambda: self.read_service(client_id, product), address)

    async def look_up(self, hash: bytes, read: Callable[[], Found], address: str) -> Opened | None:
        """From memory, else by `read` in a thread."""
        opened = self.by_hash.get(hash)
        if opened is not None and datetime.now(UTC) < opened.until:
            return opened
        if hash in self.misses:
            return None
        if hash in self.familiar:
            return await self.renew(hash, read)
        with self.strangers.one_for(address):
            return await self.read_and_keep(hash, read, self.finders)

    async def renew(self, hash: bytes, read: Callable[[], Found]) -> Opened | None:
        """Read a key again that opened something here before. All who call with it wait for one reading, and
        none of them for strangers."""
        reading = self.renewing.get(hash)
        if reading is None:
            reading = asyncio.ensure_future(self.read_and_keep(hash, read, self.renewers))
            self.renewing[hash] = reading
            reading.add_done_callback(lambda _: self.renewing.pop(hash, None))
        return await asyncio.shield(reading)

    async def again(self, secret: str, address: str) -> Opened | None:
        """What the key opens by a reading that begins now: memory may not have heard yet that something is
        allowed again. Raises `Unavailable` as `find` does."""
        hash = hash_key(secret)
        with self.strangers.one_for(address):
            return await self.read_and_keep(hash, lambda: self.read(hash), self.finders)

    async def service_again(self, client_id: str, product: str, address: str) -> Opened | None:
        """As `again`, of a service account's licence of a product."""
        name = service_hash(client_id, product)
        with self.strangers.one_for(address):
            return await self.read_and_keep(name, lambda: self.read_service(client_id, product), self.finders)

    async def read_and_keep(
        self, hash: bytes, read: Callable[[], Found], pool: ThreadPoolExecutor
    ) -> Opened | None:
        """Read a key, and keep what it opens unless anything changed meanwhile."""
        before = self.changes
        opened, state = await asyncio.get_running_loop().run_in_executor(pool, read)
        # what changed while it was read is used once, and not kept
        unchanged = self.kept and self.changes == before
        if opened is None:
            self.familiar.pop(hash, None)
            if unchanged:
                keep(self.misses, hash, None, most=MOST_MISSES)
            return None
        keep(self.familiar, hash, None, most=MOST_KEYS)
        if unchanged:
            keep(self.by_hash, hash, opened, most=MOST_KEYS)
        if state is not None:
            self.states.setdefault(opened.licence.id, state)
        return opened

    async def in_thread(self, deed: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.readers, deed)

    def shutdown(self) -> None:
        for pool in (self.readers, self.finders, self.renewers):
            pool.shutdown(wait=False)

    def read(self, hash: bytes) -> Found:
        with self.database.transaction() as tx:
            row = tx.execute(select(keys).where(keys.c.hash == hash, keys.c.service_account.is_(None)))
            found = row.one_or_none()
            return read_opened(tx, key_of(found)) if found else (None, None)

    def read_service(self, client_id: str, product: str) -> Found:
        with self.database.transaction() as tx:
            key = open_licence(tx, client_id=client_id, product=product)
            return read_opened(tx, key) if key else (None, None)

    def take_pace(
        self, licence: Licence, now: datetime, *, company: CompanyLimits = NO_LIMITS
    ) -> tuple[Pace, bool]:
        """Whether one more call fits into the second, as far as this process knows, and whether it is the
        company's pace that says so and not the licence's."""
        pace = take(now=now, next_at=self.paces.get(licence.id), per_second=licence.terms.calls_per_second)
        if pace.allowed and company.calls_per_second is not None:
            of_all = take(
                now=now,
                next_at=self.company_paces.get(licence.organisation),
                per_second=company.calls_per_second,
            )
            if not of_all.allowed:
                return of_all, True
            self.company_paces[licence.organisation] = of_all.next_at
        if pace.allowed:
            self.paces[licence.id] = pace.next_at
        return pace, False

    def is_used_up(self, licence: Licence, now: datetime) -> bool:
        """Whether the month's calls were used up a moment ago. Later the commit is asked again: a credit
        elsewhere may have given some back."""
        state, learned = self.states.get(licence.id), self.learned.get(licence.id)
        if state is None or learned is None or now - learned > FRESH:
            return False
        this_month = state.month == month_of(now, licence.time_zone)
        return this_month and state.calls >= licence.terms.calls_per_month

    def company_month(self, licence: Licence, now: datetime) -> CompanyMonth | None:
        """What the company used this month, as far as is known here."""
        known = self.company_months.get(licence.organisation)
        return known if known and known.month == month_of(now, licence.time_zone) else None

    def is_company_used_up(self, licence: Licence, company: CompanyLimits, now: datetime) -> str | None:
        """The verdict, if the company's calls or bytes of the month were used up a moment ago."""
        known = self.company_month(licence, now)
        if known is None or now - known.learned > FRESH:
            return None
        if company.calls_per_month is not None and known.calls >= company.calls_per_month:
            return "COMPANY_CALLS"
        if company.bytes_per_month is not None and known.bytes >= company.bytes_per_month:
            return "COMPANY_BYTES"
        return None

    def calls_of(self, licence: Licence, now: datetime) -> int:
        """How many calls of the month count, as far as is known here."""
        state = self.states.get(licence.id)
        return state.calls if state and state.month == month_of(now, licence.time_zone) else 0

    def learn(self, licence_id: int, state: MonthState, *, debt_seconds: float, now: datetime) -> None:
        """What a commit gave: the month, and by how much the licence is ahead of its pace."""
        self.states[licence_id] = state
        self.learned[licence_id] = now
        next_at = now + timedelta(seconds=debt_seconds)
        self.paces[licence_id] = max(next_at, self.paces.get(licence_id, next_at))

    def learn_company(self, sums: Mapping[str, Any], *, now: datetime) -> None:
        """What a commit gave of a company with limits."""
        organisation = sums["organisation"]
        self.company_months[organisation] = CompanyMonth(sums["month"], sums["calls"], sums["bytes"], now)
        next_at = now + timedelta(seconds=float(sums["debt"]))
        self.company_paces[organisation] = max(next_at, self.company_paces.get(organisation, next_at))

    def drop(self, about: str, id: str) -> None:
        """Forget what a notification names: `licence` and its number, or `product` and its id."""
        self.changes += 1
        self.misses.clear()
        gone = [
            hash
            for hash, opened in self.by_hash.items()
            if (about, id) in (("licence", str(opened.licence.id)), ("product", opened.product.id))
        ]
        for hash in gone:
            del self.by_hash[hash]

    def open(self) -> None:
        self.kept = True

    def close(self) -> None:
        """Keep nothing until it is opened again."""
        self.kept = False
        self.changes += 1
        self.by_hash.clear()
        self.misses.clear()
        self.states.clear()
        self.company_months.clear()


def service_hash(client_id: str, product: str) -> bytes:
    """The name in memory of what a service account's licence of a product opens."""
    return hashlib.sha256(f"service account {client_id} product {product}".encode()).digest()


def keep(table: dict[K, V], key: K, value: V, *, most: int) -> None:
    """Put a value into a table that never grows beyond `most`: the oldest goes."""
    if key not in table and len(table) >= most:
        table.pop(next(iter(table)))
    table[key] = value


def read_opened(tx: Transaction, key: Key) -> Found:
    """What a key opens now, and the month of its licence."""
    licence = find_licence(tx, key.licence)
    now = datetime.now(UTC)
    opened = Opened(
        key,
        licence,
        delivered_product(tx, licence, now),
        licence.price,
        min([now + KEPT, *later_releases(tx, licence, now)]),
        limits_in_effect(tx, licence.organisation),
    )
    return opened, read_state(tx, licence, month_of(now, licence.time_zone))


def later_releases(tx: Transaction, licence: Licence, now: datetime) -> list[datetime]:
    """When releases that the licence may have take effect."""
    found = entitled_releases(tx, licence.id)
    return [each.effective_at for each in found if each.effective_at > now]


def read_state(tx: Transaction, licence: Licence, month: str) -> MonthState:
    """The licence's month as it stands in the database, with what its siblings used."""
    row = month_so_far(tx, licence.id, month)
    used = Quantity(
        row.used_calls, row.used_successful, row.used_rows, row.used_bytes, row.used_epsilon_millionths
    )
    return MonthState(
        month, row.version, row.calls, MonthSoFar(used, row.charged_fen, row.fixed_fen), row.one_off
    )
