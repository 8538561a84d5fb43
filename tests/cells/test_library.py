"""The further cells against the reference and the plain loop: steps, gradients, all steps at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

import edgernn.cells
from edgernn import Recurrent
from edgernn.cells import (
    SRU,
    CoupledLSTM,
    FastGRNN,
    IndRNN,
    LayerNormLSTM,
    MinGRU,
    MinLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
)
from edgernn.cells.gated import GatedCell
from edgernn.cells.linear import LinearCell
from edgernn.cells.normalization import normalize
from edgernn.errors import InputError
from edgernn.reference.sequence import run as run_reference

from .checks import assert_a_step_is_the_reference_step, random_states
from .library import CHOICES, LIBRARY, Choice, gradients
from .tolerances import DOUBLE

SIZES = st.integers(1, 5)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@settings(max_examples=6)
@given(inputs=SIZES, hidden=SIZES, batch=SIZES, seed=st.integers(0, 1000))
@example(inputs=4, hidden=4, batch=2, seed=0)
def test_a_step_is_the_reference_step(
    choice: Choice, inputs: int, hidden: int, batch: int, seed: int
) -> None:
    torch.manual_seed(seed)
    cell = choice.make(inputs, hidden).double()
    assert_a_step_is_the_reference_step(cell, batch)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_layers_over_time_are_the_reference_over_time(choice: Choice) -> None:
    """Two layers, both directions, lengths, given states: while training, and without."""
    recurrent = Recurrent(choice.make(), 2, bidirectional=True).double()
    x, lengths = torch.randn(3, 7, 3, dtype=torch.float64), torch.tensor([4, 7, 1])
    state = tuple(torch.rand_like(part) * 2 - 1 for part in recurrent.initial_state(3))
    training = recurrent(x, state, lengths)
    with torch.no_grad():
        inference = recurrent(x, state, lengths)
    finals, expected = [], x.numpy()
    for layer in range(2):
        outputs = []
        for direction, cell in enumerate(recurrent.layer(layer)):
            start = tuple(part[2 * layer + direction].numpy() for part in state)
            y, final = run_reference(cell.reference_step(), expected, start, lengths.numpy(), direction == 1)
            outputs.append(y)
            finals.append(final)
        expected = np.concatenate(outputs, axis=-1)
    for y, final in (training, inference):
        np.testing.assert_allclose(y.detach().numpy(), expected, **DOUBLE)
        for part, wanted in zip(final, zip(*finals, strict=True), strict=True):
            np.testing.assert_allclose(part.detach().numpy(), np.stack(wanted), **DOUBLE)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_gradients_of_a_step_are_those_of_finite_differences(choice: Choice) -> None:
    cell = choice.make(2, 3).double()
    x, state = torch.randn(2, 2, dtype=torch.float64), random_states(cell, 2)
    inputs = [tensor.requires_grad_() for tensor in (x, *state)]
    assert torch.autograd.gradcheck(
        lambda x, *state: (cell.step(x, state)[0], *cell.step(x, state)[1]), inputs
    )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_all_steps_at_once_are_the_loop(
    choice: Choice, reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs, final states and every gradient, with and without lengths."""
    cell = choice.make().double()
    x, state = torch.randn(23, 3, 3, dtype=torch.float64), random_states(cell, 3)
    for lengths in (None, torch.tensor([5, 23, 1])):
        found = gradients(cell, x, state, lengths, reverse)
        with monkeypatch.context() as patch:
            patch.setattr(choice.kind, "over_time", lambda *arguments: None)
            wanted = gradients(cell, x, state, lengths, reverse)
        torch.testing.assert_close(found, wanted, **DOUBLE)


@pytest.mark.parametrize("kind", LIBRARY.values(), ids=list(LIBRARY))
def test_no_cell_trains_step_by_step(kind: type[edgernn.Cell]) -> None:
    """Each has a way of its own: torch's kernel, or all steps at once."""
    cell = kind(3, 4)
    fused = isinstance(cell, GatedCell) and cell.torch_mode is not None
    x = torch.randn(5, 2, 3)
    assert fused or cell.over_time(cell.project(x), cell.initial_state(2)) is not None


@pytest.mark.parametrize("kind", LIBRARY.values(), ids=list(LIBRARY))
def test_autocast_trains_like_the_loop(kind: type[edgernn.Cell]) -> None:
    """Where mixed precision decides the types of each operation, gradients must still be made of them."""
    recurrent = Recurrent(kind(3, 4))
    with torch.autocast("cpu", torch.bfloat16):
        recurrent(torch.randn(2, 5, 3))[0].float().square().mean().backward()
    assert all(parameter.grad is not None for parameter in recurrent.parameters())


