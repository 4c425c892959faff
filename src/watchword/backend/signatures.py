"""Signatures: what a procedure takes and gives, read from its annotations once, when it is registered.

An input is one model (`msgspec.Struct`, dataclass, TypedDict, pydantic v2), or the members of an object, one for each
plain parameter; a single positional-only parameter is the whole input. The first parameter is the call, where it is
annotated as one or is named `call`.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, Protocol, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from watchword.backend.invalid_input import invalid_input, invalid_model, is_pydantic
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

_COMPONENTS = "#/components/schemas/"


class Shape(Protocol):
    """A type that values are read as and written from."""

    def read(self, value: Any) -> Any:
        """Return what a decoded JSON value is as this type, or raise Problem INVALID_PAYLOAD."""

    def write(self, value: Any) -> Any:
        """Return a value as JSON, or raise TypeError or ValueError when it is not of this type."""

    def schema(self, components: Json, prefix: str) -> Json:
        """Return the JSON Schema; what it refers to is added to `components`, under names with a prefix."""


class PlainShape:
    """Whatever msgspec understands, and a whole pydantic model, which brings its own rules."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def read(self, value: Any) -> Any:
        """Return the value as the type says."""
        if self.kind is Any:
            return value
        try:
            return msgspec.convert(value, self.kind, strict=True)
        except msgspec.ValidationError as error:
            raise invalid_input(str(error)) from error

    def write(self, value: Any) -> Any:
        """Return the value as JSON, checked against the type."""
        plain = msgspec.to_builtins(value, str_keys=True)
        if self.kind is not Any:
            msgspec.convert(plain, self.kind, strict=True, str_keys=True)
        return plain

    def schema(self, components: Json, prefix: str) -> Json:
        """Return the type's schema."""
        (schema,), parts = msgspec.json.schema_components([self.kind], ref_template=f"{_COMPONENTS}{prefix}{{name}}")
        components |= {f"{prefix}{name}": part for name, part in parts.items()}
        return schema


class PydanticShape:
    """A pydantic v2 model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def read(self, value: Any) -> Any:
        """Validate as pydantic does JSON."""
        try:
            return self._model.model_validate(value)
        except ValueError as error:  # pydantic's own error is one
            raise invalid_model(error) from error

    def write(self, value: Any) -> Any:
        """Return the model, or what makes one, as JSON."""
        found = value if isinstance(value, self._model) else self._model.model_validate(value)
        return found.model_dump(mode="json", by_alias=True)

    def schema(self, components: Json, prefix: str) -> Json:
        """Return the model's schema."""
        schema: Json = self._model.model_json_schema(ref_template=f"{_COMPONENTS}{prefix}{{model}}")
        components |= {f"{prefix}{name}": part for name, part in schema.pop("$defs", {}).items()}
        return schema


class Signature:
    """How to call a function with an input, and what its result is."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.is_generator = inspect.isasyncgenfunction(function)
        if not self.is_generator and not inspect.iscoroutinefunction(function):
            raise TypeError(f"{function.__name__} must be an async function or an async generator")
        hints = _hints(function)
        parameters = list(inspect.signature(function).parameters.values())
        self.takes_call = bool(parameters) and _is_call(parameters[0], hints)
        rest = parameters[1:] if self.takes_call else parameters
        for parameter in rest:
            if parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
                raise TypeError(f"{function.__name__} must name its parameters")
        self.names = tuple(parameter.name for parameter in rest)
        self.takes_whole = len(rest) == 1 and (
            rest[0].kind is inspect.Parameter.POSITIONAL_ONLY or _is_model(hints.get(rest[0].name))
        )
        self._default = rest[0].default if self.takes_whole else inspect.Parameter.empty
        self.input = self._input(rest, hints)
        self._has_defaults = [parameter.default is not inspect.Parameter.empty for parameter in rest]
        self.output = shape_of(_result(hints.get("return", Any), is_generator=self.is_generator))

    def _input(self, rest: list[inspect.Parameter], hints: dict[str, Any]) -> Shape | None:
        if not rest:
            return None
        if self.takes_whole:
            return shape_of(hints.get(rest[0].name, Any))
        members: list[Any] = []
        for parameter in rest:
            kind = hints.get(parameter.name, Any)
            if is_pydantic(kind):
                raise TypeError(f"{self.function.__name__}: a pydantic model must be the only parameter")
            if parameter.default is inspect.Parameter.empty:
                members.append((parameter.name, kind))
            else:
                members.append((parameter.name, kind, _default(parameter.default)))
        name = "".join(word.capitalize() for word in self.function.__name__.split("_")) + "Input"
        return PlainShape(msgspec.defstruct(name, members, kw_only=True, forbid_unknown_fields=True))

    @property
    def is_required(self) -> bool:
        """Whether it cannot be called without an input."""
        if self.takes_whole:
            return self._default is inspect.Parameter.empty
        return any(not has_default for has_default in self._has_defaults)

    def arguments(self, data: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what to call the function with, beside the call.

        Raises:
            Problem: INVALID_PAYLOAD.
        """
        if self.input is None:
            if data is not ABSENT and data is not None and data != {}:
                raise invalid_input("This procedure takes no input")
            return (), {}
        if self.takes_whole:
            if data is ABSENT and self._default is not inspect.Parameter.empty:
                return (self._default,), {}
            return (self.input.read(None if data is ABSENT else data),), {}
        found = self.input.read({} if data is ABSENT or data is None else data)
        return (), {name: getattr(found, name) for name in self.names}

    async def call(self, call: Any, data: Any) -> Any:
        """Call the function and return its result as JSON."""
        return self.output.write(await self.begin(call, data))

    def begin(self, call: Any, data: Any) -> Any:
        """Call the function: a coroutine, or an async generator.

        Raises:
            Problem: INVALID_PAYLOAD.
        """
        positional, named = self.arguments(data)
        return self.function(call, *positional, **named) if self.takes_call else self.function(*positional, **named)


def shape_of(kind: Any) -> Shape:
    """Return the shape of a type."""
    return PydanticShape(kind) if is_pydantic(kind) else PlainShape(kind)


def _result(kind: Any, *, is_generator: bool) -> Any:
    if kind is None:
        return type(None)
    if is_generator and get_origin(kind) is not None:
        return get_args(kind)[0]
    return Any if is_generator else kind


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"the annotations of {function.__name__} cannot be resolved: {error}") from error


def _is_call(parameter: inspect.Parameter, hints: dict[str, Any]) -> bool:
    kind = hints.get(parameter.name)
    return getattr(kind, "is_watchword_call", False) or (kind is None and parameter.name == "call")


def _is_model(kind: Any) -> bool:
    if is_pydantic(kind) or is_typeddict(kind):
        return True
    return isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind))


def _default(value: Any) -> Any:
    return msgspec.field(default_factory=lambda: value) if isinstance(value, list | dict | set) else value
