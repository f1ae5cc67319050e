"""Signs the list of files that a buyer gets: whoever has the portal's public key checks a file without the
portal (`cihu licensed verify`)."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.identity.signing_keys import encode, raw, thumbprint

FORMAT = "cihu-files-1"


class ManifestKey:
    """The key of manifests. It comes from the portal's delivery secret, so all its processes have the
    same."""

    def __init__(self, secret: bytes) -> None:
        seed = hmac.new(secret, b"manifest", hashlib.sha256).digest()
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self.private.public_key()
        self.public, self.kid = encode(raw(public)), thumbprint(public)

    def signed(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """The manifest with a signature over its canonical JSON."""
        value = encode(self.private.sign(canonical(manifest)))
        return {"manifest": manifest, "signature": {"alg": "EdDSA", "kid": self.kid, "value": value}}


def canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
