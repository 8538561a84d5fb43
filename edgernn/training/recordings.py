"""Recordings of sensors with labels, from the user's files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.training.records import Record, read_lines, read_records, text_value
from edgernn.training.ts_format import read_ts

_RECORDING_FILES = (".txt", ".csv", ".tsv")


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording.

    Attributes:
        values: (time, features) float32, finite.
        label: what it is of.
        group: who or what it was recorded with; empty where unknown.
        where: where it stands.
    """

    values: Tensor
    label: str
    group: str
    where: str


@dataclass(frozen=True)
class Columns:
    """Which columns of a table hold what.

    Attributes:
        label, recording, group: names; no group where it is empty.
        features: names of the channels; empty: all other columns.
    """

    label: str = "label"
    recording: str = "recording"
    group: str = ""
    features: tuple[str, ...] = ()


def read_recordings(
    path: Path, columns: Columns, *, group_pattern: str = "", encoding: str = "utf-8"
) -> list[Recording]:
    """Read labelled recordings.

    Args:
        path: a folder of LABEL/ folders with a file a recording, a line of numbers a time step; a .csv or
            .tsv table with a row a time step and a column that tells recordings apart; a .jsonl file with an
            object {"values": [[…], …], "label": …} a recording; or a .ts file of the UCR and UEA archives.
        columns: names in tables.
        group_pattern: of a folder: a regular expression whose first group, searched in a file's name, is the
            recording's group, e.g. the person.
        encoding: of the files.

    Raises:
        InputError: what is missing or broken, with the line.
    """
    if path.is_dir():
        found = _from_folder(path, group_pattern, encoding)
    elif path.suffix.lower() == ".ts":
        found = [
            Recording(_tensor(rows, where), label, "", where)
            for rows, label, where in read_ts(path, encoding)
        ]
    elif path.suffix.lower() in (".jsonl", ".ndjson"):
        found = _from_json(path, columns, encoding)
    elif path.suffix.lower() in (".csv", ".tsv"):
        found = _from_table(path, columns, encoding)
    else:
        raise InputError(f"data: {str(path)!r} is no folder and ends in none of .csv, .tsv, .jsonl and .ts.")
    first = found[0]
    for recording in found:
        if recording.values.shape[1] != first.values.shape[1]:
            raise InputError(
                f"data: {recording.where}: {recording.values.shape[1]} channels, {first.where} has "
                f"{first.values.shape[1]}. Every recording must have the same ones."
            )
    return found


def _from_folder(folder: Path, group_pattern: str, encoding: str) -> list[Recording]:
    try:
        pattern = re.compile(group_pattern)
    except re.error as error:
        raise InputError(
            f"option group_pattern: {group_pattern!r} is no regular expression ({error})."
        ) from error
    if group_pattern and not pattern.groups:
        raise InputError(f"option group_pattern: {group_pattern!r} has no group in parentheses.")
    found = []
    for labelled in sorted(path for path in folder.iterdir() if path.is_dir()):
        for file in sorted(path for path in labelled.iterdir() if path.suffix.lower() in _RECORDING_FILES):
            group = ""
            if group_pattern:
                match = pattern.search(file.name)
                if match is None:
                    raise InputError(f"data: {str(file)!r}: its name does not match {group_pattern!r}.")
                group = match[1]
            found.append(Recording(_read_numbers(file, encoding), labelled.name, group, repr(str(file))))
    if not found:
        raise InputError(
            f"data: the folder {str(folder)!r} holds no LABEL/ folders with files that end in "
            f"{', '.join(_RECORDING_FILES)}."
        )
    return found


def _read_numbers(file: Path, encoding: str) -> Tensor:
    """A file with a line of numbers a time step, between spaces, tabs, commas or semicolons."""
    lines = read_lines(file, encoding)
    rows: list[list[float]] = []
    for place, (line, text) in enumerate(lines):
        cells = re.split(r"\s*[,;\t]\s*|\s+", text.strip())
        where = f"{str(file)!r}, line {line}"
        if place == 0 and len(lines) > 1 and not any(_is_number(cell) for cell in cells):
            continue  # a header
        rows.append([_number(cell, where) for cell in cells])
        if len(rows[-1]) != len(rows[0]):
            raise InputError(f"data: {where}: {len(rows[-1])} values, the lines before have {len(rows[0])}.")
    return torch.tensor(rows, dtype=torch.float32)


def _from_table(file: Path, columns: Columns, encoding: str) -> list[Recording]:
    needed = [
        columns.label,
        columns.recording,
        *([columns.group] if columns.group else []),
        *columns.features,
    ]
    records = read_records(file, needed, encoding)
    about = {columns.label, columns.recording, columns.group}
    features = columns.features or tuple(name for name in records[0].values if name not in about)
    if not features:
        raise InputError(
            f"data: {str(file)!r} has no column of values beside {', '.join(sorted(about - {''}))}."
        )
    parts: dict[str, list[Record]] = {}
    for record in records:
        parts.setdefault(text_value(record, columns.recording), []).append(record)
    found = []
    for rows in parts.values():
        label, group = text_value(rows[0], columns.label), _group(rows[0], columns.group)
        for row in rows:
            if text_value(row, columns.label) != label:
                raise InputError(
                    f"data: {row.where}: label {row.values[columns.label]!r}, but the recording began as "
                    f"{label!r} in {rows[0].where}. A recording has one label."
                )
        numbers = [[_number(row.values[name], row.where, name) for name in features] for row in rows]
        found.append(Recording(torch.tensor(numbers, dtype=torch.float32), label, group, rows[0].where))
    return found


def _from_json(file: Path, columns: Columns, encoding: str) -> list[Recording]:
    needed = ["values", columns.label, *([columns.group] if columns.group else [])]
    return [
        Recording(
            _tensor(record.values["values"], record.where),
            text_value(record, columns.label),
            _group(record, columns.group),
            record.where,
        )
        for record in read_records(file, needed, encoding)
    ]


def _tensor(rows: Any, where: str) -> Tensor:
    """Rows of numbers, a time step each."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise InputError(f"data: {where}: values must be a list of time steps, each a list of numbers.")
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise InputError(f"data: {where}: time steps have {' and '.join(map(str, sorted(widths)))} values.")
    return torch.tensor([[_number(value, where) for value in row] for row in rows], dtype=torch.float32)


def _group(record: Record, column: str) -> str:
    return text_value(record, column) if column else ""


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(value: Any, where: str, column: str = "") -> float:
    named = f" in column {column!r}" if column else ""
    try:
        number = math.nan if isinstance(value, bool | list | dict) or value is None else float(value)
    except ValueError as error:
        raise InputError(f"data: {where}: {value!r}{named} is no number.") from error
    if not math.isfinite(number):
        raise InputError(f"data: {where}: {value!r}{named} is no finite number. Fill or remove such rows.")
    return number


def groups_of(recordings: Iterable[Recording]) -> Sequence[str]:
    """The groups, sorted, without the empty one."""
    return sorted({recording.group for recording in recordings} - {""})
