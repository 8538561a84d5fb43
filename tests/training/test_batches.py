from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning.fabric.utilities.data import _set_sampler_epoch

from edgernn.training.batches import BatchOrder, batches

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=120)


@given(LENGTHS, st.integers(1, 9), st.one_of(st.none(), st.integers(0, 5)), st.booleans())
def test_every_sample_comes_once_an_epoch(
    lengths: list[int], size: int, seed: int | None, buckets: bool
) -> None:
    order = BatchOrder(len(lengths), size, seed, lengths if buckets else None)
    found = list(order)
    assert len(found) == len(order)
    assert sorted(number for batch in found for number in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in found)
    assert list(order) == found


def padding(batches: list[list[int]], lengths: list[int]) -> int:
    return sum(max(lengths[n] for n in batch) - lengths[n] for batch in batches for n in batch)


def test_buckets_leave_little_padding_and_differ_between_epochs() -> None:
    lengths = [1 + (n * 37) % 100 for n in range(1000)]
    plain, buckets = BatchOrder(1000, 10, seed=0), BatchOrder(1000, 10, seed=0, lengths=lengths)
    assert padding(list(buckets), lengths) < 0.15 * padding(list(plain), lengths)
    first = list(buckets)
    buckets.set_epoch(1)
    second = list(buckets)
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))
    # Batches come in random order: not from the shortest to the longest.
    middle = [max(lengths[n] for n in batch) for batch in first]
    assert middle != sorted(middle)


class Numbers(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: object) -> object:
        return index


def test_lightning_tells_every_loader_its_epoch() -> None:
    """Whoever makes the batches: without it they would be the same in every epoch."""
    for collate in (None, list):
        loader = batches(Numbers(), 5, collate, seed=0)
        found = []
        for epoch in range(2):
            _set_sampler_epoch(loader, epoch)
            found.append([sorted(batch) for batch in loader])
        assert sorted(found[0]) != sorted(found[1])
        _set_sampler_epoch(loader, 0)
        assert [sorted(batch) for batch in loader] == found[0]
