"""Tells the reviewer what rests on the author's word alone: no machine knows whether a count that the program
wrote itself is true."""

from collections.abc import Iterator

from sandbox.disclosure.checks.freedom import OBSERVATIONS, OBSERVATIONS_IN_TEXT, said_of
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, notes

SHOWN = 4


def authors_word(subject: Subject) -> Iterator[Finding]:
    """Counts of units that the sealed program wrote itself."""
    written = [
        roles.grid.header[place][:40] or f"column {place + 1}"
        for roles in subject.tables
        for place in roles.counts
    ]
    names = list(dict.fromkeys(written))[:SHOWN]
    if not names and any(True for _ in said_of(subject, OBSERVATIONS, OBSERVATIONS_IN_TEXT)):
        names = ["n"]
    supporting = subject.supporting is not None
    if not names and not supporting:
        return
    what = " and ".join(
        [
            *(["the counts of units in it"] if names else []),
            *(["its supporting counts"] if supporting else []),
        ]
    )
    zh = "和".join([*(["其中的个体数"] if names else []), *(["其支撑计数"] if supporting else [])])
    yield notes(
        "authors_word",
        "unexplained",
        f"On the author's word alone rest {what}: the sealed program wrote them itself, and no machine has "
        "counted the units.",
        "Compare them with the program's code and with each other.",
        f"仅凭作者之言：{zh}由密封程序自行写出，机器未核对个体数。",
        "请与程序代码及各数之间相互核对。",
        where=", ".join(names),
    )
