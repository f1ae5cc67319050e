"""What the operations on invoices answer with."""

from datetime import date, datetime
from typing import Literal

from typing_extensions import TypedDict

from marketplace.metering.model import Reason

InvoiceStatus = Literal["draft", "grace", "final", "paid", "void"]
PaymentOutcome = Literal["exact", "partial", "over", "unmatched"]
UnmatchedReason = Literal["no_invoice", "several_invoices", "not_allowed", "reference_used"]


class InvoiceItem(TypedDict):
    """All usage lines of one reason: charged ones, or credits."""

    reason: Reason
    credit: bool
    lines: int
    amount_fen: int


class InvoicePreview(TypedDict):
    """What a month would cost. `total_fen` is the sum of the usage lines."""

    licence: int
    organisation: str
    product: str
    month: str
    time_zone: str
    items: list[InvoiceItem]
    calls: int
    lines: int
    total_fen: int


class PartyDocument(TypedDict):
    """Who buys or sells, as it stands on an invoice. `credit_code` is the 统一社会信用代码."""

    name: str
    credit_code: str
    address: str
    phone: str
    bank: str
    account: str


class InvoiceDocument(TypedDict):
    """An invoice. `department` sells. `number` is there once it is final, and never changes then. A negative
    `total_fen` is owed to the organisation. `sha256` is the digest of the final document, which the log holds
    at `log_index`."""

    id: str
    number: str | None
    organisation: str
    department: str
    month: str
    time_zone: str
    status: InvoiceStatus
    total_fen: int
    purchase_order: str
    customer: PartyDocument
    seller: PartyDocument
    made_at: datetime
    grace_at: datetime
    final_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    void_reason: str | None
    sha256: str | None
    log_index: int | None


class InvoiceList(TypedDict):
    """The invoices that the caller may see, newest months first."""

    invoices: list[InvoiceDocument]


class ItemDocument(TypedDict):
    """All lines of a licence's month of one reason and unit. A `month` before the invoice's is an
    adjustment: it came after that month's invoice was final."""

    licence: int
    product: str
    month: str
    reason: Reason
    credit: bool
    unit: str
    lines: int
    calls: int
    quantity: str
    amount_fen: int


class CreditNoteDocument(TypedDict):
    """A credit note (红字). `amount_fen` is below zero; `lines` are the usage lines that it names."""

    id: int
    invoice: str
    number: str
    reference: str
    amount_fen: int
    reason: str
    made_by: str
    made_at: datetime
    log_index: int
    lines: list[str]


class PaymentDocument(TypedDict):
    """A payment. `outcome`: whether it was what was due when it came. `unmatched_reason`: why it is for no
    invoice. `account`: of the city, on which it came. `returned_at`: when the bank took it back; then it pays
    nothing."""

    id: int
    account: str
    reference: str
    paid_on: date
    amount_fen: int
    payer: str
    memo: str
    outcome: PaymentOutcome
    unmatched_reason: UnmatchedReason | None
    returned_at: datetime | None


class PaymentChangeDocument(TypedDict):
    """A change of a payment that a second person decides. `assign`: to the invoice; `return`: the bank took
    it back. `number` is what the invoice is called."""

    id: int
    payment: int
    reference: str
    amount_fen: int
    kind: Literal["assign", "return"]
    invoice: str | None
    number: str | None
    reason: str
    status: Literal["proposed", "agreed", "refused"]
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    answer: str | None


class PaymentChanges(TypedDict):
    """Changes of payments: those that wait first, then the newest."""

    changes: list[PaymentChangeDocument]


class BalanceDocument(TypedDict):
    """`due_fen` is what is still to be paid; below zero, what was paid too much."""

    total_fen: int
    credited_fen: int
    paid_fen: int
    due_fen: int


class WholeInvoice(TypedDict):
    """An invoice with what belongs to it. The sum of `items` is its total."""

    invoice: InvoiceDocument
    items: list[ItemDocument]
    credit_notes: list[CreditNoteDocument]
    payments: list[PaymentDocument]
    balance: BalanceDocument


class InvoiceRunDocument(TypedDict):
    """How many invoices were made, entered their days of grace, became final. `unreconciled` names those that
    were not, because lines and running sums differ."""

    drafted: int
    in_grace: int
    final: int
    unreconciled: list[str]


class EnteredPayment(TypedDict):
    """What became of a transfer. `known`: it was entered before, and counts once. `due_fen` is what is due on
    the invoice now. `unmatched_reason`: why it is for no invoice."""

    reference: str
    amount_fen: int
    outcome: PaymentOutcome
    known: bool
    invoice: str | None
    due_fen: int | None
    unmatched_reason: UnmatchedReason | None


class ReadStatement(TypedDict):
    """The transfers of a statement, each with its outcome."""

    transfers: list[EnteredPayment]


class UnmatchedPayments(TypedDict):
    """Payments that are for no invoice, newest first."""

    payments: list[PaymentDocument]


class ShareDocument(TypedDict):
    """What a department or team has of an invoice."""

    product: str
    to: str
    percent: int
    amount_fen: int


class SharesDocument(TypedDict):
    """How an invoice's total is shared. The amounts add up to the total."""

    invoice: str
    total_fen: int
    shares: list[ShareDocument]


class MonthIncomeDocument(TypedDict):
    """`calls`, `rows` and `charged_fen` are metered so far, over all buyers. `invoiced_fen` stands on
    invoices; `share_fen` is the team's part of it, and `final_fen` what of that is on final ones. Credit
    notes that come after an invoice is final are not taken off."""

    month: str
    calls: int
    rows: int
    charged_fen: int
    invoiced_fen: int
    share_fen: int
    final_fen: int


class ProductIncomeDocument(TypedDict):
    """`percent`: what the team has of each invoice's sum for the product. `model`: empty for a question,
    which has the `competition` and `entry` that it comes from."""

    product: str
    title_zh: str
    title_en: str
    model: str
    competition: str | None
    entry: int | None
    percent: int
    status: Literal["listed", "withdrawn"]
    months: list[MonthIncomeDocument]


class TeamIncomeDocument(TypedDict):
    team: str
    products: list[ProductIncomeDocument]


class ReconciledLicence(TypedDict):
    """A licence's month in fen and in calls. `answers`: calls that were confirmed as sent. `pending_fen`:
    lines that no invoice holds yet. `waived_fen`: lines of withdrawn invoices."""

    licence: int
    organisation: str
    department: str
    lines: int
    calls: int
    answers: int
    lines_fen: int
    month_fen: int
    invoiced_fen: int
    waived_fen: int
    pending_fen: int


class DifferenceDocument(TypedDict):
    """What does not agree. `line` names the usage line where it is one line's."""

    kind: str
    licence: int | None
    line: str | None
    expected_fen: int | None
    found_fen: int | None
    detail: str


class ReconciliationDocument(TypedDict):
    """A month of all licences, compared to the fen: answers, lines, running sums, invoices, seals of the
    log. `differences` is empty if all agree; `not_listed` counts those beyond the first 1000."""

    month: str
    licences: list[ReconciledLicence]
    lines_fen: int
    invoiced_fen: int
    waived_fen: int
    pending_fen: int
    credit_notes_fen: int
    seals_checked: int
    differences: list[DifferenceDocument]
    not_listed: int


class TaxField(TypedDict):
    """A field by the name of the tax platform's forms. Amounts are in yuan."""

    name: str
    value: str


class TaxFields(TypedDict):
    """The fields of an invoice, and those of each item. They are no e-invoice."""

    fields: list[TaxField]
    items: list[list[TaxField]]
