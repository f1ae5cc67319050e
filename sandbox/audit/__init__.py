"""The transparency log: append, prove, verify, receipts."""

from sandbox.audit.append import append
from sandbox.audit.model import KINDS, Event

__all__ = ["KINDS", "Event", "append"]
