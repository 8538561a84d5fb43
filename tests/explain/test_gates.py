"""States and gates over time: of every cell, by its equations, and equal to what the layer computes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.cells import find_cells
from edgernn.explain.gates import gates, trace

CELLS = sorted(find_cells())


def built(name: str, **options: object) -> edgernn.Cell:
    torch.manual_seed(0)
    cell = find_cells()[name](5, 6, **options)
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.6)
    return cell


def put_together(cell: edgernn.Cell, named: dict[str, Tensor], before: tuple[Tensor, ...]) -> Tensor:
    """The state that the gates make of the one before: what each of them is for, by the cell's paper."""
    kind, last = type(cell).__name__, before[-1]
    if kind == "CoupledLSTM":
        return (1 - named["i"]) * last + named["i"] * named["g"]
    if kind.endswith("LSTM") and kind != "MinLSTM":
        return named["f"] * last + named["i"] * named["g"]
    if kind == "GRU":
        return (1 - named["z"]) * named["n"] + named["z"] * last
    if kind == "LayerNormGRU":
        return last + named["z"] * (named["n"] - last)
    if kind == "FastGRNN":
        share = torch.sigmoid(cell.zeta) * (1 - named["z"]) + torch.sigmoid(cell.nu)
        return share * named["n"] + named["z"] * last
    return named["f"] * last + (1 - named["f"]) * named["n"]


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, {}) for name in CELLS), ("GRU", {"reset_after": False}), ("SRU", {"activation": "tanh"})],
)
def test_the_gates_of_every_cell_make_its_next_state(name: str, options: dict[str, object]) -> None:
    cell = built(name, **options)
    x = torch.randn(3, 5)
    before = tuple(torch.randn(3, size) for size in cell.state_sizes)
    with torch.no_grad():
        named = gates(cell, x, before)
        output, after = cell.step(x, before)
        if name in ("RNN", "IndRNN"):
            assert named == {}, "the output is all that there is"
            return
        torch.testing.assert_close(put_together(cell, named, before), after[-1])
        if "o" in named:
            torch.testing.assert_close(named["tanh c"].abs().max() <= 1, torch.tensor(True))
            made = named["o"] * named["tanh c"]
            torch.testing.assert_close(made @ cell.weight_hr.T if name == "ProjectedLSTM" else made, output)
        if name == "SRU":
            past = cell.split(cell.project(x))[3]
            torch.testing.assert_close(past + named["r"] * (named.get("tanh c", after[-1]) - past), output)
    assert not any(key.startswith("gate ") for key in named), "every cell of edgernn names its gates"


class Leaky(edgernn.Cell):
    """A user's cell, which names nothing."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.inner = nn.Linear(input_size + hidden_size, hidden_size)

    def step(self, x, state):
        (h,) = state
        kept = torch.sigmoid(self.inner(torch.cat([x, h], dim=-1)))
        h = kept * h + (1 - kept) * torch.tanh(2 * h)
        return h, (h,)


def test_gates_of_a_users_cell_are_numbered() -> None:
    cell, x, h = Leaky(5, 6), torch.randn(2, 5), torch.randn(2, 6)
    named = gates(cell, x, (h,))
    assert list(named) == ["gate 1", "gate 2"]
    torch.testing.assert_close(named["gate 2"], torch.tanh(2 * h))


class Network(nn.Module):
    def __init__(self, recurrent: edgernn.Recurrent) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"layers": recurrent})
        self.given: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.encoder["layers"](x, **self.given)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "MinGRU", "LayerNormLSTM"])
def test_the_trace_is_what_the_layers_compute(name: str) -> None:
    model = Network(edgernn.Recurrent(built(name), num_layers=2, bidirectional=True)).eval()
    x = torch.randn(1, 7, 5)
    layers = trace(model, x)
    assert [layer.name for layer in layers] == [
        f"encoder-layers-{index}-{way}" for index in (0, 1) for way in ("forward", "backward")
    ]
    _, final = model(x)
    for place, layer in enumerate(layers):
        last = -1 if place % 2 == 0 else 0
        for state, value in zip(model.encoder["layers"].state_names, final, strict=True):
            assert layer.series[state].shape == (7, 6)
            found = torch.from_numpy(layer.series[state][last])
            torch.testing.assert_close(found, value[place, 0], atol=1e-5, rtol=1e-5)


def test_a_trace_goes_as_far_as_the_row_and_begins_with_its_state() -> None:
    model = Network(edgernn.Recurrent(built("GRU"))).eval()
    x, h = torch.randn(1, 7, 5), torch.randn(1, 1, 6)
    model.given = {"lengths": torch.tensor([4]), "state": h}
    (layer,) = trace(model, x)
    assert layer.series["h"].shape == (4, 6)
    _, (final,) = model(x)
    torch.testing.assert_close(torch.from_numpy(layer.series["h"][-1]), final[0, 0])
    model.given = {"lengths": torch.tensor([4])}
    (other,) = trace(model, x)
    assert abs(other.series["h"] - layer.series["h"]).max() > 1e-3
