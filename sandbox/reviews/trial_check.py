"""Checks files that a trial on stand-in rows left, when the team asks, before anybody has to wait.

No raw row is touched: the files come from the team, the rules are public. So quotes of raw values are looked
for in a review alone.
"""

import threading
from collections.abc import Mapping, Sequence

from sandbox.catalog.grade import grade_of
from sandbox.catalog.resource import require_seen
from sandbox.disclosure.check_file import CheckedFile, check_files
from sandbox.disclosure.declaration import Declaration
from sandbox.errors import InvalidInput, TooMany
from sandbox.identity import Principal
from sandbox.jobs.recipes import how_computed, outputs_of, read_recipes
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.declarations import check_declared
from sandbox.reviews.known_texts import known_texts
from sandbox.reviews.model import Declared

PATH = "/v1/release-checks"
MOST_BYTES = 6 * 1024 * 1024  # of a request: what leaves is small, and base64 is a third more
_one_at_a_time = threading.Lock()  # the vault has more to do than to read what anybody sends
PATIENCE_SECONDS = 60.0


def check_trial(
    context: ReviewContext,
    *,
    principal: Principal,
    inputs: Sequence[str],
    files: Sequence[Declared],
    contents: Mapping[str, bytes],
    recipes: str | None = None,
) -> tuple[str, dict[str, CheckedFile]]:
    """The grade that decides, and what is found in each file by its path.

    `recipes` is the text of the program's recipes.json: what they leave is checked as such.
    Raises `InvalidInput`, `Refused`, `NotFound` (a dataset), `TooMany` (the vault is overloaded)."""
    check_declared(files, context.taxonomy.names)
    versions = [context.repository.current(name) for name in inputs]
    for version in versions:
        require_seen(context.gate, principal, version)
    grade = grade_of(context.gate, versions)
    rules = context.taxonomy.at(grade)
    missing = [
        path for one in files for path in (one.path, one.counts) if path is not None and path not in contents
    ]
    if missing:
        raise InvalidInput(
            f"The trial left no file {missing[0][:80]!r}.",
            remedy="Let the program write it into cihu.outbox.",
            zh=f"试运行没有留下文件 {missing[0][:80]!r}。",
            remedy_zh="请让程序把它写入 cihu.outbox。",
        )
    written = read_recipes(recipes) if recipes else ()
    outputs, known = outputs_of(written), known_texts(versions, written)
    computed = {output.path: output for output in outputs}
    there = {
        one.path: (
            contents[one.path],
            Declaration(
                one.statbarn,
                one.context,
                one.controls,
                contents[one.counts] if one.counts is not None else None,
                *how_computed(computed.get(one.path)),
                known=known,
            ),
        )
        for one in files
    }
    # waited for, so that nobody is told that somebody else is there
    if not _one_at_a_time.acquire(timeout=PATIENCE_SECONDS):
        raise TooMany(
            "The vault has no time to check files now.",
            remedy="Try again in a minute.",
            zh="保险库现在无法检查文件。",
            remedy_zh="请过一分钟再试。",
        )
    try:
        return grade, check_files(there, rules, None, context.decode)
    finally:
        _one_at_a_time.release()
