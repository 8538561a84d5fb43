"""What a scheme is asked for, checked before it starts."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir

from edgernn.errors import InputError

KEPT = "kept in float32 as asked"


@dataclass(frozen=True)
class Option:
    """An option of a scheme, an entry of its module's `OPTIONS`.

    Attributes:
        default: what it is where nothing is said; a value must be of its type.
        help: one line.
        choices: the values that it may have; empty where any of its type will do.
    """

    default: int | float | str
    help: str
    choices: tuple[int | float | str, ...] = ()


@dataclass(frozen=True)
class Request:
    """What `edgernn.quantize` asks of a scheme.

    Attributes:
        keep: names of initializers or nodes whose weights stay float32; a node's name covers its bodies.
        calibration: typical inputs, one array an input of the model; None where none were given.
        options: a value for each entry of the scheme's `OPTIONS`.
        plain: whether only operators of ONNX itself may be used, for runtimes other than onnxruntime.
    """

    keep: frozenset[str] = frozenset()
    calibration: Sequence[np.ndarray] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    plain: bool = False

    def keeps(self, *names: str | None) -> bool:
        """Whether anything of these names is to stay float32."""
        return not self.keep.isdisjoint(names)


def check_keep(keep: Iterable[str], graph: ir.Graph) -> frozenset[str]:
    """The names to keep, each of which the graph has; raises InputError with the nearest name if not."""
    if isinstance(keep, str):
        raise InputError(f"keep: {keep!r} is one name; give a list of names, e.g. [{keep!r}].")
    names = frozenset(keep)
    known = set(graph.initializers) | {node.name for node in all_nodes(graph) if node.name}
    for name in sorted(names - known):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else "`edgernn quantize` without it lists the weights."
        raise InputError(f"keep: the model has no weight and no node {name!r}. {hint}")
    return names


def settle_options(
    given: Mapping[str, Any] | None, declared: Mapping[str, Option], scheme: str
) -> dict[str, Any]:
    """A value for each declared option; text, as the command line has it, is read as the option's type.

    Raises:
        InputError: where an option is unknown, or its value not allowed.
    """
    values = {name: option.default for name, option in declared.items()}
    for name, value in (given or {}).items():
        if name not in declared:
            known = f"it takes {sorted(declared)}" if declared else "it takes none"
            raise InputError(f"options: scheme {scheme} has no option {name!r}; {known}.")
        values[name] = _read(name, value, declared[name])
    return values


def _read(name: str, value: Any, option: Option) -> Any:
    kind = type(option.default)
    parsed = value
    if isinstance(value, str) or (kind is float and isinstance(value, int)):
        try:
            parsed = kind(value)
        except ValueError:
            parsed = value
    if type(parsed) is not kind or (option.choices and parsed not in option.choices):
        allowed = f"one of {list(option.choices)}" if option.choices else f"a value of type {kind.__name__}"
        raise InputError(f"options: {name} is {value!r}; it must be {allowed}.")
    return parsed


def all_nodes(graph: ir.Graph) -> Iterator[ir.Node]:
    """The nodes of a graph and of the bodies in it."""
    yield from ir.traversal.RecursiveGraphIterator(graph)
