"""What Recurrent refuses, and that the message says what was found."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from edgernn import GRU, LSTM, Recurrent
from edgernn.errors import InputError

LAYER = Recurrent(LSTM(3, 4), 2)
X = torch.zeros(2, 5, 3)
STATE = (torch.zeros(2, 2, 4), torch.zeros(2, 2, 4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": torch.nn.LSTM(3, 4)}, "cell must be an edgernn.Cell"),
        ({"cell": LSTM}, "cell must be an edgernn.Cell"),
        ({"num_layers": 0}, "num_layers must be an integer ≥ 1, found 0"),
        ({"num_layers": 1.0}, r"num_layers must be an integer ≥ 1, found 1\.0"),
        ({"num_layers": True}, "num_layers must be an integer ≥ 1, found True"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), found 1\.0"),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\), found -0\.1"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Recurrent(**{"cell": LSTM(3, 4), **arguments})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((torch.zeros(5, 3),), r"3-dimensional with 3 features in the last dimension, found shape \(5, 3\)"),
        ((torch.zeros(2, 5, 4),), r"found shape \(2, 5, 4\)"),
        ((torch.zeros(1, 2, 5, 3),), r"found shape \(1, 2, 5, 3\)"),
        ((torch.zeros(2, 0, 3),), r"at least one time step, found shape \(2, 0, 3\)"),
        ((X, STATE[0]), r"state must hold 2 tensors \('h', 'c'\), found 1"),
        ((X, (*STATE, STATE[0])), "found 3"),
        ((X, (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4))), r"state 'h' .*\(2, 2, 4\) .*, found \(1, 2, 4\)"),
        ((X, (STATE[0], torch.zeros(2, 1, 4))), r"state 'c' .*\(2, 2, 4\) .*, found \(2, 1, 4\)"),
        ((X, (STATE[0], torch.zeros(2, 2, 5))), r"state 'c' .*\(2, 2, 4\) .*, found \(2, 2, 5\)"),
        ((X, None, torch.tensor([5])), r"lengths: must be 2 integers, one a row, found shape \(1,\)"),
        ((X, None, torch.tensor([[5, 5]])), r"found shape \(1, 2\)"),
        ((X, None, torch.tensor([5.0, 5.0])), "of torch.float32"),
        ((X, None, torch.tensor([0, 5])), r"each must be from 1 to 5 \(the steps of x\), found 0..5"),
        ((X, None, torch.tensor([1, 6])), r"found 1..6"),
        ((X, None, torch.tensor([True, True])), "of torch.bool"),
    ],
)
@pytest.mark.parametrize("path", ["fused", "stepped"])
def test_wrong_inputs_are_refused(inputs: tuple, message: str, path: str) -> None:
    layer = Recurrent(LSTM(3, 4), 2)
    layer._fuses = lambda: path == "fused"
    with pytest.raises(InputError, match=message):
        layer(*inputs)


def test_a_single_state_of_a_wrong_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"state 'h' .*\(1, 2, 4\) .*, found \(2, 4\)"):
        Recurrent(GRU(3, 4))(X, torch.zeros(2, 4))


def test_printing_tells_the_arguments() -> None:
    text = repr(Recurrent(LSTM(3, 4), 2, bidirectional=True, dropout=0.25))
    assert "num_layers=2, bidirectional=True, dropout=0.25" in text
    assert "2 x LSTM(3, 4)" in text
    assert "2 x LSTM(8, 4)" in text
