"""The raw, the quarantine and the product bucket: private, versioned, encrypted at rest, or not used at all."""

from sandbox.storage.bucket import ObjectVersion
from sandbox.storage.stores import ProductStore, QuarantineStore, RawStore

__all__ = ["ObjectVersion", "ProductStore", "QuarantineStore", "RawStore"]
