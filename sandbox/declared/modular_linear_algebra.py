"""Solves a system of whole numbers exactly and fast, in residues by a prime that is drawn for each check.

Whatever a system determines over the rationals, it determines in residues too, unless the prime divides one
of its invariant factors. The prime is drawn from some fifty million, after the tables are there: nobody can
prepare numbers for it.
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


def echelon(matrix: Residues, prime: int) -> tuple[Residues, list[int]]:
    """The row echelon form with pivots of one: its rows with a pivot, and the pivots' columns,
    which are the first columns that do not follow from those before them."""
    left, pivots = matrix % prime, list[int]()
    for column in range(matrix.shape[1]):
        done = len(pivots)
        if done == len(left):
            break
        below = np.flatnonzero(left[done:, column])
        if not len(below):
            continue
        first = done + int(below[0])
        if first != done:
            left[[done, first]] = left[[first, done]]
        left[done, column:] = left[done, column:] * pow(int(left[done, column]), -1, prime) % prime
        if 2 * len(below) > len(left) - done:
            rest = left[done + 1 :, column:]
            rest -= rest[:, :1] * left[done, column:] % prime
            rest %= prime
        else:
            rows = done + 1 + np.flatnonzero(left[done + 1 :, column])
            left[rows, column:] = (
                left[rows, column:] - left[rows, column][:, None] * left[done, column:]
            ) % prime
        pivots.append(column)
    return left[: len(pivots)], pivots


def null_space(equations: Residues, prime: int) -> Residues:
    """A basis, by rows, of what every equation (a row) makes zero."""
    unknowns = equations.shape[1]
    reduced, pivots = echelon(equations, prime)
    free = np.setdiff1d(np.arange(unknowns), pivots)
    basis = np.zeros((len(free), unknowns), dtype=np.int64)
    if len(free):
        solved = reduced[:, free]
        for row in range(len(pivots) - 1, 0, -1):
            solved[:row] = (solved[:row] - reduced[:row, pivots[row]][:, None] * solved[row]) % prime
        basis[np.arange(len(free)), free] = 1
        basis[:, pivots] = -solved.T % prime
    return basis


def product(left: Residues, right: Residues, prime: int) -> Residues:
    """The product of two matrices, the first in two halves so that no sum is too large."""
    high, low = left >> 16, left & 0xFFFF
    made: Residues = ((high @ right) % prime * 2**16 + (low @ right)) % prime
    return made
