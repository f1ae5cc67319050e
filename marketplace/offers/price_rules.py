"""Reads policies/prices.yaml, and refuses a price above the guided limits (发改价格〔2025〕65号)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

from marketplace.money import yuan
from marketplace.offers.document import OfferDocument
from marketplace.offers.price import Price, Unit
from sandbox.errors import Forbidden, InvalidInput
from sandbox.policy import Grades, YamlText


@dataclass(frozen=True)
class Limit:
    """The most that `per` units may cost."""

    fen: int
    per: int


@dataclass(frozen=True)
class Use:
    """For what data is used, and whether it must be free for that."""

    free: bool
    en: str
    zh: str


@dataclass(frozen=True)
class Combination:
    """Columns that are graded higher when one buyer holds all of them: one of each list, by its name."""

    id: str
    grade: str
    en: str
    zh: str
    columns: tuple[frozenset[str], ...]


@dataclass(frozen=True)
class PriceRules:
    """The document as values. `source` names the rule in each refusal."""

    source: str
    uses: Mapping[str, Use]
    limits: Mapping[Unit, Limit]
    monthly_fee_fen: int
    one_off_fen: int
    release_notice: timedelta
    end_notice: timedelta
    renewal_overlap: timedelta
    combinations: tuple[Combination, ...]

    def use(self, name: str) -> Use:
        """Raises `InvalidInput`."""
        if name not in self.uses:
            raise InvalidInput(
                f"There is no use {name[:50]!r}.",
                code="unknown_use",
                remedy=f"Choose one of {', '.join(self.uses)}: see policies/prices.yaml.",
                zh=f"没有“{name[:50]}”这一用途。",
                remedy_zh=f"请从 {'、'.join(self.uses)} 中选择：见 policies/prices.yaml。",
            )
        return self.uses[name]

    def check(self, document: OfferDocument) -> None:
        """Raises `InvalidInput`, which names the rule, the limit, the price, and what to do."""
        use = self.use(document.terms.use)
        if use.free and not document.price.free:
            raise InvalidInput(
                f"Data for {use.en} is provided free ({self.source}), and this offer has a price.",
                code="must_be_free",
                remedy='Set the price to {"free": true}, or offer it for another use.',
                zh=f"用于{use.zh}的数据须免费提供（{self.source}），而此报价收费。",
                remedy_zh='请将价格改为 {"free": true}，或改变用途。',
            )
        for excess in self.excesses(document.price):
            raise excess

    def excesses(self, price: Price) -> Iterator[InvalidInput]:
        """What is above a limit."""
        for usage in price.usage:
            dearest, limit = usage.dearest, self.limits.get(usage.unit)
            if limit is None:
                yield self.excess(f"A price per {usage.unit}", f"按 {usage.unit} 计价", "-", "nothing")
            elif Fraction(dearest.fen, dearest.per) > Fraction(limit.fen, limit.per):
                yield self.excess(
                    f"The price per {usage.unit}",
                    f"每 {usage.unit} 的价格",
                    f"{yuan(dearest.fen)} / {dearest.per}",
                    f"{yuan(limit.fen)} / {limit.per}",
                )
        yield from self.excess_of_a_call(price)
        fees = (
            ("The monthly fee", "月费", price.monthly_fee_fen, self.monthly_fee_fen),
            ("The one-off fee", "一次性费用", price.one_off_fen, self.one_off_fen),
        )
        for what, what_zh, fee, most in fees:
            if fee > most:
                yield self.excess(what, what_zh, yuan(fee), yuan(most))

    def excess_of_a_call(self, price: Price) -> Iterator[InvalidInput]:
        """A call that finds a row costs its price in each of these units: together they are a call's price,
        and no way around its limit."""
        limit = self.limits.get(Unit.CALL)
        units = (Unit.CALL, Unit.SUCCESSFUL_CALL, Unit.MODEL_CALL, Unit.ROW)
        rates = [
            Fraction(usage.dearest.fen, usage.dearest.per) for usage in price.usage if usage.unit in units
        ]
        if limit and len(rates) > 1 and sum(rates) > Fraction(limit.fen, limit.per):
            yield self.excess(
                "The price of a call that finds a row",
                "返回一行的调用的合计价格",
                yuan(-int(-sum(rates) // 1)),
                yuan(limit.fen),
            )

    def excess(self, what: str, what_zh: str, value: str, most: str) -> InvalidInput:
        return InvalidInput(
            f"{what} is {value}; the guided limit is {most} ({self.source}).",
            code="price_above_limit",
            remedy="Lower the price. Who sets the limits is the price authority: policies/prices.yaml.",
            zh=f"{what_zh}为 {value}，超过政府指导价上限 {most}（{self.source}）。",
            remedy_zh="请降低价格。上限由价格主管部门确定：见 policies/prices.yaml。",
        )

    def require_combination(self, grades: Grades, held: Iterable[str], parts: Iterable[str], way: str) -> str:
        """The grade of all that a buyer would hold: columns of rows, and the grades of each product.
        Raises `Forbidden` if that grade does not allow the way."""
        columns = set(held)
        matching = [each for each in self.combinations if all(group & columns for group in each.columns)]
        grade = grades.combine([*parts, *(each.grade for each in matching)])
        if not matching or grades.allows(grade, way):
            return grade
        first = max(matching, key=lambda each: grades[each.grade].rank)
        named = ", ".join(sorted(column for group in first.columns for column in group & columns))
        raise Forbidden(
            f"With what your organisation holds already, this would be data of grade {grade}: {first.en} "
            f"({named}).",
            code="combination_grade",
            remedy="Order fewer columns. A licence that is over counts if it delivered what may be kept.",
            zh=f"与本单位已持有的数据结合后，级别为 {grade}：{first.zh}（{named}）。",
            remedy_zh="请减少所订的栏目。许可在终止前均计入；已交付且可留存的，终止后仍计入。",
        )


def read_price_rules(policies: Path) -> PriceRules:
    """Of policies/prices.yaml. Raises `InvalidInput`, naming the line; also if there is no such file, because
    nothing is sold without limits."""
    file = policies / "prices.yaml"
    if not file.exists():
        raise InvalidInput(
            f"{file} is missing: nothing is sold without limits to its price.",
            code="no_price_rules",
            remedy="Copy prices.yaml and prices.schema.json from the policies of this release.",
            zh=f"缺少 {file}：没有价格上限，不得出售。",
            remedy_zh="请从本版本的 policies 文件夹复制 prices.yaml 和 prices.schema.json。",
        )
    document = YamlText(
        file.read_text("utf-8"), file.with_name("prices.schema.json"), what="policies/prices.yaml"
    ).document
    return PriceRules(
        source=document["source"],
        uses={
            name: Use(use["free"], use["name"]["en"], use["name"]["zh"])
            for name, use in document["uses"].items()
        },
        limits={Unit(unit): Limit(**limit) for unit, limit in document["limits"].items()},
        monthly_fee_fen=document["monthly_fee_fen"],
        one_off_fen=document["one_off_fen"],
        release_notice=timedelta(days=document["notice"]["breaking_release_days"]),
        end_notice=timedelta(days=document["notice"]["end_by_seller_days"]),
        renewal_overlap=timedelta(days=document["renewal_overlap_days"]),
        combinations=tuple(
            Combination(
                each["id"],
                each["grade"],
                each["why"]["en"],
                each["why"]["zh"],
                tuple(frozenset(group) for group in each["columns"]),
            )
            for each in document["combinations"]
        ),
    )
