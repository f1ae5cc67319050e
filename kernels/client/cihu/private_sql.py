"""Runs SQL without a string around it:
`%%private_sql` above a cell of SQL, `%private_sql` before a line of it.

%%private_sql visits --epsilon 0.5
SELECT year, AVG(doctor_visits) AS visits FROM health.visits GROUP BY year
"""

import argparse
import keyword
import re
from typing import Any, NoReturn

import cihu
from cihu.messages import say
from cihu.problem import CihuError
from cihu.waiting import shell

NAME = "private_sql"
OPTION = re.compile(r"\s*(?:--explain\b|--(?:epsilon|error|grant)[\s=]+\S+)")


class Options(argparse.ArgumentParser):
    """The options after the magic's name. A fault is an error in the notebook,
    not the end of the process."""

    def error(self, message: str) -> NoReturn:
        raise CihuError(message, code="invalid_input", remedy=self.format_usage().strip())


def options() -> Options:
    made = Options(prog=f"%%{NAME}", add_help=False, allow_abbrev=False)
    made.add_argument("name", nargs="?")
    made.add_argument("--epsilon", type=float)
    made.add_argument("--error", type=float)
    made.add_argument("--grant", type=int)
    made.add_argument("--explain", action="store_true")
    return made


def private_sql(line: str, cell: str | None = None) -> Any:
    """Ask the vault in SQL: the cell below `%%private_sql`, or what follows `%private_sql` on its line.

    name       a variable to keep the answer in (above a cell; for a line write x = %private_sql SELECT ...)
    --epsilon  the price that you offer
    --error    the error that you want, 0.05 for 5 % either way with 95 % confidence; the price is solved for
    --grant    under which grant, when your team has several
    --explain  show the price and the error; spend nothing
    """
    head, sql = (line, cell) if cell is not None else split_line(line)
    chosen = options().parse_args(head.split())
    if chosen.name and not (chosen.name.isidentifier() and not keyword.iskeyword(chosen.name)):
        raise CihuError(say("bad_name", given=repr(chosen.name)), code="invalid_input", remedy=say("stray"))
    if not sql.strip():
        raise CihuError(say("empty_cell"), code="invalid_input", remedy=say("bad_question_mend"))
    ask = cihu.explain if chosen.explain else cihu.sql
    # a cell keeps its lines, for places in refusals
    question = sql.rstrip() if cell is not None else sql.strip()
    told = ask(question, epsilon=chosen.epsilon, error=chosen.error, grant=chosen.grant)
    if chosen.name:
        shell().push({chosen.name: told})
    return told


def split_line(line: str) -> tuple[str, str]:
    """The options that a line begins with, and the SQL after them, untouched: its quotes are SQL's."""
    end = 0
    while found := OPTION.match(line, end):
        end = found.end()
    return line[:end], line[end:]
