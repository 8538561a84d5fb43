"""Reading the metadata of an ONNX file, and the names of its functions, without loading the model.

An ONNX file is a protobuf message: a row of fields, each a number, a kind and a value. Only the fields of the
outermost message are looked at, so the weights are skipped, not read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edgernn.errors import InputError, ModelError

# ModelProto.metadata_props, a repeated message of key (1) and value (2).
_METADATA_PROPS = 14
_KEY, _VALUE = 1, 2
# ModelProto.functions, a repeated message of, among others, name (1) and domain (10).
_FUNCTIONS = 25
_NAME, _DOMAIN = 1, 10

# Kinds of field ("wire types" in protobuf's documents) and the bytes of the two that have a fixed size.
_VARINT, _LENGTH_DELIMITED = 0, 2
_FIXED_SIZES = {1: 8, 5: 4}


@dataclass
class Header:
    """What an ONNX file tells without its graph.

    Attributes:
        metadata: its metadata properties.
        functions: domain and name of each model-local function.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    functions: list[tuple[str, str]] = field(default_factory=list)


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata properties of the ONNX file at `path`; see `read_header`."""
    return read_header(path).metadata


def read_header(path: Path) -> Header:
    """The metadata and the functions of the ONNX file at `path`.

    Raises InputError where the file cannot be read, ModelError where it is no protobuf message or cut short.
    """
    try:
        with path.open("rb") as file:
            return _read_model(file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise InputError(f"model: {str(path)!r} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError) as error:
        raise ModelError(
            f"{str(path)!r} is not an ONNX file, or is damaged. Check that it was copied whole, or export "
            "the model again."
        ) from error


def _read_model(file: BinaryIO, end: int) -> Header:
    if end == 0:
        raise ValueError("the file is empty")
    header = Header()
    while file.tell() < end:
        number, kind, size = _read_field(file, end)
        if number == _METADATA_PROPS and kind == _LENGTH_DELIMITED:
            entry = _read_texts(file, file.tell() + size, (_KEY, _VALUE))
            header.metadata[entry[_KEY]] = entry.get(_VALUE, "")
        elif number == _FUNCTIONS and kind == _LENGTH_DELIMITED:
            entry = _read_texts(file, file.tell() + size, (_NAME, _DOMAIN))
            header.functions.append((entry.get(_DOMAIN, ""), entry.get(_NAME, "")))
        else:
            file.seek(size, os.SEEK_CUR)
    return header


def _read_texts(file: BinaryIO, end: int, wanted: tuple[int, int]) -> dict[int, str]:
    """The fields of a message that are wanted, as text; the others are passed."""
    entry = {}
    while file.tell() < end:
        number, _, size = _read_field(file, end)
        if number in wanted:
            entry[number] = file.read(size).decode("utf-8")
        else:
            file.seek(size, os.SEEK_CUR)
    return entry


def _read_field(file: BinaryIO, end: int) -> tuple[int, int, int]:
    """The next field's number, its kind, and how many bytes of value follow; those of a varint are passed."""
    number, kind = divmod(_read_varint(file), 8)
    if kind == _VARINT:
        _read_varint(file)
        size = 0
    elif kind == _LENGTH_DELIMITED:
        size = _read_varint(file)
    else:
        size = _FIXED_SIZES[kind]
    if number == 0 or file.tell() + size > end:
        raise ValueError("no protobuf field, or cut short")
    return number, kind, size


def _read_varint(file: BinaryIO) -> int:
    """An integer in groups of seven bits, the lowest first; the top bit says that more follow."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("cut short")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("a number of more than ten bytes")
