"""A log-in that was begun: kept by the browser in a sealed cookie, so that nothing of strangers is stored.

It holds what the answer is checked against (state, nonce, PKCE verifier) and where to go on. Only this
browser has it, and the portal alone can read or make it. What is stored is that a state was used.
"""

import base64
import hmac
import json
import secrets
import time
import zlib
from dataclasses import asdict, dataclass, field
from typing import Literal, Self

from marketplace.portal.city_login.refusals import CityLoginRefused
from sandbox.errors import Unavailable
from sandbox.identity import SecretBox

SECONDS = 600  # between the portal and the way back
MOST_CHARACTERS = 3600  # of a cookie, which browsers limit to 4096 bytes with its name and attributes
PURPOSE = "city login"
Deed = Literal["log in", "connect", "accept"]


def random_text() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Started:
    """`new`: the person must prove again who they are. `step`: it asks for a second factor, after a log-in
    without one. `holder`: the session that connects an identity. `link`: the invitation that is accepted."""

    provider: str
    next: str = "/"
    deed: Deed = "log in"
    new: bool = False
    step: bool = False
    kept: str = ""
    holder: str = ""
    link: str = ""
    at: float = field(default_factory=time.time)
    state: str = field(default_factory=random_text)
    nonce: str = field(default_factory=random_text)
    verifier: str = field(default_factory=random_text)

    def sealed(self, box: SecretBox) -> str:
        """The cookie. Raises `CityLoginRefused` where what was typed does not fit."""
        packed = zlib.compress(json.dumps(asdict(self)).encode(), 9)
        text = base64.urlsafe_b64encode(box.seal(packed, purpose=PURPOSE)).decode()
        if len(text) > MOST_CHARACTERS:
            raise CityLoginRefused("city_form_too_long")
        return text

    @classmethod
    def opened(cls, cookie: str, box: SecretBox) -> Self | None:
        """None for what is none of ours, or too old."""
        try:
            packed = box.open(base64.urlsafe_b64decode(cookie), purpose=PURPOSE)
            found = cls(**json.loads(zlib.decompress(packed)))
        except (ValueError, TypeError, zlib.error, Unavailable):
            return None
        return found if 0 <= time.time() - found.at <= SECONDS else None

    def answers(self, provider: str, state: str) -> bool:
        """Whether an answer with this state, come to this provider's address, is to this request."""
        return self.provider == provider and hmac.compare_digest(self.state.encode(), state.encode())
