"""The .ts format of the UCR and UEA time series archives, as far as it holds labelled series without gaps.

A header of lines that begin with @, then behind @data a line a sample: dimensions between colons, values of a
dimension between commas, and the label last.
"""

from __future__ import annotations

from pathlib import Path

from edgernn.errors import InputError
from edgernn.training.records import read_lines


def read_ts(file: Path, encoding: str = "utf-8") -> list[tuple[list[list[float]], str, str]]:
    """The samples of a file: rows of values by time step, the label, and where it stands.

    Raises:
        InputError: time stamps, missing values, no labels, dimensions of different lengths, a label that the
            header does not name, or what is no number; with the line.
    """
    header: dict[str, str] = {}
    found: list[tuple[list[list[float]], str, str]] = []
    in_data = False
    for line, text in read_lines(file, encoding):
        text = text.strip()
        where = f"{str(file)!r}, line {line}"
        if text.startswith("#"):
            continue
        if not in_data:
            if not text.startswith("@"):
                raise InputError(f"data: {where}: expected a line that begins with @ before @data.")
            key, _, value = text[1:].partition(" ")
            in_data = key.lower() == "data"
            header[key.lower()] = value.strip()
            if in_data:
                _check_header(header, file)
            continue
        found.append(_sample(text, header["classlabel"].split()[1:], where))
    if not found:
        raise InputError(f"data: {str(file)!r} holds no samples behind @data.")
    return found


def _check_header(header: dict[str, str], file: Path) -> None:
    if header.get("timestamps", "false").lower() == "true":
        raise InputError(f"data: {str(file)!r} has time stamps, which this reader does not take.")
    if header.get("classlabel", "false").split()[0].lower() != "true":
        raise InputError(f"data: {str(file)!r} has no class labels (@classLabel true …).")


def _sample(text: str, labels: list[str], where: str) -> tuple[list[list[float]], str, str]:
    *dimensions, label = text.split(":")
    if not dimensions or label.strip() not in labels:
        raise InputError(f"data: {where}: it must end in a colon and one of the labels {', '.join(labels)}.")
    columns = [dimension.split(",") for dimension in dimensions]
    if len({len(column) for column in columns}) > 1:
        lengths = ", ".join(str(len(column)) for column in columns)
        raise InputError(f"data: {where}: its dimensions have different lengths: {lengths}.")
    try:
        rows = [[float(value) for value in values] for values in zip(*columns, strict=True)]
    except ValueError as error:
        raise InputError(f"data: {where}: {error}. Missing values (?) are not taken; fill them.") from error
    return rows, label.strip(), where
