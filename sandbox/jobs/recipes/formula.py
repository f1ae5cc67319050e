"""Reads the formula of a regression: `y ~ x + C(key) + x:z`, whose parts are expressions of the query
language."""

from dataclasses import dataclass

MOST_TERMS = 40


class BadFormula(Exception):
    """Says what is wrong, in English and in Chinese."""

    def __init__(self, why: str, zh: str) -> None:
        super().__init__(why)
        self.why, self.zh = why, zh


@dataclass(frozen=True)
class Factor:
    """One expression of a term. `categorical`: written as C(...)."""

    sql: str
    categorical: bool


@dataclass(frozen=True)
class Formula:
    """`terms`: the factors of each, multiplied with each other. There is always an intercept."""

    outcome: str
    terms: tuple[tuple[Factor, ...], ...]


def read_formula(text: str) -> Formula:
    """Raises `BadFormula`."""
    sides = _split(text, "~")
    if len(sides) != 2 or not all(side.strip() for side in sides):
        raise BadFormula("a formula is written `outcome ~ term + term`", "公式应写作“结果 ~ 项 + 项”")
    terms = tuple(tuple(_factor(part) for part in _split(term, ":")) for term in _split(sides[1], "+"))
    if len(terms) > MOST_TERMS:
        raise BadFormula(f"a formula has at most {MOST_TERMS} terms", f"公式最多有 {MOST_TERMS} 项")
    return Formula(sides[0].strip(), terms)


def _factor(text: str) -> Factor:
    plain = text.strip()
    if not plain:
        raise BadFormula("a term of the formula is empty", "公式中有空项")
    if plain[:2] in ("C(", "c(") and _closes(plain):
        return Factor(plain[2:-1].strip(), categorical=True)
    return Factor(plain, categorical=False)


def _closes(text: str) -> bool:
    """Whether the bracket after its first letter closes at its end."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and place > 0:
            return place == len(text) - 1
    return False


def _split(text: str, at: str) -> list[str]:
    """At a sign that stands in no bracket and in no quotes."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            depth += (sign == "(") - (sign == ")")
            if sign == at and depth == 0:
                parts.append("")
                continue
        parts[-1] += sign
    return parts
