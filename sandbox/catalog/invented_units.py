"""Names units that do not exist.
Nobody can take the names for real, and datasets of one population join by them."""

import numpy as np
import pyarrow as pa

from sandbox.catalog.model import Type
from sandbox.catalog.seeded_random import Chance

ONE_MORE_FOR_EACH = 4


def invented_units(kind: Type, population: str, chance: Chance, count: int) -> pa.Array:
    """`count` different names in their order: `stand-in-residents-000007`,
    or a negative number where units are integers.

    They are a random four fifths of the population's first names, so most units of one dataset are also in
    another dataset of the same population, and some are not, as with real names.
    """
    numbers = chance.some_of(count + count // ONE_MORE_FOR_EACH, count) + 1
    if kind is Type.INTEGER:
        return pa.array(np.sort(-numbers), type=pa.int64())
    return pa.array([f"stand-in-{population}-{number:06}" for number in numbers], type=pa.string())
