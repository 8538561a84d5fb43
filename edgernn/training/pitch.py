"""The pitch of a recording, frame by frame.

Source: de Cheveigné and Kawahara (2002), "YIN, a fundamental frequency estimator for speech and music".
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgernn.errors import InputError

# Below this share of what a wrong period leaves over, a period counts (the paper's threshold), and a frame is
# voiced.
_THRESHOLD, _VOICED = 0.15, 0.3
# Frames whose power is this far below the loudest one's are silent.
_SILENT = 1e-5


def track_pitch(
    frames: Tensor, sample_rate: float, lowest: float = 60.0, highest: float = 400.0
) -> tuple[Tensor, Tensor]:
    """The pitch of every frame, carried on in straight lines where there is none.

    Args:
        frames: (frames, samples), in order, of at least two periods of the lowest pitch.
        sample_rate: samples a second.
        lowest, highest: limits in hertz.

    Returns:
        Pitch (frames,) in hertz, and (frames,) booleans: whether the frame is voiced. Where nothing is voiced
        the pitch is the middle of the limits.

    Raises:
        InputError: where frames are too short.
    """
    longest, shortest = int(sample_rate / lowest) + 1, max(2, int(sample_rate / highest))
    size = frames.shape[1] - longest
    if size < longest:
        raise InputError(
            f"frames: of {frames.shape[1]} samples are too short for {lowest:g} Hz at {sample_rate:g} Hz: "
            f"{2 * longest} are needed."
        )
    left_over = _left_over(frames.double(), size, longest)
    inner = left_over[:, 1:-1]
    dips = (inner <= left_over[:, :-2]) & (inner < left_over[:, 2:])
    dips[:, : shortest - 1] = False
    good = dips & (inner < _THRESHOLD)
    # The first good dip; where there is none, the deepest one.
    deepest = torch.where(dips, inner, torch.inf).argmin(1)
    period = 1 + torch.where(good.any(1), good.to(torch.uint8).argmax(1), deepest)
    rows = torch.arange(len(frames))
    before, at, behind = (left_over[rows, period + step] for step in (-1, 0, 1))
    curve = before - 2 * at + behind
    offset = torch.where(curve > 0, 0.5 * (before - behind) / curve.clamp(min=1e-12), 0.0).clamp(-0.5, 0.5)
    power = frames.double().square().mean(1)
    voiced = (at < _VOICED) & (power > _SILENT * power.max()) & dips.any(1)
    pitch = (sample_rate / (period + offset)).clamp(lowest, highest)
    return _carried_on(pitch, voiced, (lowest * highest) ** 0.5).float(), voiced


def _left_over(frames: Tensor, size: int, longest: int) -> Tensor:
    """The difference function, normalised by its mean so far: (frames, longest + 1), 1 at lag 0."""
    points = 1 << (frames.shape[1] + size - 1).bit_length()
    products = torch.fft.irfft(
        torch.fft.rfft(frames, points) * torch.fft.rfft(frames[:, :size], points).conj(), points
    )[:, : longest + 1]
    squares = torch.nn.functional.pad(frames.square().cumsum(1), (1, 0))
    power = squares[:, size : size + longest + 1] - squares[:, : longest + 1]
    difference = (power[:, :1] + power - 2 * products).clamp(min=0)
    mean = difference[:, 1:].cumsum(1) / torch.arange(1, longest + 1)
    return torch.nn.functional.pad(difference[:, 1:] / mean.clamp(min=1e-12), (1, 0), value=1.0)


def _carried_on(pitch: Tensor, voiced: Tensor, default: float) -> Tensor:
    """The logarithm in straight lines from one voiced frame to the next, level before the first."""
    known = voiced.nonzero()[:, 0]
    if not len(known):
        return torch.full_like(pitch, default)
    places = torch.arange(len(pitch))
    behind = torch.searchsorted(known, places).clamp(max=len(known) - 1)
    before = (torch.searchsorted(known, places, right=True) - 1).clamp(min=0)
    a, b = known[before], known[behind]
    share = (places - a).double() / (b - a).clamp(min=1)
    return torch.lerp(pitch[a].log(), pitch[b].log(), share.clamp(0, 1)).exp()
