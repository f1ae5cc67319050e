"""A one-time code that is wrong now and for minutes around: a fixed one is right once in 300,000 tries."""

import time

import pyotp

AROUND = 20
"""So many steps of half a minute on either side."""


def wrong_code(totp: pyotp.TOTP) -> str:
    """Six digits that the account's authenticator does not show now, nor showed, nor will show soon."""
    now = int(time.time())
    near = {totp.at(now + totp.interval * step) for step in range(-AROUND, AROUND + 1)}
    return next(code for code in (f"{number:06d}" for number in range(1000)) if code not in near)
