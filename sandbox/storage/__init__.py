"""The raw, the quarantine, the released and the product bucket:
private, versioned, encrypted at rest, or not used at all."""

from sandbox.storage.bucket import ObjectVersion
from sandbox.storage.stores import ProductStore, QuarantineStore, RawStore, ReleasedStore

__all__ = ["ObjectVersion", "ProductStore", "QuarantineStore", "RawStore", "ReleasedStore"]
