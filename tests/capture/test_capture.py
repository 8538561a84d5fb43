"""A module becomes a graph in which each recurrent layer is one opaque node."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgernn import GRU, LSTM, Recurrent
from edgernn.capture import capture, computed_by, find_layer, prepare
from edgernn.capture.program import describe_inputs, flatten_outputs
from edgernn.errors import ExportError
from tests.cells.tolerances import DOUBLE
from tests.cells.variants import IN_TORCH, VARIANTS, Variant


class Model(nn.Module):
    def __init__(self, recurrent: nn.Module) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"lstm": recurrent})

    def forward(self, x: Tensor, state: Any = None) -> Any:
        return self.encoder["lstm"](x) if state is None else self.encoder["lstm"](x, state)


def recurrences(program: Any) -> list[Any]:
    return [node for node in program.graph.nodes if "edgernn" in str(node.target)]


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, True)])
@pytest.mark.parametrize("variant", IN_TORCH, ids=str)
def test_the_copy_computes_what_torch_computes(
    variant: Variant, layers: int, both: bool, batch_first: bool
) -> None:
    module = variant.torch_module(3, 4, num_layers=layers, bidirectional=both, batch_first=batch_first)
    assert module is not None
    model = Model(module.double())
    prepared = prepare(model)
    x = torch.randn(5, 6, 3, dtype=torch.float64)
    rows = x.shape[0] if batch_first else x.shape[1]
    for state in (None, _states(module, layers * (1 + both), rows)):
        torch.testing.assert_close(prepared.module(x, state), model(x, state), **DOUBLE)
    unbatched = torch.randn(6, 3, dtype=torch.float64)
    torch.testing.assert_close(prepared.module(unbatched), model(unbatched), **DOUBLE)


def _states(module: nn.RNNBase, layers: int, rows: int) -> Any:
    parts = tuple(torch.rand(layers, rows, 4, dtype=torch.float64) - 0.5 for _ in range(2))
    return parts if isinstance(module, nn.LSTM) else parts[0]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_operator_computes_the_same_by_torch_and_by_numpy(variant: Variant) -> None:
    prepared = prepare(Model(Recurrent(variant.make(), 2, bidirectional=True).double()))
    x = torch.randn(3, 5, 3, dtype=torch.float64)
    with torch.no_grad():
        by_torch = prepared.module(x)
        with computed_by("numpy"):
            by_numpy = prepared.module(x)
    torch.testing.assert_close(by_torch, by_numpy, **DOUBLE)


def test_each_layer_is_one_node(tmp_path: Any) -> None:
    captured = capture(Model(Recurrent(LSTM(3, 4), 3, bidirectional=True)), torch.randn(1, 5, 3))
    nodes = recurrences(captured.program)
    assert len(nodes) == 3
    assert [layer.name for layer in captured.layers] == [f"encoder.lstm.l{index}" for index in range(3)]
    assert [find_layer(node.args[3]) for node in nodes] == list(captured.layers)
    assert [layer.directions for layer in captured.layers] == [2, 2, 2]


def test_sizes_of_one_in_the_example_do_not_become_constants() -> None:
    captured = capture(Model(nn.GRU(3, 4, batch_first=True)), torch.randn(1, 1, 3))
    (x,) = [node for node in captured.program.graph.nodes if node.name == "x"]
    batch, time, features = x.meta["val"].shape
    assert features == 3
    assert not str(batch).isdigit()
    assert not str(time).isdigit()


def test_a_module_in_two_places_is_one() -> None:
    gru = nn.GRU(3, 3, batch_first=True)
    model = nn.ModuleDict({"a": gru, "b": gru})
    prepared = prepare(model)
    assert prepared.module["a"] is prepared.module["b"]
    assert len(prepared.layers) == 1


def test_the_model_is_copied() -> None:
    model = Model(nn.LSTM(3, 4)).train()
    prepared = prepare(model)
    assert type(model.encoder["lstm"]) is nn.LSTM
    assert model.training
    assert not prepared.module.training


def test_a_forward_may_ask_for_sizes() -> None:
    original = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    stand_in = prepare(Model(original)).module.encoder["lstm"]
    for name in ("input_size", "hidden_size", "num_layers", "bidirectional", "batch_first", "dropout"):
        assert getattr(stand_in, name) == getattr(original, name)
    stand_in.flatten_parameters()
    recurrent = Recurrent(GRU(3, 4), 2)
    stand_in = prepare(Model(recurrent)).module.encoder["lstm"]
    assert stand_in.state_names == ("h",)
    torch.testing.assert_close(stand_in.initial_state(5), recurrent.initial_state(5))


def test_messages_show_the_class_that_the_user_wrote() -> None:
    prepared = prepare(nn.ModuleList([nn.GRU(3, 4), Recurrent(LSTM(3, 4))]))
    assert [type(module).__name__ for module in prepared.module] == ["GRU", "Recurrent"]


def test_names_and_dimensions_of_inputs() -> None:
    class Inputs(nn.Module):
        def forward(self, x: Tensor, ids: Tensor, count: Tensor, scalar: Tensor, h: Tensor) -> None: ...

    infos = describe_inputs(
        Inputs(),
        (torch.ones(1, 5, 3), torch.ones(1, 5), torch.ones(1), torch.tensor(1.0), torch.ones(2, 1, 4)),
        1,
        {"h": (None, "batch", None)},
    )
    assert {info.name: info.dims for info in infos} == {
        "x": ("batch", "time", None),
        "ids": ("batch", "time"),
        "count": ("batch",),
        "scalar": (),
        "h": (None, "batch", None),
    }
    (time_first,) = describe_inputs(nn.LSTM(3, 4), torch.ones(5, 1, 3), 0, {})
    assert time_first.dims == ("time", "batch", None)
    assert time_first.time_dim == 0


@pytest.mark.parametrize(
    ("result", "names"),
    [
        (torch.zeros(1), ["output"]),
        ((torch.zeros(1),), ["output"]),
        ((torch.zeros(1), torch.ones(1)), ["output_0", "output_1"]),
        ({"y": torch.zeros(1), "n": [torch.zeros(1), torch.ones(1)]}, ["y", "n_0", "n_1"]),
        ((torch.zeros(1), None, (torch.zeros(1), torch.zeros(1))), ["output_0", "output_2_0", "output_2_1"]),
    ],
)
def test_names_of_outputs(result: Any, names: list[str]) -> None:
    assert [name for name, _ in flatten_outputs(result)] == names


@pytest.mark.parametrize("result", ["text", 1.0, (torch.zeros(1), "text"), {"y": object()}])
def test_outputs_that_are_no_tensors(result: Any) -> None:
    with pytest.raises(ExportError, match=r"the forward returns a (str|float|object); return tensors"):
        flatten_outputs(result)