class WrongSteps(PeepholeLSTM.steps_of_a_run):
    def retreat(self, slopes, dstate):
        super().retreat(slopes, dstate)
        dstate[0][...] *= 0.9


class WrongGradient(PeepholeLSTM):
    steps_of_a_run = WrongSteps


class OtherEquations(PeepholeLSTM):
    def recur(self, projected, state):
        h, (_, c) = super().recur(projected, state)
        return h, (h, 0.5 * c)


def test_a_wrong_gradient_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Choice(WrongGradient).make().double()
    x, state = torch.randn(9, 2, 3, dtype=torch.float64), random_states(cell, 2)
    found = gradients(cell, x, state)
    monkeypatch.setattr(WrongGradient, "over_time", lambda *arguments: None)
    wanted = gradients(cell, x, state)
    torch.testing.assert_close(found[0], wanted[0], **DOUBLE)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(found[1], wanted[1], **DOUBLE)


def test_a_gradient_is_not_used_for_other_equations() -> None:
    cell = OtherEquations(3, 4)
    assert cell.over_time(cell.project(torch.randn(5, 2, 3)), cell.initial_state(2)) is None
    assert cell.onnx_operator() is None
    assert cell.reference_step() is None


@settings(max_examples=15)
@given(
    steps=st.sampled_from([1, 2, 15, 16, 17, 40, 101]),
    batch=st.sampled_from([1, 3, 100]),
    extreme=st.booleans(),
    reverse=st.booleans(),
)
@pytest.mark.parametrize("kind", [MinGRU, MinLSTM, SRU])
def test_a_linear_recurrence_in_parallel_is_the_loop(
    kind: type[LinearCell], steps: int, batch: int, extreme: bool, reverse: bool
) -> None:
    """Lengths around whole blocks, small and large steps, gates that are all but 0 and 1."""
    cell = kind(2, 50 if batch == 100 else 3).double()
    x = torch.randn(steps, batch, 2, dtype=torch.float64) * (200 if extreme else 1)
    state = random_states(cell, batch)
    found = gradients(cell, x, state, None, reverse)
    cell.over_time = lambda *arguments: None
    wanted = gradients(cell, x, state, None, reverse)
    scale = max(float(part.detach().abs().max()) for part in (*wanted[0], *wanted[1]))
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12 * max(scale, 1.0))


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_like_keeps_everything_but_the_input_size(choice: Choice) -> None:
    cell = choice.make()
    other = cell.like(8)
    assert type(other) is choice.kind
    assert (other.input_size, other.hidden_size, other.state_sizes) == (8, 4, cell.state_sizes)
    assert {name: getattr(other, name) for name in choice.options} == choice.options


