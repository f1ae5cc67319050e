"""Seals the few secrets that the portal must read again (those of one-time codes) with a key beside its
signing keys. Whoever has the database alone has none of them."""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.errors import Unavailable

NONCE_BYTES = 12


class SecretBox:
    """AES-256-GCM. `purpose` is bound to what is sealed: a secret of one account opens for no other."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._key = key

    def seal(self, secret: bytes, *, purpose: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, secret, purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """Raises `Unavailable` if it was sealed with another key."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose.encode())
        except InvalidTag:
            raise Unavailable(
                "A second factor cannot be read.",
                remedy="Restore the portal's key folder, or ask a security administrator or the operator to "
                "remove the factor.",
                zh="无法读取第二因素。",
                remedy_zh="请恢复门户的密钥文件夹，或请安全管理员或运营人员移除该因素。",
            ) from None

    def sign(self, content: bytes) -> bytes:
        """32 bytes that only the portal can make of `content`."""
        return hmac.digest(self._key, b"cihu signed:" + content, "sha256")
