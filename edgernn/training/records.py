"""The user's files, row by row, with errors that name the line: csv, tsv, jsonl, json and plain text."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgernn.errors import InputError


@dataclass(frozen=True)
class Record:
    """One row of a file.

    Attributes:
        where: the file and the line, or the entry, for messages.
        values: by column.
    """

    where: str
    values: dict[str, Any]


def read_text_file(file: Path, encoding: str = "utf-8") -> str:
    """The text of a file.

    Raises:
        InputError: it is empty, or not in that encoding (with the line).
    """
    return decode_text(file.read_bytes(), file, encoding)


def decode_text(data: bytes, file: Path, encoding: str = "utf-8") -> str:
    """The text of a file's content; raises InputError as `read_text_file` does."""
    try:
        # A byte order mark is no text.
        text = data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except LookupError as error:
        raise InputError(f"option encoding: Python knows no encoding {encoding!r}.") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"data: {str(file)!r} is not {encoding} text: byte 0x{data[error.start]:02X} in line {line}. "
            "Save it as UTF-8, or name its encoding, e.g. with --set encoding=latin-1."
        ) from error
    if not text.strip():
        raise InputError(f"data: {str(file)!r} is empty.")
    return text


def text_files(folder: Path) -> list[Path]:
    """The .txt files of a folder, by name; those that tell of a data set are no part of it."""
    # Upper-case names such as ORIGIN.txt and README.txt.
    return [file for file in sorted(folder.glob("*.txt")) if not file.stem.isupper()]


def read_lines(file: Path, encoding: str = "utf-8") -> list[tuple[int, str]]:
    """The lines of a file that are not empty, each with its number from 1; cut at line feeds alone."""
    lines = read_text_file(file, encoding).split("\n")
    return [(n, line.rstrip("\r")) for n, line in enumerate(lines, start=1) if line.strip()]


def read_records(file: Path, columns: Sequence[str], encoding: str = "utf-8") -> list[Record]:
    """The rows of a .csv, .tsv, .jsonl or .json file.

    Args:
        file: with a header line (csv, tsv), a JSON object a line (jsonl), or an object of objects by name, as
            SpeechBrain's annotations have it (json).
        columns: those that every row must have.
        encoding: of the file.

    Raises:
        InputError: an empty file, one without rows or without one of the columns, a row with more or fewer
            cells than the header, a line that is no JSON object, or another encoding; with the line.
    """
    if file.suffix.lower() == ".json":
        return _named_records(file, columns, encoding)
    if file.suffix.lower() in (".jsonl", ".ndjson"):
        return _json_records(file, columns, encoding)
    return _table_records(file, columns, encoding, "\t" if file.suffix.lower() == ".tsv" else ",")


def read_cells(file: Path, encoding: str = "utf-8", delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The rows of a table that are not empty, the header first, each with the line where it begins.

    Raises:
        InputError: an empty file, another encoding, quotes that do not end, or a row with more or fewer cells
            than the header; with the line.
    """
    text = read_text_file(file, encoding)
    # In .tsv files quotes are ordinary characters; a tab cannot stand in a cell.
    quotes: Any = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, quoting=quotes, strict=True,
        skipinitialspace=delimiter != "\t",
    )  # fmt: skip
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            # A quoted cell may hold line ends: the row begins behind the line where the last one ended.
            start, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = cells = [cell.strip() for cell in cells]
                twice = next((name for name in header if header.count(name) > 1), None)
                if twice is not None:
                    raise InputError(f"data: {str(file)!r}, line {start}: two columns are called {twice!r}.")
            if len(cells) != len(header):
                raise InputError(
                    f"data: {str(file)!r}, line {start}: {len(cells)} cells, the header has {len(header)} "
                    f"({', '.join(header)}). Put cells that hold the separator in quotes."
                )
            yield start, cells
    except csv.Error as error:
        raise InputError(f"data: {str(file)!r}, line {reader.line_num}: {error}.") from error


def _table_records(file: Path, columns: Sequence[str], encoding: str, delimiter: str) -> list[Record]:
    rows = read_cells(file, encoding, delimiter)
    line, header = next(rows)
    for name in columns:
        require_column(name, header, f"{str(file)!r}, line {line}")
    found = [
        Record(f"{str(file)!r}, line {start}", dict(zip(header, cells, strict=True))) for start, cells in rows
    ]
    if not found:
        raise InputError(f"data: {str(file)!r} has a header line but no rows.")
    return found


def _json_records(file: Path, columns: Sequence[str], encoding: str) -> list[Record]:
    found = []
    for line, text in read_lines(file, encoding):
        where = f"{str(file)!r}, line {line}"
        found.append(_json_record(_json(text, where), columns, where))
    return found


def _named_records(file: Path, columns: Sequence[str], encoding: str) -> list[Record]:
    entries = _json(read_text_file(file, encoding), repr(str(file)))
    if not isinstance(entries, dict) or not entries:
        raise InputError(
            f'data: {str(file)!r}: expected {{"name": {{…}}, …}}, an object with an object for each name. '
            "Give a file with an object a line the suffix .jsonl."
        )
    return [
        _json_record(values, columns, f"{str(file)!r}, entry {name!r}") for name, values in entries.items()
    ]


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"data: {where}: no JSON ({error}).") from error


def _json_record(values: Any, columns: Sequence[str], where: str) -> Record:
    if not isinstance(values, dict):
        raise InputError(f"data: {where}: expected a JSON object, found {type(values).__name__}.")
    for name in columns:
        require_column(name, list(values), where, "key")
    return Record(where, values)


def require_column(name: str, names: Sequence[str], where: str, what: str = "column") -> None:
    """Raise InputError, with the nearest name, where there is no column of that name."""
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(
            f"data: {where}: there is no {what} {name!r}.{hint} It has {', '.join(names) or 'none'}; name "
            "another one with --set."
        )


def text_value(record: Record, column: str) -> str:
    """A cell that must hold text; a number of JSON counts as its own text."""
    value = record.values[column]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"data: {record.where}: {column!r} must be text, found {value!r}.")
    text = str(value).strip()
    if not text:
        raise InputError(f"data: {record.where}: {column!r} is empty. Fill it, or remove the row.")
    return text


def file_below(folder: Path, record: Record, column: str, prefix: str = "", way_out: str = "") -> Path:
    """The file that a table names, which must lie below a folder.

    Args:
        folder: the table's, or another.
        record, column: what names the file.
        prefix: what may stand for the folder in the name.
        way_out: what else could be done, for the message.
    """
    name = text_value(record, column).removeprefix(prefix)
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise InputError(
            f"data: {record.where}: {name!r} lies outside {str(folder)!r}. Name files below it{way_out}."
        )
    return file
