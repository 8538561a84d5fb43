"""nn.RNNCell, nn.LSTMCell and nn.GRUCell in the user's own loop over time: any length, or a clear refusal."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import SymInt, Tensor, nn

import edgernn
from edgernn.errors import ExportError

from .networks import assert_same_as_torch, export

FEATURES, HIDDEN = 3, 4


class Loop(nn.Module):
    """Base: a cell, layers around it."""

    def __init__(self, cell: nn.Module | None = None) -> None:
        super().__init__()
        self.cell = cell or nn.GRUCell(FEATURES, HIDDEN)
        self.inner = nn.Linear(FEATURES, FEATURES)
        self.head = nn.Linear(HIDDEN, 2)


class Stacked(Loop):
    def forward(self, x: Tensor) -> Any:
        h, outputs = torch.zeros(x.size(0), HIDDEN), []
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
            outputs.append(h)
        return torch.stack(outputs, dim=1), h


class WithoutState(Loop):
    """The state starts as None; the steps come from unbind."""

    def forward(self, x: Tensor) -> Tensor:
        h, outputs = None, []
        for x_t in x.unbind(1):
            h = self.cell(x_t, h)
            outputs.append(h)
        return self.head(torch.stack(outputs).transpose(0, 1))


class TimeFirst(Loop):
    """Iterates over the tensor itself."""

    def forward(self, x: Tensor) -> Tensor:
        h, outputs = None, []
        for x_t in x.transpose(0, 1):
            h = self.cell(x_t, h)
            outputs.append(h)
        return torch.stack(outputs, -1).sum(-1)


class TwoCells(Loop):
    """LSTM cells on top of each other, layers before and after them within the loop, both states used."""

    def __init__(self) -> None:
        super().__init__(nn.LSTMCell(FEATURES, HIDDEN))
        self.upper = nn.LSTMCell(HIDDEN, HIDDEN, bias=False)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> dict[str, Tensor]:
        upper, outputs = (h, c), []
        for t in range(x.shape[1]):
            h, c = self.cell(torch.relu(self.inner(x[:, t, :])) + 0.5, (h, c))
            upper = self.upper(h, upper)
            outputs.append(self.head(upper[0]).unsqueeze(1))
        return {"y": torch.cat(outputs, dim=1), "h": h, "c": c, "upper_c": upper[1]}


class Written(Loop):
    """Writes into a tensor made beforehand."""

    def forward(self, x: Tensor) -> Tensor:
        h, y = x.new_zeros(x.size(0), HIDDEN), torch.zeros(x.size(0), x.size(1), HIDDEN)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
            y[:, t] = h
        return self.head(y)


class BothWays(Loop):
    def __init__(self) -> None:
        super().__init__(nn.RNNCell(FEATURES, HIDDEN, nonlinearity="relu"))
        self.backward_cell = nn.RNNCell(FEATURES, HIDDEN)

    def forward(self, x: Tensor) -> Any:
        h, forward = x.new_zeros(x.size(0), HIDDEN), []
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
            forward.append(h)
        back, backward = x.new_zeros(x.size(0), HIDDEN), []
        for t in reversed(range(x.size(1))):
            back = self.backward_cell(x[:, t], back)
            backward.append(back)
        return torch.cat([torch.stack(forward, 1), torch.stack(backward[::-1], 1)], dim=-1), h, back


class Embedded(Loop):
    """Token ids, and only the last state."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, FEATURES)

    def forward(self, ids: Tensor) -> Tensor:
        h = torch.zeros(ids.size(0), HIDDEN)
        for t in range(ids.size(1)):
            h = self.cell(self.embedding(ids[:, t]), h)
        return self.head(h)


class OneStep(Loop):
    """No loop at all: the caller keeps the state."""

    def forward(self, x: Tensor, h: Tensor) -> Any:
        h = self.cell(x, h)
        return self.head(h), h


def x(batch: int, steps: int) -> tuple[Tensor, ...]:
    return (torch.randn(batch, steps, FEATURES),)


def with_states(batch: int, steps: int) -> tuple[Tensor, ...]:
    return (*x(batch, steps), torch.randn(batch, HIDDEN), torch.randn(batch, HIDDEN))


FOLLOWED: dict[str, tuple[Any, Any]] = {
    "stacked": (Stacked, x),
    "stacked_relu": (lambda: Stacked(nn.RNNCell(FEATURES, HIDDEN, nonlinearity="relu")), x),
    "without_state": (WithoutState, x),
    "time_first": (TimeFirst, x),
    "two_cells": (TwoCells, with_states),
    "written": (Written, x),
    "both_ways": (BothWays, x),
    "embedded": (Embedded, lambda batch, steps: (torch.randint(0, 7, (batch, steps)),)),
}


@pytest.mark.parametrize("name", FOLLOWED)
@pytest.mark.parametrize("form", ["op", pytest.param("scan", marks=pytest.mark.slow)])
def test_a_loop_is_exported_with_free_length(name: str, form: str, tmp_path: Path) -> None:
    make, inputs = FOLLOWED[name]
    module, path = make(), tmp_path / "model.onnx"
    manifest = export(module, path, *inputs(2, 5), recurrence=form)
    assert {layer.recurrence for layer in manifest.layers} == {form}
    cells = sum(isinstance(part, nn.RNNCellBase) for part in module.modules())
    assert len(manifest.layers) == cells  # one recurrence a cell, however many steps
    assert_same_as_torch(path, module, *(inputs(*size) for size in ((1, 1), (3, 5), (2, 12))))


