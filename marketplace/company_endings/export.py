"""Exports what a company ordered, used and paid: a zip with CSV for people and JSON for programs, written as
it is sent, with a signed list of its files at the end.

`receipts.jsonl` holds for each line the way to an entry of the log, and `log_entries.jsonl` the entries'
receipts: together they are what `cihu audit verify` checks, and `cihu verify-export` checks them all.
"""

import hashlib
import json
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from marketplace.company_endings.export_lines import LINE_COLUMNS, Line, lines_of_company
from marketplace.company_endings.find import find_ending
from marketplace.customers.find import find_company, no_company
from marketplace.customers.limits import limits_set
from marketplace.delivery.files.manifest import ManifestKey
from marketplace.invoices.find import invoice_of
from marketplace.invoices.tables import invoices
from marketplace.invoices.views import whole_invoice
from marketplace.licences.find import licence_of
from marketplace.licences.tables import licences
from marketplace.orders.find import order_of
from marketplace.orders.steps import steps_of
from marketplace.orders.tables import orders
from sandbox.audit import Event, append
from sandbox.audit.batch_receipts import FORMAT as RECEIPT
from sandbox.database import Database
from sandbox.errors import Unavailable
from sandbox.identity import Principal
from sandbox.policy import Gate
from sandbox.spreadsheet_cells import guarded_csv

FORMAT = "cihu-company-export-1"
ORDERS = ("id", "product", "department", "buyer", "starts_on", "ends_on", "status", "placed_at", "decided_at")
LICENCES = ("id", "order", "product", "department", "starts_at", "ends_at", "status", "ended_reason")
INVOICES = ("id", "number", "department", "month", "status", "total_fen", "final_at", "paid_at", "sha256")
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
AT_ONCE = 100
ReceiptsOf = Callable[[Sequence[int]], Sequence[Mapping[str, object]]]


@dataclass(frozen=True)
class CompanyExport:
    """What an export is made of, read in pages: what was there at `as_of`. `receipts_of`: the log's receipts
    of at most 100 indexes."""

    database: Database
    gate: Gate
    principal: Principal
    organisation: str
    as_of: datetime
    key: ManifestKey
    receipts_of: ReceiptsOf
    entries: dict[int, None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.organisation}-{self.as_of.date().isoformat()}.zip"

    def members(self) -> Iterator[tuple[str, Iterable[str]]]:
        """The files in their order, each as pieces of text. Those of the log come last: they hold the
        entries that the others name."""
        yield "company.json", self.company()
        held = self.orders()
        yield "orders.json", [as_json(held)]
        yield "orders.csv", [as_csv(ORDERS, held)]
        held = self.licences()
        yield "licences.json", [as_json(held)]
        yield "licences.csv", [as_csv(LICENCES, held)]
        paid = self.invoices()
        yield "invoices.json", [as_json(paid)]
        yield "invoices.csv", [as_csv(INVOICES, [each["invoice"] for each in paid])]
        yield "usage.csv", self.usage_csv()
        yield "usage.jsonl", (as_line(line.values) for line in self.lines())
        yield "receipts.jsonl", self.receipts()
        yield "log_entries.jsonl", self.log_entries()

    def log_entries(self) -> Iterator[str]:
        indexes = sorted(self.entries)
        for start in range(0, len(indexes), AT_ONCE):
            some = indexes[start : start + AT_ONCE]
            for index, receipt in zip(some, self.entries_of(some), strict=True):
                yield as_line({"log_index": index, "receipt": receipt})

    def entries_of(self, indexes: Sequence[int]) -> Sequence[Mapping[str, object]]:
        """Asked again while the vault is away. Raises `Unavailable` if that lasts."""
        for pause in PAUSES:
            try:
                return self.receipts_of(indexes)
            except Unavailable:
                time.sleep(pause)
        return self.receipts_of(indexes)

    def company(self) -> list[str]:
        with self.database.transaction() as tx:
            company = find_company(tx, self.organisation)
            ending = find_ending(tx, self.organisation)
            limits = limits_set(tx, self.organisation)
        assert company is not None
        document = {
            "company": asdict(company),
            "ending": asdict(ending) if ending else None,
            "limits": {by: asdict(each) for by, each in limits.items()},
        }
        return [as_json(document)]

    def orders(self) -> list[dict[str, Any]]:
        mine = (orders.c.organisation == self.organisation, orders.c.placed_at <= self.as_of)
        wanted = select(orders).where(*mine).order_by(orders.c.placed_at, orders.c.id)
        with self.database.transaction() as tx:
            found = [(row.contract, order_of(row)) for row in tx.execute(wanted)]
            whole = [
                {
                    **asdict(order),
                    "contract": contract,
                    "steps": [asdict(step) for step in steps_of(tx, order.id)],
                }
                for contract, order in found
            ]
        for order in whole:
            for step in order["steps"]:
                self.entries[step["log_index"]] = None
        return whole

    def licences(self) -> list[dict[str, Any]]:
        mine = (licences.c.organisation == self.organisation, licences.c.issued_at <= self.as_of)
        wanted = select(licences).where(*mine).order_by(licences.c.issued_at, licences.c.id)
        with self.database.transaction() as tx:
            found = [licence_of(row) for row in tx.execute(wanted)]
        return [
            {
                **asdict(each),
                "terms": each.terms.model_dump(mode="json"),
                "document": each.document.model_dump(mode="json") if each.document else None,
            }
            for each in found
        ]

    def invoices(self) -> list[dict[str, Any]]:
        wanted = select(invoices).where(invoices.c.organisation == self.organisation)
        with self.database.transaction() as tx:
            rows = tx.execute(wanted.order_by(invoices.c.month, invoices.c.id))
            found = [invoice_of(row) for row in rows]
        whole: list[dict[str, Any]] = [
            whole_invoice(self.database, gate=self.gate, principal=self.principal, invoice_id=each.id)
            for each in found
        ]
        for each in found:
            if each.log_index is not None:
                self.entries[each.log_index] = None
        return whole

    def lines(self, *, proven: bool = False) -> Iterator[Line]:
        return lines_of_company(self.database, self.organisation, self.as_of, proven=proven)

    def usage_csv(self) -> Iterator[str]:
        yield as_csv(LINE_COLUMNS, [])
        for line in self.lines():
            yield guarded_csv([[line.values[name] for name in LINE_COLUMNS]])

    def receipts(self) -> Iterator[str]:
        for line in self.lines(proven=True):
            if not line.steps or line.log_index is None:
                continue  # its second is not in the log yet
            self.entries[line.log_index] = None
            steps = [step.as_json() for step in line.steps]
            document = {"format": RECEIPT, "leaf": line.leaf, "steps": steps}
            yield as_line({"line": line.values["id"], "log_index": line.log_index, **document})


