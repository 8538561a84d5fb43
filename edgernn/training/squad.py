"""Questions whose answers are stretches of a text: JSON files in SQuAD's format, version 1.1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from edgernn.errors import InputError
from edgernn.training.records import read_text_file

_NAMES: dict[type, str] = {dict: "an object", list: "a list", str: "text", int: "an integer"}
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class TextAnswer:
    """An answer and the character of the context where it begins."""

    text: str
    start: int


@dataclass(frozen=True)
class SpanQuestion:
    """A question about a text that holds its answer.

    Attributes:
        article: which entry of `data` it is from; texts of one article tell of the same.
        context: the text.
        question: what is asked.
        answers: what people answered, one or more.
        where: the file and the path in its JSON.
    """

    article: int
    context: str
    question: str
    answers: tuple[TextAnswer, ...]
    where: str


def read_squad(path: Path, encoding: str = "utf-8") -> list[SpanQuestion]:
    """Read questions in SQuAD's format (Rajpurkar et al. 2016), with an answer to each.

    Args:
        path: a .json file: data[].paragraphs[] with `context` and qas[] of `question` and answers[] of `text`
            and `answer_start`, which counts characters from 0. Other keys are passed over.
        encoding: of the file.

    Raises:
        InputError: what is missing or broken, with the path in the JSON, e.g. data[3].paragraphs[0].qas[2];
            where the file is no JSON or has another encoding, with the line.
    """
    if path.is_dir():
        raise InputError(f"data: {str(path)!r} is a folder. Name a .json file in SQuAD's format.")
    try:
        whole = json.loads(read_text_file(path, encoding))
    except json.JSONDecodeError as error:
        raise InputError(f"data: {str(path)!r}, line {error.lineno}: no JSON ({error.msg}).") from error
    except RecursionError as error:
        raise InputError(f"data: {str(path)!r}: no JSON that can be read; it is nested too deep.") from error
    name = repr(str(path))
    found = [
        _question(article, context, asked, where)
        for article, (paragraphs, at) in enumerate(_entries(_checked(whole, dict, name), "data", name, ""))
        for paragraph, place in _entries(paragraphs, "paragraphs", name, at)
        for context in [_text(paragraph, "context", f"{name}, {place}")]
        for asked, inner in _entries(paragraph, "qas", name, place)
        for where in [f"{name}, {inner}"]
    ]
    if not found:
        raise InputError(f"data: {name} holds no question in any data[].paragraphs[].qas.")
    return found


def _question(article: int, context: str, asked: dict[str, Any], where: str) -> SpanQuestion:
    question = _text(asked, "question", where)
    answers = tuple(
        _answer(entry, context, f"{where}.{place}") for entry, place in _entries(asked, "answers", where, "")
    )
    if not answers:
        raise InputError(
            f"data: {where}: 'answers' is empty. Every question needs an answer in its context; remove those "
            "of SQuAD 2.0 that have none."
        )
    return SpanQuestion(article, context, question, answers, where)


def _answer(entry: dict[str, Any], context: str, where: str) -> TextAnswer:
    text, start = _text(entry, "text", where), _value(entry, "answer_start", int, where)
    held = context[start : start + len(text)] if start >= 0 else ""
    if held != text:
        place = context.find(text)
        hint = f"It stands at {place}." if place >= 0 else "The context does not hold it."
        raise InputError(
            f"data: {where}: the context has {held!r} at answer_start {start}, not the answer {text!r}. "
            f"{hint}"
        )
    return TextAnswer(text, start)


def _entries(parent: dict[str, Any], key: str, where: str, at: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of a list, each with its path in the JSON."""
    outer = f"{where}, {at}" if at else where
    for number, entry in enumerate(_value(parent, key, list, outer)):
        path = f"{at}.{key}[{number}]" if at else f"{key}[{number}]"
        yield _checked(entry, dict, f"{where}, {path}"), path


def _value(entry: dict[str, Any], key: str, kind: type[ValueT], where: str) -> ValueT:
    if key not in entry:
        raise InputError(
            f"data: {where}: there is no key {key!r}. It has {', '.join(entry) or 'none'}; SQuAD's format is "
            "data[].paragraphs[].{context, qas[].{question, answers[].{text, answer_start}}}."
        )
    return _checked(entry[key], kind, where, f"{key!r}")


def _checked(value: Any, kind: type[ValueT], where: str, name: str = "it") -> ValueT:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"data: {where}: {name} must be {_NAMES[kind]}, found {str(value)[:60]!r}.")
    return value


def _text(entry: dict[str, Any], key: str, where: str) -> str:
    text = _value(entry, key, str, where)
    if not text.strip():
        raise InputError(f"data: {where}: {key!r} is empty. Fill it, or remove the entry.")
    return text
