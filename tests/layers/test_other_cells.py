"""Recurrent with cells that torch has no kernel for."""

from __future__ import annotations

import pytest
import torch

from edgernn import GRU, LSTM, RNN, Cell, Recurrent
from tests.cells.tolerances import DOUBLE


class Doubled(LSTM):
    def step(self, x, state):
        output, state = super().step(x, state)
        return 2 * output, state


class Clipped(GRU):
    def recur(self, projected, state):
        _, (h,) = super().recur(projected, state)
        return h, (h.clamp(-0.05, 0.05),)


class Warm(RNN):
    """Torch's equations from an initial state of its own."""

    def initial_state(self, batch):
        return (torch.full((batch, self.hidden_size), 0.5, dtype=self.weight_ih.dtype),)


class Uneven(Cell):
    """Two states of different sizes, a learned initial state, and an output that is neither."""

    state_names = ("fast", "slow")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.inner = torch.nn.Linear(input_size + hidden_size + 2, hidden_size)
        self.start = torch.nn.Parameter(torch.randn(hidden_size))

    @property
    def state_sizes(self):
        return (self.hidden_size, 2)

    def initial_state(self, batch):
        return self.start.expand(batch, -1), self.start.new_ones(batch, 2)

    def step(self, x, state):
        fast, slow = state
        new = torch.tanh(self.inner(torch.cat([x, fast, slow], dim=-1)))
        return new * fast, (new, 0.9 * slow + 0.1 * new[:, :2])


def by_hand(recurrent: Recurrent, x_BTF: torch.Tensor) -> tuple[torch.Tensor, list[tuple[torch.Tensor, ...]]]:
    """The definition: layer on layer, direction beside direction, step after step."""
    finals = []
    for index in range(recurrent.num_layers):
        outputs = []
        for direction, cell in enumerate(recurrent.layer(index)):
            state = cell.initial_state(x_BTF.shape[0])
            steps = list(range(x_BTF.shape[1]))
            found = {}
            for t in steps[::-1] if direction else steps:
                found[t], state = cell.step(x_BTF[:, t], state)
            outputs.append(torch.stack([found[t] for t in steps], dim=1))
            finals.append(state)
        x_BTF = torch.cat(outputs, dim=-1)
    return x_BTF, finals


@pytest.mark.parametrize("kind", [Doubled, Clipped, Warm, Uneven])
@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, True), (3, False)])
def test_any_cell_runs_as_defined(kind: type[Cell], layers: int, both: bool) -> None:
    recurrent = Recurrent(kind(3, 4), layers, bidirectional=both).double()
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    y, final = recurrent(x)
    expected, finals = by_hand(recurrent, x)
    torch.testing.assert_close(y, expected, **DOUBLE)
    torch.testing.assert_close(
        final, tuple(torch.stack(parts) for parts in zip(*finals, strict=True)), **DOUBLE
    )


def test_changed_equations_do_not_run_on_the_kernel_of_the_base() -> None:
    """The fused LSTM kernel would give half of what this cell gives, and nobody would notice."""
    changed, plain = Recurrent(Doubled(3, 4)), Recurrent(LSTM(3, 4))
    plain.load_state_dict(changed.state_dict())
    x = torch.randn(2, 6, 3)
    assert not changed._fuses()
    assert plain._fuses()
    torch.testing.assert_close(changed(x)[0], 2 * plain(x)[0])


def test_an_initial_state_of_its_own_does_not_cost_the_kernel() -> None:
    recurrent = Recurrent(Warm(3, 4))
    assert recurrent._fuses()
    torch.testing.assert_close(recurrent.initial_state(2)[0], torch.full((1, 2, 4), 0.5))


def test_a_learned_initial_state_is_learned() -> None:
    recurrent = Recurrent(Uneven(3, 4), 2)
    recurrent(torch.randn(2, 3, 3))[0].square().sum().backward()
    assert all(cell.start.grad.abs().sum() > 0 for cell in recurrent.cells)
