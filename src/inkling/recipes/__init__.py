"""Recipes: trainings worth repeating, one TOML file each, and the run folders that they leave.

`load_recipe` reads and checks one, `run_recipe` carries it out.
"""

from inkling.recipes.build import build_augment, build_network, build_optimizer, build_plan
from inkling.recipes.loader import load_recipe, parse_setting, recipe_names
from inkling.recipes.run import Run, run_recipe
from inkling.recipes.settings import Recipe

__all__ = [
    "Recipe",
    "Run",
    "build_augment",
    "build_network",
    "build_optimizer",
    "build_plan",
    "load_recipe",
    "parse_setting",
    "recipe_names",
    "run_recipe",
]
