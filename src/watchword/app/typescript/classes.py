"""Classes of Python: what their types would like to be called, where they come from, what they say of themselves."""

from __future__ import annotations

import inspect
import re
from enum import Enum
from typing import Any, get_args, get_origin

from watchword.app.typescript.types import Declaration, Doc, Type

_WORD = re.compile(r"[^\W_]+")
_LOCAL = "<locals>"


def declaration(cls: Any, body: Type) -> Declaration:
    """Return how the type of a class is declared."""
    origin = get_origin(cls) or cls
    around = [part for part in origin.__qualname__.partition("[")[0].split(".")[:-1] if part != _LOCAL]
    return Declaration(title_of(cls), (*origin.__module__.split("."), *around), body, doc_of(origin))


def title_of(kind: Any) -> str:
    """Return what a type would like to be called; the arguments of a generic one are part of that."""
    if kind is None or kind is type(None):
        return "Null"
    origin = get_origin(kind)
    if origin is None:
        return _joined(getattr(kind, "__name__", None) or str(kind))
    name = getattr(origin, "__name__", "Union")
    titles = map(title_of, get_args(kind))
    arguments = "".join(title[:1].upper() + title[1:] for title in titles)
    return _joined(name) + arguments if isinstance(origin, type) and not name.startswith("Union") else arguments


def capitalized(text: str) -> str:
    """Return the words of a name as one: `my_shop` is `MyShop`."""
    return "".join(word[0].upper() + word[1:] for word in _WORD.findall(text))


def doc_of(cls: Any) -> Doc:
    """Return the docstring that somebody wrote for a class, not what Python puts in its place."""
    text = cls.__dict__.get("__doc__")
    if not isinstance(text, str) or text.startswith(f"{cls.__name__}("):
        return ()
    if issubclass(cls, Enum) and text == "An enumeration.":
        return ()
    return lines_of(text)


def lines_of(text: str) -> Doc:
    """Return the lines of a text as they are in a comment."""
    return tuple(inspect.cleandoc(text).splitlines())


def _joined(name: str) -> str:
    """Return a name, with what no name has in it left out."""
    if name.isidentifier():
        return name
    made = capitalized(name)
    return made if made.isidentifier() else f"T{made}"
