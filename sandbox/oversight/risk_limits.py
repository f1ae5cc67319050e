"""Reads policies/risks.yaml: from when on the risk watch points something out."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.policy import YamlText


@dataclass(frozen=True)
class RiskLimits:
    """Percentages are of a limit; the window is in days."""

    window_days: int = 30
    burn_percent: int = 50
    refused_attempts: int = 20
    questions_factor: int = 5
    questions_least: int = 20
    capacity_percent: int = 80
    promised_percent: int = 90


DEFAULT = RiskLimits()


def read_risk_limits(policies: Path) -> RiskLimits:
    """Read `risks.yaml`; a city whose policies have none has the defaults. Raises `InvalidInput`."""
    file = policies / "risks.yaml"
    if not file.is_file():
        return DEFAULT
    text = YamlText(
        file.read_text("utf-8"), policies / "risks.schema.json", what=f"{policies.name}/{file.name}"
    )
    return RiskLimits(**text.document)
