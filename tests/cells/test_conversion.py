"""Weights from torch's layers and back, and into ONNX's layout."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgernn.cells import GRU, LSTM, RNN
from edgernn.errors import InputError

from .variants import IN_TORCH, VARIANTS, Variant

PLACES = [(0, False), (0, True), (1, False), (1, True)]


def torch_module(variant: Variant, **options) -> nn.RNNBase:
    module = variant.torch_module(3, 4, num_layers=2, bidirectional=True, **options)
    assert module is not None
    return module


@pytest.mark.parametrize(("layer", "reverse"), PLACES)
@pytest.mark.parametrize("variant", IN_TORCH, ids=str)
def test_round_trip(variant: Variant, layer: int, reverse: bool) -> None:
    source, target = torch_module(variant), torch_module(variant)
    cell = variant.kind.from_torch(source, layer, reverse)
    cell.copy_to_torch(target, layer, reverse)
    suffix = f"_l{layer}" + "_reverse" * reverse
    for name, weight in source.named_parameters():
        here = name.endswith(suffix) and ("reverse" in name) == reverse
        assert torch.equal(weight, target.get_parameter(name)) == here, name


@pytest.mark.parametrize("variant", IN_TORCH, ids=str)
def test_options_and_dtype_are_taken_over(variant: Variant) -> None:
    cell = variant.kind.from_torch(torch_module(variant, dtype=torch.float64), 1)
    assert {name: getattr(cell, name) for name in variant.options} == variant.options
    assert cell.input_size == 8
    assert cell.hidden_size == 4
    assert cell.weight_ih.dtype == torch.float64


def test_a_converted_cell_shares_no_memory() -> None:
    module = nn.LSTM(3, 4)
    cell = LSTM.from_torch(module)
    before = cell.weight_ih.clone()
    with torch.no_grad():
        module.weight_ih_l0.add_(1)
    assert torch.equal(cell.weight_ih, before)


def test_a_missing_layer_is_named() -> None:
    with pytest.raises(InputError, match="LSTM has no layer 1, reverse=False"):
        LSTM.from_torch(nn.LSTM(3, 4), 1)
    with pytest.raises(InputError, match="GRU has no layer 0, reverse=True"):
        GRU.from_torch(nn.GRU(3, 4), reverse=True)


@pytest.mark.parametrize(
    ("cell", "module", "message"),
    [
        (LSTM(3, 4), nn.LSTM(3, 5), r"LSTM.weight_ih_l0: \(20, 3\), needed \(16, 3\)"),
        (LSTM(3, 4), nn.LSTM(2, 4), r"LSTM.weight_ih_l0: \(16, 2\), needed \(16, 3\)"),
        (LSTM(3, 4), nn.LSTM(3, 4, bias=False), "LSTM.bias_ih_l0: none, needed"),
        (RNN(3, 4), nn.GRU(3, 4), r"GRU.weight_ih_l0: \(12, 3\), needed \(4, 3\)"),
    ],
)
def test_wrong_sizes_are_refused(cell, module: nn.RNNBase, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cell.copy_to_torch(module)


@pytest.mark.parametrize(
    ("cell", "module", "message"),
    [
        (LSTM, nn.GRU(3, 4), r"GRU.weight_ih_l0: \(12, 3\), needed \(16, 3\) for LSTM"),
        (GRU, nn.RNN(3, 4), r"RNN.weight_ih_l0: \(4, 3\), needed \(12, 3\) for GRU"),
        # These sizes would broadcast.
        (LSTM, nn.RNN(3, 1), r"RNN.weight_ih_l0: \(1, 3\), needed \(4, 3\) for LSTM"),
        (LSTM, nn.LSTM(3, 4, proj_size=2), r"LSTM.weight_hh_l0: \(16, 2\), needed \(16, 4\) for LSTM"),
    ],
)
def test_a_layer_of_another_kind_is_refused(cell, module: nn.RNNBase, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cell.from_torch(module)


def test_a_bias_that_would_stay_behind_is_refused() -> None:
    """A cell without bias does not compute what a module with its old bias computes."""
    with pytest.raises(InputError, match=r"LSTM.bias_ih_l0: \(16,\), needed none"):
        LSTM(3, 4, bias=False).copy_to_torch(nn.LSTM(3, 4))


# The order of gates in ONNX's documentation, by the names of torch's gates.
TORCH_GATES = {"RNN": "n", "LSTM": "ifgo", "GRU": "rzn"}
ONNX_GATES = {"RNN": "n", "LSTM": "iofg", "GRU": "zrn"}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_onnx_weights_have_the_gates_in_the_order_of_onnx(variant: Variant) -> None:
    cell = variant.make(3, 2)
    name = variant.kind.__name__
    operator = cell.onnx_operator()
    assert operator is not None
    assert operator.op_type == name

    def blocks(stacked: torch.Tensor, gates: str) -> dict[str, torch.Tensor]:
        return dict(zip(gates, stacked.chunk(len(gates)), strict=True))

    pairs = [(operator.W, cell.weight_ih), (operator.R, cell.weight_hh)]
    if variant.options["bias"]:
        assert operator.B is not None
        input_bias, hidden_bias = operator.B.chunk(2)
        pairs += [(input_bias, cell.bias_ih), (hidden_bias, cell.bias_hh)]
    else:
        assert operator.B is None
    for onnx_weight, torch_weight in pairs:
        ours, theirs = blocks(torch_weight, TORCH_GATES[name]), blocks(onnx_weight, ONNX_GATES[name])
        assert all(torch.equal(theirs[gate], ours[gate]) for gate in ours)


def test_onnx_options() -> None:
    assert [RNN(1, 1, kind).onnx_operator().activations for kind in ("tanh", "relu", "sigmoid")] == [
        ("Tanh",), ("Relu",), ("Sigmoid",),
    ]  # fmt: skip
    assert [GRU(1, 1, reset_after=after).onnx_operator().attributes for after in (True, False)] == [
        {"linear_before_reset": 1}, {"linear_before_reset": 0},
    ]  # fmt: skip
    assert LSTM(1, 1).onnx_operator().activations == ()
