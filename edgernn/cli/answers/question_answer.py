"""A story, a sentence or more a line, and questions about it so far; an empty line begins another story."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgernn.cli.answers import Answer
from edgernn.errors import InputError, ModelError
from edgernn.features.stories import sentences, story_and_question

if TYPE_CHECKING:
    from edgernn.runtime import Session


def answers(session: Session, lines: Iterator[str]) -> Iterator[Answer]:
    """An answer to each sentence that ends with a question mark."""
    spec = session.inputs[-1]
    width = spec.dims[-1]
    if [item.name for item in session.inputs] != ["story", "question"] or not isinstance(width, int):
        raise ModelError(
            f"{str(session.path)!r}: a file of the task 'question-answer' takes a story and a question, "
            f"found inputs {', '.join(item.name for item in session.inputs)}. Export a run of the recipe "
            "question-answer."
        )
    labels, vocabulary = session.manifest.labels, session.manifest.vocabulary
    story: list[str] = []
    for line in lines:
        if not line.strip():
            story = []
        for sentence in sentences(line):
            if not sentence.endswith("?"):
                story.append(sentence)
                continue
            if not story:
                raise InputError(f"input: {sentence!r} is asked before the first sentence of its story.")
            result = session.run(*story_and_question(story, sentence, vocabulary, width))
            assert isinstance(result, dict)
            probabilities, attention = result["probabilities"][0], result["attention"][0]
            best, place = int(probabilities.argmax()), int(attention.argmax())
            yield Answer(
                {
                    "question": sentence,
                    "answer": labels[best],
                    "probability": float(probabilities[best]),
                    "sentence": story[place],
                    "attention": attention.tolist(),
                },
                f"{labels[best]}\t{probabilities[best]:.4f}\t{story[place]}",
            )
