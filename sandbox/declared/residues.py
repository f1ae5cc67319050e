"""How is a system of whole numbers solved exactly, and fast? In residues by a prime that is drawn for each check.

Whatever a system determines over the rationals, it determines in residues too, unless the prime divides one of its invariant
factors. The prime is drawn from some fifty million, after the tables are there: nobody can prepare numbers for it.
"""

import secrets

import numpy as np
import numpy.typing as npt

Residues = npt.NDArray[np.int64]

LEAST_PRIME, MOST_PRIME = 2**30, 2**31  # products of two residues fit into 64 bits
WITNESSES = (2, 3, 5, 7)  # they tell all primes below 3.2 * 10**9 (Jaeschke, 1993)


def drawn_prime() -> int:
    while True:
        drawn = LEAST_PRIME + 2 * secrets.randbelow((MOST_PRIME - LEAST_PRIME) // 2) + 1
        if is_prime(drawn):
            return drawn


def is_prime(odd: int) -> bool:
    """Miller and Rabin's test, which is exact for the sizes that are drawn here."""
    twos = ((odd - 1) & (1 - odd)).bit_length() - 1
    for witness in WITNESSES:
        power = pow(witness, (odd - 1) >> twos, odd)
        if power in (1, odd - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % odd
            if power == odd - 1:
                break
        else:
            return False
    return True


def row_reduced(matrix: Residues, prime: int, columns: int | None = None) -> tuple[Residues, list[int]]:
    """The reduced row echelon form by the first `columns` columns: its rows with a pivot, and the pivots' columns."""
    reduced, pivots = matrix % prime, list[int]()
    for column in range(matrix.shape[1] if columns is None else columns):
        done = len(pivots)
        if done == len(reduced):
            break
        below = np.flatnonzero(reduced[done:, column])
        if not len(below):
            continue
        first = done + int(below[0])
        if first != done:
            reduced[[done, first]] = reduced[[first, done]]
        reduced[done] = reduced[done] * pow(int(reduced[done, column]), -1, prime) % prime
        others = np.flatnonzero(reduced[:, column])
        others = others[others != done]
        if len(others):
            wide = np.flatnonzero(reduced[done])  # most rows are short for long
            block = np.ix_(others, wide)
            reduced[block] = (reduced[block] - reduced[others, column][:, None] * reduced[done, wide]) % prime
        pivots.append(column)
    return reduced[: len(pivots)], pivots


def null_space(equations: Residues, prime: int) -> Residues:
    """A basis, by rows, of what every equation (a row) makes zero."""
    unknowns = equations.shape[1]
    reduced, pivots = row_reduced(equations, prime)
    free = [column for column in range(unknowns) if column not in set(pivots)]
    basis = np.zeros((len(free), unknowns), dtype=np.int64)
    for row, column in enumerate(free):
        basis[row, column] = 1
        basis[row, pivots] = -reduced[:, column] % prime
    return basis


def product(left: Residues, right: Residues, prime: int) -> Residues:
    """The product of two matrices, the first in two halves so that no sum is too large."""
    high, low = left >> 16, left & 0xFFFF
    made: Residues = ((high @ right) % prime * 2**16 + (low @ right)) % prime
    return made
