"""Texts and their translations, from the user's files."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from edgernn.errors import InputError
from edgernn.training.records import decode_text, read_records, text_value

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Pair:
    """A text and its translation."""

    source: str
    target: str


def read_pairs(
    path: Path, source: str, target: str, *, part: str = "", encoding: str = "utf-8"
) -> list[Pair]:
    """Read texts and their translations.

    Args:
        path: a .csv, .tsv or .jsonl file with a column for each language; or a folder with a file for each
            language, such as train.de and train.en, whose lines belong together; they may end in .gz.
        source, target: what the columns are called, or what the names of the files end in, e.g. "de", "en".
        part: of a folder: what the names of the files begin with, e.g. "train".
        encoding: of the files.

    Raises:
        InputError: what is missing or broken, with the line.
    """
    if path.is_dir():
        return _from_files(_file(path, part, source), _file(path, part, target), encoding)
    if path.suffix.lower() not in _TABLES:
        raise InputError(
            f"data: {str(path)!r} is neither a folder with files such as train.{source} and train.{target} "
            f"nor a table ({', '.join(_TABLES)})."
        )
    return [
        Pair(text_value(record, source), text_value(record, target))
        for record in read_records(path, (source, target), encoding)
    ]


def parts_in(folder: Path, source: str, target: str) -> list[str]:
    """What the names of a folder's files begin with, of those that there are in both languages."""
    return sorted(part for part in _stems(folder, source) if part in _stems(folder, target))


def _stems(folder: Path, language: str) -> list[str]:
    endings = (f".{language}", f".{language}.gz")
    return [
        file.name.removesuffix(ending)
        for ending in endings
        for file in folder.iterdir()
        if file.name.endswith(ending) and file.is_file()
    ]


def _file(folder: Path, part: str, language: str) -> Path:
    for name in (f"{part}.{language}", f"{part}.{language}.gz"):
        if (folder / name).is_file():
            return folder / name
    found = ", ".join(sorted(file.name for file in folder.iterdir())[:8])
    raise InputError(
        f"data: the folder {str(folder)!r} has no file {part}.{language} or {part}.{language}.gz; it holds "
        f"{found or 'nothing'}. Name languages and parts with the options source, target, train_data, "
        "validation_data and test_data."
    )


def _from_files(source: Path, target: Path, encoding: str) -> list[Pair]:
    texts = [_lines(file, encoding) for file in (source, target)]
    if len(texts[0]) != len(texts[1]):
        raise InputError(
            f"data: {str(source)!r} has {len(texts[0])} lines, {str(target)!r} has {len(texts[1])}; each "
            "line must have its translation in the same line of the other file."
        )
    for number, pair in enumerate(zip(*texts, strict=True), start=1):
        for file, text in zip((source, target), pair, strict=True):
            if not text:
                raise InputError(f"data: {str(file)!r}, line {number} is empty; its translation is not.")
    return [Pair(*pair) for pair in zip(*texts, strict=True)]


def _lines(file: Path, encoding: str) -> list[str]:
    data = file.read_bytes()
    if file.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"data: {str(file)!r} is no whole gzip file ({error}).") from error
    lines = [line.strip() for line in decode_text(data, file, encoding).split("\n")]
    return lines[:-1] if not lines[-1] else lines
