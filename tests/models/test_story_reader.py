from __future__ import annotations

import pytest
import torch

from edgernn.errors import InputError
from edgernn.models import StoryReader

WIDTH = 5


def reader(**arguments: object) -> StoryReader:
    torch.manual_seed(0)
    sizes = {"words": 20, "answers": 4, "words_a_sentence": WIDTH, "embedding_size": 6, "hidden_size": 7}
    return StoryReader(**{**sizes, **arguments}).eval()


def story(sentences: int, batch: int = 2) -> torch.Tensor:
    return torch.randint(1, 20, (batch, sentences, WIDTH))


@pytest.mark.parametrize("cell", ["gru", "lstm", "layernormgru"])
def test_what_stands_behind_a_story_changes_nothing(cell: str) -> None:
    model, told, asked = reader(cell=cell), story(4), torch.randint(1, 20, (2, WIDTH))
    told[0, 2, 3:] = 0
    told[1, 3] = 0  # a story of three
    longer = torch.cat([told, torch.zeros(2, 3, WIDTH, dtype=torch.int64)], dim=1)
    expected, found = model(told, asked), model(longer, asked)
    torch.testing.assert_close(found["probabilities"], expected["probabilities"])
    torch.testing.assert_close(found["attention"][:, :4], expected["attention"])
    assert not found["attention"][:, 4:].any()
    assert found["attention"][1, 3] == 0
    torch.testing.assert_close(expected["attention"].sum(1), torch.ones(2))
    alone = model(told[1:, :3], asked[1:])
    torch.testing.assert_close(alone["probabilities"], expected["probabilities"][1:])


def test_the_question_and_every_sentence_count() -> None:
    model, told, asked = reader(), story(3, 1), torch.randint(1, 20, (1, WIDTH))
    before = model(told, asked)
    for sentence in range(3):
        changed = told.clone()
        changed[0, sentence, 1] = 1 + changed[0, sentence, 1] % 19
        assert not torch.allclose(model(changed, asked)["probabilities"], before["probabilities"])
    other = asked.clone()
    other[0, 0] = 1 + other[0, 0] % 19
    assert not torch.allclose(model(told, other)["attention"], before["attention"])


def test_a_story_without_sentences_has_an_answer() -> None:
    found = reader()(torch.zeros(1, 2, WIDTH, dtype=torch.int64), torch.ones(1, WIDTH, dtype=torch.int64))
    assert torch.isfinite(found["probabilities"]).all()


def test_another_width_is_refused() -> None:
    with pytest.raises(InputError, match="5 places for words, found shapes"):
        reader()(story(2)[..., :4], torch.ones(2, WIDTH, dtype=torch.int64))
    with pytest.raises(InputError, match="words_a_sentence must be"):
        reader(words_a_sentence=0)
