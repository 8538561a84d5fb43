"""Windows of long sequences: in order, with the states of the last ones, to the gradient that is promised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from edgernn.errors import InputError
from edgernn.models import LanguageModel
from edgernn.training import find_recipe, load_run, train
from edgernn.training.batches import batches
from edgernn.training.module import RecipeModule
from edgernn.training.streams import CarriedState, StreamBatch, Streams
from edgernn.verify.tolerances import tolerance

from .test_train import assert_same, history, weights

SYMBOLS = 7
CELLS = [("lstm", 1), ("gru", 2), ("mingru", 2), ("layernormlstm", 1)]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 12), st.integers(1, 9))
def test_rows_go_on_where_they_ended(lengths: list[int], window: int, rows: int) -> None:
    marks = [torch.arange(steps) + 1000 * (n + 1) for n, steps in enumerate(lengths)]
    streams = Streams(marks, [part + 1 for part in marks], window, rows)
    seen: list[int] = []
    kept: dict[int, int] = {}
    for batch in batches(streams, rows, None):
        assert len(batch.starts) <= streams.rows
        for row, inside in enumerate(batch.inside):
            values = batch.inputs[row][inside].tolist()
            assert values == list(range(values[0], values[0] + len(values)))
            assert batch.target[row][inside].tolist() == [value + 1 for value in values]
            assert not batch.inputs[row][~inside].any()
            if not batch.starts[row]:
                assert values[0] == kept[row] + 1
            elif row in kept:
                # A stream ends and another one begins; a window of one is never left out.
                assert values[0] % 1000 == 0
            kept[row] = values[-1]
            seen += values
    assert sorted(seen) == torch.cat(marks).tolist()


def test_series_are_cut_as_texts_are() -> None:
    series = torch.randn(11, 3)
    (first, second, third) = batches(Streams([series[:-1]], [series[1:]], 4, 1), 1, None)
    assert torch.equal(torch.cat([first.inputs, second.inputs, third.inputs[:, :2]], 1)[0], series[:-1])
    assert third.inside.tolist() == [[True, True, False, False]]


@pytest.mark.parametrize(("inputs", "targets"), [([], []), ([3, 0], [3, 0]), ([3], [4])])
def test_streams_without_steps_or_targets_are_refused(inputs: list[int], targets: list[int]) -> None:
    with pytest.raises(InputError, match="as many targets as steps"):
        Streams([torch.zeros(n) for n in inputs], [torch.zeros(n) for n in targets], 4, 2)


def network(cell: str, layers: int) -> LanguageModel:
    """Weights large enough that what was long ago matters."""
    torch.manual_seed(0)
    model = LanguageModel(SYMBOLS, embedding_size=4, hidden_size=6, cell=cell, num_layers=layers).double()
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(3)
    return model


def text(steps: int) -> Tensor:
    return torch.randint(0, SYMBOLS, (steps + 1,), generator=torch.Generator().manual_seed(1))


def streams(ids: Tensor, window: int, rows: int = 1) -> Streams:
    return Streams([ids[:-1]], [ids[1:]], window, rows)


def mean_loss(model: LanguageModel, part: Streams, carry: bool = True) -> Tensor:
    recipe, carried = find_recipe("text-generate"), CarriedState()
    outputs, targets = [], []
    for batch in batches(part, 1, None):
        if not carry:
            batch = replace(batch, starts=torch.ones_like(batch.starts))
        output, target, state = recipe.predict_stream(model, batch, carried)
        carried.keep(state)
        outputs.append(output)
        targets.append(target)
    return recipe.loss(model, torch.cat(outputs), torch.cat(targets))


def gradients(model: LanguageModel, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(model.parameters())))


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_windows_give_the_loss_of_the_whole_sequence(cell: str, layers: int) -> None:
    model, ids = network(cell, layers), text(40)
    whole, _ = model.scores(ids[None, :-1])
    expected = torch.nn.functional.cross_entropy(whole[0], ids[1:])
    bound = tolerance("float32", "float32")
    with torch.no_grad():
        assert mean_loss(model, streams(ids, 7)) == pytest.approx(float(expected), rel=bound)
        # The negative control: rows that forget say something else.
        forgetful = mean_loss(model, streams(ids, 7), carry=False)
        assert abs(float(forgetful) - float(expected)) > 100 * bound


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_one_window_has_the_gradient_of_full_back_propagation(cell: str, layers: int) -> None:
    model, ids = network(cell, layers), text(24)
    state, pieces = None, []
    for start in range(0, 24, 6):  # state and gradient go through
        scores, state = model.scores(ids[None, start : start + 6], state)
        pieces.append(scores[0])
    full = gradients(model, torch.nn.functional.cross_entropy(torch.cat(pieces), ids[1:]))
    for expected, found in zip(full, gradients(model, mean_loss(model, streams(ids, 24))), strict=True):
        torch.testing.assert_close(found, expected)
    cut = gradients(model, mean_loss(model, streams(ids, 6)))
    assert any(not torch.allclose(a, b, rtol=1e-3) for a, b in zip(full, cut, strict=True))


def test_what_is_carried_has_no_gradient_and_starts_anew_where_told() -> None:
    model, carried = network("lstm", 2), CarriedState()
    initial = model.initial_state(3)
    _, state = model.scores(torch.ones(3, 5, dtype=torch.int64))
    carried.keep(state)
    found = carried.before(initial, torch.tensor([False, True, False]))
    assert not any(part.requires_grad for part in found)
    for first, ended, part in zip(initial, state, found, strict=True):
        assert torch.equal(part[:, 1], first[:, 1])
        assert torch.equal(part[:, [0, 2]], ended[:, [0, 2]])
    # Runs that are over leave the rows behind.
    fewer = carried.before(model.initial_state(2), torch.tensor([False, False]))
    assert torch.equal(fewer[0], state[0][:, :2])


def test_validation_and_measurements_leave_the_states_of_training_alone() -> None:
    recipe, ids = find_recipe("text-generate"), text(20)
    first, second = batches(streams(ids, 10), 1, None)

    def second_loss(*between: StreamBatch) -> float:
        module = RecipeModule(recipe, network("gru", 1), recipe.options_type(), 0)
        module.log = lambda *names, **values: None  # type: ignore[method-assign]
        module.training_step(first, 0)
        for batch in between:
            module.loss_of(batch)
            module.eval()
            module.validation_step(batch, 0)
            module.train()
        return float(module.training_step(second, 1).detach())

    assert second_loss() == second_loss(first)
    forgetful = replace(second, starts=torch.tensor([True]))
    model = network("gru", 1)
    output, target, _ = recipe.predict_stream(model, forgetful, CarriedState())
    assert second_loss() != float(recipe.loss(model, output, target).detach())


def test_a_resumed_run_is_the_run_without_the_stop(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("the fan turns and the lamp is on, then off. " * 20)
    options = {
        "hidden_size": 6, "num_layers": 2, "dropout": 0.3, "window": 10, "batch_size": 3, "patience": 9,
        "schedule": "constant",
    }  # fmt: skip
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train("text-generate", data=file, options=options, out=whole, max_epochs=3, seed=5, quiet=True)
    train("text-generate", data=file, options=options, out=parts, max_epochs=1, seed=5, quiet=True)
    assert len(history(parts)) == 1
    train("text-generate", out=parts, max_epochs=3, resume=True, quiet=True)
    assert history(parts) == history(whole)
    assert_same(weights(parts, "last.safetensors"), weights(whole, "last.safetensors"))
    assert load_run(parts).config.scores == load_run(whole).config.scores
