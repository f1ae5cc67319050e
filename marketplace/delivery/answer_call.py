"""Answers a call by key: refused early from memory, fetched, metered by a commit, and only then handed out.

    repeatable (rows):  check -> fetch -> commit -> hand out -> confirm
    spending (queries): check -> commit (held) -> fetch -> settle -> hand out -> confirm
                                                   └ we failed: credit, and say so

What is fetched twice costs nobody anything is fetched first, so what fails was never metered. What spends (a
privacy loss) is held first, so that it is never spent without a line.
"""

import asyncio
import contextvars
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import orjson

from marketplace.customers.limits import CompanyLimits
from marketplace.delivery.call import Call, Delivered, NotDelivered
from marketplace.delivery.cursors import bad_cursor, continued, next_cursor
from marketplace.delivery.forms import not_acceptable
from marketplace.delivery.indexed_copies import IndexedCopies
from marketplace.delivery.query import ask_query
from marketplace.delivery.rows import (
    CURSOR,
    SELECT,
    Mask,
    Page,
    Wish,
    find_page,
    quick_spans,
    read_wish,
    sample,
    unmasked,
)
from marketplace.delivery.sandbox import SandboxAnswer, SandboxCalls, only_rows
from marketplace.delivery.signed_text import Signer
from marketplace.keys.admits import Scope
from marketplace.keys.sandbox_keys import is_sandbox_key
from marketplace.keys.verify_key import Verdict, check_shape, is_over, judge, no_such_key, refusal
from marketplace.licences.end_licence import expire_if_over
from marketplace.licences.entitlements import entitled_releases
from marketplace.licences.find import lock_licence
from marketplace.licences.model import Licence
from marketplace.metering.credit import LineName
from marketplace.metering.licence_cache import Opened
from marketplace.metering.limits import Limits, limits_of
from marketplace.metering.line import Draft, millionths
from marketplace.metering.model import Outcome, Reason
from marketplace.metering.service import Metering
from marketplace.metering.settle import settle_held
from marketplace.metering.verdicts import (
    REFUSALS,
    Committed,
    RefusedByCommit,
    company_crowded,
    company_too_fast,
    month_used_up,
)
from marketplace.offers.column_masks import ColumnMask
from marketplace.offers.price import Quantity, Unit
from marketplace.products.copies import Copies
from marketplace.products.masking import buyers_key, mask_table
from marketplace.products.model import CopyDefinition, Product, QueryDefinition, RowsDefinition
from marketplace.products.parameters import choose
from marketplace.service_accounts.tokens import AccessTokens, is_token
from marketplace.vault import Vault
from sandbox.api_schema import JSON
from sandbox.errors import CihuError, InvalidInput, NotAcceptable, Unavailable
from sandbox.policy import Grades

T = TypeVar("T")
TRIES = 3  # a retry of the same held call may credit it while we fetch; then it is metered anew
FETCHERS = 32


