"""How well the next point of a pen's way is foreseen: nats a point, and those of plain baselines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from edgernn.training.gaussian_mixture import fit_mixture, mean_log_density
from edgernn.training.mixture_density import log_density
from edgernn.training.pen_ways import PADDING, Ways, padded

_SCORED_AT_ONCE = 64
# Densities of the mixture that knows nothing of text and past.
_COMPONENTS = 20


def point_nats(mixture: Tensor, pen: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """−log of the likelihood of each point: of its way, and of what the pen does after it.

    Args:
        mixture: (batch, time, components, 6).
        pen: (batch, time, 3) logarithms of probabilities.
        target: (batch, time, 3), see `Word.ways`; padding counts nothing.

    Returns:
        (points,) each.
    """
    inside = target[..., 2] != PADDING
    mixture, pen, target = mixture[inside], pen[inside], target[inside]
    lift = pen.gather(-1, target[:, 2:].long()).squeeze(-1)
    return -log_density(mixture, target[:, :2]), -lift


@torch.no_grad()
def score_points(model: nn.Module, part: Ways, *, misled: bool = False) -> dict[str, float]:
    """Nats a point, together and of ways and pen alone.

    Args:
        model: gives mixture, pen and window, as `HandwritingWriter`.
        part: words.
        misled: whether each word is taken for the text of another one of the part.
    """
    totals, points = np.zeros(2), 0
    for told, text, writer, target in _batches(part, misled):
        mixture, pen, _ = model(told, text, writer)
        found = point_nats(mixture, pen, target)
        totals += [float(each.sum()) for each in found]
        points += len(found[0])
    way, lift = totals / points
    return {"nats": float(way + lift), "way_nats": float(way), "pen_nats": float(lift)}


def baseline_nats(train: Ways, test: Ways) -> dict[str, float]:
    """The same of one mixture of Gaussians for all points, and of how often the pen does what."""
    learned, scored = (torch.cat([word.ways for word in part.words]).numpy() for part in (train, test))
    way = -mean_log_density(fit_mixture(learned[:, :2], min(_COMPONENTS, len(learned))), scored[:, :2])
    # One more of each, so that what did not happen is not impossible.
    counts = np.bincount(learned[:, 2].astype(int), minlength=3) + 1.0
    lift = -float(np.log(counts / counts.sum())[scored[:, 2].astype(int)].mean())
    return {"nats": float(way + lift), "way_nats": float(way), "pen_nats": float(lift)}


def _batches(part: Ways, misled: bool) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """The words in batches of like length."""
    order = sorted(range(len(part)), key=lambda index: len(part.words[index].ways))
    for start in range(0, len(order), _SCORED_AT_ONCE):
        told, text, writer, target = padded([part[index] for index in order[start : start + _SCORED_AT_ONCE]])
        yield told, text.roll(1, 0) if misled else text, writer, target
