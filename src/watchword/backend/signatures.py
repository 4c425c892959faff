"""Signatures: what a procedure takes and gives, read from its annotations once, when it is registered.

An input is one model (`msgspec.Struct`, dataclass, TypedDict, pydantic v2), or the members of an object, one for each
plain parameter; a single positional-only parameter is the whole input. The first parameter is the call, where it is
annotated as one or is named `call`. An output is one value, or many as they come, each of which may be tracked.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from watchword.backend.invalid_input import invalid_input, invalid_model, is_pydantic
from watchword.backend.tracked import Tracked
from watchword.backend.uploads import ByteStream, FormData
from watchword.base.errors import Code, Problem
from watchword.protocol.operations import ABSENT, PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.protocol.operations import Manner

Json = dict[str, Any]

_COMPONENTS = "#/components/schemas/"
_MANY = (AsyncIterator, AsyncIterable, AsyncGenerator)

LAST_EVENT_ID = "lastEventId"
"""The member of an input by which a client that comes back tells the id of the last value that it has got."""
_LAST_EVENT_ID = "last_event_id"


class Shape(Protocol):
    """A type that values are read as and written from."""

    kind: Any

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
            return msgspec.convert(value, self.kind, strict=True, str_keys=True)
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
        self.kind = model

    def read(self, value: Any) -> Any:
        """Validate as pydantic does JSON."""
        try:
            return self.kind.model_validate(value)
        except ValueError as error:  # pydantic's own error is one
            raise invalid_model(error) from error

    def write(self, value: Any) -> Any:
        """Return the model, or what makes one, as JSON."""
        found = value if isinstance(value, self.kind) else self.kind.model_validate(value)
        return found.model_dump(mode="json", by_alias=True)

    def schema(self, components: Json, prefix: str) -> Json:
        """Return the model's schema."""
        schema: Json = self.kind.model_json_schema(ref_template=f"{_COMPONENTS}{prefix}{{model}}")
        components |= {f"{prefix}{name}": part for name, part in schema.pop("$defs", {}).items()}
        return schema


class UploadShape:
    """A form or a stream of bytes, which is taken as it is."""

    def __init__(self, kind: type[FormData | ByteStream], media_type: str) -> None:
        self.kind = kind
        self.media_type = media_type

    def read(self, value: Any) -> Any:
        """Return the form or the stream."""
        if not isinstance(value, self.kind):
            raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, f"The input has to come as {self.media_type}.")
        return value

    def write(self, value: Any) -> Any:
        """Refuse: nothing is given in this way."""
        raise TypeError(f"{self.media_type} is not what a procedure gives, but {type(value).__name__}")

    def schema(self, components: Json, prefix: str) -> Json:
        """Return the schema of a body that is no JSON (OpenAPI 3.1, "Considerations for File Uploads")."""
        del components, prefix
        return {"type": "object"} if self.kind is FormData else {"type": "string", "contentMediaType": self.media_type}


