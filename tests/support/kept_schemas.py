"""What FastAPI makes of the types of operations is kept for the next app that has the same operations.

A test process makes hundreds of portals and vaults, and half of its work was to build the same validators
anew. One does not change once it is built, so equal types with equal fields share it; what cannot be compared
is built anew. So it is within a service that was forked (`forked_services.py`); one that was started as in
production builds all of its own, as ever.
"""

import gc
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any, get_args

import fastapi.routing
import pytest
from fastapi._compat import v2
from fastapi.dependencies import models, utils
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo

FIELDS = tuple(name for name in FieldInfo.__slots__ if name in v2._Attrs)
OF_CALLS = [known for name, known in vars(models).items() if name.endswith("_callable_cached")]


class Named:
    """A type, equal to another if their adapters are alike."""

    def __init__(self, annotated: Any) -> None:
        self.annotated = annotated
        kind, *more = get_args(annotated)
        self.parts = (known(kind), *map(known, more))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)


def known(part: Any) -> Hashable:
    """What tells a part of a type; its words tell 1 from True, which are equal."""
    if isinstance(part, FieldInfo):
        told = tuple(getattr(part, name) for name in FIELDS)
        return (type(part), told, repr(told), part.annotation, *map(known, part.metadata))
    return (part, repr(part))


def adapter(annotated: Any, *, config: Any = None) -> TypeAdapter[Any]:
    """`TypeAdapter(annotated, config=config)`, which may have been built before."""
    try:
        key = Named(annotated)
        hash(key)
    except TypeError:  # something in it cannot be compared
        return TypeAdapter(annotated, config=config)
    return TypeAdapter(annotated, config=config) if config is not None else built(key)


@lru_cache(maxsize=4096)
def built(key: Named) -> TypeAdapter[Any]:
    return TypeAdapter(key.annotated)


def body_model(
    *, fields: Sequence[v2.ModelField], model_name: str, config: ConfigDict | None = None
) -> type[BaseModel]:
    """FastAPI's model of a whole body, by which it is described; the fields are validated by themselves."""
    key = Body(fields, model_name)
    try:
        hash(key)
    except TypeError:
        return anew(fields=fields, model_name=model_name, config=config)
    return anew(fields=fields, model_name=model_name, config=config) if config is not None else described(key)


class Body:
    """A body, equal to another of the same name with the same fields."""

    def __init__(self, fields: Sequence[v2.ModelField], name: str) -> None:
        self.fields, self.name = fields, name
        self.parts = (name, *((field.name, known(field.field_info)) for field in fields))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Body) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)


@lru_cache(maxsize=1024)
def described(body: Body) -> type[BaseModel]:
    return anew(fields=body.fields, model_name=body.name)


def dependency(*, path: str, call: Callable[..., Any], **said: Any) -> models.Dependant:
    """What FastAPI finds out of a dependency, as who asks: it would look at it anew for each operation.
    One that takes something of a path or a query is another thing at each path, and is not kept."""
    key = (call, *((name, tuple(of) if isinstance(of, list) else of) for name, of in sorted(said.items())))
    if (found := dependencies.get(key)) is None:
        found = looked_at(path=path, call=call, **said)
        if not of_address(found):
            dependencies[key] = found
    return found


def of_address(dependant: models.Dependant) -> bool:
    return bool(dependant.path_params or dependant.query_params) or any(
        map(of_address, dependant.dependencies)
    )


dependencies: dict[Hashable, models.Dependant] = {}
looked_at = utils.get_dependant
utils.get_dependant = dependency  # of dependencies: for an operation itself, FastAPI's routes have its own
fastapi.routing.compile_path = lru_cache(maxsize=4096)(fastapi.routing.compile_path)  # type: ignore[attr-defined]

anew = v2.create_body_model
utils.create_body_model = body_model  # type: ignore[attr-defined]
v2.TypeAdapter = adapter  # type: ignore[attr-defined,misc,assignment]


def pytest_configure() -> None:
    # an app is a hundred thousand objects, of which none is garbage while it is put together
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """FastAPI remembers of four thousand functions what they are: that kept the last apps alive."""
    for remembered in OF_CALLS:
        remembered.cache_clear()
    dependencies.clear()
