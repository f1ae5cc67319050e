"""The words of the refusals that HTTP itself has: no such address or method, a body that cannot be read.

Their code is `http_` and the status.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class HttpRefusal:
    """Message and remedy in both languages. `{detail}` stands for what the server adds."""

    message: str
    remedy: str
    zh: str
    remedy_zh: str

    def words(self, language: str, detail: str = "") -> tuple[str, str]:
        """Message and remedy in "zh" or "en"."""
        message, remedy = (self.zh, self.remedy_zh) if language == "zh" else (self.message, self.remedy)
        return message.format(detail=detail), remedy


HTTP_REFUSALS = {
    400: HttpRefusal(
        "The body of the request cannot be read.",
        "Send it in the form that the description of the API names.",
        "无法读取请求正文。",
        "请按接口描述中的格式发送。",
    ),
    404: HttpRefusal(
        "There is nothing at this address.",
        "Look the operation up in the description of the API.",
        "此地址没有内容。",
        "请查阅接口描述中的操作。",
    ),
    405: HttpRefusal(
        "This address does not have this method.",
        "Use one of the methods that the header Allow names.",
        "此地址不支持该方法。",
        "请使用 Allow 头列出的方法。",
    ),
    413: HttpRefusal(
        "The request is larger than {detail} bytes.",
        "Send less at once.",
        "请求超过 {detail} 字节。",
        "请减少一次发送的内容。",
    ),
}
"""By status."""


def code_of_status(status: int) -> str:
    return f"http_{status}"


def http_words(status: int, detail: object, language: str) -> tuple[str, str]:
    """Message and remedy of a refusal with this status."""
    known = HTTP_REFUSALS.get(status)
    return known.words(language, str(detail)) if known else (str(detail), "")
