"""Drafts one of many files after a published dataset, and publishes it where nothing keeps it back."""

from typing import Any

from marketplace.portal.drafts.vault_drafts import VaultDrafts
from marketplace.portal.messages import MESSAGES
from marketplace.portal.rendering import words_of
from sandbox.errors import CihuError

LANGUAGES = ("zh", "en")


def draft_like(drafts: VaultDrafts, who: str, file: str, like: str, *, publish: bool) -> dict[str, Any]:
    """What became of a file: `outcome`, with the draft's number and dataset, and `why` in both languages."""
    done: dict[str, Any] = {}
    try:
        draft = drafts.create(who, file, {}, like=like)
        done = {"draft": draft["id"], "dataset": draft["dataset"]}
        if draft["problems"]:
            first = draft["problems"][0]
            why = {"en": first["message"], "zh": first.get("message_zh", first["message"])}
            return done | {"outcome": "problems", "why": why}
        differs = [each for each in draft["suggestions"] if each["path"] != "about_rows"]
        if differs:
            return done | {"outcome": "differs", "why": differs[0]["reason"]}
        if not publish:
            return done | {"outcome": "drafted"}
        drafts.publish(who, str(draft["id"]), revision=draft["revision"])
        return done | {"outcome": "published"}
    except CihuError as error:
        words = words_of(error)
        both = {"en": error.message, "zh": error.zh or error.message}
        return done | {"outcome": "failed", "why": both, "code": words.get("code", error.code)}


def outcome_words(done: dict[str, Any], language: str) -> str:
    """The outcome as a sentence of the page."""
    text = MESSAGES[f"bulk.{done['outcome']}"][LANGUAGES.index(language)]
    return text.format(why=done.get("why", {}).get(language, ""))
