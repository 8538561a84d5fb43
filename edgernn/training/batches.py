"""Batches of a data set, in an order that follows from the seed and the epoch, whole or a process's share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from typing import Any, NamedTuple, cast

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from edgernn.training.processes import Processes
from edgernn.training.streams import Streams

# Batches whose samples are sorted by length together.
_BUCKET_BATCHES = 20


class BatchOrder(Sampler[list[int]]):
    """Lists of sample numbers, one a batch; shuffled anew each epoch where a seed is given.

    The order depends on nothing but the seed and the epoch, so a resumed run meets the same batches.

    Args:
        samples: how many there are.
        batch_size: samples a batch.
        seed: of the order; None keeps the samples as they stand.
        lengths: time steps of each sample: samples of like length then share a batch, which leaves little
            padding. They are sorted within groups of some batches, so that batches differ between epochs.
    """

    def __init__(
        self, samples: int, batch_size: int, seed: int | None = None, lengths: Sequence[int] | None = None
    ) -> None:
        self.samples, self.batch_size, self.seed, self.lengths = samples, batch_size, seed, lengths
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes next; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.samples // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        if self.seed is None:
            # Sorted over all of them: what is only scored may come in any order.
            order = list(range(self.samples))
            yield from self._cut(order if self.lengths is None else self._sorted(order))
            return
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(self.samples, generator=generator).tolist()
        if self.lengths is None:
            yield from self._cut(order)
            return
        size = self.batch_size * _BUCKET_BATCHES
        groups = (self._sorted(order[start : start + size]) for start in range(0, self.samples, size))
        found = [batch for group in groups for batch in self._cut(group)]
        yield from (found[index] for index in torch.randperm(len(found), generator=generator).tolist())

    def _cut(self, order: list[int]) -> Iterator[list[int]]:
        return (order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size))

    def _sorted(self, order: list[int]) -> list[int]:
        assert self.lengths is not None
        return sorted(order, key=self.lengths.__getitem__)


class Share(NamedTuple):
    """One process's share of a batch.

    Attributes:
        batch: its samples.
        counts: False where the batch has fewer samples than there are processes and none is left for this
            one: `batch` then stands in, so that the process takes part in what all do together.
    """

    batch: Any
    counts: bool


class _Batches(Dataset):
    """A data set of batches, by the list of their samples' numbers."""

    def __init__(
        self, samples: Dataset, collate: Callable[[list[Any]], Any] | None, processes: Processes
    ) -> None:
        self.samples, self.collate, self.processes = samples, collate, processes

    def __getitem__(self, numbers: list[int]) -> Any:
        own = self.processes.share(numbers)
        batch = (
            self.samples[cast(int, own)]  # which takes the list
            if self.collate is None
            else self.collate([self.samples[number] for number in own])
        )
        return batch if self.processes.count == 1 else Share(batch, self.processes.counts(len(numbers)))


def batches(
    dataset: Dataset,
    batch_size: int,
    collate: Callable[[list[Any]], Any] | None,
    seed: int | None = None,
    lengths: Sequence[int] | None = None,
    processes: Processes = Processes(),
) -> DataLoader:
    """A loader of batches, made in this process; of several processes, each gets a `Share` of every one.

    Args:
        dataset: the samples; the windows of `Streams` keep their own order.
        batch_size: samples a batch, those of all processes together; the last batch has what remains.
        collate: makes a batch of a list of samples; None: the data set itself takes a list of numbers.
        seed: shuffles each epoch anew; None keeps the order.
        lengths: time steps of each sample, to put samples of like length into a batch.
        processes: who shares the batches.
    """
    order: Sampler[list[int]] = (
        dataset.order()
        if isinstance(dataset, Streams)
        else BatchOrder(len(cast(Sized, dataset)), batch_size, seed, lengths)
    )
    # A generator of its own: without it the loader draws from torch's global one whenever it starts anew,
    # and dropout in a resumed run would not be what it was in the run without the stop.
    own = torch.Generator().manual_seed(0)
    made = _Batches(dataset, collate, processes)
    # A recipe's own collate decides alone what a batch is made of.
    as_it_is = None if collate is None else _as_it_is
    return DataLoader(made, batch_size=None, sampler=order, collate_fn=as_it_is, generator=own)


def _as_it_is(batch: Any) -> Any:
    return batch
