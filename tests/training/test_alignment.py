"""The likeliest alignment, against all of them."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
import torch
from torch import Tensor

from edgernn.training.alignment import alignment_scores, best_durations


def best_of_all(scores: Tensor) -> list[int]:
    """By trying every way to cut the frames."""
    frames, symbols = scores.shape
    ways = []
    for cuts in combinations(range(1, frames), symbols - 1):
        ends = (0, *cuts, frames)
        durations = [b - a for a, b in pairwise(ends)]
        owners = torch.repeat_interleave(torch.arange(symbols), torch.tensor(durations))
        ways.append((float(scores[torch.arange(frames), owners].sum()), durations))
    return max(ways)[1]


@pytest.mark.parametrize("seed", range(5))
def test_the_search_finds_the_best_of_all_ways(seed: int) -> None:
    torch.manual_seed(seed)
    scores = torch.randn(3, 9, 5)
    frames, symbols = torch.tensor([9, 7, 5]), torch.tensor([4, 5, 1])
    found = best_durations(scores, frames, symbols)
    for row, (count, size) in enumerate(zip(frames.tolist(), symbols.tolist(), strict=True)):
        assert found[row, :size].tolist() == best_of_all(scores[row, :count, :size])
        assert found[row, size:].eq(0).all()


def test_frames_go_to_the_symbols_whose_spectra_they_have() -> None:
    spectra = torch.eye(4)[None] * 5
    truth = torch.tensor([2, 5, 1, 4])
    frames = torch.repeat_interleave(spectra[0], truth, dim=0)[None]
    counts = torch.tensor([12]), torch.tensor([4])
    scores = alignment_scores(frames, spectra, *counts)
    assert best_durations(scores, *counts)[0].tolist() == truth.tolist()
    # Without spectra, time is shared evenly.
    even = alignment_scores(torch.zeros(1, 12, 4), torch.zeros(1, 4, 4), *counts)
    assert best_durations(even, *counts)[0].tolist() == [3, 3, 3, 3]
