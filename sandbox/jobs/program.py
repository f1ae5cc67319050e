"""Accepts a program's text: a few text files with plain names, one of which is started.
It is kept and hashed as it is."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping

from sandbox.audit.model import canonical_sha256
from sandbox.errors import InvalidInput
from sandbox.jobs.model import Program

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}){0,4}")
MOST_FILES, MOST_BYTES = 40, 56_000
NAME_LENGTH = 80
MODELS = (".skops.b64", ".safetensors.b64", ".onnx.b64")
"""A model that a program brings travels as base64 text, and lies decoded beside it, without the .b64."""


def checked_program(entry: str, files: Mapping[str, str]) -> Program:
    """The program, if it can be kept exactly and started. Raises `InvalidInput`."""
    if not 1 <= len(files) <= MOST_FILES:
        raise InvalidInput(
            f"A program has 1 to {MOST_FILES} files, not {len(files)}.",
            remedy="Leave out what it does not need.",
        )
    for path in files:
        if not PLAIN.fullmatch(path):
            raise InvalidInput(
                f"A file of a program cannot be called {path[:80]!r}.",
                remedy="Use letters, digits and . _ - in parts joined by /.",
            )
    if entry not in files or not entry.endswith(".py"):
        raise InvalidInput(
            f"The file to start, {entry[:80]!r}, is not a .py file of the program.",
            remedy=f"Name one of: {', '.join(sorted(files))[:200]}.",
        )
    check_texts(files)
    _check_models(files)
    if sum(len(text.encode()) for text in files.values()) > MOST_BYTES:
        raise InvalidInput(
            f"The program is larger than {MOST_BYTES} bytes.",
            remedy="A program is text; what it computes on are its inputs.",
        )
    return Program(entry, dict(files), program_sha256(entry, files))


def model_name(path: str) -> str | None:
    """What the model at this path of a program is called when it is decoded; None for what is no model."""
    return path.removesuffix(".b64") if path.endswith(MODELS) else None


def _check_models(files: Mapping[str, str]) -> None:
    for path, text in files.items():
        model = model_name(path)
        if model is None:
            continue
        try:
            b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidInput(
                f"{path} is not base64.",
                remedy="Let cihu.submit send the folder with the model in it.",
                zh=f"{path} 不是 base64。",
                remedy_zh="请用 cihu.submit 提交含模型的文件夹。",
            ) from None
        if model in files:
            raise InvalidInput(
                f"{model} is there twice.",
                remedy="Keep the model, or its text.",
                zh=f"{model} 出现两次。",
                remedy_zh="请只保留一个。",
            )


def check_texts(files: Mapping[str, str]) -> None:
    for path, text in files.items():
        try:
            whole = "\0" not in text and bool(text.encode())
        except UnicodeEncodeError:
            whole = False
        if not whole and text:
            raise InvalidInput(
                f"{path} is not text that can be kept exactly.", remedy="Save it as UTF-8, without NUL."
            )
    if not any(text.strip() for text in files.values()):
        raise InvalidInput("The program is empty.", remedy="Write what is to run.")


def program_sha256(entry: str, files: Mapping[str, str]) -> str:
    """Of [entry, files]."""
    return canonical_sha256([entry, dict(files)])


def checked_name(name: str) -> str:
    """A run's name: a line of text for people."""
    shown = " ".join(name.split())
    if not 1 <= len(shown) <= NAME_LENGTH or not shown.isprintable():
        raise InvalidInput(
            f"A run's name has 1 to {NAME_LENGTH} characters.",
            remedy="Say in a few words what it does.",
            zh=f"运行名称应为 1 至 {NAME_LENGTH} 个字符。",
            remedy_zh="请用几个字说明它做什么。",
        )
    return shown
