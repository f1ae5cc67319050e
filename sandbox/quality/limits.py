"""Reads policies/quality.yaml: in how many days a reported problem is answered, and what counts as an outlier
and as drift."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.policy import YamlText


@dataclass(frozen=True)
class QualityLimits:
    """`outlier_mads`: a number is an outlier if it is further than so many scaled median absolute deviations
    from the median. `drift`: from which population stability index a column has moved."""

    answer_days: int = 5
    outlier_mads: int = 6
    drift: float = 0.2


DEFAULT = QualityLimits()


def read_quality_limits(policies: Path) -> QualityLimits:
    """Read `quality.yaml`; a city whose policies have none has the defaults. Raises `InvalidInput`."""
    file = policies / "quality.yaml"
    if not file.is_file():
        return DEFAULT
    text = YamlText(
        file.read_text("utf-8"), policies / "quality.schema.json", what=f"{policies.name}/{file.name}"
    )
    return QualityLimits(**text.document)
