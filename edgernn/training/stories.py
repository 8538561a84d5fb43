"""Questions about stories, from the user's files: bAbI's format, tables and JSON lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgernn.errors import InputError
from edgernn.features.stories import sentences
from edgernn.training.records import Record, read_lines, read_records, text_value

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class StoryQuestion:
    """A question about a story.

    Attributes:
        story: the sentences that come before it.
        question: what is asked.
        answer: one of the labels.
        support: which of the sentences the answer follows from, from 0; empty where nobody says.
        where: the file and the line.
    """

    story: tuple[str, ...]
    question: str
    answer: str
    support: tuple[int, ...]
    where: str


def read_questions(
    path: Path,
    *,
    story_column: str = "story",
    question_column: str = "question",
    answer_column: str = "answer",
    encoding: str = "utf-8",
) -> list[StoryQuestion]:
    """Read questions about stories.

    Args:
        path: a .csv, .tsv or .jsonl file with a column for each part; or a .txt file in bAbI's format (Weston
            et al. 2015): numbered lines that begin again at 1 for each story, a sentence each, or a question,
            its answer and the numbers of the sentences that it follows from, separated by tabs.
        story_column, question_column, answer_column: names of the columns. A story is text, whose sentences
            are told apart by full stops and line ends, or in JSON a list of sentences.
        encoding: of the file.

    Raises:
        InputError: what is missing or broken, with the line.
    """
    if path.is_dir():
        raise InputError(f"data: {str(path)!r} is a folder. Name a file, e.g. its training part.")
    if path.suffix.lower() not in _TABLES:
        return _babi_questions(path, encoding)
    return [
        StoryQuestion(
            _story(record, story_column),
            text_value(record, question_column),
            text_value(record, answer_column),
            (),
            record.where,
        )
        for record in read_records(path, (story_column, question_column, answer_column), encoding)
    ]


def _story(record: Record, column: str) -> tuple[str, ...]:
    value = record.values[column]
    if not isinstance(value, list):
        return sentences(text_value(record, column))
    if not value or not all(isinstance(part, str) and part.strip() for part in value):
        raise InputError(
            f"data: {record.where}: {column!r} must be text or a list of sentences, found {value!r}."
        )
    return tuple(part.strip() for part in value)


def _babi_questions(path: Path, encoding: str) -> list[StoryQuestion]:
    found: list[StoryQuestion] = []
    story: list[str] = []
    places: dict[int, int] = {}  # a line's number in its story → which sentence it is
    before = 0
    for line, content in read_lines(path, encoding):
        where = f"{str(path)!r}, line {line}"
        mark, _, text = content.strip().partition(" ")
        if not mark.isdecimal() or int(mark) not in (1, before + 1):
            expected = f"{before + 1}, or 1 where a story begins" if before else "1"
            raise InputError(
                f"data: {where}: each line begins with its number in the story and a blank; expected "
                f"{expected}, found {content!r}. Tables end in {', '.join(_TABLES)}."
            )
        before = int(mark)
        if before == 1:
            story, places = [], {}
        question, *cells = (cell.strip() for cell in text.split("\t"))
        if not question:
            raise InputError(f"data: {where}: there is no sentence behind the number.")
        if not cells:
            places[before] = len(story)
            story.append(question)
            continue
        if len(cells) > 2 or not cells[0]:
            raise InputError(
                f"data: {where}: expected a question, its answer and the numbers of the sentences that it "
                f"follows from, separated by tabs, found {content!r}."
            )
        if not story:
            raise InputError(f"data: {where}: a question before the first sentence of its story.")
        support = _support(cells[1] if len(cells) == 2 else "", places, where)
        found.append(StoryQuestion(tuple(story), question, cells[0], support, where))
    if not found:
        raise InputError(
            f"data: {str(path)!r} holds no question: a line with a question, a tab and its answer."
        )
    return found


def _support(text: str, places: dict[int, int], where: str) -> tuple[int, ...]:
    numbers = text.split()
    for number in numbers:
        if not number.isdecimal() or int(number) not in places:
            raise InputError(
                f"data: {where}: {number!r} is not the number of a sentence before the question; there are "
                f"{', '.join(map(str, places))}."
            )
    return tuple(places[int(number)] for number in numbers)
