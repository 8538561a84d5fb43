"""Normalisations of features: their moments, in training, exported and streamed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError, StreamingError
from edgernn.features.normalization import FixedNormalization, RunningNormalization, UtteranceNormalization

FEATURES = 3


def values(batch: int = 2, time: int = 40, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.randn(batch, time, FEATURES) * torch.tensor([1.0, 5.0, 0.1]) + torch.tensor(
        [0.0, 30.0, -2.0]
    )


def test_fixed_takes_the_training_moments_out() -> None:
    layer = FixedNormalization(FEATURES)
    layer.fit(values().flatten(0, 1))
    found = layer(values()).flatten(0, 1)
    torch.testing.assert_close(found.mean(0), torch.zeros(FEATURES), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.std(0, correction=0), torch.ones(FEATURES), atol=1e-4, rtol=0)


def test_utterance_takes_each_recording_s_moments_out() -> None:
    found = UtteranceNormalization()(values() + torch.tensor([[[7.0]], [[-90.0]]]))
    torch.testing.assert_close(found.mean(1), torch.zeros(2, FEATURES), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.std(1, correction=0), torch.ones(2, FEATURES), atol=1e-3, rtol=0)


def running(time_constant: float = 8.0) -> RunningNormalization:
    layer = RunningNormalization(FEATURES, time_constant)
    layer.fit(values(seed=1).flatten(0, 1))
    return layer


def test_running_is_the_moments_so_far() -> None:
    """Against mean and mean square in float64, whose difference is the variance."""
    x, training = values().double().numpy(), values(seed=1).flatten(0, 1).double().numpy()
    expected = np.empty_like(x)
    for row in range(len(x)):
        m, q = training.mean(0), training.mean(0) ** 2 + training.var(0)
        for t, value in enumerate(x[row]):
            m, q = m + (value - m) / 8, q + (value**2 - q) / 8
            expected[row, t] = (value - m) / np.sqrt(q - m**2)
    np.testing.assert_allclose(running()(values()).numpy(), expected, atol=1e-4)


def test_running_follows_another_level() -> None:
    """A microphone twice as far away: after some time constants, nothing is left of it."""
    x = values(time=400)
    near, far = running()(x), running()(x + 50.0)
    assert float((near - far)[:, :2].abs().max()) > 1
    torch.testing.assert_close(near[:, 300:], far[:, 300:], atol=1e-3, rtol=0)


def test_running_streams_and_utterance_is_refused(tmp_path: Path) -> None:
    layer = running().eval()
    path = tmp_path / "running.onnx"
    manifest = edgernn.export(layer, path, values(), streaming=True)
    assert len(manifest.states) == 2
    stream = edgernn.load(path).stream(batch=2)
    x = values(seed=2)
    got = [stream.push(part.numpy()) for part in x.split([1, 7, 20, 12], dim=1)]
    np.testing.assert_allclose(np.concatenate(got, axis=1), layer(x).numpy(), atol=1e-3)
    with pytest.raises(StreamingError):
        edgernn.export(UtteranceNormalization(), tmp_path / "no.onnx", values(), streaming=True)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="time_constant"):
        RunningNormalization(FEATURES, 1.0)
    with pytest.raises(InputError, match=r"\(time, 3\)"):
        FixedNormalization(FEATURES).fit(torch.zeros(4, 2))
    with pytest.raises(InputError, match="NaN"):
        FixedNormalization(FEATURES).fit(torch.full((4, 3), torch.nan))
