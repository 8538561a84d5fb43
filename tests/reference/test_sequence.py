"""`run` over time against PyTorch's bidirectional layers on packed sequences."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from edgernn.reference import gru, lstm, rnn, run

from .cases import assert_close, difference
from .tolerances import CLEARLY_WRONG, SAME_EQUATIONS

LAYERS = [(nn.RNN, rnn.step, 1), (nn.LSTM, lstm.step, 2), (nn.GRU, gru.step, 1)]
BATCH, TIME, INPUTS, HIDDEN = 4, 7, 3, 5


def make_layer(kind: Any, states: int) -> tuple[nn.Module, np.ndarray, np.ndarray]:
    """A bidirectional layer, x (batch, time, input) and the initial states (states, 2, batch, hidden)."""
    torch.manual_seed(0)
    layer = kind(INPUTS, HIDDEN, batch_first=True, bidirectional=True, dtype=torch.float64)
    random = np.random.default_rng(0)
    return layer, random.normal(size=(BATCH, TIME, INPUTS)), random.normal(size=(states, 2, BATCH, HIDDEN))


def parameters_of(layer: nn.Module, direction: int) -> dict[str, np.ndarray]:
    suffix = "_l0_reverse" if direction else "_l0"
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {name: getattr(layer, name + suffix).detach().numpy() for name in names}


@pytest.mark.parametrize(("kind", "step", "states"), LAYERS, ids=["rnn", "lstm", "gru"])
@pytest.mark.parametrize("lengths", [None, [7, 7, 7, 7], [3, 7, 1, 5]], ids=["whole", "equal", "mixed"])
def test_both_directions_are_what_torch_computes(
    kind: Any, step: Any, states: int, lengths: list[int] | None
) -> None:
    layer, x, initial = make_layer(kind, states)
    tensors = [torch.tensor(array) for array in initial]
    packed: Any = torch.tensor(x)
    if lengths is not None:
        packed = pack_padded_sequence(packed, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
        for row, length in enumerate(lengths):
            x[row, length:] = np.nan  # what stands in the padding must not matter
    y, final = layer(packed, tuple(tensors) if states > 1 else tensors[0])
    if lengths is not None:
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=TIME)
    final = final if states > 1 else (final,)

    for direction in (0, 1):
        found_y, found_final = run(
            partial(step, parameters_of(layer, direction)),
            x,
            tuple(initial[:, direction]),
            lengths=lengths,
            reverse=bool(direction),
        )
        assert_close(found_y, y[..., direction * HIDDEN : (direction + 1) * HIDDEN], SAME_EQUATIONS)
        for found, expected in zip(found_final, final, strict=True):
            assert_close(found, expected[direction], SAME_EQUATIONS)


def test_lengths_matter() -> None:
    """Negative control: without lengths the backward direction starts in the padding, and differs."""
    layer, x, initial = make_layer(nn.GRU, 1)
    x[0, 3:] = 0.0
    step, state = partial(gru.step, parameters_of(layer, 1)), tuple(initial[:, 1])
    with_lengths, _ = run(step, x, state, lengths=[3, 7, 7, 7], reverse=True)
    without, _ = run(step, x, state, reverse=True)
    assert difference(without[0, :3], with_lengths[0, :3]) > CLEARLY_WRONG
    np.testing.assert_array_equal(without[1:], with_lengths[1:])


@settings(deadline=None, max_examples=30)
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5), reverse=st.booleans())
def test_each_row_is_as_if_it_were_alone(lengths: list[int], reverse: bool) -> None:
    random = np.random.default_rng(len(lengths))
    step = partial(
        lstm.step, {"weight_ih": random.normal(size=(8, 3)), "weight_hh": random.normal(size=(8, 2))}
    )
    x = random.normal(size=(len(lengths), 6, 3))
    state = (random.normal(size=(len(lengths), 2)), random.normal(size=(len(lengths), 2)))
    y, final = run(step, x, state, lengths=lengths, reverse=reverse)
    for row, length in enumerate(lengths):
        alone = tuple(array[row : row + 1] for array in state)  # what stays, where the length is 0
        if length:
            expected_y, alone = run(step, x[row : row + 1, :length], alone, reverse=reverse)
            assert_close(y[row : row + 1, :length], expected_y, SAME_EQUATIONS)
        np.testing.assert_array_equal(y[row, length:], 0.0)
        for found, expected in zip(final, alone, strict=True):
            assert_close(found[row : row + 1], expected, SAME_EQUATIONS)


def test_any_step_and_state_of_any_shape() -> None:
    """A step of the user's own: counts its steps in a state of three dimensions, and gives their sum."""

    def count(x: np.ndarray, state: tuple[np.ndarray, ...]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        following = state[0] + x[:, :, None]
        return following.sum(axis=-1), (following,)

    y, (final,) = run(count, np.ones((2, 3, 1)), (np.zeros((2, 1, 2)),), lengths=[2, 3])
    np.testing.assert_array_equal(y[:, :, 0], [[2.0, 4.0, 0.0], [2.0, 4.0, 6.0]])
    np.testing.assert_array_equal(final, [[[2.0, 2.0]], [[3.0, 3.0]]])


def test_a_step_never_sees_the_padding() -> None:
    """So that whatever stands there neither warns nor overflows on the way to being thrown away."""
    seen: list[np.ndarray] = []

    def keep(x: np.ndarray, state: tuple[np.ndarray, ...]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        seen.append(x[:, 0])
        return x, state

    run(keep, [[[1.0], [np.nan]], [[3.0], [4.0]]], (), lengths=[1, 2])
    np.testing.assert_array_equal(seen, [[1.0, 3.0], [0.0, 4.0]])
