"""Recipes from TOML files, with changes from the command line, checked before anything is done.

A recipe's name stands for the file of that name beside this one; a path to any other .toml file works as well,
so a run's own recipe.toml can be trained again.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from inkling.errors import RecipeError
from inkling.recipes.settings import AnyOptimizer, Recipe


def recipe_names() -> list[str]:
    """The recipes that come with Inkling, the default one first."""
    files = resources.files("inkling.recipes").iterdir()
    names = sorted(Path(file.name).stem for file in files if file.name.endswith(".toml"))
    return sorted(names, key=lambda name: name != "default")


def load_recipe(recipe: str | Path = "default", changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of that name, or in that .toml file, with `changes` made to it.

    `changes` maps "section.key" to a value: {"training.epochs": 5}. Raises RecipeError with one line that names
    the wrong key, what it was, and what it may be.
    """
    values = read_recipe(recipe)
    # Names come first: a new optimizer resets the section that its learning rate belongs to.
    for key, value in sorted((changes or {}).items(), key=lambda item: not item[0].endswith(".name")):
        change(values, key, value)
    return validated(values, f"recipe {recipe}")


def read_recipe(recipe: str | Path) -> dict[str, Any]:
    """The TOML of a recipe as nested dictionaries. Raises RecipeError if there is none, or it is no TOML."""
    text = str(recipe)
    if text in recipe_names():
        content = (resources.files("inkling.recipes") / f"{text}.toml").read_text(encoding="utf-8")
        return {"name": text, **tomllib.loads(content)}
    path = Path(text)
    if path.is_dir() and (path / "recipe.toml").is_file():
        path = path / "recipe.toml"
    if path.suffix != ".toml":
        close = difflib.get_close_matches(text, recipe_names(), n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(recipe_names())}."
        raise RecipeError(f"there is no recipe called {text!r}: {hint} A path to a .toml file works too")
    try:
        return {"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))}
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecipeError(f"{path} is not TOML: {error}") from None


def change(values: dict[str, Any], key: str, value: Any) -> None:
    """Set "section.key" in the nested dictionaries of a recipe.

    A new optimizer or schedule starts from its own defaults: what the old one was tuned to means
    nothing to it. Raises RecipeError for a key that is not of the form "section.key".
    """
    section, _, name = key.partition(".")
    if not name and section in ("name", "title", "expect", "claim"):
        values[section] = value
        return
    if not name or "." in name:
        raise RecipeError(f"{key!r} is no setting: write section.key, for example training.epochs")
    settings = values.setdefault(section, {})
    if not isinstance(settings, dict):
        raise RecipeError(f"{section!r} is no section: {key} cannot be set")
    if section in ("optimizer", "schedule") and name == "name" and settings.get("name") != value:
        settings.clear()
    settings[name] = value


def parse_setting(text: str) -> tuple[str, Any]:
    """`training.epochs=5` as ("training.epochs", 5). The value is TOML; what is no TOML is taken as text."""
    key, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"{text!r} sets nothing: write section.key=value, for example training.epochs=5")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return key.strip(), value.strip()


def validated(values: dict[str, Any], where: str) -> Recipe:
    """The recipe, if pydantic finds nothing wrong with it; else RecipeError about the first wrong thing."""
    # A schedule or an optimizer without a name is the default one.
    if isinstance(values.get("optimizer"), dict):
        values["optimizer"].setdefault("name", "sgd")
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{where}: {complaint(error, values)}") from None


def complaint(error: ValidationError, values: dict[str, Any]) -> str:
    """Pydantic's first complaint about these values in one line."""
    first = error.errors()[0]
    tags = {model.model_fields["name"].default for model in models_in(AnyOptimizer)}
    place = place_of(first["loc"], values)
    key, given = written(place), first["input"]
    # Where a value may be of several kinds, pydantic says of each why it is not that.
    reasons = dict.fromkeys(
        reason["msg"].removeprefix("Value error, ")
        for reason in error.errors()
        if place_of(reason["loc"], values) == place
    )
    message = " or ".join(reason[:1].lower() + reason[1:] for reason in reasons)
    if first["type"] == "extra_forbidden":
        known = keys_at(place[:-1], tags & {str(part) for part in first["loc"]})
        close = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        return f"there is no setting {key}; {hint}"
    if first["type"] == "missing":
        return f"{key} is {given!r}, but needs {first['loc'][-1]} as well"
    if first["type"] == "model_type":
        return f"{key} is {given!r}, but has settings of its own: {', '.join(keys_at(place, set()))}"
    if first["type"] == "union_tag_invalid":
        return f"optimizer.name is {given.get('name')!r}; known are {', '.join(sorted(tags))}"
    if not place or first["type"] == "value_error":
        return f"{key}: {message}" if key else message
    return f"{key} is {given!r}: {message}"


def models_in(kind: Any) -> list[type[BaseModel]]:
    """The schemas that a type is made of: of a union, or a list, all there are in it."""
    if isinstance(kind, type) and get_origin(kind) is None:
        return [kind] if issubclass(kind, BaseModel) else []
    return [model for each in get_args(kind) for model in models_in(each)]


def place_of(loc: tuple[int | str, ...], values: Any) -> list[int | str]:
    """The keys, and places in lists, that lead to what pydantic complains of.

    It also names the branch of a union that it tried ("adam", "int"): that is no key, so it isn't found there.
    """
    place, here = [], values
    for part in loc:
        if part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int):
            place.append(part)
            here = here[part]
    return place


def written(place: list[int | str]) -> str:
    """The place as a reader finds it: "network.hidden (layer 2).units". Like the names of layers, it counts from 1."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f" (layer {part + 1})"
        else:
            text += f"{'.' if text else ''}{part if part.isprintable() else repr(part)}"
    return text


def keys_at(place: list[int | str], tags: set[str]) -> list[str]:
    """The keys that the section, or the layer, at this place of a recipe may have."""
    models: list[type[BaseModel]] = [Recipe]
    for part in place:
        if isinstance(part, str):
            models = models_in(models[0].model_fields[part].annotation)
    chosen = [model for model in models if "name" in model.model_fields and model.model_fields["name"].default in tags]
    return [key for model in (chosen or models)[:1] for key in model.model_fields]
