from __future__ import annotations

import torch

from edgernn.features.masking import SpecAugment


def test_it_hides_one_stretch_of_each_in_training_alone() -> None:
    layer, x = SpecAugment(frames=6, bands=3), torch.ones(50, 20, 10)
    assert layer.eval()(x) is x
    torch.manual_seed(0)
    hidden = layer.train()(x) == 0
    frames, bands = hidden.all(2).sum(1), hidden.all(1).sum(1)
    assert (int(frames.min()), int(frames.max())) == (0, 6)
    assert (int(bands.min()), int(bands.max())) == (0, 3)
    for row in hidden:
        # What is hidden is one stretch: it begins and ends once, around the circle.
        for flags in (row.all(1), row.all(0)):
            assert int((flags.int().diff().abs()).sum()) <= 2


def test_nothing_to_hide_hides_nothing() -> None:
    x = torch.ones(2, 5, 4)
    assert SpecAugment(0, 0).train()(x) is x
    # More than there is can be asked for.
    assert SpecAugment(99, 99).train()(x).shape == x.shape
