"""Arrays from the user's files and to them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.files import atomic_path, existing_file

Array: TypeAlias = npt.NDArray[Any]


def read_npy(path: Path, argument: str) -> Array:
    """The array of a .npy file; `argument` names it in messages.

    Raises InputError where there is none, or it holds Python objects, which only unpickling could read.
    """
    file = existing_file(path, argument)
    if file.suffix != ".npy":
        raise InputError(f"{argument}: {str(file)!r} must end in .npy (numpy.save).")
    try:
        found = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{argument}: {str(file)!r} is no .npy file of numbers, or is damaged ({error})."
        ) from error
    if not isinstance(found, np.ndarray):
        raise InputError(f"{argument}: {str(file)!r} holds several arrays; save one with numpy.save.")
    return found


def read_csv(path: Path, columns: Sequence[str] = ()) -> Array:
    """Numbers of a CSV file, (rows, columns). A first line without any number is the header.

    Args:
        path: the file.
        columns: names of the columns to take, in this order; empty: all.

    Raises:
        InputError: a value that is no number, rows of different lengths, no rows, or an unknown column.
    """
    with existing_file(path, "input").open(encoding="utf-8-sig", newline="") as file:
        try:
            lines = [(reader.line_num, row) for reader in [csv.reader(file)] for row in reader if row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"input: {str(path)!r} is not a CSV file in UTF-8 ({error}).") from error
    header: list[str] = []
    if lines and not any(_is_number(cell) for cell in lines[0][1]):
        header = [cell.strip() for cell in lines.pop(0)[1]]
    if not lines:
        raise InputError(f"input: {str(path)!r} holds no rows of numbers.")
    width = len(header or lines[0][1])
    chosen = _positions(path, header, columns, width)
    values = np.empty((len(lines), len(chosen)))
    for index, (line, row) in enumerate(lines):
        if len(row) != width:
            raise InputError(
                f"input: line {line} of {str(path)!r} has {len(row)} values, others have {width}."
            )
        for place, position in enumerate(chosen):
            name = f"column {header[position]!r}" if header else f"column {position + 1}"
            values[index, place] = number(row[position], f"line {line} of {str(path)!r}, {name}")
    return values


def number(text: str, where: str) -> float:
    """`text` as a number; an empty one is NaN, a missing value. Raises InputError that names `where`."""
    try:
        return float(text) if text.strip() else float("nan")
    except ValueError as error:
        raise InputError(f"input: {where}: {text.strip()!r} is no number.") from error


def check_array_path(path: Path, names: Sequence[str]) -> None:
    """Raise InputError where the arrays of these names cannot be written to `path`: .npy holds only one."""
    if path.suffix == ".npy" and len(names) > 1:
        raise InputError(
            f"output: the model has the outputs {', '.join(names)}; write them to one .npz file, not "
            f"{str(path)!r}."
        )
    if path.suffix not in (".npy", ".npz"):
        raise InputError(f"output: {str(path)!r} must end in .npy or .npz; for text, redirect the output.")


def write_arrays(path: Path, arrays: dict[str, Array]) -> None:
    """Write one array as .npy, or several by name as .npz; atomically."""
    check_array_path(path, list(arrays))
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        if path.suffix == ".npy":
            np.save(file, next(iter(arrays.values())))
        else:
            np.savez(file, **arrays)  # type: ignore[arg-type]


def _positions(path: Path, header: Sequence[str], columns: Sequence[str], width: int) -> list[int]:
    if not columns:
        return list(range(width))
    for name in columns:
        if name not in header:
            known = f"its columns: {', '.join(header)}" if header else "it has no header line"
            raise InputError(f"column: {str(path)!r} has no column {name!r}; {known}.")
    return [header.index(name) for name in columns]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
