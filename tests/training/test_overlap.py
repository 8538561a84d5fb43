from __future__ import annotations

from edgernn.features.spans import Span
from edgernn.features.tokens import tokens
from edgernn.training.overlap import overlap_span


def found(context: str, question: str, longest: int = 3) -> tuple[str, Span]:
    words = [word.text for word in tokens(context)]
    span = overlap_span(words, [word.text for word in tokens(question)], longest)
    return " ".join(words[span.start : span.end]), span


def test_the_words_between_those_of_the_question_are_found() -> None:
    far = ". ".join(["Other things are told at some length"] * 3)
    context = f"{far}. The tower of Ulm was built by Böblinger in years. {far}."
    assert found(context, "Who was the tower of Ulm built by in years?")[0] == "Böblinger"
    # Another question, another answer.
    assert found(context, "What are other things?")[0] != "Böblinger"


def test_what_is_found_is_no_longer_than_asked() -> None:
    assert found("Ada owns one two three four five", "What owns Ada?", 2)[0] == "one two"


def test_a_text_of_the_questions_words_alone_still_has_an_answer() -> None:
    assert found("Who ran?", "Who ran?")[1] == Span(0, 1)
