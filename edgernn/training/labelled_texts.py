"""Texts with labels, from the user's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgernn.errors import InputError
from edgernn.training.records import read_lines, read_records, read_text_file, text_files, text_value

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class LabelledText:
    """A text, its label, and where it stands."""

    text: str
    label: str
    where: str


def read_texts(
    path: Path, *, text_column: str = "text", label_column: str = "label", encoding: str = "utf-8"
) -> list[LabelledText]:
    """Read labelled texts.

    Args:
        path: a .csv, .tsv or .jsonl file with a column of texts and one of labels; any other file with a
            label, a space and a text on each line; or a folder: of LABEL.txt files with a text a line, or of
            LABEL/ folders with a text a file.
        text_column, label_column: names of the columns.
        encoding: of the files.

    Raises:
        InputError: what is missing or broken, with the line.
    """
    if path.is_dir():
        return _from_folder(path, encoding)
    if path.suffix.lower() in _TABLES:
        return [
            LabelledText(text_value(record, text_column), text_value(record, label_column), record.where)
            for record in read_records(path, (text_column, label_column), encoding)
        ]
    found = []
    for line, content in read_lines(path, encoding):
        label, _, text = content.strip().partition(" ")
        where = f"{str(path)!r}, line {line}"
        if not text.strip():
            raise InputError(
                f"data: {where}: expected a label, a space and a text, found {content!r}. Tables end in "
                f"{', '.join(_TABLES)}."
            )
        found.append(LabelledText(text.strip(), label, where))
    return found


def read_plain_texts(
    path: Path, *, text_column: str = "text", encoding: str = "utf-8", labelled_lines: bool = True
) -> list[str]:
    """Read the texts alone, for learning without labels.

    Args:
        path: as for `read_texts`; a table needs no column of labels.
        text_column, encoding: as for `read_texts`.
        labelled_lines: of a file that is no table: whether its lines begin with a label; else a line is a
            text.

    Raises:
        InputError: what is missing or broken, with the line.
    """
    if path.is_file() and path.suffix.lower() in _TABLES:
        return [text_value(record, text_column) for record in read_records(path, (text_column,), encoding)]
    if path.is_file() and not labelled_lines:
        return [content.strip() for _, content in read_lines(path, encoding)]
    return [item.text for item in read_texts(path, encoding=encoding)]


def _from_folder(folder: Path, encoding: str) -> list[LabelledText]:
    folders = [path for path in sorted(folder.iterdir()) if path.is_dir() and any(path.glob("*.txt"))]
    if folders:
        return [
            LabelledText(read_text_file(file, encoding).strip(), path.name, repr(str(file)))
            for path in folders
            for file in sorted(path.glob("*.txt"))
        ]
    files = text_files(folder)
    if len(files) < 2:
        raise InputError(
            f"data: the folder {str(folder)!r} holds neither a LABEL.txt file for each label nor a folder "
            "with texts for each label."
        )
    return [
        LabelledText(text.strip(), file.stem, f"{str(file)!r}, line {line}")
        for file in files
        for line, text in read_lines(file, encoding)
    ]