class Delivery:
    """The parts that answering a call needs."""

    def __init__(
        self,
        metering: Metering,
        *,
        grades: Grades,
        copies: Copies,
        vault: Vault,
        secret: bytes | None = None,
        tokens: AccessTokens | None = None,
    ) -> None:
        """`secret` signs cursors and makes pseudonyms; without one they end with the process."""
        self.metering = metering
        self.tokens = tokens
        self.grades = grades
        self.copies = IndexedCopies(copies)
        self.vault = vault
        self.secret = secret or secrets.token_bytes(32)
        self.cursors = Signer(self.secret, "cursor")
        self.sandbox = SandboxCalls(metering.database, vault, self.secret)
        self.fetchers = ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch")

    async def answer_call(self, call: Call) -> Delivered | NotDelivered | SandboxAnswer:
        """Answer one call. Nothing is charged unless something is handed out."""
        if is_sandbox_key(call.secret):
            try:
                return await self.sandbox.answer(call)
            except CihuError as error:
                return NotDelivered(error)
        return await self.answer_paid(call)

    async def answer_paid(self, call: Call) -> Delivered | NotDelivered:
        """Answer a call with a licence's key or a service account's token."""
        came = asyncio.get_running_loop().time()
        admitted = await self.admit(call)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits, wish = admitted
        sampled = is_sampled(call, opened)
        draft = draft_of(call, opened, came)
        try:
            if isinstance(opened.product.definition, RowsDefinition):
                return await self.answer_repeatable(call, opened, draft, limits, None if sampled else wish)
            return await self.answer_spending(call, opened, draft, limits)
        except CihuError as error:
            return NotDelivered(error, limits)

    async def admit(self, call: Call) -> tuple[Opened, Limits, Wish | None] | NotDelivered:
        """What the key opens and what is wished, if nothing that is in memory refuses the call."""
        admitted = await self.open_key(call)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits = admitted
        try:
            wish = self.check_parameters(opened, call)
        except (InvalidInput, NotAcceptable) as error:
            return NotDelivered(error, limits)
        # a retry is answered, however much was used since
        free_of_quota = is_sampled(call, opened) or call.keyed
        if not free_of_quota and (used_up := self.used_up(opened)) is not None:
            return NotDelivered(used_up, limits)
        return opened, limits, wish

    def used_up(self, opened: Opened) -> CihuError | None:
        """The refusal, if memory knows that the month of licence or company is used up."""
        now = datetime.now(UTC)
        if self.metering.cache.is_used_up(opened.licence, now):
            return month_used_up()
        verdict = self.metering.cache.is_company_used_up(opened.licence, opened.company, now)
        return REFUSALS[verdict]() if verdict else None

    async def open_key(self, call: Call) -> tuple[Opened, Limits] | NotDelivered:
        """What the key opens, if it opens the product now, from there, at this pace."""
        try:
            opened = await self.find_opened(call)
        except CihuError as error:
            return NotDelivered(error)
        now = datetime.now(UTC)
        refused = refusal_of(call, opened, now)
        if refused is not None:
            # memory refuses early, and what was allowed again a moment ago it may not have heard of
            try:
                opened = await self.find_opened(call, again=True)
            except Unavailable:  # too many are looked up: memory has the word
                return NotDelivered(refused)
            except CihuError as error:
                return NotDelivered(error)
            refused = refusal_of(call, opened, now)
        if refused is not None:
            await self.expire(opened.licence, now)
            return NotDelivered(refused)
        self.metering.cache.note_address(opened.key.id, call.address)
        product = opened.product
        if not self.grades.allows(product.grade, product.way):
            why = "The grade of the data no longer allows this product."
            return NotDelivered(refusal(Verdict.FORBIDDEN, why))
        if is_sampled(call, opened) and product.kind not in ("rows", "files"):
            return NotDelivered(refusal(Verdict.FORBIDDEN, "Only products of rows have samples."))
        limits = self.take_pace(opened, now)
        if isinstance(limits, NotDelivered):
            return limits
        crowded = await self.take_place(call, opened)
        return NotDelivered(crowded, limits) if crowded else (opened, limits)

    async def take_place(self, call: Call, opened: Opened) -> CihuError | None:
        """The refusal, if the company's calls that are being answered are as many as it may have. A call that
        has a place keeps it until `leave`."""
        most = opened.company.concurrent_calls
        if most is None:
            return None
        try:
            admitted = await self.metering.places.enter(opened.licence.organisation, most)
        except CihuError as error:
            return error
        if not admitted:
            return company_crowded()
        call.places.append(opened.licence.organisation)
        return None

    async def leave(self, call: Call) -> None:
        """The call is answered but for its last bytes: its place is the next one's."""
        while call.places:
            await self.metering.places.leave(call.places.pop())

    def take_pace(self, opened: Opened, now: datetime) -> Limits | NotDelivered:
        """What is left of the limits of licence and company, if one more call fits into the second."""
        cache, licence = self.metering.cache, opened.licence
        pace, of_company = cache.take_pace(licence, now, company=opened.company)
        used = cache.company_month(licence, now)
        limits = limits_of(
            licence,
            pace,
            calls=cache.calls_of(licence, now),
            now=now,
            company=opened.company,
            company_calls=used.calls if used else 0,
        )
        if pace.allowed:
            return limits
        if of_company:
            return NotDelivered(company_too_fast(), limits)
        a_second = opened.licence.terms.calls_per_second
        fast = refusal(
            Verdict.RATE_LIMITED, "Too many calls in this second.", f"The licence allows {a_second} a second."
        )
        return NotDelivered(fast, limits)

    async def find_opened(self, call: Call, *, again: bool = False) -> Opened:
        """What the key, or the access token, opens; read from the database if `again`. Raises the refusal
        where it opens nothing."""
        cache = self.metering.cache
        if self.tokens is not None and is_token(call.secret):
            bearer = await self.tokens.read(call.secret)
            opened = await (
                cache.service_again(bearer.client_id, call.product, call.address)
                if again
                else cache.find_service(bearer.client_id, call.product, call.address)
            )
            if opened is None:
                raise no_licence_for_token()
            scopes = tuple(scope for scope in opened.key.scopes if scope in bearer.scopes)
            return replace(opened, key=replace(opened.key, scopes=scopes))
        if not again and (known := cache.at_hand(call.secret)) is not None:
            return known
        if is_sandbox_key(call.secret):
            raise only_rows()
        misshapen = check_shape(call.secret)
        if misshapen is not None:
            raise misshapen
        found = await (
            cache.again(call.secret, call.address) if again else cache.find(call.secret, call.address)
        )
        if found is None:
            raise no_such_key()
        return found

    async def answer_repeatable(
        self, call: Call, opened: Opened, draft: Draft, limits: Limits, wish: Wish | None
    ) -> Delivered | NotDelivered:
        """Rows: fetched first, so that what fails costs nothing. Without a wish they are the first ones."""
        definition = opened.product.definition
        assert isinstance(definition, RowsDefinition)
        release = opened.product.release
        if wish is not None and wish.release not in (None, release):
            release = int(wish.release or 0)
            definition = await self.definition_of(opened, release)
            wish = continued(
                self.cursors, read_wish(definition, call.given), call.given, licence=opened.licence.id
            )
        try:
            page = await self.fetch_rows(opened, definition, wish)
        except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
            return NotDelivered(not_delivered(error, "The call costs nothing."), limits)
        result = self.document_of(page, call, opened, definition, release)
        rows = page.table.num_rows
        if wish is not None:
            draft = draft.changed(
                quantity=self.quantity_of(draft, result, rows, opened.company),
                outcome=Outcome.ANSWERED if rows else Outcome.EMPTY,
                reference={"version": definition.version_id, "release": release},
                release=str(release),
            )
        committed = await self.metering.committer.submit(draft)
        if isinstance(committed, RefusedByCommit):
            return turned_away(committed, limits)
        first = committed.reference or {}
        if (
            committed.replayed
            and wish
            and first.get("version", definition.version_id) != definition.version_id
        ):
            try:
                release = int(first["release"])
                definition = await self.definition_of(opened, release)
                page = await self.fetch_rows(opened, definition, wish)
                result = self.document_of(page, call, opened, definition, release)
            except Exception as error:  # noqa: BLE001  # it was paid for, and is not charged again
                self.metering.committer.confirmations.confirm(committed.sequence)
                return NotDelivered(
                    not_delivered(error, "It was metered before, and is not charged again."), limits
                )
        return Delivered(result, opened.product, opened.licence, draft, committed, limits, page.table)

    def document_of(
        self, page: Page, call: Call, opened: Opened, definition: RowsDefinition, release: int
    ) -> dict[str, Any]:
        """The rows as JSON, and the cursor of the next page."""
        cursor = next_cursor(
            self.cursors, call.given, licence=opened.licence.id, release=release, place=page.next
        )
        return {"version": definition.version_id, **page.document, "cursor": cursor}

    def quantity_of(
        self, draft: Draft, result: Mapping[str, Any], rows: int, company: CompanyLimits
    ) -> Quantity:
        """What was delivered. Bytes, those of the rows as JSON in whatever form they leave, are counted only
        where they are priced or limited."""
        counted = company.bytes_per_month is not None or any(
            usage.unit is Unit.BYTE for usage in draft.price.usage
        )
        size = len(orjson.dumps(result["rows"])) if counted else 0
        return Quantity(calls=1, successful=int(rows > 0), rows=rows, bytes=size)

    async def fetch_rows(self, opened: Opened, definition: RowsDefinition, wish: Wish | None) -> Page:
        columns = wish.looked_up_by if wish else ()
        index = self.copies.ready(definition, columns)
        if index is None:
            index = await self.in_thread(partial(self.copies.make, definition, columns))
        masks = self.masks_of(opened, definition)
        if wish is None:
            return sample(index.table, definition, masks)
        if (looked_up := quick_spans(index, wish)) is not None:
            return find_page(index, wish, masks, looked_up)
        return await self.in_thread(partial(find_page, index, wish, masks))

    def masks_of(self, opened: Opened, definition: CopyDefinition) -> Mask:
        """What is laid over the copy for this buyer: the release's masks, and those of the licence."""
        every = (*definition.masks, *licence_masks(opened.licence))
        if not every:
            return unmasked
        key = buyers_key(self.secret, organisation=opened.licence.organisation, product=opened.product.id)
        return partial(mask_table, masks=every, key=key)

    async def definition_of(self, opened: Opened, release: int) -> RowsDefinition:
        """What a release delivered that the licence may have: a retry gets the same as the first answer,
        and a walk over pages goes on as it began. Raises `InvalidInput` for any other."""

        def read() -> RowsDefinition:
            with self.metering.database.transaction() as tx:
                entitled = entitled_releases(tx, opened.licence.id)
            found = next((each.definition for each in entitled if each.number == release), None)
            if not isinstance(found, RowsDefinition):
                raise bad_cursor()
            return found

        return await self.metering.cache.in_thread(read)

    def check_parameters(self, opened: Opened, call: Call) -> Wish | None:
        """What is wished of rows. Raises `InvalidInput` for parameters that the product does not have or
        allow, and `NotAcceptable` for a form that it has not."""
        definition = opened.product.definition
        if not isinstance(definition, RowsDefinition | QueryDefinition):
            raise another_way(opened.product)
        if call.form != JSON and not isinstance(definition, RowsDefinition):
            raise not_acceptable((JSON,))
        if call.sample:
            if call.given:
                raise InvalidInput("A sample has no parameters.", code="bad_parameter")
            return None
        match definition:
            case RowsDefinition():
                wish = read_wish(definition, {n: t for n, t in call.given.items() if n != CURSOR})
                wish = check_masked(wish, call.given, licence_masks(opened.licence))
                return continued(self.cursors, wish, call.given, licence=opened.licence.id)
            case _:
                choose(definition.parameters, call.given)
                return None

    async def answer_spending(
        self, call: Call, opened: Opened, draft: Draft, limits: Limits
    ) -> Delivered | NotDelivered:
        """A private query: held first, so that no loss is spent without a line."""
        definition = opened.product.definition
        assert isinstance(definition, QueryDefinition)
        spent = Quantity(calls=1, successful=1, epsilon_millionths=millionths(definition.epsilon))
        draft = replace(draft, quantity=spent, outcome=Outcome.HELD)
        result: Mapping[str, Any] = {}
        for _ in range(TRIES):
            committed = await self.metering.committer.submit(draft)
            if isinstance(committed, RefusedByCommit):
                return turned_away(committed, limits)
            if draft.outcome is Outcome.EMPTY:
                return Delivered(result, opened.product, opened.licence, draft, committed, limits)
            try:
                ask = partial(ask_query, self.vault, definition, call.given, committed.reference)
                result, reference = await self.in_thread(ask)
            except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
                return await self.give_back(draft, committed, error, limits)
            except BaseException:  # the service ends while it waits
                self.metering.credit_later(draft, committed, only_held=True)
                raise
            no_success = not result.get("rows") and counts_success(draft)
            if no_success and await self.metering.give_back(draft, committed, only_held=True):
                # it was held as a success: metered anew as what it is
                draft = replace(
                    draft,
                    quantity=replace(spent, successful=0),
                    outcome=Outcome.EMPTY,
                    reference=reference,
                    attempt=committed.attempt + 1,
                    admitted=True,
                )
                continue
            try:
                settled = await self.settle(draft, committed, result, reference)
            except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
                return NotDelivered(not_delivered(error, "The call costs nothing."), limits)
            if settled:
                return Delivered(result, opened.product, opened.licence, draft, committed, limits)
            self.metering.committer.confirmations.confirm(committed.sequence)  # credited: nothing is open
        return NotDelivered(Unavailable("The call could not be delivered.", remedy="Try again."), limits)

    async def settle(
        self, draft: Draft, committed: Committed, result: Mapping[str, Any], reference: Mapping[str, Any]
    ) -> bool:
        name = LineName(draft.licence.id, committed.month, committed.usage)
        rows = len(result.get("rows", result.get("predictions", ())))
        database = self.metering.database
        try:
            return await self.metering.cache.in_thread(
                lambda: settle_held(database, name, reference=reference, rows=rows)
            )
        except BaseException:
            # whether it was written is not known: credited unless an earlier answer of it was sent
            if committed.replayed:
                self.metering.committer.confirmations.confirm(committed.sequence)
            else:
                self.metering.credit_later(draft, committed, reason=Reason.UNCONFIRMED)
            raise

    async def give_back(
        self, draft: Draft, committed: Committed, error: Exception, limits: Limits
    ) -> NotDelivered:
        """Credit a held call that failed; the parameters were good, so it was not the caller's fault."""
        credited = await self.metering.give_back(draft, committed, only_held=True)
        cost = "The call costs nothing." if credited else "It was delivered before, and is not charged again."
        return NotDelivered(not_delivered(error, cost), limits)

    def confirm(self, delivered: Delivered) -> None:
        """It was sent."""
        self.metering.cache.used.add(delivered.draft.key)
        self.metering.committer.confirm(delivered.draft, delivered.committed)

    async def not_sent(self, delivered: Delivered) -> None:
        """The caller was gone before it could be sent: it costs nothing. But a retry of an earlier call is
        that call's; a day's sample is of all the day; and what an answered query spent is spent: whoever
        hangs up on it can have it again with its Idempotency-Key, and pays."""
        asked = delivered.product.way == "dp"
        if delivered.committed.replayed or delivered.draft.sample or asked:
            self.metering.committer.confirmations.confirm(delivered.committed.sequence)
        else:
            await self.metering.give_back(delivered.draft, delivered.committed, reason=Reason.UNCONFIRMED)

    async def expire(self, licence: Licence, now: datetime) -> None:
        """Write down that a licence is over, the first time that a call finds it so."""
        if licence.status in ("live", "suspended") and is_over(licence, now):
            await self.metering.cache.in_thread(lambda: self.write_expiry(licence.id, now))

    def write_expiry(self, licence_id: int, now: datetime) -> None:
        with self.metering.database.transaction() as tx:
            expire_if_over(tx, lock_licence(tx, licence_id), now)

    async def in_thread(self, deed: Callable[[], T]) -> T:
        """In a thread of our own pool, under the same request id."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self.fetchers, lambda: context.run(deed))


def draft_of(call: Call, opened: Opened, came: float) -> Draft:
    """The line of a call, before it is known what it delivers. `came`: on the clock of the event loop."""
    sampled = is_sampled(call, opened)
    keyed = call.keyed and not sampled
    return Draft(
        licence=opened.licence,
        price=opened.price,
        key=opened.key.id,
        product=opened.product.id,
        request_id=call.request_id,
        keyed=keyed,
        payload_hash=call.payload_hash if keyed else b"",
        quantity=Quantity(calls=1),
        outcome=Outcome.SAMPLE if sampled else Outcome.ANSWERED,
        came=came,
        release=None if opened.product.release is None else str(opened.product.release),
        test=opened.key.mode == "test",
    )


def refusal_of(call: Call, opened: Opened, now: datetime) -> CihuError | None:
    """Why the key does not open the product to this call now; None if it does."""
    scope = Scope.SAMPLE if call.sample else Scope.CALL
    judged = judge(opened.key, opened.licence, now, call.product, scope=scope, address=call.address)
    return judged if isinstance(judged, CihuError) else None


def no_licence_for_token() -> CihuError:
    return refusal(
        Verdict.FORBIDDEN,
        "The service account is revoked, or its company has no licence of this product.",
        "Order the product, or use an account that is live.",
    )


def turned_away(refused: RefusedByCommit, limits: Limits) -> NotDelivered:
    if refused.wait is not None:
        limits = replace(limits, left_now=0, wait=refused.wait)
    return NotDelivered(refused.error, limits)


def not_delivered(error: Exception, cost: str) -> Unavailable:
    """The caller learns no more than that: why a query failed is between the seller and the vault."""
    inside = f"{error.message} {error.internal}" if isinstance(error, CihuError) else type(error).__name__
    return Unavailable(
        f"The product cannot be delivered now. {cost}",
        code="not_delivered",
        remedy="Try again later; if it lasts, tell the seller.",
        internal=inside,
    )


def counts_success(draft: Draft) -> bool:
    """Whether the price depends on there being a row."""
    return any(usage.unit is Unit.SUCCESSFUL_CALL for usage in draft.price.usage)


def is_sampled(call: Call, opened: Opened) -> bool:
    """Whether the first rows are delivered, and not what was asked: for a sample, and to a test key."""
    return call.sample or opened.key.mode == "test"


def licence_masks(licence: Licence) -> tuple[ColumnMask, ...]:
    return licence.document.terms.masks if licence.document else ()


def check_masked(wish: Wish, given: Mapping[str, str], masks: tuple[ColumnMask, ...]) -> Wish:
    """The wish without the columns that the licence drops. Raises `InvalidInput` for one that was named, and
    for a look-up by what is masked: its answers would tell what the mask hides."""
    if not masks:
        return wish
    masked = {mask.column: mask.do for mask in masks}
    named = given[SELECT].split(",") if SELECT in given else ()
    refused = [name for name in wish.looked_up_by if name in masked]
    refused += [name for name in named if masked.get(name) == "drop"]
    if refused:
        raise InvalidInput(
            f"Your licence masks {refused[0]}.",
            code="masked_column",
            remedy="Look up by another key, and leave out what is not delivered: see the licence's terms.",
            zh=f"您的许可对 {refused[0]} 作了脱敏。",
            remedy_zh="请改用其他查询键，并去掉不交付的栏目：见许可条款。",
        )
    return replace(wish, columns=tuple(name for name in wish.columns if masked.get(name) != "drop"))


def another_way(product: Product) -> InvalidInput:
    """The refusal of a call by GET of what is delivered otherwise."""
    ways = {"sql": "POST a question", "model": "POST rows to /predict", "files": "GET its list of files"}
    where = ways.get(product.kind, "GET /api/v1/call/{product} with its parameters")
    return InvalidInput(
        f"This product is not called in this way: it is one of {product.kind}.",
        code="other_delivery",
        remedy=f"{where}: see its page.",
        zh=f"该产品的类型为 {product.kind}，不能这样调用。",
        remedy_zh="请见产品页面的调用方式。",
    )
