"""Writes a team's income as CSV: a line for each product and month, as the pages of invoices write theirs."""

from collections.abc import Iterable

from marketplace.invoices.documents.messages import Language, in_yuan, word
from marketplace.invoices.team_income import ProductIncome
from sandbox.spreadsheet_cells import guarded_csv

COLUMNS = (
    "month",
    "product",
    "title",
    "model",
    "percent",
    "calls",
    "rows",
    "charged",
    "invoiced",
    "share",
    "final_share",
)


def income_csv(products: Iterable[ProductIncome], language: Language) -> str:
    """Amounts in yuan; of a question, competition and entry stand where a model's name does. UTF-8 with a
    byte order mark, so that spreadsheets read the Chinese."""
    rows = [
        [
            month.month,
            each.product,
            each.title_zh if language == "zh" else each.title_en,
            each.model or f"{each.competition}/{each.entry}",
            each.percent,
            month.calls,
            month.rows,
            in_yuan(month.charged_fen),
            in_yuan(month.invoiced_fen),
            in_yuan(month.share_fen),
            in_yuan(month.final_fen),
        ]
        for each in products
        for _, month in sorted(each.months.items())
    ]
    return "\ufeff" + guarded_csv([[word(name, language) for name in COLUMNS], *rows])
