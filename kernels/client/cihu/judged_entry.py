"""Makes entries that a jury judges: named private questions, which the vault checks first, and documents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cihu.competition import at
from cihu.messages import say
from cihu.problem import CihuError
from cihu.question import as_sql
from cihu.vault import the_vault

NEEDED = ("title", "purpose", "sql", "epsilon")
FIELDS = (*NEEDED, "parameters")


def checked_question(competition: str, track: Mapping[str, Any], question: Any) -> dict[str, Any]:
    """The content of a question's entry, once the vault has planned it and tried it on stand-in rows: it says
    what is wrong, or what an answer costs. Raises `CihuError`; then nothing was handed in."""
    content = question_content(question)
    print(say("question_checking"))
    told = the_vault().post(at(competition, "/question-checks"), {"track": track["id"], "content": content})
    price = told["price"]
    print(
        say(
            "question_can_be_entered",
            dataset=told["dataset"],
            outputs=", ".join(price["outputs"]),
            cells=price["cells"],
            epsilon=content["epsilon"],
        )
    )
    return content


def question_content(question: Any) -> dict[str, Any]:
    """Raises `CihuError` for another mapping."""
    given = set(question) if isinstance(question, Mapping) else set()
    if wrong := sorted(map(str, (set(NEEDED) - given) | (given - set(FIELDS)))):
        raise CihuError(
            say("question_fields", names=", ".join(wrong)),
            code="entry_content",
            remedy=say("question_fields_remedy"),
        )
    texts = {name: str(question[name]) for name in ("title", "purpose", "epsilon")}
    parameters = [dict(each) for each in question.get("parameters") or ()]
    return texts | {"sql": as_sql(question["sql"]), "parameters": parameters}


def document_of(document: str | Path) -> dict[str, Any]:
    """The content of a document's entry: a text, or the .md file of a path. Raises `CihuError`."""
    if isinstance(document, Path) or document.endswith(".md"):
        try:
            return {"text": Path(document).read_text("utf-8")}
        except (OSError, UnicodeDecodeError) as error:
            raise CihuError(
                say("unreadable", path=document, why=str(error)),
                code="invalid_input",
                remedy=say("unreadable_mend"),
            ) from None
    return {"text": document}
