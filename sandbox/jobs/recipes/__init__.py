"""Recipes: outputs that a team describes and the vault computes itself on the raw rows of a sealed run."""

from sandbox.jobs.recipes.outputs import MeasuredOutput, how_computed, outputs_of
from sandbox.jobs.recipes.outputs_zh import declared_zh
from sandbox.jobs.recipes.prepare import check_recipes, outputs_of_run, prepare_recipes, recipes_of
from sandbox.jobs.recipes.recipe import FILE, Recipe, read_recipes

__all__ = [
    "FILE",
    "MeasuredOutput",
    "Recipe",
    "check_recipes",
    "declared_zh",
    "how_computed",
    "outputs_of",
    "outputs_of_run",
    "prepare_recipes",
    "read_recipes",
    "recipes_of",
]
