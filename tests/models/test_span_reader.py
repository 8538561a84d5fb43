from __future__ import annotations

import pytest
import torch

from edgernn.errors import InputError
from edgernn.models import SpanReader

WIDTH = 5


def reader(**arguments: object) -> SpanReader:
    torch.manual_seed(0)
    sizes = {"words": 20, "unknown": 9, "words_a_question": WIDTH, "embedding_size": 6, "hidden_size": 7}
    return SpanReader(**{**sizes, **arguments}).eval()


def texts(words: int, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randint(2, 20, (batch, words)), torch.randint(2, 20, (batch, WIDTH))


@pytest.mark.parametrize("cell", ["gru", "lstm", "layernormgru"])
def test_what_stands_behind_the_texts_changes_nothing(cell: str) -> None:
    model, (context, question) = reader(cell=cell), texts(8)
    context[1, 6:] = question[1, 3:] = 0
    longer = torch.cat([context, torch.zeros(2, 4, dtype=torch.int64)], dim=1)
    expected, found = model(context, question), model(longer, question)
    alone = model(context[1:, :6], question[1:])
    for name in ("start", "end"):
        torch.testing.assert_close(found[name][:, :8], expected[name])
        assert not found[name][:, 8:].any()
        assert not expected[name][1, 6:].any()
        torch.testing.assert_close(expected[name].sum(1), torch.ones(2))
        torch.testing.assert_close(alone[name][0], expected[name][1, :6])


def test_every_word_of_the_question_counts() -> None:
    model, (context, question) = reader(), texts(8, 1)
    before = model(context, question)
    for place in range(WIDTH):
        other = question.clone()
        other[0, place] = 2 + (other[0, place] - 1) % 18
        assert not torch.allclose(model(context, other)["start"], before["start"])


def test_unknown_words_count_by_where_they_occur_again() -> None:
    model, (context, question) = reader(), texts(8, 1)
    context[0, 3], question[0, 1] = 21, 21
    before = model(context, question)
    # Another name for both is nothing new; for one of them it is.
    context[0, 3], question[0, 1] = 25, 25
    torch.testing.assert_close(model(context, question)["end"], before["end"])
    question[0, 1] = 26
    assert not torch.allclose(model(context, question)["end"], before["end"])


def test_empty_texts_have_an_answer() -> None:
    found = reader()(torch.zeros(1, 3, dtype=torch.int64), torch.zeros(1, WIDTH, dtype=torch.int64))
    assert torch.isfinite(found["start"]).all()


def test_another_width_is_refused() -> None:
    with pytest.raises(InputError, match="5 places for words, found shape"):
        reader()(*(part[:, :4] for part in texts(8)))
    with pytest.raises(InputError, match="words_a_question must be"):
        reader(words_a_question=0)
