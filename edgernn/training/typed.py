"""Values of a known type from JSON or from command line text, strictly."""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from edgernn.errors import InputError

_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


def read_value(kind: Any, value: Any, where: str, *, text: bool = False) -> Any:
    """`value` as `kind`.

    Args:
        kind: bool, int, float, str, None, Any, Literal[...], tuple[T, ...], dict[str, T], a union of these,
            or a dataclass whose fields are of such types.
        value: what JSON gave; with `text`, a string from the command line or a Python value.
        where: what the value is, for messages.
        text: whether strings are parsed: "5" as an integer, "a,b" as a tuple, "none" as None.

    Raises:
        InputError: where it does not fit; the message names `where`, what was found and what is allowed.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if origin in (typing.Union, types.UnionType):
        # None first: as text, "none" would also be a str.
        for option in sorted(arguments, key=lambda option: option is not type(None)):
            try:
                return read_value(option, value, where, text=text)
            except InputError:  # noqa: PERF203 - a few options at most
                continue
        raise _refused(kind, value, where)
    if text and isinstance(value, str):
        value = _parse(kind, value)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(
            read_value(arguments[0], item, f"{where}[{n}]", text=text) for n, item in enumerate(value)
        )
    if origin is dict and isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {
            key: read_value(arguments[1], item, f"{where}.{key}", text=text) for key, item in value.items()
        }
    if origin is typing.Literal:
        fits = value in arguments
    elif kind is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        value = float(value) if fits else value
    elif kind is int:
        fits = isinstance(value, int) and not isinstance(
            value, bool
        )  # bool is a subclass of int, but no size
    else:
        fits = origin is None and isinstance(value, kind)
    if not fits:
        raise _refused(kind, value, where)
    return value


def type_name(kind: Any) -> str:
    """How a type is called in messages and help: "int", "none or float", "one of 'a', 'b'"."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is type(None):
        return "none"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_name(option) for option in arguments)
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(option) for option in arguments)
    if origin is tuple:
        return f"{type_name(arguments[0])}, comma-separated"
    if origin is dict:
        return f"an object of {type_name(arguments[1])}"
    return str(getattr(kind, "__name__", kind))


def _parse(kind: Any, value: str) -> Any:
    """Command line text as the Python value it spells for `kind`; as it is where it spells none."""
    text = value.strip()
    if kind is type(None):
        return None if text.lower() in ("none", "") else value
    if kind is bool and text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    if typing.get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return value
    return value


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, found {value!r}.")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in fields(kind)}
    for name in value:
        if name not in known:
            raise InputError(f"{where}: unknown key {name!r}. Allowed: {', '.join(sorted(known))}.")
    for name, item in known.items():
        if name not in value and item.default is MISSING and item.default_factory is MISSING:
            raise InputError(f"{where}: the key {name!r} is missing.")
    return kind(**{name: read_value(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _refused(kind: Any, value: Any, where: str) -> InputError:
    return InputError(f"{where}: expected {type_name(kind)}, found {value!r}.")
