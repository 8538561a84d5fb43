"""Batches of a data set, in an order that follows from the seed and the epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from typing import Any, cast

import torch
from torch.utils.data import DataLoader, Dataset, Sampler


class BatchOrder(Sampler[list[int]]):
    """Lists of sample numbers, one a batch; shuffled anew each epoch where a seed is given.

    The order depends on nothing but the seed and the epoch, so a resumed run meets the same batches.
    """

    def __init__(self, samples: int, batch_size: int, seed: int | None = None) -> None:
        self.samples, self.batch_size, self.seed = samples, batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes next; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.samples // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.arange(self.samples)
        if self.seed is not None:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
            order = torch.randperm(self.samples, generator=generator)
        yield from (part.tolist() for part in order.split(self.batch_size))


def batches(
    dataset: Dataset, batch_size: int, collate: Callable[[list[Any]], Any] | None, seed: int | None = None
) -> DataLoader:
    """A loader of batches, in this process.

    Args:
        dataset: the samples.
        batch_size: samples a batch; the last batch has what remains.
        collate: makes a batch of a list of samples; None: the data set itself takes a list of numbers.
        seed: shuffles each epoch anew; None keeps the order.
    """
    order = BatchOrder(len(cast(Sized, dataset)), batch_size, seed)
    # A generator of its own: without it the loader draws from torch's global one whenever it starts anew,
    # and dropout in a resumed run would not be what it was in the run without the stop.
    own = torch.Generator().manual_seed(0)
    if collate is None:
        return DataLoader(dataset, batch_size=None, sampler=order, generator=own)
    return DataLoader(dataset, batch_sampler=order, collate_fn=collate, generator=own)
