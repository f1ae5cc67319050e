"""Which language does a workspace speak?
What the person chose in the portal, else what their browser asks for."""

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from sandbox.hub.language import language_of

START = RequestStartLine("GET", "/hub/spawn", "HTTP/1.1")


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("zh", "en-GB", "zh"),
        ("en", "zh-CN,zh;q=0.9", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "fr-FR,fr;q=0.9,en;q=0.8", "en"),
        ("", "fr", ""),
        ("", "", ""),
        ("klingon", "en", "en"),
    ],
)
def test_the_cookie_says_else_the_browser(cookie: str, accepted: str, language: str) -> None:
    cookies = {"Cookie": f"other=zh; cihu_language={cookie}"} if cookie else {}
    headers = HTTPHeaders({"Host": "hub", "Accept-Language": accepted} | cookies)
    assert language_of(HTTPServerRequest(headers=headers, start_line=START)) == language
