"""A JSON object a line, with a context and a question: the stretch of the context that answers it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgernn.cli.answers import Answer
from edgernn.errors import InputError, ModelError
from edgernn.features.spans import best_span, context_and_question
from edgernn.features.tokens import tokens

if TYPE_CHECKING:
    from edgernn.runtime import Session

NEEDS_LABELS = False


def answers(session: Session, lines: Iterator[str]) -> Iterator[Answer]:
    """An answer to each line that is not empty."""
    spec = session.inputs[-1]
    width = spec.dims[-1]
    if [item.name for item in session.inputs] != ["context", "question"] or not isinstance(width, int):
        raise ModelError(
            f"{str(session.path)!r}: a file of the task 'answer-spans' takes a context and a question, "
            f"found inputs {', '.join(item.name for item in session.inputs)}. Export a run of the recipe "
            "answer-spans."
        )
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        context, question = _asked(line, number)
        words = tokens(context)
        result = session.run(*context_and_question(words, question, session.manifest.vocabulary, width))
        assert isinstance(result, dict)
        span = best_span(result["start"][0], result["end"][0])
        start, end = words[span.start].start, words[span.end - 1].end
        yield Answer(
            {
                "question": question,
                "answer": context[start:end],
                "start": start,
                "end": end,
                "probability": span.probability,
            },
            f"{context[start:end]}\t{start}-{end}\t{span.probability:.4f}",
        )


def _asked(line: str, number: int) -> tuple[str, str]:
    """The context and the question of a line."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f'input: line {number}: no JSON ({error}). Expected {{"context": "…", "question": "…"}}.'
        ) from error
    found = [values.get(key) if isinstance(values, dict) else None for key in ("context", "question")]
    if not all(isinstance(text, str) and text.strip() for text in found):
        raise InputError(
            f'input: line {number}: expected {{"context": "…", "question": "…"}} with text in both, found '
            f"{line.strip()[:80]!r}."
        )
    context, question = found
    return str(context), str(question)
