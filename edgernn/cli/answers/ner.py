"""A sentence a line: its entities. A streaming file answers word by word; an empty line ends a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.cli.answers import Answer
from edgernn.errors import ModelError
from edgernn.features.tags import entities
from edgernn.features.tokens import Token, TokenNumbers, tokens

if TYPE_CHECKING:
    from edgernn.cli.arrays import Array
    from edgernn.runtime import Session


def answers(session: Session, lines: Iterator[str]) -> Iterator[Answer]:
    """An answer to each line that is not empty; of a streaming file, to each word."""
    spec = session.inputs[-1]
    width = spec.dims[-1]
    if [item.name for item in session.inputs] != ["words", "characters"] or not isinstance(width, int):
        raise ModelError(
            f"{str(session.path)!r}: a file of the task 'ner' takes words and characters, found inputs "
            f"{', '.join(item.name for item in session.inputs)}. Export a run of the recipe ner."
        )
    numbers = TokenNumbers(session.manifest.vocabulary, width)
    if session.manifest.streaming:
        yield from _word_by_word(session, lines, numbers)
        return
    for line in lines:
        text = line.strip()
        found = tokens(text)
        if not found:
            continue
        result = session.run(*_inputs(found, numbers))
        assert isinstance(result, dict)
        yield _sentence(text, found, result, session.manifest.labels)


def _inputs(found: list[Token], numbers: TokenNumbers) -> list[Array]:
    words = [token.text for token in found]
    return [np.array([values], np.int64) for values in (numbers.words(words), numbers.characters(words))]


def _sentence(text: str, found: list[Token], result: dict[str, Array], labels: tuple[str, ...]) -> Answer:
    tags = result["tags"][0]
    certain = np.take_along_axis(result["probabilities"][0], tags[:, None], 1)[:, 0]
    given: list[dict[str, Any]] = []
    for entity in entities([labels[tag] for tag in tags]):
        start, end = found[entity.start].start, found[entity.end - 1].end
        given.append(
            {
                "text": text[start:end],
                "kind": entity.kind,
                "start": start,
                "end": end,
                # Of all its words' tags it is at most as certain as of the least certain one.
                "probability": float(certain[entity.start : entity.end].min()),
            }
        )
    rows = [
        f"{item['text']}\t{item['kind']}\t{item['start']}-{item['end']}\t{item['probability']:.4f}"
        for item in given
    ]
    return Answer({"text": text, "entities": given}, "\n".join([*rows, ""]))


def _word_by_word(session: Session, lines: Iterator[str], numbers: TokenNumbers) -> Iterator[Answer]:
    """A tag for each word, as many words later as the file looks ahead."""
    stream, labels = session.stream(), session.manifest.labels
    delay = max(spec.delay for spec in session.outputs)
    # In front of a sentence stand the words that the first outputs are for: none.
    waiting: list[Token | None] = [None] * delay
    nothing = [np.zeros_like(array) for array in _inputs([Token("", 0, 0)], numbers)]

    def push(token: Token | None) -> Iterator[Answer]:
        waiting.append(token)
        result = stream.push(*(nothing if token is None else _inputs([token], numbers)))
        assert isinstance(result, dict)
        about = waiting.pop(0)
        if about is not None:
            tag = int(result["tags"][0, 0])
            certain = float(result["probabilities"][0, 0, tag])
            data = {"word": about.text, "tag": labels[tag], "probability": certain}
            yield Answer(data, f"{about.text}\t{labels[tag]}\t{certain:.4f}")

    for line in _ended(lines):
        for token in tokens(line):
            yield from push(token)
        if not line.strip():
            for _ in range(delay):
                yield from push(None)
            stream.reset()
            waiting[:] = [None] * delay


def _ended(lines: Iterator[str]) -> Iterator[str]:
    """The lines, and an empty one behind the last."""
    yield from lines
    yield ""
