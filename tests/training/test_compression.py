"""Pruned and factored weights: which they are, that training keeps them so, and what is told of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import edgernn
from edgernn.errors import InputError
from edgernn.quantize import rounding_of
from edgernn.training import Compression, Rounding, finetune, load_run, train
from edgernn.training.bounds import apply_bounds, find_bounds
from edgernn.training.config import RunConfig

TINY = {"window": 12, "hidden_size": 48, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "run"
    train("forecast", out=folder, options=TINY, max_epochs=3, quiet=True)
    return folder


def zero_blocks(weight: torch.Tensor, columns: int) -> float:
    """Share of the runs of so many columns of a row that are zero."""
    padded = nn.functional.pad(weight, (0, -weight.shape[1] % columns))
    return float((padded.reshape(len(weight), -1, columns) == 0).all(-1).float().mean())


@pytest.mark.parametrize(("share", "block"), [(0.5, (1, 16)), (0.75, (4, 4)), (0.3, (1, 32)), (0.9, (96, 1))])
def test_the_least_blocks_become_zero(share: float, block: tuple[int, int]) -> None:
    torch.manual_seed(0)
    weight = nn.Linear(64, 96)
    before = weight.weight.detach().clone()
    (bound,) = find_bounds(nn.Sequential(weight), Compression(prune=share, block=block))
    apply_bounds([bound])
    rows, columns = block
    blocks = before.reshape(96 // rows, rows, 64 // columns, columns).square().mean((1, 3))
    kept = (weight.weight != 0).reshape(96 // rows, rows, 64 // columns, columns)
    alive = kept.all(3).all(1)
    assert torch.equal(alive, kept.any(3).any(1)), "a block is zero or whole"
    assert int((~alive).sum()) == round(share * alive.numel())
    assert blocks[~alive].max() <= blocks[alive].min()
    assert torch.equal(weight.weight[weight.weight != 0], before[weight.weight != 0])
    assert bound.told.numbers == int((weight.weight != 0).sum())


@pytest.mark.parametrize("recurrent", [nn.LSTM(48, 64), edgernn.Recurrent(edgernn.GRU(48, 64))])
def test_recurrent_matrices_get_the_nearest_matrix_of_low_rank(recurrent: nn.Module) -> None:
    model = nn.ModuleList([recurrent, nn.Linear(64, 64)])
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    bounds = find_bounds(model, Compression(low_rank=0.25, prune=0.5))
    apply_bounds(bounds)
    told = {bound.told.name: bound.told for bound in bounds}
    assert len(told) == 3
    assert "zero" in told.pop("1.weight").how
    parameters = dict(model.named_parameters())
    for name, bound in told.items():
        left, values, right = torch.linalg.svd(before[name].double(), full_matrices=False)
        rank = min(before[name].shape) // 4
        near = (left[:, :rank] * values[:rank]) @ right[:rank]
        torch.testing.assert_close(parameters[name].double(), near, atol=1e-6, rtol=0)
        assert torch.linalg.matrix_rank(parameters[name].detach(), rtol=1e-5) == rank
        assert bound.numbers == rank * sum(before[name].shape)


@pytest.mark.slow
def test_finetuning_keeps_zeros_and_ranks_and_a_resumed_run_is_the_same(source: Path, tmp_path: Path) -> None:
    for name, compression in (
        ("pruned", Compression(prune=0.5)),
        ("factored", Compression(low_rank=0.25)),
    ):
        common = {"quiet": True, "compression": compression}
        report = finetune("forecast", source, out=tmp_path / name, max_epochs=3, **common)
        training = report.training
        assert training.compression is not None
        assert training.scores_before == pytest.approx(RunConfig.read(source).scores)
        scores = training.compression.scores
        assert scores["rmse"] != training.scores_before["rmse"] != training.scores["rmse"]
        told = json.loads(report.to_json())["training"]["compression"]
        assert [weight["name"] for weight in told["weights"]] == ["recurrent.cells.0.weight_hh"]
        run = load_run(tmp_path / name)
        weight = run.model.recurrent.cells[0].weight_hh.detach()
        start = load_run(source).model.recurrent.cells[0].weight_hh
        if name == "pruned":
            assert zero_blocks(weight, 16) == pytest.approx(0.5, abs=0.01)
            assert not torch.equal(weight[weight != 0], start[weight != 0]), "nothing was learned"
        else:
            assert torch.linalg.matrix_rank(weight, rtol=1e-5) == 12
        assert run.config.compression == compression
        # Cut off after an epoch and resumed, without saying again to what the weights are held.
        parts = tmp_path / f"{name}-parts"
        finetune("forecast", source, out=parts, max_epochs=1, **common)
        train("forecast", out=parts, resume=True, max_epochs=3, quiet=True)
        whole, resumed = (load_file(folder / "last.safetensors") for folder in (tmp_path / name, parts))
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)
        with pytest.raises(InputError, match="resume: the run's compression is"):
            train(
                "forecast",
                out=parts,
                resume=True,
                max_epochs=4,
                quiet=True,
                compression=Compression(prune=0.1),
            )


@pytest.mark.slow
def test_what_is_finetuned_again_stays_small_also_with_rounding(source: Path, tmp_path: Path) -> None:
    compression = Compression(prune=0.5)
    finetune("forecast", source, out=tmp_path / "a", max_epochs=1, quiet=True, compression=compression)
    rounding = Rounding("int8", rounding_of("int8"))
    report = finetune(
        "forecast", tmp_path / "a", out=tmp_path / "b", max_epochs=2, quiet=True, rounding=rounding
    )
    run = load_run(report.training.folder)
    assert run.config.compression == compression
    assert zero_blocks(run.model.recurrent.cells[0].weight_hh.detach(), 16) >= 0.49
    edgernn.export(run.model, tmp_path / "float32.onnx", run.example_inputs(), check=False)
    small = edgernn.quantize(tmp_path / "float32.onnx", tmp_path / "int8.onnx")
    assert max(tensor.max_abs_error for tensor in small.quantized) < 1e-6


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prune": 1.0}, "prune: must be a share of 0 to below 1"),
        ({"low_rank": -0.5}, "low_rank: must be a share of 0 to below 1"),
        ({"prune": 0.5, "block": (0, 16)}, "block: must be rows and columns from 1"),
        ({}, "give a share of blocks to prune, a low rank, or both"),
    ],
)
def test_compressions_that_are_none(values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Compression(**values)


def test_where_it_does_not_go(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Train first, then finetune with it"):
        train("forecast", out=tmp_path / "a", options=TINY, quiet=True, compression=Compression(prune=0.5))
    with pytest.raises(InputError, match="no weight of the network becomes smaller"):
        find_bounds(nn.Linear(8, 8), Compression(prune=0.5))
    with pytest.raises(InputError, match="no weight of the network becomes smaller"):
        find_bounds(nn.GRU(64, 64), Compression(low_rank=0.9))
    with pytest.raises(
        InputError, match="low_rank: the weights of a file of low rank are the rounded factors"
    ):
        finetune(
            "forecast", source, out=tmp_path / "b", quiet=True, compression=Compression(low_rank=0.25),
            rounding=Rounding("int8", rounding_of("int8")),
        )  # fmt: skip
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_a_mask_covers_what_is_left_of_a_row() -> None:
    """Blocks at the edges are smaller, and compared by their mean."""
    layer = nn.Linear(37, 50)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.weight[:, 32:] = 0.5
    apply_bounds(find_bounds(layer, Compression(prune=1 / 3, block=(1, 16))))
    np.testing.assert_array_equal(layer.weight[:, 32:].detach().numpy(), 0)
    assert (layer.weight[:, :32] == 1).all()
