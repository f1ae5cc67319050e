"""Shows the state of submitted programs. It is disclosed at moments that do not depend on the data."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from cihu.messages import known, say
from cihu.problem import CihuError
from cihu.released import Files, Request, Wish, own_outputs, wanted
from cihu.show import foot, page, table, text_table
from cihu.vault import the_vault

OPEN = ("queued", "running")
ASK_SECONDS = 2.0
DECLARED = {
    "statbarn": "frequencies",
    "controls": "counted, suppressed and rounded by the vault itself",
    "counts": "counts.csv",
}
"""What is so of every declared table."""


class Run:
    """One run, of a sealed program or a declared table.
    `.state` asks the vault; `.wait()` waits until its end is disclosed, `.cancel()` cancels it,
    `.request_release(…)` requests its files, and `.files()` has those that were released."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def state(self) -> str:
        """One of queued, running, finished, interrupted, returned, released, refused, cancelled;
        as it is now."""
        self.refresh()
        return str(self.document["state"])

    @property
    def program(self) -> dict[str, str]:
        """The exact text that was submitted, by file."""
        return dict(the_vault().get(f"/v1/runs/{self.id}")["program"]["files"])

    @property
    def hint(self) -> str | None:
        """ok, program_error, import_missing, memory, time, outbox_refused or not_run;
        None before its end, or without one."""
        self.refresh()
        return self.document.get("hint")

    def refresh(self) -> "Run":
        self.document = {**self.document, **the_vault().get(f"/v1/runs/{self.id}")}
        return self

    def cancel(self) -> "Run":
        """Call it off. What it made is thrown away."""
        self.document = the_vault().post(f"/v1/runs/{self.id}/cancel", {})
        return self

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The files that the vault computes from its recipes (`cihu.out`), as they are declared."""
        return [dict(one) for one in self.document.get("outputs", ())]

    def request_release(self, files: str | Mapping[str, Wish] | None = None, **said: str | None) -> Request:
        """Ask for files once the run has finished: `{"table.csv": {"statbarn": "frequencies", "context":
        "…", "controls": "…", "counts": "counts.csv"}}`, or one path with these as keywords.

        `context` says which people and variables it is about, `controls` what you did so that nobody can be
        recognised, `counts` names a file of supporting counts, which is never released; a model's has
        `member`, `loss` and `n`, a row for each person, and the vault tests whether the model remembers them.
        Two officers look at each file, and decide. Of a declared table (`cihu.exact_table`) say the context
        alone: the vault suppressed and rounded it. Without `files`: all that the vault computed from the
        program's `cihu.out`, which is declared already.
        """
        return Request(the_vault().post(f"/v1/runs/{self.id}/release", self._wanted(files, said)))

    def change_release(self, files: str | Mapping[str, Wish], **said: str | None) -> Request:
        """Say something else of some of the files, or ask for more, while people look;
        their votes on these fall."""
        return Request(the_vault().post(f"/v1/runs/{self.id}/release/change", self._wanted(files, said)))

    def _wanted(self, files: str | Mapping[str, Wish] | None, said: Wish) -> dict[str, Any]:
        if files is None:
            return wanted(own_outputs(self.outputs))
        known = DECLARED if self.document.get("kind") == "table" else {}
        return wanted({files: {**known, **said}} if isinstance(files, str) else files)

    def withdraw_release(self) -> Request:
        """Take the request back."""
        return Request(the_vault().post(f"/v1/runs/{self.id}/release/withdraw", {}))

    def release(self) -> Request:
        """What was asked for last, and what became of it."""
        return Request(the_vault().get(f"/v1/runs/{self.id}/release"))

    def files(self) -> Files:
        """The files that people released, with the receipt of that. None before they have decided."""
        return Files(self.id, the_vault().get(f"/v1/runs/{self.id}/files"))

    def wait(self) -> "Run":
        """Wait until its end is disclosed: when its limit is over, however soon the program ended.
        Interrupt to stop waiting."""
        try:
            while self.refresh().document["state"] in OPEN:
                told = self.document.get("told_at")
                left = (datetime.fromisoformat(told) - datetime.now(UTC)).total_seconds() if told else 0.0
                time.sleep(max(left, ASK_SECONDS))
        except KeyboardInterrupt:
            raise CihuError(
                say("waiting_ended"), code="interrupted", remedy=say("waiting_ended_mend")
            ) from None
        return self

    def _lines(self) -> list[str]:
        said = self.document
        lines = [
            say(
                "run_line",
                name=said["name"],
                state=known(f"state.{said['state']}", said["state"]),
                team=said["team"],
            ),
            say(
                "run_reads",
                inputs=", ".join(f"{one['dataset']}@{one['version']}" for one in said["inputs"]),
                sha=said["program_sha256"][:12],
                entry=said.get("log_index"),
            ),
        ]
        if said["state"] == "queued":
            lines.append(say("run_limit", limit=span(said["limit_seconds"])))
        if said["state"] == "running":
            lines.append(say("run_told", at=moment(said["told_at"])))
        if said["state"] == "finished":
            lines.append(say("run_finished"))
        if said.get("interruptions"):
            lines.append(say("run_interrupted", number=said["interruptions"]))
        if said.get("hint_bits"):
            lines.append(
                say(
                    "hint_told", hint=known(f"hint.{said['hint']}", str(said["hint"])), bits=said["hint_bits"]
                )
                if said.get("hint")
                else say("hint_may", bits=said["hint_bits"])
            )
        lines += [
            say("hints_left", dataset=one["dataset"], told=one["told_bits"], limit=one["limit_bits"])
            for one in said.get("hints", [])
            if one["limit_bits"]
        ]
        return lines

    def _repr_html_(self) -> str:
        lines = self._lines()
        return page(f"<strong>{escape(lines[0])}</strong>", *[foot(line) for line in lines[1:]])

    def __repr__(self) -> str:
        return "\n".join(self._lines())


class Runs:
    """Your teams' runs, newest first. Iterate over them, or take one by its place or its id."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.all = [Run(document) for document in documents]

    def __iter__(self) -> Iterator[Run]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, which: int | str) -> Run:
        if isinstance(which, int):
            return self.all[which]
        for one in self.all:
            if one.id == which:
                return one
        raise KeyError(which)

    def _heads(self) -> list[str]:
        return [say("name"), say("state"), say("who"), say("when"), say("reads"), say("limit")]

    def _rows(self) -> list[list[str]]:
        return [
            [
                said["name"],
                known(f"state.{said['state']}", said["state"]),
                said["submitted_by"],
                moment(said["submitted_at"]),
                ", ".join(f"{one['dataset']}@{one['version']}" for one in said["inputs"]),
                span(said["limit_seconds"]),
            ]
            for said in (one.document for one in self.all)
        ]

    def _repr_html_(self) -> str:
        return page(table(self._heads(), [[escape(cell) for cell in row] for row in self._rows()]))

    def __repr__(self) -> str:
        return text_table(self._heads(), self._rows())


def moment(text: str) -> str:
    return text[:19].replace("T", " ") + " UTC"


def span(seconds: int) -> str:
    return (
        f"{seconds // 3600} h"
        if seconds >= 3600
        else f"{seconds // 60} min"
        if seconds >= 60
        else f"{seconds} s"
    )
