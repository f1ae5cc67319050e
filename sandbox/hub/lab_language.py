"""Completes JupyterLab's Chinese: the language pack is older than JupyterLab, and what it lacks stands in
`lab/zh_CN.json` (a test lists it from JupyterLab's own files)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

CATALOGUE = Path(__file__).parent / "lab" / "zh_CN.json"
DOMAIN = "jupyterlab"
Packs = tuple[dict[str, Any], str]


def our_words() -> dict[str, str]:
    """Sentences of JupyterLab by their English, which is their id."""
    words: dict[str, str] = json.loads(CATALOGUE.read_text())
    return words


def complete_language_pack() -> None:
    """From now on the translations that this server hands out hold ours too."""
    from jupyterlab_server import translations_handler

    handed_out = vars(translations_handler)["get_language_pack"]
    vars(translations_handler)["get_language_pack"] = completed(handed_out)


def completed(get_language_pack: Callable[[str], Packs]) -> Callable[[str], Packs]:
    def with_ours(locale: str) -> Packs:
        data, message = get_language_pack(locale)
        if locale == "zh_CN" and DOMAIN in data:
            given = data[DOMAIN]
            data[DOMAIN] = {english: [chinese] for english, chinese in our_words().items()} | {
                english: words for english, words in given.items() if english == "" or any(words)
            }
        return data, message

    return with_ours