def test_a_followed_loop_streams(tmp_path: Path) -> None:
    module = Stacked(nn.GRUCell(FEATURES, HIDDEN))
    manifest = export(module, tmp_path / "model.onnx", *x(1, 6), streaming=True, check=True)
    assert [state.layer for state in manifest.states] == ["cell.l0"]
    assert manifest.parity["passed"]


def test_a_step_without_a_loop(tmp_path: Path) -> None:
    module, path = OneStep(), tmp_path / "model.onnx"
    export(module, path, torch.randn(2, FEATURES), torch.randn(2, HIDDEN))
    sizes = ((torch.randn(batch, FEATURES), torch.randn(batch, HIDDEN)) for batch in (1, 5))
    assert_same_as_torch(path, module, *sizes)


@pytest.mark.parametrize("form", ["auto", "unrolled"])
def test_a_fixed_length_needs_no_following(form: str, tmp_path: Path) -> None:
    module, path = Feedback(), tmp_path / "model.onnx"
    export(module, path, *x(2, 4), length=4, recurrence=form)
    assert_same_as_torch(path, module, x(3, 4))


class Feedback(Loop):
    """The input of a step depends on the output of the step before."""

    def __init__(self) -> None:
        super().__init__(nn.GRUCell(FEATURES + HIDDEN, HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        h, outputs = torch.zeros(x.size(0), HIDDEN), []
        for t in range(x.size(1)):
            h = self.cell(torch.cat([x[:, t], h], dim=1), h)
            outputs.append(h)
        return torch.stack(outputs, dim=1)


class Scaled(Loop):
    """The state is changed between the steps."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0), HIDDEN)
        for t in range(x.size(1)):
            h = 0.5 * self.cell(x[:, t], h)
        return h


class Skipping(Loop):
    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0), HIDDEN)
        for t in range(0, x.size(1), 2):
            h = self.cell(x[:, t], h)
        return h


class ReadsC(Loop):
    def __init__(self) -> None:
        super().__init__(nn.LSTMCell(FEATURES, HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        h = c = torch.zeros(x.size(0), HIDDEN)
        outputs = []
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
            outputs.append(c)
        return torch.stack(outputs, dim=1)


class Summed(Loop):
    """Follows the cell, and yet adds up single steps."""

    def forward(self, x: Tensor) -> Tensor:
        h = total = torch.zeros(x.size(0), HIDDEN)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
            total = total + h
        return total


class ReadsWritten(Loop):
    """Reads what the loop has written so far."""

    def forward(self, x: Tensor) -> Tensor:
        h, y = x.new_zeros(x.size(0), HIDDEN), torch.zeros(x.size(0), x.size(1), HIDDEN)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
            y[:, t] = h
            h = h + y.mean(dim=1)
        return y


class OverRows(Loop):
    """A loop over the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.cell(x[row]) for row in range(x.size(0))])


@pytest.mark.parametrize("kind", [Feedback, Scaled, Skipping, ReadsC, Summed, OverRows])
def test_a_loop_that_cannot_be_followed_is_refused_with_the_way_out(kind: type[Loop], tmp_path: Path) -> None:
    way_out = r"edgernn\.Recurrent\(edgernn\.(GRU|LSTM)\(\d, 4\)\)"
    with pytest.raises(ExportError, match=rf"module 'cell': .*{way_out}"):
        export(kind(), tmp_path / "model.onnx", *x(2, 6))
    assert not list(tmp_path.iterdir())


def test_reading_what_a_loop_has_only_begun_to_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"torch\.stack it after the loop"):
        export(ReadsWritten(), tmp_path / "model.onnx", *x(2, 6))


class SumOfRows(Stacked):
    """A loop over the batch beside one over time that is followed."""

    def forward(self, x: Tensor) -> Any:
        y, h = super().forward(x)
        return y, sum(h[row] for row in range(h.size(0)))


def test_a_loop_over_the_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot follow the loop"):
        export(SumOfRows(), tmp_path / "model.onnx", *x(2, 6))


def test_torch_is_left_as_it_was(tmp_path: Path) -> None:
    before = (SymInt.__index__, SymInt.__int__)
    with pytest.raises(ExportError):
        export(ReadsC(), tmp_path / "model.onnx", *x(2, 6))
    export(Stacked(), tmp_path / "model.onnx", *x(2, 6))
    assert (SymInt.__index__, SymInt.__int__) == before


def test_another_thread_is_not_followed(tmp_path: Path) -> None:
    """A module that another thread runs meanwhile computes as ever."""
    module, results = Stacked(), []
    inputs = x(2, 5)
    wanted = module(*inputs)[0]

    class Asking(Stacked):
        def forward(self, x: Tensor) -> Any:
            thread = threading.Thread(target=lambda: results.append(module(*inputs)[0]))
            thread.start()
            thread.join()
            return super().forward(x)

    edgernn.export(Asking(), tmp_path / "model.onnx", inputs, check=False)
    assert results
    assert all(torch.equal(result, wanted) for result in results)
