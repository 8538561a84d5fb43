"""The log-mel front end: equal to the equations in plain numpy, whole, exported, and cut into any chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edgernn
from edgernn.errors import InputError
from edgernn.features.log_mel import LogMel
from edgernn.reference.log_mel import log_mel
from edgernn.runtime import Session
from edgernn.verify.tolerances import tolerance

SIZES = {"sample_rate": 8000, "frame": 64, "hop": 24, "bands": 8}


def waves(samples: int, batch: int = 2, seed: int = 0) -> np.ndarray:
    """Noise, and a tone in it: no band is empty."""
    random = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * 440 * np.arange(samples) / 8000)
    return (0.3 * tone + 0.2 * random.standard_normal((batch, samples))).astype(np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bands": 5, "lowest": 300.0, "highest": 3400.0},
        {"frame": 50, "hop": 50, "bands": 6, "floor": 1e-3},
        {"sample_rate": 16000, "frame": 63, "hop": 1, "bands": 7},
    ],
)
def test_it_computes_the_equations(options: dict[str, float]) -> None:
    options = {**SIZES, **options}
    samples = waves(200)
    expected = log_mel(samples, **options)
    got = LogMel(**options)(torch.from_numpy(samples)).numpy()
    assert got.shape == expected.shape
    error = np.abs(got - expected).max() / expected.std()
    assert error < tolerance("float32", "float32")


def test_a_different_window_is_seen() -> None:
    """The comparison above would fail for the wrong window."""
    samples, front = waves(200), LogMel(**SIZES)
    front.window = torch.hann_window(SIZES["frame"], periodic=False)
    expected = log_mel(samples, **SIZES)
    error = np.abs(front(torch.from_numpy(samples)).numpy() - expected).max() / expected.std()
    assert error > 10 * tolerance("float32", "float32")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Session:
    path = tmp_path_factory.mktemp("mel") / "mel.onnx"
    edgernn.export(LogMel(**SIZES).eval(), path, torch.from_numpy(waves(480)), streaming=True)
    return edgernn.load(path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.integers(1, 9), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_any_chunks_give_the_whole(exported: Session, pieces: list[int], seed: int) -> None:
    hop = SIZES["hop"]
    samples = waves(sum(pieces) * hop, seed=seed)
    stream = exported.stream(batch=2)
    cuts = np.cumsum(pieces)[:-1] * hop
    got = np.concatenate([stream.push(part) for part in np.split(samples, cuts, axis=1)], axis=1)
    # The first frame that a stream gives ends `delay` frames after its first sample came.
    delay = exported.outputs[0].delay
    whole = LogMel(**SIZES)(torch.from_numpy(samples)).numpy() if len(samples[0]) >= 64 else None
    if whole is None:
        assert got.shape[1] <= delay
        return
    frames = min(got.shape[1] - delay, whole.shape[1])
    assert frames >= 1
    np.testing.assert_allclose(got[:, delay : delay + frames], whole[:, :frames], atol=1e-4)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"hop": 65}, "at most frame"),
        ({"frame": 0}, "frame must be an integer"),
        ({"bands": 2.5}, "bands must be an integer"),
        ({"bands": 60}, "Take fewer bands"),
        ({"highest": 4001.0}, "sample_rate / 2"),
        ({"lowest": 4000.0}, "lowest < highest"),
        ({"floor": 0.0}, "floor must be above 0"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, float], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        LogMel(**{**SIZES, **options})


def test_silence_and_clipping_stay_finite() -> None:
    front = LogMel(**SIZES)
    for samples in (torch.zeros(1, 200), torch.ones(1, 200), torch.full((1, 200), -32768.0)):
        assert bool(torch.isfinite(front(samples)).all())


def test_as_many_frames_as_it_says(tmp_path: Path) -> None:
    front = LogMel(**SIZES)
    for samples in (64, 87, 88, 200):
        assert front(torch.zeros(1, samples)).shape[1] == front.frames(samples)
    assert front.frames(10) == 0
