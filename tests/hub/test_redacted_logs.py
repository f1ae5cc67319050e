"""No record of a process says a query string, a token, a cookie or a password,
whichever library makes it and however."""

import logging
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.http.redacted_logs import RedactedRecord, redacted
from sandbox.identity.scannable_secret import make_secret

WORD = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~", min_size=20, max_size=60)
SHAPES = [
    "DELETE /user/wang/api/kernels/1?token={0} (wang@127.0.0.1) 1.02ms",
    "GET http://hub:8601/hub/login?next=%2F&x={0} 302",
    "302 GET /hub/ -> /oauth/authorize?state={0}&code=1",
    "referer=https://a.b/c?x=1&access_token={0}",
    "/path?{0}",
    "Authorization: Bearer {0}",
    "{{'Authorization': 'token {0}'}}",
    '{{"Cookie": "cihu_session={0}; b=c"}}',
    "Set-Cookie: a={0}; HttpOnly",
    "client_secret={0}",
    '{{"password": "{0}"}}',
    "api_token: {0}",
    "postgresql+psycopg://cihu_vault:{0}@/cihu?host=/run",
    "bad header b'cookie: x={0}'",
]


@given(word=WORD)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_opens_something_is_not_said(shape: str, word: str) -> None:
    assert word not in redacted(shape.format(word))


@pytest.mark.parametrize(
    "plain",
    [
        "GET /v1/datasets/health.visits 200 12 ms",
        "is it well?",
        "kernel 1 ended: too much memory",
        "question 3f: ValueError",
        "Why? Because = it is",
        "a token of sixty seconds is short",
    ],
)
def test_what_is_no_secret_is_said(plain: str) -> None:
    assert redacted(plain) == plain


def test_arguments_and_tracebacks_too(caplog: pytest.LogCaptureFixture) -> None:
    word, made = secrets.token_hex(16), logging.getLogRecordFactory()
    logging.setLogRecordFactory(RedactedRecord)
    try:
        try:
            raise RuntimeError(f"GET /a?token={word}")
        except RuntimeError:
            logging.getLogger("of.a.library").exception("failed: %s", f"/b?code={word}")
    finally:
        logging.setLogRecordFactory(made)
    (record,) = caplog.records
    assert word not in logging.Formatter("%(message)s").format(record)
    assert "RuntimeError" in logging.Formatter("%(message)s").format(record)


def test_our_own_secrets_are_not_said_wherever_they_stand() -> None:
    for prefix in ("chj_", "cht_", "chk_"):
        secret = make_secret(prefix)
        for line in (f'"GET /join/{secret} HTTP/1.1" 200', f"key {secret}", f"({secret})"):
            assert secret not in redacted(line)
