"""Sentences whose words carry tags, from the user's files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgernn.errors import InputError
from edgernn.features.tags import OUTSIDE, Entity, entities, split_tag
from edgernn.training.records import read_records, read_text_file

TagForm = Literal["auto", "bio", "iob1", "bioes"]

# What stands between documents of CoNLL's files.
_DOCUMENT = "-DOCSTART-"
_TAG = re.compile(r"O|[BIESLU]-\S+")
# BILOU's other letters for the same.
_SYNONYMS = {"L": "E", "U": "S"}


@dataclass(frozen=True)
class TaggedSentence:
    """A sentence's words, the entities in it, and where it stands."""

    words: tuple[str, ...]
    entities: tuple[Entity, ...]
    where: str


@dataclass(frozen=True)
class _Raw:
    """A sentence as the file has it, with the place of each word."""

    words: list[str]
    tags: list[str]
    places: list[str]


def read_tagged(
    path: Path,
    *,
    form: TagForm = "auto",
    encoding: str = "utf-8",
    words_key: str = "tokens",
    tags_key: str = "tags",
) -> list[TaggedSentence]:
    """Read sentences with tagged words.

    Args:
        path: a file as CoNLL's: a word a line with its tag in the last column, columns apart by a tab or
            blanks, an empty line behind each sentence, lines that begin with -DOCSTART- passed over. Or a
            .jsonl file with an object a line that holds a list of words and one of tags.
        form: how the tags are meant. bio: an entity begins with B and goes on with I; iob1: it begins with B
            only right behind one of its kind, otherwise with I, as where all tags are I; bioes: it ends with
            E (or L), one of a single word is S (or U). auto: bioes where there is an E, S, L or U, bio where
            there is a B, else iob1.
        encoding: of the file.
        words_key, tags_key: keys of a .jsonl file's objects.

    Raises:
        InputError: what is missing or broken, with the line.
    """
    if path.is_dir():
        raise InputError(f"data: {str(path)!r} is a folder; name the file with the sentences.")
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        raw = _from_json(path, encoding, words_key, tags_key)
    else:
        raw = _from_columns(path, encoding)
    if not raw:
        raise InputError(f"data: {str(path)!r} holds no sentences.")
    prefixes = {split_tag(tag)[0] for sentence in raw for tag in sentence.tags}
    if form == "auto":
        form = "bioes" if prefixes & {"E", "S"} else "bio" if "B" in prefixes else "iob1"
    for sentence in raw:
        _check(sentence, form)
    return [TaggedSentence(tuple(item.words), tuple(entities(item.tags)), item.places[0]) for item in raw]


def _from_columns(file: Path, encoding: str) -> list[_Raw]:
    found: list[_Raw] = []
    current = _Raw([], [], [])
    columns: int | None = None
    # A last empty line ends the last sentence.
    for number, line in enumerate([*read_text_file(file, encoding).split("\n"), ""], start=1):
        text = line.rstrip("\r")
        if not text.strip() or text.startswith(_DOCUMENT):
            if current.words:
                found.append(current)
                current = _Raw([], [], [])
            continue
        cells = text.split("\t") if "\t" in text else text.split()
        where = f"{str(file)!r}, line {number}"
        if len(cells) < 2:
            raise InputError(
                f"data: {where}: expected a word and its tag, apart by a tab or blanks, found {text!r}."
            )
        columns = columns or len(cells)
        if len(cells) != columns:
            raise InputError(f"data: {where}: {len(cells)} columns, the lines before have {columns}.")
        word = cells[0].strip()
        if not word:
            raise InputError(f"data: {where}: there is no word in front of the tag {cells[-1]!r}.")
        current.words.append(word)
        current.tags.append(_tag(cells[-1], where))
        current.places.append(where)
    return found


def _from_json(file: Path, encoding: str, words_key: str, tags_key: str) -> list[_Raw]:
    found = []
    for record in read_records(file, (words_key, tags_key), encoding):
        words, tags = (_texts(record.values[key], key, record.where) for key in (words_key, tags_key))
        if len(words) != len(tags):
            raise InputError(f"data: {record.where}: {len(words)} words and {len(tags)} tags; one for each.")
        if not words:
            raise InputError(f"data: {record.where}: the sentence has no words.")
        found.append(_Raw(words, [_tag(tag, record.where) for tag in tags], [record.where] * len(words)))
    return found


def _texts(value: Any, key: str, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise InputError(f"data: {where}: {key!r} must be a list of texts, found {value!r}.")
    return [item.strip() for item in value]


def _tag(text: str, where: str) -> str:
    tag = text.strip()
    if not _TAG.fullmatch(tag):
        raise InputError(
            f"data: {where}: {tag!r} is no tag. Tags are O, or B-, I-, E- or S- and the kind of entity, such "
            "as B-person; the tag stands in the last column."
        )
    prefix = _SYNONYMS.get(tag[0], tag[0])
    return tag if tag == OUTSIDE else prefix + tag[1:]


def _check(sentence: _Raw, form: TagForm) -> None:
    """Raise InputError where a tag may not stand where it does."""
    if form == "iob1":
        return
    edge = ("", "")
    pairs: Sequence[tuple[str, str]] = [edge, *map(split_tag, sentence.tags), edge]
    for n in range(1, len(pairs)):
        (before, kind), (prefix, own) = pairs[n - 1], pairs[n]
        where = sentence.places[min(n, len(sentence.places)) - 1]
        running = before in ("B", "I")
        if prefix in ("I", "E") and not (running and kind == own):
            said = f"{prefix}-{own} follows {f'{before}-{kind}' if before else 'no entity'}"
            hint = "It begins with B-; or say --set tag_form=iob1, where I- begins entities too."
            raise InputError(f"data: {where}: {said}, and goes on with an entity that did not begin. {hint}")
        if form == "bioes" and running and prefix not in ("I", "E"):
            raise InputError(
                f"data: {where}: the entity {before}-{kind} does not end: with tags E and S in the file, one "
                "ends with E-, and one of a single word is S-."
            )
        if form == "bio" and prefix in ("E", "S"):
            raise InputError(f"data: {where}: {prefix}-{own} is a tag of bioes, and the form is bio.")
