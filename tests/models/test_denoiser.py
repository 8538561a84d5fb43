"""The denoiser: what a mask does, which samples an output follows from, and how late it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.models import Denoiser

RATE = 8000


def denoiser(**options: object) -> Denoiser:
    torch.manual_seed(0)
    sizes = {"frame": 256, "hop": 128, "hidden_size": 12, "num_layers": 1, **options}
    model = Denoiser(**sizes).eval()  # type: ignore[arg-type]
    model.fit_normalization([0.3 * torch.randn(8000)])
    return model


def with_mask(model: Denoiser, real: float, imaginary: float) -> Denoiser:
    """The same one, whose mask is a constant."""
    largest, size = 2.0, abs(complex(real, imaginary))
    scale = 1 / (largest - size)  # unit(z) = z / (1 + |z|) is undone by z = m / (2 − |m|)
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias[: model.fourier.bins] = real * scale
        model.head.bias[model.fourier.bins :] = imaginary * scale
    return model


def test_a_mask_of_one_lets_everything_through() -> None:
    samples = 0.3 * torch.randn(2, 2000)
    found = with_mask(denoiser(), 1.0, 0.0)(samples)
    assert found.shape == (2, 2000 // 128 * 128)
    torch.testing.assert_close(found[:, :-128], samples[:, : found.shape[1] - 128], atol=1e-5, rtol=0)


def test_masks_turn_phases_too() -> None:
    times = torch.arange(4096) / RATE
    tone = torch.sin(2 * torch.pi * 1000 * times)[None]
    turned = with_mask(denoiser(), 0.0, 1.0)(tone)
    expected = torch.cos(2 * torch.pi * 1000 * times)[None]  # a quarter of a turn ahead
    torch.testing.assert_close(turned[:, 256:3800], expected[:, 256:3800], atol=1e-3, rtol=0)


def test_no_mask_makes_a_frequency_more_than_twice_as_loud() -> None:
    model = denoiser()
    with torch.no_grad():
        model.head.bias.fill_(1e6)
    tone = 0.3 * torch.sin(2 * torch.pi * 1000 * torch.arange(4096) / RATE)[None]
    with torch.no_grad():
        loudness = model(tone)[:, 256:3840].std() / tone[:, 256:3840].std()
    assert float(loudness) == pytest.approx(2, abs=1e-3)


def test_an_output_waits_for_no_more_than_it_says() -> None:
    """Sample n follows from samples up to n + latency, and from that one too."""
    model, at = denoiser(), 128 * 10 + 127
    before = 0.3 * torch.randn(1, 4096)
    after = before.clone()
    after[:, at] += 0.5
    changed = (model(before) != model(after))[0].nonzero().flatten()
    latency = model.accepts_lookahead + 128 - 1
    assert int(changed[0]) >= at - latency
    assert int(changed[0]) <= at - latency + 2  # the window's very ends are 0


@pytest.mark.parametrize(("rate", "frame"), [(8000, 256), (16000, 512)])
def test_the_manifest_s_latency_is_a_frame_and_below_forty_milliseconds(
    rate: int, frame: int, tmp_path: Path
) -> None:
    model = denoiser(frame=frame, hop=frame // 2)
    samples = 0.3 * torch.randn(1, 4096)
    manifest = edgernn.export(
        model, tmp_path / "f.onnx", samples, streaming=True, metadata={"sample_rate": rate}, check=False
    )
    assert manifest.latency_ms == pytest.approx(1000 * (frame - 1) / rate)
    assert manifest.latency_ms <= 40


def test_a_stream_is_the_whole_recording_and_int8_is_near(tmp_path: Path) -> None:
    model = denoiser(num_layers=2)
    samples = 0.3 * torch.randn(2, 128 * 30)
    edgernn.export(model, tmp_path / "f.onnx", samples, streaming=True, metadata={"sample_rate": RATE})
    edgernn.quantize(tmp_path / "f.onnx", tmp_path / "i.onnx", calibration=[samples.numpy()])
    whole = model(samples).detach().numpy()
    for file, tolerance in (("f.onnx", 1e-5), ("i.onnx", 0.05)):
        session = edgernn.load(tmp_path / file)
        stream, delay = session.stream(2), session.manifest.outputs[0].delay
        cuts = [128, 128 * 4, 128 * 5, 128 * 21]
        parts = [stream.push(part) for part in np.split(samples.numpy(), cuts, axis=1)]
        streamed = np.concatenate(parts, axis=1)[:, delay:]
        np.testing.assert_allclose(streamed, whole[:, : streamed.shape[1]], atol=tolerance)


def test_a_stream_that_may_not_look_ahead_is_refused(tmp_path: Path) -> None:
    """What a module says of itself is the default, and not more."""
    with pytest.raises(edgernn.errors.StreamingError, match="128 input steps ahead, allowed are 0"):
        edgernn.export(denoiser(), tmp_path / "f.onnx", torch.randn(1, 4096), streaming=True, lookahead=0)
    assert list(tmp_path.iterdir()) == []


def test_normalisation_follows_the_recordings() -> None:
    model = denoiser()
    model.fit_normalization([0.1 * torch.randn(4000) for _ in range(3)])
    assert float(model.normalization.scale.max()) > 0.5
    with pytest.raises(InputError, match="NaN or infinity"):
        model.fit_normalization([torch.full((4000,), torch.nan)])


@pytest.mark.parametrize(
    ("options", "said"),
    [({"hidden_size": 0}, "hidden_size"), ({"cell": "gruu"}, "Did you mean 'gru'"), ({"hop": 100}, "hop")],
)
def test_wrong_sizes_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        denoiser(**options)
