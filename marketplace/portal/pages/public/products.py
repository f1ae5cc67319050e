"""Pages for strangers: the products on offer, and one with its price, terms, a sample and a calculator."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import func, select

from marketplace.metering.charge import MonthSoFar, charge, monthly_fee
from marketplace.offers.price import EPSILON_PARTS, Price, Quantity, Unit
from marketplace.offers.summary import UNITS, summary
from marketplace.portal.pages.public.catalogue import PublicCatalogue, preview_of
from marketplace.portal.pages.public.listed_products import public_product, some_public_products
from marketplace.portal.paging import page_of, part, reach
from marketplace.portal.rendering import Pages, words_of
from marketplace.products.release import releases_of
from marketplace.products.selling import Selling
from marketplace.vault import Vault
from sandbox.errors import CihuError, InvalidInput

SAMPLE = 5
MOST_UNITS = 10**12
FIELDS = {
    Unit.CALL: "calls",
    Unit.SUCCESSFUL_CALL: "successful",
    Unit.MODEL_CALL: "calls",
    Unit.ROW: "rows",
    Unit.BYTE: "bytes",
    Unit.EPSILON: "epsilon_millionths",
}


@dataclass(frozen=True)
class PublicProducts:
    """What the pages of products show to somebody without an account."""

    selling: Selling
    pages: Pages
    catalogue: PublicCatalogue

    def products(self, request: Request, vault: Vault) -> Response:
        page = page_of(request)
        offered = some_public_products(self.selling.database, self.selling.gate, vault, **reach(page))
        return self.pages.show(
            request,
            "public_products.html",
            None,
            offered=part(offered, page),
        )

    def product(self, request: Request, vault: Vault, name: str) -> Response:
        product = public_product(self.selling.database, self.selling.gate, vault, name)
        with self.selling.database.transaction() as tx:
            releases = releases_of(tx, product.id)
            now = tx.execute(select(func.now())).scalar_one()
        price = product.document.price
        typed: dict[Unit, str]
        cost, refusal = None, None
        try:
            typed, used = read_use(request, price)
            cost = cost_of(price, used)
        except InvalidInput as error:
            refusal = words_of(error)
            typed = {unit: request.query_params.get(unit.value, "") for unit in units_of(price)}
        return self.pages.show(
            request,
            "public_product.html",
            None,
            status=422 if refusal else 200,
            product=product,
            about=product.model_dump(),
            terms=product.document.terms,
            summary=summary(product.document, self.selling.rules, product.masks),
            releases=[each for each in releases if each.status_at(now) != "announced"],
            now=now,
            sample=self.sample(vault, product),
            units={unit: UNITS[unit] for unit in units_of(price)},
            typed=typed,
            cost=cost,
            refusal=refusal,
        )

    def sample(self, vault: Vault, product: Any) -> dict[str, Any] | None:
        """How rows of it look: invented ones, in its columns. None for a query, whose answers are noisy
        counts of people."""
        if product.kind != "rows":
            return None
        try:
            invented = self.catalogue.invented(vault, product.dataset)
        except CihuError:
            return None
        columns = [name for name in product.definition.shown if name in invented.column_names]
        return preview_of(invented.select(columns), SAMPLE) if columns else None


def units_of(price: Price) -> list[Unit]:
    """What the price counts; without usage, calls: the answer is the fee."""
    return [usage.unit for usage in price.usage] or [Unit.CALL]


def read_use(request: Request, price: Price) -> tuple[dict[Unit, str], Quantity]:
    """The month's use that somebody typed; a thousand of each by default. Raises `InvalidInput`."""
    typed: dict[Unit, str] = {}
    used: dict[str, int] = {}
    for unit in units_of(price):
        text = request.query_params.get(unit.value, "").strip() or ("1" if unit is Unit.EPSILON else "1000")
        typed[unit] = text
        if not (text.isascii() and text.isdigit() and int(text[:14]) <= MOST_UNITS and len(text) <= 13):
            raise InvalidInput(
                "A quantity is not a whole number.",
                code="bad_quantity",
                remedy=f"Write a number from 0 to {MOST_UNITS}, without separators.",
                zh="数量不是整数。",
                remedy_zh=f"请填写 0 至 {MOST_UNITS} 的整数，不加分隔符。",
            )
        used[FIELDS[unit]] = int(text) * (EPSILON_PARTS if unit is Unit.EPSILON else 1)
    return typed, Quantity(**used)


def cost_of(price: Price, used: Quantity) -> dict[str, int]:
    """A month with this use, by the function that charges calls: usage, fee and their sum, in fen."""
    fee = monthly_fee(price, MonthSoFar())
    fixed = fee.amount_fen if fee else 0
    variable = charge(price, MonthSoFar(charged_fen=fixed, fixed_fen=fixed), used).amount_fen
    return {"usage": variable, "fee": fixed, "month": variable + fixed, "once": price.one_off_fen}
