"""Signs short texts that callers bring back: cursors and links of files. Whoever has no secret of the
portal's makes none.

All portals of a city share the secret (`read_secret`).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import orjson

MAC = 16
LONGEST = 1000


class Signer:
    """Signs for one purpose: a text of another purpose is none of its own."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self.key = hmac.new(secret, purpose.encode(), hashlib.sha256).digest()

    def sign(self, parts: Sequence[object]) -> str:
        """The parts as a text of letters, digits, - and _."""
        body = orjson.dumps(parts)
        return base64.urlsafe_b64encode(self.mac(body) + body).rstrip(b"=").decode()

    def read(self, text: str) -> list[object] | None:
        """The parts of a text that was signed here; None of any other."""
        if len(text) > LONGEST or not text.isascii():
            return None
        try:
            given = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, body = given[:MAC], given[MAC:]
        if not hmac.compare_digest(mac, self.mac(body)):
            return None
        parts = orjson.loads(body)
        assert isinstance(parts, list)
        # one text for the same parts: unused bits of the last letter are no second spelling
        return parts if text == self.sign(parts) else None

    def mac(self, body: bytes) -> bytes:
        return hmac.new(self.key, body, hashlib.sha256).digest()[:MAC]
