"""What buying stand-in rows answers with."""

from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from sandbox.catalog.schemas import (
    CorrelationDocument,
    DecilesDocument,
    GroupMeanDocument,
    LostDocument,
    QualityDocument,
    TrainedDocument,
)


class PurchaseDocument(TypedDict):
    """Bought stand-in rows: what was paid, how near they are to what was bought, and the log's entry."""

    id: UUID
    dataset: str
    version: int
    kind: Literal["dp"]
    epsilon: float
    delta: float
    picorho: int
    bought_by: str
    sha256: str
    quality: list[QualityDocument]
    group_means: list[GroupMeanDocument]
    correlations: list[CorrelationDocument]
    deciles: list[DecilesDocument]
    lost: list[LostDocument]
    trained: NotRequired[list[TrainedDocument]]
    log_index: int
