"""Pairs of symbol sequences for an encoder and a decoder: samples, batches, and writing with torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from edgernn.cells import State
from edgernn.models.seq2seq import Seq2Seq

# Stands behind a target where a batch fills it up: no symbol has this number.
NOTHING = -100

Sample = tuple[Tensor, Tensor, Tensor, float]


class SentencePairs(Dataset):
    """Sources and targets; a sample is (source, target behind its start, target before its end, smoothing).

    Args:
        sources, targets: numbers of symbols, without start and end.
        start, end: numbers of the symbols in front of a target and behind it.
        longest: pairs with more symbols in one of both are left out; None: none is.
        smoothing: share of a target's weight that all symbols share in training.
    """

    def __init__(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        start: int,
        end: int,
        *,
        longest: int | None = None,
        smoothing: float = 0.0,
    ) -> None:
        kept = [
            (source, target)
            for source, target in zip(sources, targets, strict=True)
            if longest is None or max(len(source), len(target)) <= longest
        ]
        self.sources = [torch.tensor(source, dtype=torch.int64) for source, _ in kept]
        self.targets = [torch.tensor(target, dtype=torch.int64) for _, target in kept]
        self.start, self.end, self.smoothing = start, end, smoothing

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Sample:
        target = self.targets[index]
        start, end = target.new_tensor([self.start]), target.new_tensor([self.end])
        return self.sources[index], torch.cat([start, target]), torch.cat([target, end]), self.smoothing

    def example(self, symbols: int) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs of a `Seq2Seq`: two pairs, with every symbol's number within the range that they show."""
        limits = torch.tensor([0, symbols - 1])
        rows = [torch.cat([self.sources[n % len(self)], limits]) for n in range(2)]
        targets = [torch.cat([self[n % len(self)][1], limits]) for n in range(2)]
        lengths = torch.tensor([len(rows[0]), 1])
        return pad_sequence(rows, batch_first=True), lengths, pad_sequence(targets, batch_first=True)


def padded_pairs(samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
    """Samples as a batch: sources, their lengths, targets behind the start, what follows, and smoothing."""
    sources, targets, following, smoothing = zip(*samples, strict=True)
    return (
        pad_sequence(list(sources), batch_first=True),
        torch.tensor([len(source) for source in sources]),
        pad_sequence(list(targets), batch_first=True),
        pad_sequence(list(following), batch_first=True, padding_value=NOTHING),
        smoothing[0],
    )


class TorchDecoder:
    """Writes behind one source with a torch network, as `edgernn.beam` asks.

    Args:
        model: the network, in evaluation mode.
        source: numbers of symbols; an empty one is read as the end alone.
    """

    def __init__(self, model: Seq2Seq, source: Sequence[int]) -> None:
        self.model = model
        symbols = torch.tensor([list(source) or [model.end]])
        self.lengths = torch.tensor([symbols.shape[1]])
        with torch.no_grad():
            self.read = model.encode(symbols, self.lengths)

    def start(self) -> State:
        """The state in front of a target, of one row."""
        return self.model.decoder.initial_state(1)

    @torch.no_grad()
    def advance(self, state: State, rows: Any, symbols: Any) -> tuple[np.ndarray, State]:
        """See `edgernn.beam.Advance`."""
        chosen = tuple(part[:, torch.from_numpy(rows)] for part in state)
        count = len(symbols)
        memory, keys, summary = (part.expand(count, *part.shape[1:]) for part in self.read)
        scores, _, after = self.model.decoder.step(
            torch.from_numpy(symbols)[:, None], memory, keys, summary, self.lengths.expand(count), chosen
        )
        return scores[:, 0].numpy(), after

    @torch.no_grad()
    def weights(self, target: Sequence[int]) -> np.ndarray:
        """Which places of the source were looked at for each symbol and the end: (symbols + 1, places)."""
        written = torch.tensor([[self.model.start, *target]])
        found: np.ndarray = self.model.decoder(written, *self.read, self.lengths)[1][0].numpy()
        return found
