"""Labelled pen strokes: who wrote what, from the formats that such data come in, and splits by writer."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgernn.errors import InputError
from edgernn.strokes import STROKE_SUFFIXES, Drawing, read_annotated
from edgernn.training.records import file_below, read_records, text_value
from edgernn.training.sounds import name_part


@dataclass(frozen=True, eq=False)
class Writing:
    """A drawing and what it says.

    Attributes:
        drawing: the strokes.
        label: the text, or the name of the character.
        writer: who wrote it; empty where that is not known.
        where: its place, for messages.
        named: whether the label is the name of a sign, and not the text that was written.
    """

    drawing: Drawing
    label: str
    writer: str = ""
    where: str = ""
    named: bool = False


def read_writings(
    path: Path, *, label_pattern: str = "", writer_pattern: str = "", encoding: str = "utf-8"
) -> list[Writing]:
    """The labelled drawings of a folder or a file, in whichever format it is.

    - a folder with UNIPEN files (.dat) below it, see `unipen.py`;
    - a .zip file of Omniglot's strokes, see `omniglot.py`;
    - a folder of LABEL/ folders with .inkml and .csv files, or of such files whose names hold the label;
    - a folder of .inkml files that say their text themselves, by `<annotation type="truth">`, and perhaps by
      `<annotation type="writer">` who wrote it;
    - a table (.csv, .tsv or .jsonl) with the columns file, text, and perhaps writer.

    Args:
        path: the folder or the file.
        label_pattern: of folders of .inkml and .csv files: a regular expression whose first group, searched
            in a file's name, is its label.
        writer_pattern: the same for who wrote it.
        encoding: of a table.

    Raises:
        InputError: nothing of the kind is there, or a file cannot be read; with its name.
    """
    if path.is_file():
        if path.suffix.lower() == ".zip":
            from edgernn.training.omniglot import read_omniglot

            return read_omniglot(path)
        return _from_table(path, encoding)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    if any(file.suffix == ".dat" for file in files):
        from edgernn.training.unipen import read_unipen

        return read_unipen(path)
    strokes = [file for file in files if file.suffix.lower() in STROKE_SUFFIXES]
    if not strokes:
        raise InputError(
            f"data: no pen strokes below {str(path)!r}: neither {' nor '.join(STROKE_SUFFIXES)} files, nor "
            "UNIPEN's .dat files."
        )
    label_of = name_part(label_pattern, "label_pattern")
    writer_of = name_part(writer_pattern, "writer_pattern")
    found = []
    for file in strokes:
        drawing, annotations = read_annotated(file, "data")
        text = "" if label_pattern else annotations.get("truth", "")
        label = label_of(file) if label_pattern else text or _folder(file, path)
        writer = writer_of(file) if writer_pattern else annotations.get("writer", "")
        found.append(Writing(drawing, label, writer, repr(str(file)), named=not text))
    return found


def writers_of(writings: Sequence[Writing]) -> Counter[str]:
    """How much each writer wrote; raises InputError where a writer is not known."""
    for item in writings:
        if not item.writer:
            raise InputError(
                f"data: {item.where}: who wrote it is not known, so writers cannot be held apart."
            )
    return Counter(item.writer for item in writings)


def writers_fold(writings: Sequence[Writing], fold: str) -> tuple[list[Writing], list[Writing]]:
    """Put what one of several groups of writers wrote aside; the groups wrote about as much each.

    Args:
        writings: of all writers.
        fold: "2/5" is the second of five.

    Returns:
        What remains, and what was put aside.

    Raises:
        InputError: where a writer is not known, there are too few, or `fold` is none.
    """
    counts = writers_of(writings)
    match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", fold)
    number, total = (int(part) for part in match.groups()) if match else (0, 0)
    if not 1 <= number <= total or not 2 <= total <= len(counts):
        raise InputError(
            f"option test_fold: expected e.g. 2/5, the second of five groups of the {len(counts)} writers; "
            f"found {fold!r}."
        )
    sizes, group = [0] * total, {}
    for writer in sorted(counts, key=lambda name: (-counts[name], name)):
        group[writer] = sizes.index(min(sizes))
        sizes[group[writer]] += counts[writer]
    parts: tuple[list[Writing], list[Writing]] = [], []
    for item in writings:
        parts[group[item.writer] == number - 1].append(item)
    return parts


def split_writers(
    writings: Sequence[Writing], share: float, seed: int, what: str = "test"
) -> tuple[list[Writing], list[Writing]]:
    """Put all that some of the writers wrote aside, who are drawn at random until `share` of it all is.

    A writer who would make it far more than the share is passed over.

    Args:
        writings: of all writers.
        share: what is put aside, from 0 to 1.
        seed: of the choice.
        what: the name of the part, for messages.

    Returns:
        What remains, and what was put aside.

    Raises:
        InputError: where a writer is not known, or one part would be empty.
    """
    counts = writers_of(writings)
    due, aside = share * len(writings), set[str]()
    names = sorted(counts)
    random.Random(seed).shuffle(names)
    for name in names:
        if counts[name] <= 1.5 * due and len(aside) + 1 < len(names):
            aside.add(name)
            due -= counts[name]
    if not aside:
        raise InputError(
            f"data: {len(counts)} writers leave none for the {what} part with a share of {share:g}: each "
            f"wrote more than that. Give more writers, a larger {what}_size, or {what}_data."
        )
    return [w for w in writings if w.writer not in aside], [w for w in writings if w.writer in aside]


def _folder(file: Path, root: Path) -> str:
    """The label that a file has by the folder that it stands in."""
    folders = file.relative_to(root).parts[:-1]
    if not folders:
        raise InputError(
            f"data: {str(file)!r} stands in no LABEL/ folder and says no text of its own, as an .inkml file "
            'does by <annotation type="truth">. Where the label stands in the files\' names, say where with '
            "label_pattern, e.g. --set 'label_pattern=^(.+?)_'."
        )
    return folders[0]


def _from_table(path: Path, encoding: str) -> list[Writing]:
    found = []
    for record in read_records(path, ("file", "text"), encoding):
        drawing, _ = read_annotated(file_below(path.parent, record, "file"), f"data: {record.where}")
        writer = text_value(record, "writer") if "writer" in record.values else ""
        found.append(Writing(drawing, text_value(record, "text"), writer, record.where))
    return found
