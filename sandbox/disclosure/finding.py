"""Defines a finding: a code, a severity, and words in both languages, never a raw value that is not in the
file."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    BLOCKS = "blocks"  # no reviewer may release the file
    ASKS = "asks"  # a reviewer must answer it
    NOTES = "notes"  # a remark, without consequence


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `where` names the place in the file, `risk` is one of the taxonomy's."""

    code: str
    risk: str
    severity: Severity
    message: str
    remedy: str = ""
    zh: str = ""
    remedy_zh: str = ""
    where: str = ""

    def words(self, language: str) -> tuple[str, str]:
        """Message and remedy in "zh" or "en"."""
        return (self.zh, self.remedy_zh) if language == "zh" else (self.message, self.remedy)


def blocks(
    code: str, risk: str, message: str, remedy: str, zh: str, remedy_zh: str, *, where: str = ""
) -> Finding:
    return Finding(code, risk, Severity.BLOCKS, message, remedy, zh, remedy_zh, where)


def asks(
    code: str, risk: str, message: str, remedy: str, zh: str, remedy_zh: str, *, where: str = ""
) -> Finding:
    return Finding(code, risk, Severity.ASKS, message, remedy, zh, remedy_zh, where)


def notes(
    code: str, risk: str, message: str, remedy: str, zh: str, remedy_zh: str, *, where: str = ""
) -> Finding:
    return Finding(code, risk, Severity.NOTES, message, remedy, zh, remedy_zh, where)


class Unfit(Exception):
    """The file cannot be opened as anything that may leave: one finding, which blocks."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding
