"""The blocks of a tutorial, and a reader who types them: commands in a shell, cells in a sealed kernel."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

CHECKOUT = Path(__file__).resolve().parents[2]
TUTORIALS = CHECKOUT / "docs" / "tutorials"
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# typed by the reader; `text` is what came of the block before, `console` is what a tutorial begins with
RUN = (
    "sh",
    "python",
)
REFUSED = "# refused"
NUMBER = re.compile(r"\d[\d.,:]*")
PORTAL = "http://localhost:8600"


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int

    @property
    def is_refused(self) -> bool:
        return self.text.startswith(REFUSED)


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order, but for directives."""
    text = page.read_text("utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(text)
        if not found[1].startswith("{")
    ]


class Cells(Protocol):
    def execute(self, cell: str, timeout: float) -> dict[str, Any]: ...


@dataclass
class Reader:
    """Types the blocks of one tutorial.
    Shell variables that are exported, and the folder, are kept from block to block."""

    folder: Path
    home: Path
    portal: str
    cells: Cells

    def __post_init__(self) -> None:
        (self.folder / ".venv").symlink_to(CHECKOUT / ".venv")
        (self.folder / "exported").write_text("")

    def type(self, block: Block) -> str:
        """What the block put out. A block that should be refused must be, and no other may fail."""
        typed = self.in_shell if block.kind == "sh" else self.in_kernel
        has_failed, shown = typed(block.text.replace(PORTAL, self.portal))
        assert has_failed is block.is_refused, f"line {block.line}: {block.text}\n{shown}"
        return shown

    def in_shell(self, text: str) -> tuple[bool, str]:
        script = f"source exported\ntrap 'export -p > exported' EXIT\n{text}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env=os.environ | {"CIHU_HOME": str(self.home), "COLUMNS": "120"},
        )
        return done.returncode != 0, done.stdout + done.stderr

    def in_kernel(self, text: str) -> tuple[bool, str]:
        done = self.cells.execute(text, timeout=100)
        return done["status"] != "ok", "\n".join(map(shown_text, done["outputs"]))


def shown_text(output: dict[str, Any]) -> str:
    match output["output_type"]:
        case "stream":
            return str(output["text"])
        case "error":
            return "\n".join(output["traceback"])
        case _:
            return str(output["data"].get("text/plain", ""))


def masked(text: str) -> list[str]:
    """The lines of an output in which every number is the same:
    noise, identifiers and times differ from run to run."""
    lines = (" ".join(NUMBER.sub("0", line).split()) for line in text.splitlines())
    return [line for line in lines if line and line != "…"]


def missing_lines(shown: str, output: str) -> list[str]:
    """The lines of what a tutorial shows that did not come out, in that order, when its block was typed."""
    came = iter(masked(output))
    return [line for line in masked(shown) if not any(line in other for other in came)]
