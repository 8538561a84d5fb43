"""The space that is searched: a TOML file that names options of a recipe, with what each may be.

[learning_rate]
low = 1e-4
high = 1e-2
log = true                  # evenly in the logarithm

[hidden_size]
low = 16
high = 128
step = 16                   # 16, 32, …, 128; whole numbers without it go by 1

[cell]
choices = ["gru", "lstm"]   # of any option; a tuple as text, "a,b"
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgernn.errors import InputError
from edgernn.files import existing_file
from edgernn.training.options import TrainingOptions, read_options
from edgernn.training.typed import read_value, type_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Range:
    """What an option may be.

    Attributes:
        low, high: the ends of a range, both inside.
        log: whether it is searched evenly in the logarithm.
        step: distance of the values that are tried; None: whole numbers by 1, others continuously.
        choices: in the place of a range: values.
        whole: whether the option takes whole numbers; follows from the recipe.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None
    choices: tuple[Any, ...] = ()
    whole: bool = False


def read_space(
    path: str | Path, kind: type[TrainingOptions], given: Mapping[str, Any], fixed: tuple[str, ...] = ()
) -> dict[str, Range]:
    """The space of a file, each end and choice checked as an option of the recipe.

    Args:
        path: the file.
        kind: the recipe's options.
        given: options that are set already, for all trials.
        fixed: options that cannot be searched for, since they change the data.

    Raises:
        InputError: the file is missing or no TOML; an option is unknown, fixed or given; a value is not of
            its type or out of its range; a range is none.
    """
    file = existing_file(path, "search")
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"search: {str(file)!r} is not TOML ({error}).") from error
    if not tables:
        raise InputError(
            f"search: {str(file)!r} names no option; write e.g. [learning_rate] with low and high."
        )
    hints = typing.get_type_hints(kind)
    space = {}
    for name, table in tables.items():
        where = f"search: {str(file)!r}: [{name}]"
        if name in given:
            raise InputError(
                f"{where}: the option is given already, as {given[name]!r}. Leave one of both out."
            )
        if name in fixed:
            raise InputError(f"{where}: changes which data are scored, so that trials could not be compared.")
        entry: Range = read_value(Range, table, where)
        space[name] = _checked(entry, where, table, hints.get(name))
        # Ends as the file has them, whole numbers whole.
        ends = entry.choices or (table["low"], table["high"])
        _check_values(kind, given, name, ends, where)
    return space


def _check_values(
    kind: type[TrainingOptions], given: Mapping[str, Any], name: str, values: tuple[Any, ...], where: str
) -> None:
    """Raise InputError where the recipe does not take one of the values."""
    try:
        for value in values:
            read_options(kind, {**given, name: value})
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _checked(entry: Range, where: str, table: Mapping[str, Any], hint: Any) -> Range:
    """`entry` with `whole`; raises InputError where it is neither a range of the option nor choices."""
    if "whole" in table:
        raise InputError(f"{where}: unknown key 'whole'. Allowed: choices, high, log, low, step.")
    if "choices" in table:
        if len(table) > 1:
            raise InputError(
                f"{where}: choices stand alone, without {', '.join(sorted(set(table) - {'choices'}))}."
            )
        if len(set(map(repr, entry.choices))) < max(2, len(entry.choices)):
            raise InputError(f"{where}: choices must be two or more, each once, found {list(entry.choices)}.")
        if any(isinstance(value, list | dict) for value in entry.choices):
            raise InputError(
                f"{where}: choices must be numbers, texts or booleans; write a tuple as text, 'a,b'."
            )
        return entry
    if entry.low is None or entry.high is None:
        raise InputError(f"{where}: give low and high, or choices.")
    # An option that the recipe does not know is told of with the nearest name, when its values are read.
    if hint is not None and not {int, float} & set(_members(hint)):
        raise InputError(f"{where}: the option is {type_name(hint)} and has no range; give choices.")
    if not entry.low < entry.high:
        raise InputError(f"{where}: low must be less than high, found {entry.low} and {entry.high}.")
    if entry.log and entry.low <= 0:
        raise InputError(f"{where}: with log, low must be above 0, found {entry.low}.")
    if entry.step is not None and (entry.log or entry.step <= 0):
        raise InputError(f"{where}: step must be above 0 and goes without log, found {entry.step}.")
    whole = int in _members(hint)
    if not whole:
        return entry
    if isinstance(table.get("step"), float):
        raise InputError(f"{where}: the option takes whole numbers, found step = {table['step']!r}.")
    return replace(entry, whole=True)


def _members(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)
