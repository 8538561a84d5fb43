from __future__ import annotations

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.features.spans import (
    UNKNOWN_NUMBERS,
    Span,
    SpanNumbers,
    best_span,
    context_and_question,
    covering_words,
)
from edgernn.features.tokens import token_vocabulary, tokens

TEXT = "Émile’s 🦜 kostet 1.250 € – in Żary (Größe: «klein»), naïve!"


@pytest.mark.parametrize("answer", ["Émile’s", "🦜", "1.250 €", "in Żary", "«klein»", "Größe: «klein»", "!"])
def test_characters_become_words_and_characters_again(answer: str) -> None:
    words, start = tokens(TEXT), TEXT.index(answer)
    span = covering_words(words, start, start + len(answer))
    assert TEXT[words[span.start].start : words[span.end - 1].end] == answer


def test_a_part_of_a_word_becomes_the_word() -> None:
    words, start = tokens(TEXT), TEXT.index("mile")
    assert covering_words(words, start, start + 2) == Span(0, 1)
    with pytest.raises(InputError, match="characters 7 to 8 touch none"):
        covering_words(words, 7, 8)


def test_the_best_span_is_that_of_all_pairs() -> None:
    random = np.random.default_rng(0)
    for longest in (1, 3, 30):
        start, end = random.dirichlet(np.ones(9), 2)
        pairs = {(i, j + 1): start[i] * end[j] for i in range(9) for j in range(i, min(9, i + longest))}
        (first, last), probability = max(pairs.items(), key=lambda item: item[1])
        found = best_span(start, end, longest)
        assert (found.start, found.end) == (first, last)
        assert found.probability == pytest.approx(probability)


def test_an_end_before_the_start_is_never_chosen() -> None:
    found = best_span(np.array([0.1, 0.0, 0.9]), np.array([0.9, 0.1, 0.0]))
    assert (found.start, found.end) == (0, 1)


def test_unknown_words_are_told_from_one_another() -> None:
    vocabulary = token_vocabulary([["in", "Ulm"]])
    context, question = context_and_question(tokens("In Żary, in Linz"), "Żary or Ulm?", vocabulary, 5)
    assert context.shape == (1, 5)
    assert question.shape == (1, 5)
    assert context.dtype == question.dtype == np.int64
    assert context[0, 0] == context[0, 3] == vocabulary.index("in")
    assert question[0, 0] == context[0, 1] != context[0, 4]
    assert len(vocabulary) <= context[0, 1] < len(vocabulary) + UNKNOWN_NUMBERS
    assert question[0, 2] == vocabulary.index("ulm")
    assert question[0, 4] == 0


def test_long_questions_are_cut_off() -> None:
    numbers = SpanNumbers(("<end>", "<other>", "a"))
    assert numbers.question("a a a a", 2) == [2, 2]


def test_another_vocabulary_is_refused() -> None:
    with pytest.raises(InputError, match="one of words begins with"):
        SpanNumbers(("a", "b"))
