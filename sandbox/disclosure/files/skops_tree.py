"""Counts the independent numbers in a scikit-learn tree, so that they can be compared with the number of
units it learned from.

Each node is stored with what follows from the nodes below it: how many rows came to it, what it predicts, how
far they spread. Such a number counts once, at the leaf. Whatever does not follow, in any field, counts in
full, as does a tree that is none: nothing can be hidden where it is not counted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NODE = np.dtype(
    [
        ("left_child", "<i8"),
        ("right_child", "<i8"),
        ("feature", "<i8"),
        ("threshold", "<f8"),
        ("impurity", "<f8"),
        ("n_node_samples", "<i8"),
        ("weighted_n_node_samples", "<f8"),
        ("missing_go_to_left", "u1"),
    ],
    align=True,
)
"""A node as scikit-learn's trees hold it. No other records are in a model: the names of their fields, their
order and their places could say anything."""
FIELDS = frozenset(NODE.names or ())
NONE, UNUSED = -1, -2
PER_SPLIT = 3  # which column, where, and where its rows go (with a bit a node for rows without a value)
CLOSE = 1e-9

Array = NDArray[Any]


def as_nodes(array: Array) -> Array | None:
    """The same records in the one type of nodes, with zeros between the fields; None of other records."""
    kind = array.dtype
    if frozenset(kind.names or ()) != FIELDS or any(
        kind[name].newbyteorder("<") != NODE[name] for name in FIELDS
    ):
        return None
    made = np.zeros(array.shape, NODE)
    for name in FIELDS:
        made[name] = array[name]
    return made


def own_numbers(nodes: Array, values: Array) -> tuple[int, int]:
    """How many numbers, and how many leaves.
    `nodes` are the records of scikit-learn's `Tree`, `values` what each predicts."""
    whole = values.size + nodes.size * len(nodes.dtype.names or ("",))
    if not is_tree(nodes, values):
        return whole, max(1, nodes.size // 2)
    leaf = nodes["left_child"] == NONE
    left, right = nodes["left_child"][~leaf], nodes["right_child"][~leaf]
    weight, said = nodes["weighted_n_node_samples"], values.reshape(len(nodes), -1)
    many, leaves = len(nodes), int(leaf.sum())
    numbers = PER_SPLIT * (many - leaves)

    def of_leaves(field: Array, below: Array, scale: float) -> int:
        """Those of the leaves, when the others follow from them; else all."""
        return leaves if bool((np.abs(field[~leaf] - below) <= CLOSE * scale).all()) else many

    counted = nodes["n_node_samples"]
    numbers += leaves if bool((counted[~leaf] == counted[left] + counted[right]).all()) else many
    if not (weight == counted).all():
        numbers += of_leaves(weight, weight[left] + weight[right], float(weight.max()))
    shares = (weight[left] / (weight[left] + weight[right]))[:, None]
    mean = shares * said[left] + (1 - shares) * said[right]
    # the last proportion is what the others leave
    for place in range(said.shape[1] - (1 if _proportions(said) else 0)):
        column = said[:, place]
        numbers += of_leaves(column, mean[:, place], float(np.abs(column).max()))
    return min(whole, numbers + _spread(nodes["impurity"], said, leaf, shares, left, right)), leaves


def _spread(impurity: Array, said: Array, leaf: Array, shares: Array, left: Array, right: Array) -> int:
    """Impurities that do not follow: none of a classifier's by Gini or entropy,
    those of the leaves of a variance."""
    if _proportions(said):
        positive = np.where(said > 0, said, 1)
        for rule in (1 - (said**2).sum(axis=1), -(said * np.log2(positive)).sum(axis=1)):
            if (np.abs(impurity - rule) <= CLOSE).all():
                return 0
        return len(impurity)
    if said.shape[1] != 1:
        return len(impurity)
    share, value = shares[:, 0], said[:, 0]
    squares = impurity + value**2
    below = share * squares[left] + (1 - share) * squares[right] - value[~leaf] ** 2
    follows = (np.abs(impurity[~leaf] - below) <= CLOSE * float(squares.max())).all()
    return int(leaf.sum()) if follows else len(impurity)


def _proportions(said: Array) -> bool:
    return (
        said.shape[1] > 1 and bool((np.abs(said.sum(axis=1) - 1) <= CLOSE).all()) and bool((said >= 0).all())
    )


def is_tree(nodes: Array, values: Array) -> bool:
    """Records as scikit-learn writes them: every node but the first is the child of one before it, and
    leaves say nothing of splits."""
    if (
        nodes.ndim != 1
        or not nodes.size
        or frozenset(nodes.dtype.names or ()) != FIELDS
        or values.ndim != 3
        or not values.size
    ):
        return False
    if len(values) != len(nodes) or values.dtype.kind != "f" or not np.isfinite(values).all():
        return False
    if any(nodes.dtype[name].kind not in "iuf" or not np.isfinite(nodes[name]).all() for name in FIELDS):
        return False
    left, right = nodes["left_child"], nodes["right_child"]
    leaf = left == NONE
    places = np.arange(len(nodes))
    children = np.sort(np.concatenate((left[~leaf], right[~leaf])))
    return bool(
        np.array_equal(children, places[1:])
        and (right[leaf] == NONE).all()
        and (left > places)[~leaf].all()
        and (right > places)[~leaf].all()
        and (nodes["feature"][leaf] == UNUSED).all()
        and (nodes["threshold"][leaf] == UNUSED).all()
        and np.isin(nodes["missing_go_to_left"], (0, 1)).all()
        and (nodes["weighted_n_node_samples"] > 0).all()
    )
