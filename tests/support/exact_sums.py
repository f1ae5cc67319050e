"""Decides which numbers disclose which units, in exact fractions, by the definition: slow, and right."""

from fractions import Fraction


def rank(rows: list[list[int]]) -> int:
    left, found = [[Fraction(value) for value in row] for row in rows], 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in range(found, len(left)) if left[row][column]), None)
        if pivot is None:
            continue
        left[found], left[pivot] = left[pivot], left[found]
        for row in range(found + 1, len(left)):
            factor = left[row][column] / left[found][column]
            left[row] = [mine - factor * theirs for mine, theirs in zip(left[row], left[found], strict=True)]
        found += 1
    return found


def told_of(numbers: list[list[int]], units: tuple[int, ...]) -> int:
    """How many independent combinations disclose these units alone."""
    others = [[value for unit, value in enumerate(row) if unit not in units] for row in numbers]
    return rank(numbers) - rank(others)
