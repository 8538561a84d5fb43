"""Which frames of a recording belong to which symbol of its text, learned without being told.

Every frame belongs to one symbol, every symbol has at least one frame, and their order is the text's. The
network is taught by the sum over all such ways (which is CTC without a blank), and read by the likeliest one.

Source: Badlani et al. (2022), "One TTS alignment to rule them all"; Kim et al. (2020), "Glow-TTS", for the
search.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# As likely as the blank would be: it is never taken where symbols are.
_BLANK = -1e4


def alignment_loss(scores: Tensor, frames: Tensor, symbols: Tensor) -> Tensor:
    """−log of the probability of all ways to align, a frame; the mean over the batch.

    Args:
        scores: (batch, frames, symbols), logarithms of probabilities over the symbols, −inf or very small
            beyond a text's end.
        frames: (batch,) how many frames of each row count.
        symbols: (batch,) how many symbols.
    """
    with_blank = F.pad(scores, (1, 0), value=_BLANK).transpose(0, 1)
    targets = torch.arange(1, scores.shape[2] + 1).expand(len(scores), -1)
    losses = F.ctc_loss(with_blank, targets, frames, symbols, reduction="none", zero_infinity=True)
    return (losses / frames).mean()


def diagonal_prior(frames: Tensor, symbols: Tensor, width: float) -> Tensor:
    """How likely a symbol is at a frame for where both stand: logarithms, (batch, frames, symbols).

    A normal distribution around the diagonal, whose deviation is `width` of the text's length.
    """
    t = (torch.arange(int(frames.max())) + 0.5) / frames.unsqueeze(1)
    u = (torch.arange(int(symbols.max())) + 0.5) / symbols.unsqueeze(1)
    return -0.5 * ((t.unsqueeze(2) - u.unsqueeze(1)) / width).square()


@torch.no_grad()
def best_durations(scores: Tensor, frames: Tensor, symbols: Tensor) -> Tensor:
    """Frames of each symbol in the likeliest alignment: (batch, symbols) integers, 0 beyond a text's end.

    Args:
        scores, frames, symbols: as for `alignment_loss`; with at least as many frames as symbols.
    """
    batch, steps, width = scores.shape
    table = scores.detach().float()
    best = torch.full((batch, width), -torch.inf)
    best[:, 0] = table[:, 0, 0]
    came = torch.zeros(batch, steps, width, dtype=torch.bool)  # whether a path came from the symbol before
    for t in range(1, steps):
        moved = F.pad(best[:, :-1], (1, 0), value=-torch.inf)
        came[:, t] = moved > best
        best = torch.maximum(best, moved) + table[:, t]
    place, rows = symbols - 1, torch.arange(batch)
    durations = torch.zeros(batch, width, dtype=torch.int64)
    for t in range(steps - 1, -1, -1):
        inside = t < frames
        durations[rows, place] += inside
        place = torch.where(inside & came[rows, t, place], place - 1, place)
    return durations
