"""The gradient's flow against what autograd says of single steps, and networks that are known to be ill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.training.gradient_flow import GradientFlow, measure, write_gradient_flow

STEPS = 60


class Last(nn.Module):
    """A classifier that looks at the last step alone; `gain` scales the recurrent weights' spectrum."""

    def __init__(self, gain: float | None, layers: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.recurrent = edgernn.Recurrent(edgernn.RNN(4, 8, activation="relu"), num_layers=layers)
        self.head = nn.Linear(8, 2)
        for name, value in self.recurrent.named_parameters():
            if gain is not None and "weight_hh" in name:
                value.data.copy_(gain * torch.eye(8))

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.recurrent(x)
        return self.head(y[:, -1])


def flow_of(model: Last) -> GradientFlow:
    x = torch.randn(3, STEPS, 4, generator=torch.Generator().manual_seed(1))
    return measure(model, lambda: model(x).square().sum(), epoch=1)


def test_the_norms_are_autograds() -> None:
    model = Last(gain=0.9)
    x = torch.randn(3, STEPS, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    model(x).square().sum().backward()
    assert x.grad is not None
    expected = x.grad.square().sum(-1).mean(0).sqrt()
    (layer,) = flow_of(model).layers
    torch.testing.assert_close(torch.tensor(layer.by_step).float(), expected, rtol=1e-4, atol=1e-12)
    weight = model.recurrent.cells[0].weight_hh
    assert flow_of(model).parameters["recurrent.cells.0.weight_hh"] == pytest.approx(
        float(weight.grad.norm() / weight.detach().norm()), rel=1e-4
    )


@pytest.mark.parametrize(("gain", "verdict"), [(0.5, "vanishing"), (1.0, "ok"), (1.5, "exploding")])
def test_ill_networks_are_told_from_a_healthy_one(gain: float, verdict: str) -> None:
    flow = flow_of(Last(gain))
    assert [layer.verdict for layer in flow.layers] == [verdict]
    advice = {"vanishing": "gated cell", "exploding": "gradient_clip"}.get(verdict)
    assert bool(flow.warnings()) == (advice is not None)
    assert all(advice in warning for warning in flow.warnings())


def test_layers_are_seen_apart() -> None:
    flow = flow_of(Last(gain=1.0, layers=2))
    assert [layer.name for layer in flow.layers] == ["recurrent.l0", "recurrent.l1"]


def test_measuring_changes_nothing() -> None:
    model = Last(gain=None, layers=2)
    model.recurrent.dropout = 0.5
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(5)
    state = torch.get_rng_state()
    flow_of(model)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters())
    assert model.recurrent._fuses()


def test_a_parameter_that_gets_nothing_is_named() -> None:
    model = Last(gain=1.0)
    model.idle = nn.Linear(2, 2)
    assert any("idle.weight, idle.bias: no gradient" in warning for warning in flow_of(model).warnings())


def test_the_report_is_strict_json(tmp_path: Path) -> None:
    write_gradient_flow(tmp_path, [flow_of(Last(gain=1e9))])
    (entry,) = json.loads((tmp_path / "gradient_flow.json").read_text(), parse_constant=pytest.fail)
    assert "not finite" in entry["warnings"][0]
    assert None in entry["layers"][0]["by_step"]
