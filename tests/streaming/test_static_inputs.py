"""Inputs without time: a stream reads them anew with every chunk, as it reads what it attends to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import edgernn
from edgernn.errors import StreamingError
from tests.contracts.forms import STREAM_STEPS, TOLERANCE, difference, schedules

DIMS = {"memory": ("batch", "places", None), "lengths": ("batch",)}


class Attending(nn.Module):
    """A recurrent layer, attention over another input, and a second layer over both.

    Args:
        convolves: whether it shortens the time of its first input.
        ahead: zeros that stand behind the end of the summary.
    """

    def __init__(self, additive: bool, convolves: bool = False, ahead: int = 0) -> None:
        super().__init__()
        self.additive, self.convolves, self.ahead = additive, convolves, ahead
        self.convolution = nn.Conv1d(3, 3, 3)
        self.first = nn.GRU(3 + 5, 4, batch_first=True)
        self.key = nn.Linear(5, 4)
        self.value = nn.Linear(4, 1)
        self.second = nn.LSTM(4 + 5, 4, batch_first=True)

    def forward(self, x: Tensor, memory: Tensor, lengths: Tensor) -> Tensor:
        inside = torch.arange(memory.shape[1], device=memory.device) < lengths[:, None]
        summary = (memory * inside[..., None].to(memory.dtype)).sum(1)
        if self.convolves:
            x = self.convolution(x.transpose(1, 2)).transpose(1, 2)
        over_time = summary[:, None].expand(-1, x.shape[1] + self.ahead, -1)
        x = F.pad(x, (0, 0, 0, self.ahead))
        y, _ = self.first(torch.cat([over_time, x], -1))
        keys = self.key(memory)
        if self.additive:
            scores = self.value(torch.tanh(y[:, :, None] + keys[:, None]))[..., 0]
        else:
            scores = torch.matmul(y, keys.transpose(1, 2))
        weights = scores.masked_fill(~inside[:, None], -1e9).softmax(-1)
        return self.second(torch.cat([y, torch.matmul(weights, memory)], -1))[0]


def example(batch: int = 2, places: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(batch, 6, 3), torch.randn(batch, places, 5), torch.full((batch,), places)


@pytest.mark.parametrize("places", [1, 6])
@pytest.mark.parametrize("additive", [True, False])
def test_a_stream_attends_to_an_input_without_time(additive: bool, places: int, tmp_path: Path) -> None:
    model = Attending(additive).eval()
    path = tmp_path / "model.onnx"
    manifest = edgernn.export(model, path, example(places=places), streaming=True, dims=DIMS)
    assert manifest.inputs[1].dims == ("batch", "places", 5)
    assert manifest.inputs[1].time_dim is None
    session = edgernn.load(path)
    for batch, size in ((1, 4), (3, 9)):
        x, memory = torch.randn(batch, STREAM_STEPS, 3), torch.randn(batch, size, 5)
        lengths = torch.randint(1, size + 1, (batch,))
        with torch.no_grad():
            expected = model(x, memory, lengths).numpy()
        static = memory.numpy(), lengths.numpy()
        for schedule in schedules(None):
            stream, start, parts = session.stream(batch), 0, []
            for steps in schedule:
                parts.append(stream.push(x[:, start : start + steps].numpy(), *static))
                start += steps
            assert difference(np.concatenate(parts, 1), expected[:, :start]) <= TOLERANCE, schedule


def test_a_fixed_chunk_leaves_the_other_sizes_free(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    manifest = edgernn.export(Attending(True).eval(), path, example(), streaming=True, chunk=1, dims=DIMS)
    assert (manifest.chunk, manifest.inputs[1].dims) == (1, ("batch", "places", 5))
    assert edgernn.verify(Attending(True).eval(), path).passed is False  # other weights


def test_what_is_expanded_meets_a_tensor_that_is_shorter(tmp_path: Path) -> None:
    model = Attending(False, convolves=True).eval()
    manifest = edgernn.export(model, tmp_path / "model.onnx", example(), streaming=True, dims=DIMS)
    assert manifest.outputs[0].delay == 2
    assert manifest.parity["passed"]


def test_more_frames_than_the_stream_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StreamingError, match="more frames than the stream has"):
        edgernn.export(
            Attending(False, ahead=2).eval(), tmp_path / "m.onnx", example(), streaming=True, dims=DIMS
        )
