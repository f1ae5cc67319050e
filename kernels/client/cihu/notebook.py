"""Sets a notebook up on `import cihu`: the magic and the completion, once, however often it is loaded."""

import threading
from collections.abc import Sequence
from typing import Any

from cihu.problem import CihuError
from cihu.vault import the_vault

_catalogue: list[dict[str, Any]] = []
_matchers: list[Any] = []


def remember(documents: Sequence[dict[str, Any]]) -> None:
    """The catalogue as it was last seen, for the completion."""
    _catalogue[:] = documents


def fetch() -> None:
    """In the background: whoever has no vault yet gets no names, and no error either."""
    try:
        remember(the_vault().get("/v1/datasets"))
    except CihuError:
        return


def load(shell: Any) -> None:
    from cihu import entering, sealed
    from cihu.completion import matcher
    from cihu.private_sql import NAME, private_sql

    if _matchers:
        return
    shell.register_magic_function(private_sql, "line_cell", NAME)
    shell.register_magic_function(sealed.sealed, "cell", sealed.NAME)
    shell.register_magic_function(entering.entry_magic, "cell", entering.NAME)
    _matchers.append(matcher(lambda: _catalogue))
    shell.Completer.custom_matchers.append(_matchers[0])
    threading.Thread(target=fetch, name="cihu catalogue", daemon=True).start()


def unload(shell: Any) -> None:
    from cihu import entering, sealed
    from cihu.private_sql import NAME

    for one in _matchers:
        shell.Completer.custom_matchers.remove(one)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop(NAME, None)
    for magic in (sealed.NAME, entering.NAME):
        shell.magics_manager.magics["cell"].pop(magic, None)
    _matchers.clear()