@pytest.mark.parametrize("kind", LIBRARY.values(), ids=list(LIBRARY))
def test_wrong_sizes_are_refused(kind: type[edgernn.Cell]) -> None:
    for sizes in ((0, 4), (3, 0), (3, 4.0), (True, 4)):
        with pytest.raises(InputError, match=rf"{kind.__name__}: (input|hidden)_size must be an integer ≥ 1"):
            kind(*sizes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IndRNN(3, 4, "gelu"), r"activation must be one of \['relu', 'tanh'\], found 'gelu'"),
        (lambda: IndRNN(3, 4, recurrent_max=0), "recurrent_max must be above 0, found 0"),
        (lambda: SRU(3, 4, "relu"), "activation must be one of .*identity.*, found 'relu'"),
        (lambda: FastGRNN(3, 4, input_rank=4), "input_rank must be None or an integer from 1 to 3"),
        (lambda: FastGRNN(3, 4, recurrent_rank=0), "recurrent_rank must be None or an integer from 1 to 4"),
        (lambda: ProjectedLSTM(3, 4, 4), "cell_size must be an integer above hidden_size=4, found 4"),
        (lambda: ProjectedLSTM.from_torch(nn.LSTM(3, 4)), "convert it to LSTM"),
        (lambda: CoupledLSTM.from_torch(nn.GRU(3, 4)), "GRU has other equations than CoupledLSTM"),
        (lambda: PeepholeLSTM.from_torch(nn.LSTM(3, 4)), "LSTM has other equations than PeepholeLSTM"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("bias", [True, False])
def test_a_projected_lstm_is_torchs(bias: bool) -> None:
    theirs = nn.LSTM(3, 6, proj_size=4, bias=bias, batch_first=True, dtype=torch.float64)
    ours = Recurrent(ProjectedLSTM.from_torch(theirs))
    x = torch.randn(2, 7, 3, dtype=torch.float64)
    state = tuple(torch.rand(1, 2, size, dtype=torch.float64) for size in (4, 6))
    expected = theirs(x, state)
    assert not ours._fuses()
    torch.testing.assert_close(ours(x, state), expected, **DOUBLE)
    with torch.no_grad():
        assert ours._fuses()
        torch.testing.assert_close(ours(x, state), expected, **DOUBLE)


def test_a_coupled_lstm_trains_by_torchs_kernel() -> None:
    """Its gradients through the kernel of the plain LSTM are those of its own steps."""
    recurrent = Recurrent(Choice(CoupledLSTM).make(), 2, bidirectional=True).double()
    x = torch.randn(2, 7, 3, dtype=torch.float64)
    assert recurrent._fuses()
    found = torch.autograd.grad(recurrent(x)[0].square().sum(), list(recurrent.parameters()))
    recurrent._fuses = lambda: False
    wanted = torch.autograd.grad(recurrent(x)[0].square().sum(), list(recurrent.parameters()))
    torch.testing.assert_close(found, wanted, **DOUBLE)


def test_low_rank_is_the_product_of_its_factors() -> None:
    low, full = FastGRNN(3, 4, input_rank=2, recurrent_rank=1), FastGRNN(3, 4)
    assert sum(p.numel() for p in low.parameters()) == 2 * (4 + 3) + (4 + 4) + 2 + 8
    with torch.no_grad():
        full.weight_ih.copy_(low.weight_ih_left @ low.weight_ih_right)
        full.weight_hh.copy_(low.weight_hh_left @ low.weight_hh_right)
    x, state = torch.randn(2, 3), (torch.rand(2, 4),)
    torch.testing.assert_close(low.step(x, state), full.step(x, state))


def test_recurrent_weights_start_and_stay_within_their_limit() -> None:
    cell = IndRNN(3, 500, recurrent_max=0.5)
    assert 0.49 < cell.recurrent.abs().max() <= 0.5
    with torch.no_grad():
        cell.recurrent.mul_(3)
    cell.clip_recurrent()
    assert cell.recurrent.abs().max() == 0.5
    assert cell.recurrent.requires_grad


@pytest.mark.parametrize("kind", [MinGRU, MinLSTM])
def test_a_positive_candidate_keeps_the_state_positive(kind: type[LinearCell]) -> None:
    x = 5 * torch.randn(2, 30, 3)
    assert (Recurrent(kind(3, 4, positive=True))(x)[0] > 0).all()
    assert (Recurrent(kind(3, 4))(x)[0] < 0).any()


def test_min_lstm_divides_no_vanishing_gates() -> None:
    """Both gates are below the smallest float32, their share of each other is not."""
    cell = MinLSTM(1, 1)
    projected = torch.tensor([[-200.0, -200.0, 3.0]])
    torch.testing.assert_close(cell.recur(projected, (torch.ones(1, 1),))[0], torch.tensor([[2.0]]))


def test_rows_that_hardly_stray_from_their_mean_are_normalised_exactly() -> None:
    v = 5 + 0.03 * torch.randn(50, 8)
    exact = torch.nn.functional.layer_norm(v.double(), (8,))
    found = normalize(v, torch.ones(8))
    assert (found - exact).abs().max() < 2e-6
    plain = torch.nn.functional.layer_norm(v, (8,))
    assert (plain - exact).abs().max() > 5e-6


def test_a_new_layer_norm_lstm_does_not_amplify() -> None:
    """States that differ by 1e-7 stay together, so float32 and float64 do."""
    recurrent = Recurrent(LayerNormLSTM(3, 16)).double()
    x, start = torch.randn(4, 100, 3, dtype=torch.float64), recurrent.initial_state(4)
    with torch.no_grad():
        y, _ = recurrent(x, start)
        moved, _ = recurrent(x, tuple(part + 1e-7 for part in start))
        assert (moved - y)[:, -1].abs().max() < 1e-7
        for cell in recurrent.cells:
            cell.gain_hh.fill_(2.0)
        y, _ = recurrent(x, start)
        moved, _ = recurrent(x, tuple(part + 1e-7 for part in start))
        assert (moved - y)[:, -1].abs().max() > 1e-5


def test_cells_are_imported_by_their_names() -> None:
    assert edgernn.cells.MinGRU is MinGRU
    assert set(LIBRARY) <= set(dir(edgernn.cells))
    with pytest.raises(AttributeError, match=r"no attribute 'Perceptron'; its cells are .*'MinGRU'"):
        _ = edgernn.cells.Perceptron