def export_company(
    database: Database, *, gate: Gate, principal: Principal, key: ManifestKey, receipts_of: ReceiptsOf
) -> tuple[str, Iterator[bytes]]:
    """The name and the pieces of the zip. A company has one export at a time.
    Raises `Forbidden`, `NotFound`, `Conflict` (code "at_work") before the first."""
    organisation = principal.organisation
    with database.transaction() as tx:
        company = find_company(tx, organisation)
        if company is None:
            raise no_company(organisation)
        gate.require(principal, "export_company", company.resource)
        as_of: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    made = CompanyExport(database, gate, principal, organisation, as_of, key, receipts_of)
    pieces = alone(made)
    next(pieces)  # whoever is refused gets no piece
    return made.name, pieces


def alone(export: CompanyExport) -> Iterator[bytes]:
    """An empty piece once it is this export's turn, then its pieces."""
    subject = f"company:{export.organisation}"
    with export.database.try_lock_of_answer(f"market.export {export.organisation}"):
        with export.database.transaction() as tx:
            append(tx, Event(kind="company.exported", actor=export.principal.id, subject=subject))
        yield b""
        yield from zipped(export)


def zipped(export: CompanyExport) -> Iterator[bytes]:
    sink, files = Sink(), []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]  # it only writes
        for name, texts in export.members():
            digest, size = hashlib.sha256(), 0
            with archive.open(member(name, export.as_of), "w", force_zip64=True) as file:
                for text in texts:
                    piece = text.encode()
                    digest.update(piece)
                    size += len(piece)
                    file.write(piece)
                    if sink.size >= PIECE_BYTES:
                        yield sink.taken()
            files.append({"name": name, "bytes": size, "sha256": digest.hexdigest()})
        manifest = {
            "format": FORMAT,
            "organisation": export.organisation,
            "as_of": export.as_of.isoformat(),
            "files": files,
        }
        signed = json.dumps(export.key.signed(manifest), ensure_ascii=False, indent=1)
        archive.writestr(member("manifest.json", export.as_of), signed.encode())
    yield sink.taken()


PIECE_BYTES = 64 * 1024


class Sink:
    """A file that is only written, and keeps nothing that was taken from it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> int:
        self.pieces.append(bytes(piece))
        self.size += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        whole = b"".join(self.pieces)
        self.pieces, self.size = [], 0
        return whole


def member(name: str, at: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, at.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def as_json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, default=str)


def as_line(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """With a byte order mark, so that spreadsheets read the Chinese."""
    cells = [[text_of(row[name]) for name in columns] for row in rows]
    return "\ufeff" + guarded_csv([list(columns), *cells])


def text_of(value: object) -> object:
    return value if isinstance(value, int) else "" if value is None else str(value)
