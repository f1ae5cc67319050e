"""Keeps what a person typed into a form that was refused.
It is shown again, to be checked and sent once more."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from marketplace.portal.messages import MESSAGES

SECRET = frozenset({"csrf", "password", "new_password", "new_password_again", "account", "next", "kept"})
LONGEST, MOST_FIELDS = 4000, 20
LONGEST_LENGTH = 7
"""Digits of a body's length: of a form with a large file, such as one of 32 MiB, nothing is read or kept."""
STEPS = ("/drafts/", "/competition-forms/")
"""The forms below these have one field for each value of a policy. They are kept whole or not at all."""
MOST_OF_STEP = 20_000  # characters, names and values together: the login form carries them


@dataclass(frozen=True)
class FormDraft:
    """The form's address, and its fields.
    A field with a word in `field.*` is shown, the others go along unseen."""

    action: str
    fields: dict[str, str]

    def shown(self) -> dict[str, str]:
        return {name: value for name, value in self.fields.items() if f"field.{name}" in MESSAGES}

    def unseen(self) -> dict[str, str]:
        return {name: value for name, value in self.fields.items() if f"field.{name}" not in MESSAGES}

    def as_text(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """What `as_text` made; None for anything else."""
        try:
            said = json.loads(text)
            action, fields = (
                str(said["action"]),
                {str(name): str(value) for name, value in said["fields"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        is_path = (
            action.startswith("/")
            and not action.startswith("//")
            and action.isprintable()
            and "\\" not in action
        )
        return cls(action, fields) if is_path and not SECRET & set(fields) else None


async def typed_into(request: Request) -> FormDraft | None:
    """What the request's form held, without its secrets;
    None if there was no form with a field that a person fills in."""
    if request.method != "POST" or "form" not in request.headers.get("content-type", ""):
        return None
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) <= LONGEST_LENGTH):
        return None
    try:
        form = await request.form()
    except (HTTPException, ClientDisconnect, RuntimeError):
        return None
    typed = {name: value for name, value in form.items() if isinstance(value, str) and name not in SECRET}
    if request.url.path.startswith(STEPS):
        whole = sum(len(name) + len(value) for name, value in typed.items()) <= MOST_OF_STEP
        return FormDraft(request.url.path, typed) if whole else None
    fields = {name: value[:LONGEST] for name, value in list(typed.items())[:MOST_FIELDS]}
    kept = FormDraft(request.url.path, fields)
    return kept if kept.shown() else None
