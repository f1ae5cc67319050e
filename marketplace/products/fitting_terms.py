"""Checks that an offer can be kept for its product: masks, watermark, privacy budget, units."""

from marketplace.offers.document import OfferDocument
from marketplace.offers.price import Unit
from marketplace.products.copies import Copies
from marketplace.products.masking import mask_table
from marketplace.products.model import (
    CopyDefinition,
    FilesDefinition,
    Product,
    RowsDefinition,
    SqlDefinition,
)
from sandbox.errors import InvalidInput

MODEL_UNITS = frozenset({Unit.MODEL_CALL, Unit.ROW})


def units_of_kind(kind: str) -> list[Unit]:
    """What the price of a product of this kind can count."""
    if kind == "model":
        return [unit for unit in Unit if unit in MODEL_UNITS]
    return [unit for unit in Unit if unit is not Unit.MODEL_CALL]


def check_terms_fit(product: Product, document: OfferDocument, copies: Copies | None = None) -> None:
    """Raises `InvalidInput`. With `copies`, masks are held against the columns' types, too."""
    definition, terms = product.definition, document.terms
    if (terms.privacy_budget is not None) != isinstance(definition, SqlDefinition):
        raise InvalidInput(
            "A privacy budget is sold with free SQL, and only with it.",
            code="privacy_budget_does_not_fit",
            remedy="Set terms.privacy_budget for a product of kind sql, and for no other.",
            zh="隐私预算随自由查询（sql）产品出售，且仅用于此类产品。",
            remedy_zh="sql 产品请填写 terms.privacy_budget，其他产品请勿填写。",
        )
    units = {usage.unit for usage in document.price.usage}
    if units - set(units_of_kind(definition.kind)):
        raise InvalidInput(
            "A model is priced by model_call and by row, and nothing else by model_call.",
            code="unit_does_not_fit",
            remedy="Use the unit model_call or row for a product of kind model, and another for others.",
            zh="模型产品按 model_call 和 row 计价，其他产品不能按 model_call 计价。",
            remedy_zh="模型产品请用 model_call 或 row，其他产品请用其他单位。",
        )
    if terms.watermark and not isinstance(definition, FilesDefinition):
        raise InvalidInput(
            "Only files carry a watermark.",
            code="watermark_does_not_fit",
            remedy="Leave terms.watermark out.",
            zh="只有文件可以加水印。",
            remedy_zh="请去掉 terms.watermark。",
        )
    if terms.masks:
        check_masks_fit(definition, document, copies)


def check_masks_fit(definition: object, document: OfferDocument, copies: Copies | None) -> None:
    masks = document.terms.masks
    if not isinstance(definition, CopyDefinition):
        raise wrong_mask(
            masks[0].column, "answers with noise have no columns to mask", "带噪回答没有可脱敏的栏目"
        )
    keys = definition.keys if isinstance(definition, RowsDefinition) else {}
    for mask in masks:
        if mask.column not in definition.shown:
            raise wrong_mask(mask.column, "the product does not deliver it", "产品不交付该栏目")
        if mask.column in keys:
            raise wrong_mask(mask.column, "rows are looked up by it", "是查询键")
    if set(definition.shown) <= {mask.column for mask in masks if mask.do == "drop"}:
        raise wrong_mask(masks[0].column, "no column would be left", "没有剩余的栏目")
    if copies is not None:
        table = copies.table(definition.object, definition.version_id).select(list(definition.columns))
        mask_table(mask_table(table.slice(0, 1), definition.masks, b""), masks, b"")


def wrong_mask(column: str, why: str, why_zh: str) -> InvalidInput:
    return InvalidInput(
        f"{column[:70]} cannot be masked: {why}.",
        code="mask_does_not_fit",
        remedy="Mask each delivered column once, and no key.",
        zh=f"{column[:70]} 不能脱敏：{why_zh}。",
        remedy_zh="每个交付的栏目至多脱敏一次，查询键不能脱敏。",
    )
