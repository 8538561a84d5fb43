"""How far two files are apart: on all of the data that are whole hops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import edgernn
from edgernn.errors import InputError
from edgernn.quantize.error import output_error, run_file

HOP = 4


class EveryFourth(nn.Module):
    """A GRU over frames of four samples."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(HOP, 8, batch_first=True)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:  # (batch, samples)
        hidden: torch.Tensor = self.gru(samples.unfold(1, HOP, HOP))[0]
        return hidden


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("error")
    for name, seed in (("a", 0), ("b", 1)):
        torch.manual_seed(seed)
        edgernn.export(
            EveryFourth().eval(), folder / f"{name}.onnx", torch.randn(1, 40), streaming=True, check=False
        )
    return folder


def test_what_is_no_whole_hop_is_left_out(files: Path) -> None:
    first, second = edgernn.load(files / "a.onnx"), edgernn.load(files / "b.onnx")
    samples = np.random.default_rng(0).normal(size=(2, 43)).astype(np.float32)
    (found,) = run_file(first, [samples])
    np.testing.assert_array_equal(found, run_file(first, [samples[:, :40]])[0])
    assert found.shape == (2, 10, 8)
    apart = output_error(first, second, [samples])
    expected = np.abs(found - run_file(second, [samples])[0])
    assert apart.max_abs == pytest.approx(float(expected.max()))
    assert output_error(first, first, [samples]).max_abs == 0


def test_less_than_a_hop_is_refused(files: Path) -> None:
    with pytest.raises(InputError, match="3 steps, fewer than the model's hop of 4"):
        run_file(edgernn.load(files / "a.onnx"), [np.zeros((1, 3), np.float32)])
