"""Finds text that loads or hides something when it is shown as Markdown."""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding, asks, blocks

IMAGE = re.compile(
    r"!\[[^\]]*\]\s*(?:\(|\[)|^\s*\[[^\]]+\]:\s*\S+\.(?:png|gif|jpe?g|svg|webp)\b", re.IGNORECASE
)
TAG = re.compile(
    r"<!--|<\?|<!\[CDATA|</?(?:a|abbr|applet|area|audio|base|body|button|canvas|center|details|div|embed|font|form|frame|h[1-6]|head|hr|"
    r"html|iframe|img|input|link|marquee|math|meta|object|p|picture|script|select|source|span|style|svg|table|td|template|textarea|th|tr|"
    r"track|video)\b[^>]*>?",
    re.IGNORECASE,
)
COMMENT = re.compile(r"^\s*\[[^\]]*\]:\s*(?:#|<>|\S+\s+[\"'(])", re.IGNORECASE)
ADDRESS = re.compile(r"(?:https?|ftp|data|javascript|vbscript|file):[^\s)>\]\"']+", re.IGNORECASE)
LONGEST_ADDRESS = 120
REMEDY = (
    "Write words and tables only; send a picture as its own file.",
    "只写文字和表格；图片请作为单独文件提交。",
)


def markup(subject: Subject) -> Iterator[Finding]:
    """Images are fetched by whoever reads (and tell that they were, and where),
    tags and comments do not show."""
    if subject.opened.kind not in (Kind.TEXT, Kind.NOTEBOOK):
        return
    for piece in subject.opened.texts:
        found = _judge(
            piece.text, code=subject.opened.kind is Kind.NOTEBOOK and not piece.where.startswith("markdown")
        )
        if found is not None:
            code, message, zh = found
            yield (asks if code == "long_address" else blocks)(
                code, "hidden_content", message, REMEDY[0], zh, REMEDY[1], where=piece.where
            )
            return


def _judge(text: str, *, code: bool) -> tuple[str, str, str] | None:
    if not code:
        if IMAGE.search(text):
            return (
                "text_loads",
                "The text loads a picture from elsewhere when it is shown.",
                "文字在显示时会从他处加载图片。",
            )
        if TAG.search(text):
            return (
                "html",
                "The text holds HTML, which is not shown as it is written.",
                "文字含有 HTML，显示时与所写不同。",
            )
        if COMMENT.search(text):
            return "hidden_text", "The text holds a note that is not shown.", "文字含有显示时看不到的注释。"
    addresses = ADDRESS.findall(text)
    if not code and any(not one.lower().startswith("http") for one in addresses):
        return (
            "text_loads",
            "An address in the text holds content, or runs something.",
            "文字中的地址含有内容或会执行程序。",
        )
    if any(len(one) > LONGEST_ADDRESS or re.search(r"[?#].{24,}", one) for one in addresses):
        return (
            "long_address",
            "A long address can carry numbers out when it is opened.",
            "过长的网址打开时可能带出数据。",
        )
    return None
