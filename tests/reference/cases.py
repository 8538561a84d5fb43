"""Every cell and variant of the reference, each with a PyTorch module that computes the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from edgernn.reference import gru, lstm, rnn


class SteppedModule(nn.Module):
    """A layer with the parameters and the call of nn.RNN, for steps that PyTorch has no layer for."""

    def __init__(self, step: Callable[..., torch.Tensor], gates: int, sizes: tuple[int, int], bias: bool):
        super().__init__()
        self.step = step
        inputs, hidden = sizes
        self.weight_ih_l0 = nn.Parameter(torch.zeros(gates * hidden, inputs, dtype=torch.float64))
        self.weight_hh_l0 = nn.Parameter(torch.zeros(gates * hidden, hidden, dtype=torch.float64))
        for name in ("bias_ih_l0", "bias_hh_l0") if bias else ():
            setattr(self, name, nn.Parameter(torch.zeros(gates * hidden, dtype=torch.float64)))

    def forward(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h, outputs = state[0], []
        for x_t in x.unbind(1):
            h = self.step(self, x_t, h)
            outputs.append(h)
        return torch.stack(outputs, 1), h[None]

    def affine(self, side: str, value: torch.Tensor, rows: slice) -> torch.Tensor:
        bias = getattr(self, f"bias_{side}_l0", None)
        return nn.functional.linear(
            value, getattr(self, f"weight_{side}_l0")[rows], None if bias is None else bias[rows]
        )


def _sigmoid_rnn_step(layer: SteppedModule, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    everything = slice(None)
    return torch.sigmoid(layer.affine("ih", x, everything) + layer.affine("hh", h, everything))


def _reset_before_gru_step(layer: SteppedModule, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    size = h.shape[-1]
    rows_r, rows_z, rows_n = (slice(k * size, (k + 1) * size) for k in range(3))
    r = torch.sigmoid(layer.affine("ih", x, rows_r) + layer.affine("hh", h, rows_r))
    z = torch.sigmoid(layer.affine("ih", x, rows_z) + layer.affine("hh", h, rows_z))
    n = torch.tanh(layer.affine("ih", x, rows_n) + layer.affine("hh", r * h, rows_n))
    return z * h + (1 - z) * n


def _stepped(step: Callable[..., torch.Tensor], gates: int) -> Callable[[int, int, bool], nn.Module]:
    return lambda inputs, hidden, bias: SteppedModule(step, gates, (inputs, hidden), bias)


def _layer(kind: Callable[..., nn.Module], **options: Any) -> Callable[[int, int, bool], nn.Module]:
    return lambda inputs, hidden, bias: kind(
        inputs, hidden, bias=bias, batch_first=True, dtype=torch.float64, **options
    )


@dataclass(frozen=True)
class Case:
    """A variant: the reference's module and options, the count of gates and states, the PyTorch module."""

    name: str
    cell: ModuleType
    gates: int
    states: int
    make_torch: Callable[[int, int, bool], nn.Module]
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("rnn-tanh", rnn, 1, 1, _layer(nn.RNN)),
    Case("rnn-relu", rnn, 1, 1, _layer(nn.RNN, nonlinearity="relu"), {"activation": "relu"}),
    Case("rnn-sigmoid", rnn, 1, 1, _stepped(_sigmoid_rnn_step, 1), {"activation": "sigmoid"}),
    Case("lstm", lstm, 4, 2, _layer(nn.LSTM)),
    Case("gru-reset-after", gru, 3, 1, _layer(nn.GRU)),
    Case("gru-reset-before", gru, 3, 1, _stepped(_reset_before_gru_step, 3), {"reset_after": False}),
]


@dataclass(frozen=True)
class Problem:
    """Random parameters, input and initial state of a case, and the gradients of a loss.

    The loss is Σ dy * y + Σ dstate * final state: it sees every output and the final state.
    """

    case: Case
    parameters: dict[str, np.ndarray]
    x: np.ndarray
    state: tuple[np.ndarray, ...]
    dy: np.ndarray
    dstate: tuple[np.ndarray, ...]

    def forward(self) -> tuple[np.ndarray, tuple[np.ndarray, ...], Any]:
        return self.case.cell.forward(self.parameters, self.x, self.state, **self.case.options)

    def torch_module(self) -> nn.Module:
        bias = "bias_ih" in self.parameters
        module = self.case.make_torch(self.x.shape[2], self.dy.shape[2], bias)
        module.load_state_dict({f"{name}_l0": torch.tensor(value) for name, value in self.parameters.items()})
        return module


def make_problem(
    case: Case, batch: int, time: int, inputs: int, hidden: int, *, bias: bool = True, seed: int = 0
) -> Problem:
    """A problem of those sizes; the weights are such that no unit saturates and no relu network explodes."""
    random = np.random.default_rng(seed)
    rows = case.gates * hidden
    parameters = {
        "weight_ih": random.normal(size=(rows, inputs)) / np.sqrt(inputs),
        "weight_hh": random.normal(size=(rows, hidden)) / np.sqrt(hidden),
    }
    if bias:
        parameters |= {name: random.normal(size=rows) for name in ("bias_ih", "bias_hh")}
    return Problem(
        case,
        parameters,
        x=random.normal(size=(batch, time, inputs)),
        state=tuple(random.normal(size=(batch, hidden)) for _ in range(case.states)),
        dy=random.normal(size=(batch, time, hidden)),
        dstate=tuple(random.normal(size=(batch, hidden)) for _ in range(case.states)),
    )


def torch_forward(
    module: nn.Module, x: torch.Tensor, state: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """The module's y, and its final state as a tuple of (batch, hidden)."""
    layered = tuple(array[None] for array in state)
    y, final = module(x, layered if len(layered) > 1 else layered[0])
    return y, tuple(array[0] for array in (final if isinstance(final, tuple) else (final,)))


def assert_close(found: np.ndarray, expected: np.ndarray | torch.Tensor, tolerance: float) -> None:
    """Equal shapes, and equal values to `tolerance` relative to the largest one (absolute below 1)."""
    assert difference(found, expected) <= tolerance


def difference(found: np.ndarray, expected: np.ndarray | torch.Tensor) -> float:
    """The largest difference, relative to the largest expected value, absolute below 1; NaN if one is NaN."""
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
