"""Which frames of a recording belong to which symbol of its text, learned without being told.

Every frame belongs to one symbol, every symbol has at least one frame, and their order is the text's. Each
symbol has a spectrum, which is learned; the alignment is the one whose spectra are nearest, and the spectra
are pulled to the frames that they have, over and over: a hidden Markov model whose states are the symbols,
taught by its likeliest path.

Source: Rabiner (1989), "A tutorial on hidden Markov models"; Kim et al. (2020), "Glow-TTS", section 3.2, for
its use in speech synthesis.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Before spectra are known, symbols share the time evenly: deviation from that as a share of the text's
# length, and what it counts for.
_WIDTH, _WEIGHT = 0.1, 2.0


def alignment_scores(frames: Tensor, spectra: Tensor, counts: Tensor, symbols: Tensor) -> Tensor:
    """How well each frame fits each symbol: logarithms of likelihoods, up to a constant.

    Args:
        frames: (batch, frames, bands), with variance 1.
        spectra: (batch, symbols, bands).
        counts: (batch,) how many frames of each row count.
        symbols: (batch,) how many symbols.

    Returns:
        (batch, frames, symbols).
    """
    device = frames.device
    t = (torch.arange(frames.shape[1], device=device) + 0.5) / counts.unsqueeze(1)
    u = (torch.arange(spectra.shape[1], device=device) + 0.5) / symbols.unsqueeze(1)
    stray = (t.unsqueeze(2) - u.unsqueeze(1)) / _WIDTH
    return -0.5 * (torch.cdist(frames, spectra).square() + _WEIGHT * stray.square())


@torch.no_grad()
def best_durations(scores: Tensor, frames: Tensor, symbols: Tensor) -> Tensor:
    """Frames of each symbol in the likeliest alignment: (batch, symbols) integers, 0 beyond a text's end.

    Args:
        scores: (batch, frames, symbols), logarithms of likelihoods.
        frames: (batch,) how many frames of each row count; at least as many as symbols.
        symbols: (batch,) how many symbols.
    """
    batch, steps, width = scores.shape
    # Many small steps, for which a GPU is slow.
    table, frames, symbols = scores.detach().cpu(), frames.cpu(), symbols.cpu()
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
    return durations.to(scores.device)
