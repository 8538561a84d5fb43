"""Mixing two signals of a batch, and their labels in the same measure (Zhang et al. 2018, "mixup").

Symbols cannot be mixed, so this is for signals alone. A label becomes a distribution over the classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_labels(classes: Sequence[int], count: int, smoothing: float = 0.0) -> Tensor:
    """Labels as distributions, (samples, count): 1 on its class; `smoothing` of it spread over all evenly."""
    hard = F.one_hot(torch.tensor(classes), count).float()
    return hard * (1 - smoothing) + smoothing / count


def mix_up(signals: Sequence[Tensor], labels: Tensor, strength: float) -> tuple[list[Tensor], Tensor]:
    """Mix each signal with another one of the batch.

    A mixed signal is as long as the sample's own; where the other one has ended, it is the own one alone. The
    other label's share is the other signal's share of all that is in the mix, at most a half.

    Args:
        signals: (time, features) each.
        labels: (samples, classes), distributions.
        strength: both parameters of the beta distribution that the share of the other signal is drawn from;
            0 mixes nothing.

    Returns:
        The signals and their labels.
    """
    if not strength:
        return list(signals), labels
    other = torch.randperm(len(signals)).tolist()
    share = torch.distributions.Beta(strength, strength).sample((len(signals),))
    share = torch.minimum(share, 1 - share)
    mixed = []
    of_label = torch.zeros(len(signals), 1)
    for number, (own, partner) in enumerate(zip(signals, (signals[n] for n in other), strict=True)):
        both = min(len(own), len(partner))
        start = torch.lerp(own[:both], partner[:both], float(share[number]))
        mixed.append(torch.cat([start, own[both:]]))
        of_label[number] = share[number] * both / len(own)
    return mixed, torch.lerp(labels, labels[other], of_label)


def soft_cross_entropy(output: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Cross entropy of distributions: of one-hot labels, what `F.cross_entropy` gives of their classes.

    Args:
        output: (batch, classes), logits.
        labels: (batch, classes).
        weights: (classes,), what each class counts; None: 1. A mixed label counts what its parts do.
    """
    weighted = labels if weights is None else labels * weights
    return -(weighted * output.log_softmax(-1)).sum() / weighted.sum()
