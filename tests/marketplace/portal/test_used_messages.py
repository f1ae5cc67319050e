"""Each message stands on a page or is read by a module."""

import re
from pathlib import Path

from marketplace.portal.messages import MESSAGES

MARKETPLACE = Path(__file__).parents[3] / "marketplace"
NAME = re.compile(r"[A-Za-z0-9_]+")
QUOTED = re.compile(r"""[frt]*(["'])([A-Za-z0-9_]+)(?:\1|[.{])""")


def read_in() -> str:
    """The templates, and the modules that are no lists of messages."""
    files = [*MARKETPLACE.rglob("*.html"), *MARKETPLACE.rglob("*.py")]
    return "\n".join(path.read_text("utf-8") for path in files if not path.name.endswith("messages.py"))


def test_every_message_is_used() -> None:
    """By its name, or by its group, as in `t.of('grade', value)`."""
    text = read_in()
    names, groups = set(NAME.findall(text)), {group for _, group in QUOTED.findall(text)}
    unused = {name for name in MESSAGES if name not in names and name.partition(".")[0] not in groups}
    assert not unused, sorted(unused)
