"""Builds what is sent to the vault when somebody asks: SQL, or an expression as SQL, and what it may cost."""

import re
from typing import Any

from cihu.messages import say
from cihu.problem import CihuError

PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def question(asked: object, epsilon: float | None, error: float | None, grant: int | None) -> dict[str, Any]:
    """The body of /v1/ask and /v1/explain. Raises `CihuError` for what cannot be a question."""
    if epsilon is not None and error is not None:
        raise CihuError(say("epsilon_or_error"), code="invalid_input", remedy=say("epsilon_or_error_mend"))
    body: dict[str, Any] = {"sql": as_sql(asked)}
    for name, given in (("epsilon", epsilon), ("grant", grant)):
        if given is not None and (isinstance(given, bool) or not PLAIN_NUMBER.fullmatch(str(given))):
            raise CihuError(
                say("bad_number", name=name, given=repr(given)),
                code="invalid_input",
                remedy=say("bad_number_mend"),
            )
    if epsilon is not None:
        body["epsilon"] = str(epsilon)  # as written: 0.1 must stay one tenth
    if error is not None:
        if isinstance(error, bool) or not isinstance(error, float | int) or not 0 < error < 1:
            raise CihuError(
                say("bad_error", given=repr(error)), code="invalid_input", remedy=say("bad_error_mend")
            )
        body["error"] = error
    if grant is not None:
        body["grant"] = grant
    return body


def as_sql(asked: object) -> str:
    if isinstance(asked, str):
        return asked
    if type(asked).__module__.partition(".")[0] == "ibis":  # so that plain SQL never waits for the import
        from cihu.expression import sql_of

        return sql_of(asked)
    raise CihuError(
        say("bad_question", given=type(asked).__name__), code="invalid_input", remedy=say("bad_question_mend")
    )
