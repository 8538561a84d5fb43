"""Dropout acts between layers, in training only."""

from __future__ import annotations

import pytest
import torch

from edgernn import GRU, LSTM, RNN, Recurrent

CELLS = [LSTM(8, 32), GRU(8, 32), GRU(8, 32, reset_after=False), RNN(8, 32, "sigmoid")]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{type(cell).__name__}-{cell.torch_mode}")
def test_dropout_between_layers_in_training_only(cell) -> None:
    recurrent = Recurrent(cell, 2, dropout=0.5)
    plain = Recurrent(cell, 2)
    plain.load_state_dict(recurrent.state_dict())
    x = torch.randn(4, 10, 8)
    torch.testing.assert_close(recurrent.eval()(x), plain(x))
    recurrent.train()
    first, second = recurrent(x)[0], recurrent(x)[0]
    assert (first - second).abs().max() > 1e-3
    assert (first - plain(x)[0]).abs().max() > 1e-3


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{type(cell).__name__}-{cell.torch_mode}")
def test_a_single_layer_has_nothing_to_drop(cell) -> None:
    recurrent = Recurrent(cell, 1, dropout=0.5).train()
    x = torch.randn(4, 10, 8)
    torch.testing.assert_close(recurrent(x), recurrent(x), rtol=0, atol=0)


@pytest.mark.parametrize("cell", [LSTM(8, 32), RNN(8, 32, "sigmoid")], ids=["fused", "stepped"])
def test_the_first_layer_and_the_output_are_whole(cell) -> None:
    """Only the second layer's input is dropped: states of the first one and zeros in the output tell."""
    recurrent = Recurrent(cell, 2, dropout=0.9)
    x = torch.randn(4, 10, 8)
    _, expected = recurrent.eval()(x)
    y, final = recurrent.train()(x)
    torch.testing.assert_close(final[0][0], expected[0][0])
    assert (final[0][1] - expected[0][1]).abs().max() > 1e-3
    assert (y != 0).all()


@pytest.mark.parametrize("fused", [True, False])
def test_dropout_keeps_the_mean(fused: bool) -> None:
    """Kept elements are scaled up, on torch's kernel and step by step alike."""
    cell = RNN(1, 200, "relu", bias=False)
    recurrent = Recurrent(cell, 2, dropout=0.5)
    for parameter in recurrent.parameters():
        parameter.data.abs_()  # positive weights: relu cuts nothing, and what is linear keeps the mean
    recurrent._fuses = lambda: fused
    x = torch.ones(500, 1, 1)
    whole = recurrent.eval()(x)[0]
    dropped = recurrent.train()(x)[0]
    assert abs(dropped.mean() / whole.mean() - 1) < 0.02
