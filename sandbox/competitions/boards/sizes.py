"""The public sizes of a part of a split: how many people it has, and of these how many of each class."""

from dataclasses import dataclass

from sandbox.errors import InvalidInput


@dataclass(frozen=True)
class Sizes:
    """Fixed public numbers (people). `positives` is needed by metrics of two classes only: the split puts
    exactly so many people of the positive class into the part. A score divides by these numbers and never
    by a count of rows."""

    people: int
    positives: int | None = None

    def __post_init__(self) -> None:
        if self.people < 1 or not (self.positives is None or 0 < self.positives < self.people):
            raise InvalidInput(
                f"A part of {self.people} people with {self.positives} positives cannot be scored.",
                code="bad_sizes",
                remedy="Give at least one person, and at least one of each class where classes are scored.",
                zh=f"{self.people} 人、其中 {self.positives} 名正类的部分无法评分。",
                remedy_zh="人数至少为 1；按类别评分时，每类至少 1 人。",
            )

    @property
    def classes(self) -> tuple[int, int]:
        """People of the positive and of the negative class. Raises `InvalidInput` if they are not fixed."""
        if self.positives is None:
            raise InvalidInput(
                "This metric needs the number of people of each class.",
                code="classes_not_fixed",
                remedy="Stratify the split by the target: then the sizes of both classes are public numbers.",
                zh="该指标需要每个类别的人数。",
                remedy_zh="请按目标分层划分：两个类别的人数即成为公开数字。",
            )
        return self.positives, self.people - self.positives
