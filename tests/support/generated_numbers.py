"""A grammar of numbers made of whole numbers, decimals and DOUBLEs, from a seed."""

import random
from collections.abc import Callable

CONSTANTS = ("0.5", "0.1", "0.3", "2.0", "2.50", "0.125", "1.005", "3", "7", "1e-1", "2.5e0", "0.07", ".5")


class Numbers:
    """Expressions of numbers, from a seed."""

    def __init__(self, seed: int, texts_of: Callable[[str], list[str]]) -> None:
        """`texts_of` gives what an expression can be written out as; none where that fails."""
        self.chance, self.texts_of = random.Random(seed), texts_of

    def constant(self) -> str:
        return self.chance.choice(CONSTANTS)

    def number(self, depth: int = 3) -> str:
        if depth == 0 or self.chance.random() < 0.15:
            return self.chance.choice(("visits", "balance", "cost", "visits", "balance", self.constant()))

        def part() -> str:
            return self.number(depth - 1)

        def digits() -> int:
            return self.chance.randint(0, 3)

        forms: list[Callable[[], str]] = [
            lambda: f"({part()} * {self.constant()})",
            lambda: f"({part()} * {self.constant()})",
            lambda: f"({part()} + {part()})",
            lambda: f"({part()} - {self.constant()})",
            lambda: f"({part()} / {self.constant()})",
            lambda: f"({part()} // {self.constant()})",
            lambda: f"({part()} // {self.constant()})",
            lambda: f"({part()} % {self.constant()})",
            lambda: f"(-{part()})",
            lambda: f"ROUND({part()}, {digits()})",
            lambda: f"ROUND({part()}, -1)",
            lambda: f"{self.chance.choice(('ROUND', 'FLOOR', 'CEIL', 'TRUNC', 'ABS'))}({part()})",
            lambda: f"CAST({part()} AS DECIMAL(18, {digits()}))",
            lambda: f"CAST({part()} AS {self.chance.choice(('INTEGER', 'BIGINT', 'DOUBLE'))})",
            lambda: f"CAST({part()} AS INTEGER)",
            lambda: f"POW({part()}, {self.chance.randint(0, 2)})",
            lambda: f"COALESCE({part()}, {self.constant()})",
            lambda: f"LEAST({part()}, {self.constant()})",
            lambda: f"NULLIF({part()}, {self.constant()})",
            lambda: f"CASE WHEN {self.condition(depth - 1)} THEN {part()} ELSE {self.constant()} END",
        ]
        return self.chance.choice(forms)()

    def condition(self, depth: int = 3) -> str:
        left, compared = self.number(depth), self.chance.choice(("=", "<>", "<", "<=", ">", ">="))
        if self.chance.random() < 0.2:
            return f"{left} IN ({self.constant()}, {self.constant()}, 0.7, 1.4)"
        right = self.number(depth - 1) if depth > 1 and self.chance.random() < 0.3 else self.constant()
        return f"{left} {compared} {right}"

    def question(self) -> str:
        """Sums show values; conditions, texts and distinct values show the last bit of each."""
        number = self.number()
        said = self.chance.choice(
            (
                f"SUM({number})",
                f"COUNT(CASE WHEN {self.condition()} THEN 1 END)",
                f"COUNT(CASE WHEN {self.condition()} THEN 1 END)",
                f"COUNT(DISTINCT {number})",
                f"COUNT(CASE WHEN {number} || 'x' = '{self.written(number)}x' THEN 1 END)",
            )
        )
        return f"SELECT {said}, COUNT(*) FROM t.t"

    def written(self, number: str) -> str:
        """How DuckDB writes the number of some row, so that a text that is compared with is often met."""
        return self.chance.choice(self.texts_of(number) or ["0"])
