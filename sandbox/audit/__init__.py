"""The transparency log: append, prove, verify, receipts."""

from sandbox.audit.append import append
from sandbox.audit.log import Log, WholeLog
from sandbox.audit.model import KINDS, Event
from sandbox.audit.note import NotProven
from sandbox.audit.receipts import VerifiedReceipt, verify_growth, verify_receipt
from sandbox.audit.signer import Signer

__all__ = [
    "KINDS",
    "Event",
    "Log",
    "NotProven",
    "Signer",
    "VerifiedReceipt",
    "WholeLog",
    "append",
    "verify_growth",
    "verify_receipt",
]
