"""Nats, bits and perplexity against values computed by hand and against torchmetrics."""

from __future__ import annotations

import math

import pytest
import torch
from torchmetrics.functional.text import perplexity

from edgernn.errors import InputError
from edgernn.training.metrics.language import LanguageMeter


def test_by_hand() -> None:
    meter = LanguageMeter()
    # Probability 1/2 for the first symbol, 1/8 for the second.
    meter.update(torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]]).log(), torch.tensor([0, 0]))
    scores = meter.scores()
    assert scores["bits"] == pytest.approx((1 + 3) / 2)
    assert scores["nats"] == pytest.approx(2 * math.log(2))
    assert scores["perplexity"] == pytest.approx(4)
    # Two symbols that spell eight characters: half a bit each; perplexity is of symbols.
    assert meter.scores(characters=8)["bits"] == pytest.approx(0.5)
    assert meter.scores(characters=8)["perplexity"] == pytest.approx(4)


@pytest.mark.parametrize("parts", [1, 3])
def test_parts_add_up_to_the_whole_and_equal_torchmetrics(parts: int) -> None:
    torch.manual_seed(0)
    logits, target = 3 * torch.randn(6, 7, 11), torch.randint(0, 11, (6, 7))
    meter = LanguageMeter(ignore=0)
    for some_logits, some_target in zip(logits.chunk(parts), target.chunk(parts), strict=True):
        meter.update(some_logits, some_target)
    expected = float(perplexity(logits, target, ignore_index=0))
    assert meter.scores()["perplexity"] == pytest.approx(expected, rel=1e-5)
    assert float(perplexity(logits, target)) != pytest.approx(expected, rel=1e-3)
    assert meter.symbols == int((target != 0).sum())


def test_what_seems_impossible_costs_a_finite_number_of_nats() -> None:
    meter = LanguageMeter()
    meter.update(torch.tensor([[2000.0, 0.0]]), torch.tensor([1]))
    assert meter.scores()["nats"] == 2000
    assert meter.scores()["perplexity"] == math.inf


def test_no_text_has_no_score() -> None:
    meter = LanguageMeter(ignore=0)
    with pytest.raises(InputError, match="no symbol was counted"):
        meter.scores()
    meter.update(torch.randn(2, 3), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(InputError, match="no symbol was counted"):
        meter.scores()
    with pytest.raises(InputError, match="logits: must be"):
        meter.update(torch.randn(2, 3), torch.zeros(3, dtype=torch.int64))
