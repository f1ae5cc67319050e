"""Says who buys and who sells, as it stands on an invoice."""

from collections.abc import Mapping

from sqlalchemy import select

from marketplace.customers.find import find_company
from marketplace.invoices.invoice_rules import InvoiceRules
from sandbox.database import Transaction
from sandbox.identity.tables import organisations

Party = Mapping[str, str]


def customer_of(tx: Transaction, organisation: str) -> dict[str, str]:
    """From the company's record; without one, the organisation's name."""
    company = find_company(tx, organisation)
    if company is None:
        return party(name_of(tx, organisation))
    return party(
        company.invoice_title or company.name,
        company.credit_code,
        company.invoice_address,
        company.invoice_phone,
        company.invoice_bank,
        company.invoice_account,
    )


def seller_of(tx: Transaction, department: str, rules: InvoiceRules) -> dict[str, str]:
    """From policies/invoices.yaml; a department that is not in it has its name alone."""
    known = rules.sellers.get(department)
    return dict(known) if known else party(name_of(tx, department))


def party(
    name: str, credit_code: str = "", address: str = "", phone: str = "", bank: str = "", account: str = ""
) -> dict[str, str]:
    return {
        "name": name,
        "credit_code": credit_code,
        "address": address,
        "phone": phone,
        "bank": bank,
        "account": account,
    }


def name_of(tx: Transaction, organisation: str) -> str:
    wanted = select(organisations.c.display_name).where(organisations.c.id == organisation)
    return tx.execute(wanted).scalar() or organisation


def purchase_order_of(tx: Transaction, organisation: str) -> str:
    """The number of the company's record, which its first invoices bear."""
    company = find_company(tx, organisation)
    return company.purchase_order if company else ""
