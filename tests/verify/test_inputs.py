"""Inputs to compare on: as large as asked for, with values that the network is made for."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.manifest import Manifest, StateSpec, TensorSpec
from edgernn.verify.inputs import InputMaker

MANIFEST = Manifest(
    inputs=(
        TensorSpec("x", "float32", ("batch", "time", 3), time_dim=1),
        TensorSpec("ids", "int64", ("batch", "time"), time_dim=1, minimum=2.0, maximum=6.0),
        TensorSpec("lengths", "int64", ("batch",), minimum=4.0, maximum=40.0),
        TensorSpec("mask", "bool", ("batch", "time"), time_dim=1),
        TensorSpec("fixed", "float32", ("batch", 7, 2), time_dim=1),
    ),
    outputs=(),
    states=(StateSpec("h_in", "h_out", "float32", (1, "batch", 4)),),
)


def test_shapes_and_types() -> None:
    x, ids, lengths, mask, fixed = InputMaker(MANIFEST).inputs(batch=5, steps=7)
    assert (x.shape, x.dtype) == ((5, 7, 3), np.float32)
    assert (ids.shape, ids.dtype) == ((5, 7), np.int64)
    assert (lengths.shape, lengths.dtype) == ((5,), np.int64)
    assert (mask.shape, mask.dtype) == ((5, 7), np.bool_)
    assert fixed.shape == (5, 7, 2)


def test_integers_stay_within_what_the_manifest_says() -> None:
    _, ids, _, mask, _ = InputMaker(MANIFEST).inputs(20, 30)
    assert set(np.unique(ids)) == {2, 3, 4, 5, 6}
    assert set(np.unique(mask)) == {False, True}


@pytest.mark.parametrize("steps", [1, 3, 4, 9])
def test_lengths_never_exceed_the_steps(steps: int) -> None:
    """The example's rows may have had 40 steps; these have fewer."""
    lengths = InputMaker(MANIFEST).inputs(200, steps)[2]
    assert lengths.min() >= 1
    assert lengths.max() == steps
    assert len(np.unique(lengths)) == steps - min(4, steps) + 1


def test_floats_are_drawn_from_the_example() -> None:
    """A network with its own normalisation was trained on 20 °C, not on standard normal numbers."""
    values = np.array([[[19.0, 20.0, 21.5]]], np.float32)
    examples = [values, np.zeros((1, 1)), np.ones(1), np.ones((1, 1)), np.full((1, 7, 2), 3.0)]
    x, *_, fixed = InputMaker(MANIFEST, examples).inputs(4, 9)
    assert set(np.unique(x)) == {19.0, 20.0, 21.5}
    assert set(np.unique(fixed)) == {3.0}


def test_stretches_keep_the_order_of_the_example() -> None:
    """A quantized file errs as little as it does on what is usual: values in their order."""
    x = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
    ids = np.array([[2, 3, 4, 5, 6]])
    examples = [x, ids, np.ones(1), np.ones((1, 1)), np.full((1, 7, 2), 3.0)]
    drawn, numbers, lengths, *_ = InputMaker(MANIFEST, examples, in_order=True).inputs(6, 9)
    assert (drawn.shape, drawn.dtype, numbers.shape, numbers.dtype) == (
        (6, 9, 3),
        np.float32,
        (6, 9),
        np.int64,
    )
    # A row of the example from any step on, and from its start again behind its end.
    assert set(np.unique(np.diff(drawn, axis=1))) == {3.0, 3.0 - 15}
    assert set(np.unique(np.diff(numbers, axis=1))) == {1, -4}
    assert len(np.unique(drawn[:, 0, 0])) > 2
    assert lengths.max() == 9
    # Without order they are drawn one by one.
    loose = InputMaker(MANIFEST, examples).inputs(6, 9)[0]
    assert len(np.unique(np.diff(loose, axis=1))) > 2
    # An example of other features has no stretch to give.
    other = [np.ones((2, 5, 2), np.float32), *examples[1:]]
    assert InputMaker(MANIFEST, other, in_order=True).inputs(6, 9)[0].shape == (6, 9, 3)


def test_without_an_example_they_are_standard_normal() -> None:
    x = InputMaker(MANIFEST).inputs(50, 50)[0]
    assert abs(x.mean()) < 0.05
    assert abs(x.std() - 1) < 0.05


def test_a_seed_gives_the_same_inputs_again() -> None:
    first, same, other = (InputMaker(MANIFEST, seed=seed).inputs(2, 3)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_states_are_not_zero_and_not_large() -> None:
    (h,) = InputMaker(MANIFEST).states(6).values()
    assert h.shape == (1, 6, 4)
    assert 0.5 < np.abs(h).max() < 1
    assert h.dtype == np.float32
