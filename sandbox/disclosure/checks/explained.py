"""Requires that the author explains what the file is about, and what was done to make it safe."""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks

ENOUGH_SIGNS = 12
ENOUGH_KINDS = 6
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def explained(subject: Subject) -> Iterator[Finding]:
    if not _says_something(subject.declared.context):
        yield blocks(
            "no_context",
            "unexplained",
            "The context says nothing, or too little.",
            "Say which units, which variables and which question the file answers, in a sentence or two.",
            "未说明内容背景，或过于简略。",
            "请用一两句话说明涉及哪些个体、哪些变量、回答什么问题。",
        )
    if not _says_something(subject.declared.controls) and subject.statbarn.id != "words":
        yield asks(
            "no_controls",
            "unexplained",
            "It is not said what was done to make the file safe.",
            "Say what was merged, rounded or left out, and why that is enough.",
            "未说明采取了哪些保护措施。",
            "请说明合并、取整或隐去了什么，以及为何足够。",
        )


def _says_something(text: str) -> bool:
    plain = "".join(text.split())
    weight = len(plain) + 2 * len(CHINESE.findall(plain))  # a Chinese sign says about three letters
    return weight >= ENOUGH_SIGNS and len(set(plain)) >= ENOUGH_KINDS