class Signature:
    """How to call a function with an input, and what its result is.

    Attributes:
        gives_many: values come one after another, of an async generator or of what the function returns.
        is_tracked: each of them is under an id.
        media_type: of an input that is no JSON; None for one that is.
    """

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
            rest[0].kind is inspect.Parameter.POSITIONAL_ONLY or _is_whole(hints.get(rest[0].name))
        )
        self._default = rest[0].default if self.takes_whole else inspect.Parameter.empty
        self.input_type = hints.get(rest[0].name, Any) if self.takes_whole else None
        self.input = self._input(rest, hints)
        self.media_type = self.input.media_type if isinstance(self.input, UploadShape) else None
        self._has_defaults = [parameter.default is not inspect.Parameter.empty for parameter in rest]
        given = hints.get("return", Any)
        self.gives_many = self.is_generator or get_origin(given) in _MANY
        self.is_tracked, self.output_type = _result(given, is_many=self.gives_many)
        self.output = shape_of(self.output_type)

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
            called = LAST_EVENT_ID if self.is_generator and parameter.name == _LAST_EVENT_ID else parameter.name
            members.append((parameter.name, kind, _field(called, parameter.default)))
        name = "".join(word.capitalize() for word in self.function.__name__.split("_")) + "Input"
        return PlainShape(msgspec.defstruct(name, members, kw_only=True, forbid_unknown_fields=True))

    @property
    def is_required(self) -> bool:
        """Whether it cannot be called without an input."""
        if self.takes_whole:
            return self._default is inspect.Parameter.empty
        return any(not has_default for has_default in self._has_defaults)

    def arguments(self, data: Any, manner: Manner = PLAIN) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what to call the function with, beside the call.

        Raises:
            Problem: INVALID_PAYLOAD, UNSUPPORTED_MEDIA_TYPE.
        """
        if self.input is None:
            if data is not ABSENT and data is not None and data != {}:
                raise invalid_input("This procedure takes no input")
            return (), {}
        if self.takes_whole:
            if data is ABSENT and self._default is not inspect.Parameter.empty:
                return (self._default,), {}
            return (self._read(self.input, None if data is ABSENT else data, manner),), {}
        found = self._read(self.input, {} if data is ABSENT or data is None else data, manner)
        return (), {name: getattr(found, name) for name in self.names}

    @property
    def resumes(self) -> bool:
        """Whether the input says where a client that comes back was."""
        if self.input is None:
            return False
        components: Json = {}
        schema = self.input.schema(components, "")
        if "$ref" in schema:
            schema = components[schema["$ref"].removeprefix(_COMPONENTS)]
        return LAST_EVENT_ID in schema.get("properties", {})

    @staticmethod
    def _read(shape: Shape, data: Any, manner: Manner) -> Any:
        if not manner.native or isinstance(shape, UploadShape):
            return shape.read(data)
        from watchword.backend.native import read_native  # noqa: PLC0415 - few ask for it, and all would wait

        return read_native(data, shape.kind)

    def begin(self, call: Any, data: Any, manner: Manner = PLAIN) -> Any:
        """Call the function: a coroutine, or an async generator.

        Raises:
            Problem: INVALID_PAYLOAD, UNSUPPORTED_MEDIA_TYPE.
        """
        positional, named = self.arguments(data, manner)
        return self.function(call, *positional, **named) if self.takes_call else self.function(*positional, **named)


def shape_of(kind: Any) -> Shape:
    """Return the shape of a type."""
    if isinstance(kind, type) and kind in _UPLOADS:
        return UploadShape(kind, _UPLOADS[kind])
    return PydanticShape(kind) if is_pydantic(kind) else PlainShape(kind)


def _result(kind: Any, *, is_many: bool) -> tuple[bool, Any]:
    """Return whether the values are tracked, and of which type they are."""
    if kind is None:
        return False, type(None)
    if not is_many:
        return False, kind
    each = get_args(kind)[0] if get_origin(kind) is not None else Any
    if each is Tracked or get_origin(each) is Tracked:
        return True, (get_args(each) or (Any,))[0]
    return False, each


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"the annotations of {function.__name__} cannot be resolved: {error}") from error


def _is_call(parameter: inspect.Parameter, hints: dict[str, Any]) -> bool:
    kind = hints.get(parameter.name)
    return getattr(kind, "is_watchword_call", False) or (kind is None and parameter.name == "call")


_UPLOADS: dict[Any, str] = {FormData: "multipart/form-data", ByteStream: "application/octet-stream"}


def _is_whole(kind: Any) -> bool:
    if is_pydantic(kind) or is_typeddict(kind) or kind in (FormData, ByteStream):
        return True
    return isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind))


def _field(name: str, default: Any) -> Any:
    if default is inspect.Parameter.empty:
        return msgspec.field(name=name)
    if isinstance(default, list | dict | set):
        return msgspec.field(default_factory=lambda: default, name=name)
    return msgspec.field(default=default, name=name)
