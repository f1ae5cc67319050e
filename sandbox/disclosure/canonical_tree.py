"""Writes a scikit-learn tree in its canonical form: what follows from its leaves is computed from them anew.

A node's number of rows, its prediction and its spread follow from the nodes below it, so nothing can hide
there. Nodes stand in the order in which scikit-learn grows a tree by depth. What leaves computes the same as
before: predictions come from splits and leaves alone.
"""

from dataclasses import dataclass

import numpy as np

from sandbox.disclosure.files.skops_tree import NONE, UNUSED, Array, as_nodes, is_tree
from sandbox.disclosure.weights import bits_of_weights, is_plain, rounded_weights


@dataclass(frozen=True)
class WrittenTree:
    """`nodes` and `values` as they leave; `bits`: what both can carry at most."""

    nodes: Array
    values: Array
    bits: float


def canonical_tree(nodes: Array, values: Array, bits: int) -> WrittenTree | None:
    """None for what is no tree as scikit-learn writes them."""
    held = as_nodes(nodes)
    if held is None or not is_plain(values) or not is_tree(held, values):
        return None
    nodes, values = held, values.astype(values.dtype.newbyteorder("<"))
    nodes, values = _by_depth(nodes, values)
    leaf = nodes["left_child"] == NONE
    made = np.zeros(nodes.shape, nodes.dtype)  # without what stood between the fields
    for name in nodes.dtype.names or ():
        made[name] = rounded_weights(nodes[name], bits)
    made["missing_go_to_left"][leaf] = 0
    below = _Below(made, leaf, 2.0 ** -(min(bits, 53) - 3))
    carried = float(len(made) + 8) + sum(
        bits_of_weights(made[name][~leaf], bits) for name in ("feature", "threshold")
    )
    carried += int((~leaf).sum())  # where rows without a value go
    carried += below.sums("n_node_samples", bits)
    if np.allclose(nodes["weighted_n_node_samples"], nodes["n_node_samples"], rtol=below.near):
        made["weighted_n_node_samples"] = made["n_node_samples"]
    else:
        carried += below.sums("weighted_n_node_samples", bits)
    flat = values.reshape(len(values), -1)
    proportions = _are_proportions(flat)
    said = _proportions(flat, bits) if proportions else rounded_weights(flat, bits)
    said, own = below.means(said, bits)
    carried += own
    carried += _spread(made, said, below, bits, proportions=proportions)
    return WrittenTree(made, said.reshape(values.shape).astype(values.dtype), carried)


class _Below:
    """What follows from the nodes below each. Children stand after their parents."""

    def __init__(self, nodes: Array, leaf: Array, near: float) -> None:
        self.nodes, self.leaf, self.near = nodes, leaf, near
        self.splits = np.flatnonzero(~leaf)[::-1]
        self.left, self.right = nodes["left_child"], nodes["right_child"]

    def sums(self, name: str, bits: int) -> float:
        """Each the sum of its two, if they are so by and large; what the field can carry then."""
        field = self.nodes[name]
        made = field.astype(np.float64)
        for place in self.splits:
            made[place] = made[self.left[place]] + made[self.right[place]]
        if np.allclose(made, field, rtol=self.near * 8, atol=0):
            field[...] = made
            return bits_of_weights(field[self.leaf], bits)
        return bits_of_weights(field, bits)

    def means(self, said: Array, bits: int) -> tuple[Array, float]:
        """Each the mean of its two by their weights."""
        made, weight = said.astype(np.float64), self.nodes["weighted_n_node_samples"].astype(np.float64)
        for place in self.splits:
            left, right = self.left[place], self.right[place]
            share = weight[left] / (weight[left] + weight[right])
            made[place] = share * made[left] + (1 - share) * made[right]
        scale = np.abs(said).max(axis=0) + 1e-300
        if (np.abs(made - said) <= self.near * 8 * scale).all():
            return made, bits_of_weights(said[self.leaf], bits)
        return said, bits_of_weights(said, bits)


def _spread(nodes: Array, said: Array, below: _Below, bits: int, *, proportions: bool) -> float:
    """The impurities: of a classifier by Gini or entropy, of a regression by the leaves' variances."""
    field = nodes["impurity"]
    if proportions:
        positive = np.where(said > 0, said, 1)
        rules = (1 - (said**2).sum(axis=1), -(said * np.log2(positive)).sum(axis=1) + 0.0)
        apart = [float(np.abs(field - rule).max()) for rule in rules]
        if min(apart) <= below.near * 8 * said.shape[1]:
            field[...] = rules[int(np.argmin(apart))]
            return 1.0
        return bits_of_weights(field, bits)
    if said.shape[1] != 1:
        return bits_of_weights(field, bits)
    value, weight = said[:, 0], nodes["weighted_n_node_samples"].astype(np.float64)
    made = field.astype(np.float64)
    for place in below.splits:
        left, right = below.left[place], below.right[place]
        share = weight[left] / (weight[left] + weight[right])
        # within both, and between them: nothing is subtracted that is nearly equal
        made[place] = share * made[left] + (1 - share) * made[right]
        made[place] += share * (1 - share) * (value[left] - value[right]) ** 2
    if (np.abs(made - field) <= below.near * 8 * max(float(np.abs(field).max()), 1e-300)).all():
        field[...] = made
        return bits_of_weights(field[below.leaf], bits)
    return bits_of_weights(field, bits)


def _are_proportions(said: Array) -> bool:
    return said.shape[1] > 1 and bool(
        (np.abs(said.sum(axis=1) - 1) <= 1e-6).all() and (said >= 0).all()  # a rounded one sums to 1 exactly
    )


def _proportions(said: Array, bits: int) -> Array:
    """On a grid of so many bits, summing to 1: what is over goes to those that lost most."""
    grid = 2.0 ** min(bits, 30)
    parts = np.floor(said * grid + 1e-9)
    over = np.rint(grid - parts.sum(axis=1)).astype(int)
    order = np.argsort(-(said * grid - parts), axis=1, kind="stable")
    for row, many in enumerate(over):
        if many > 0:
            parts[row, order[row, :many]] += 1
    return np.asarray(parts / grid)


def _by_depth(nodes: Array, values: Array) -> tuple[Array, Array]:
    """The same tree with its nodes in the order of a walk, left before right."""
    order, waits = [], [0]
    while waits:
        place = waits.pop()
        order.append(place)
        if nodes["left_child"][place] != NONE:
            waits += [int(nodes["right_child"][place]), int(nodes["left_child"][place])]
    new = np.empty(len(nodes), dtype=np.int64)
    new[order] = np.arange(len(nodes))
    moved = nodes[order].copy()
    for name in ("left_child", "right_child"):
        split = moved[name] != NONE
        moved[name][split] = new[moved[name][split]]
    moved["threshold"][moved["left_child"] == NONE] = UNUSED
    return moved, values[order]
