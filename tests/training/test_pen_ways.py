"""Written words as ways from point to point, and scores of what foresees them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgernn.strokes import Drawing, transformed
from edgernn.training.pen_letters import write_samples
from edgernn.training.pen_scores import baseline_nats, score_points
from edgernn.training.pen_ways import (
    END,
    PADDING,
    Ways,
    as_words,
    distinct,
    padded,
    points_before,
    symbols_of,
    units,
    ways_of,
)
from edgernn.training.writings import Writing

WRITINGS = write_samples(["no", "tile", "lit", "go"], 3, 0)
VOCABULARY = symbols_of([item.label for item in WRITINGS], 1)
WRITERS = ("pen 0", "pen 1", "pen 2")


def data(**options: float) -> Ways:
    return Ways(as_words(WRITINGS, units(WRITINGS)), VOCABULARY, WRITERS, 5, **options)


def test_ways_lead_along_the_strokes_from_the_left_end_on_the_line() -> None:
    writing = WRITINGS[1]
    unit = units(WRITINGS)[writing.writer]
    ways = ways_of(writing.drawing, writing.label, unit)
    points = ways[:, :2].cumsum(0).numpy()
    assert points[:, 0].min() == pytest.approx(0.0, abs=1e-5)
    ends = (ways[:, 2] > 0).nonzero().flatten().tolist()
    assert len(ends) == len(writing.drawing.strokes)
    assert ways[-1, 2] == 2
    # Each stroke's ends are where they were, but for size and place.
    strokes = np.split(points, np.array(ends[:-1]) + 1)
    theirs = np.stack([stroke[[0, -1], :2] for stroke in writing.drawing.strokes]) / unit
    ours = np.stack([stroke[[0, -1]] for stroke in strokes])
    np.testing.assert_allclose(ours - ours[0, 0], theirs - theirs[0, 0], atol=1e-4)


def test_words_are_the_same_in_any_unit_and_place() -> None:
    other = [
        Writing(transformed(item.drawing, np.eye(2) * 37.0, [5.0, -8.0]), item.label, item.writer)
        for item in WRITINGS
    ]
    for ours, theirs in zip(as_words(WRITINGS, units(WRITINGS)), as_words(other, units(other)), strict=True):
        torch.testing.assert_close(ours.ways, theirs.ways, atol=1e-4, rtol=1e-4)


def test_a_dot_is_a_point() -> None:
    ways = ways_of(Drawing([[[0.0, 0], [0, 3], [2, 3]], [[1.0, 1.0]]]), "i", 1.0)
    assert ways[-1].tolist() == pytest.approx([-1.0, -2.0, 2.0])
    assert ways[-2, 2] == 1


def test_the_network_is_told_the_point_before() -> None:
    target = torch.tensor([[1.0, 2.0, 0.0], [3.0, 4.0, 1.0], [5.0, 6.0, 2.0]])
    assert points_before(target).tolist() == [[0, 0, 1], [1, 2, 0], [3, 4, 1]]


def test_a_batch_is_filled_up_and_what_fills_it_counts_nothing() -> None:
    part = data()
    points, text, writer, target = padded([part[0], part[1]])
    assert points.shape == target.shape
    short = min(len(part.words[n].ways) for n in (0, 1))
    assert (target[:, :, 2] == PADDING).sum() == abs(len(part.words[0].ways) - len(part.words[1].ways))
    assert short < points.shape[1]
    assert [VOCABULARY[n] for n in text[1].tolist()] == ["t", "i", "l", "e", END]
    assert writer.tolist() == [0, 0]


def test_training_sees_words_leaned_and_stretched_anew() -> None:
    plain, varied = data(), data(shear=0.3, stretch=0.2)
    torch.manual_seed(0)
    first, second = (varied[3][3] for _ in range(2))
    assert not torch.allclose(first, second)
    target = plain[3][3]
    torch.testing.assert_close(first[:, 2], target[:, 2])
    # x is a mixture of x and y, y of y alone.
    torch.testing.assert_close(first[:, 1] / target[:, 1], (first[0, 1] / target[0, 1]).expand(len(target)))


def test_the_same_drawing_counts_once_and_rare_symbols_not_at_all() -> None:
    assert len(distinct([*WRITINGS, *WRITINGS])) == len(WRITINGS)
    assert symbols_of(["ab", "a", "b", "ac"], 2) == (END, "a", "b")


class Knowing(nn.Module):
    """Gives the densities that the words were drawn with: steps of a size that the text says."""

    def forward(self, points: Tensor, text: Tensor, writer: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        size = text[:, 0].float()[:, None].expand(points.shape[:2])
        parts = [
            torch.zeros_like(size),
            size,
            -size,
            *[torch.full_like(size, 0.5)] * 2,
            torch.zeros_like(size),
        ]
        pen = torch.tensor([0.7, 0.2, 0.1]).log().expand(*points.shape)
        return torch.stack(parts, -1).unsqueeze(2), pen, torch.zeros(1)


def drawn(words: int, seed: int) -> Ways:
    """Words of one symbol, 1 or 2: ways of (1, −1) or (2, −2), with noise."""
    generator = torch.Generator().manual_seed(seed)
    part = Ways([], (END, "a", "b"), WRITERS, 1)
    for number in range(words):
        size = 1 + number % 2
        ways = torch.tensor([size, -size]) + 0.5 * torch.randn(50 + 10 * (number % 3), 2, generator=generator)
        pen = torch.multinomial(torch.tensor([0.7, 0.2, 0.1]), len(ways), True, generator=generator)
        word = as_words(WRITINGS[:1], units(WRITINGS))[0]
        part.words.append(type(word)(torch.cat([ways, pen[:, None].float()], 1), "ab"[size - 1], "pen 0"))
        part.texts.append(torch.tensor([size]))
        part.writers.append(torch.tensor(0))
    return part


def test_scores_are_the_entropy_for_who_knows_and_worse_for_others() -> None:
    train, test = drawn(80, 0), drawn(80, 1)
    known, misled, plain = (
        score_points(Knowing(), test), score_points(Knowing(), test, misled=True), baseline_nats(train, test),
    )  # fmt: skip
    # Of a Gaussian of two dimensions 1 + log 2π σ², of the pen − Σ p log p.
    assert known["way_nats"] == pytest.approx(1 + math.log(2 * math.pi * 0.25), abs=0.05)
    assert known["pen_nats"] == pytest.approx(0.802, abs=0.03)
    assert known["nats"] == pytest.approx(known["way_nats"] + known["pen_nats"])
    # Which of both sizes it is costs most of log 2.
    assert known["way_nats"] + 0.3 < plain["way_nats"] < known["way_nats"] + math.log(2)
    assert plain["pen_nats"] == pytest.approx(known["pen_nats"], abs=0.01)
    assert misled["way_nats"] > plain["way_nats"]
