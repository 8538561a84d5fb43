"""Training that feels rounding: what the network computes with, what is learned, and what it is good for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import edgernn
from edgernn import Recurrent
from edgernn.quantize import rounding_of
from edgernn.training import Rounding, finetune, load_run, train
from edgernn.training.noise import quiet_lightning
from edgernn.training.rounding import RoundedWeights
from edgernn.training.weight_rounding import round_in_place, rounded_weights


class Network(nn.Module):
    def __init__(self, recurrent: nn.Module) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Linear(64, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(x)[0])


class FirstOutput(nn.Module):
    """The outputs of a recurrent network without its states."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)[0]


def networks() -> dict[str, nn.Module]:
    return {
        "torch": nn.GRU(16, 64, batch_first=True),
        "cell": Recurrent(edgernn.LSTM(16, 64)),
        "further": Recurrent(edgernn.cells.find_cells()["MinGRU"](16, 64)),
    }


@pytest.mark.parametrize("scheme", ["int8", "int4"])
@pytest.mark.parametrize("kind", ["torch", "cell", "further"])
def test_the_file_holds_the_rounded_weights(kind: str, scheme: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Network(networks()[kind]).eval()
    round_in_place(network, rounding_of(scheme))
    edgernn.export(network, tmp_path / "float32.onnx", torch.randn(1, 5, 16), check=False)
    report = edgernn.quantize(tmp_path / "float32.onnx", tmp_path / "small.onnx", scheme=scheme)
    stored = [tensor for tensor in report.tensors if tensor.scheme != "float32"]
    assert stored
    exact = [tensor for tensor in stored if tensor.max_abs_error < 1e-6]
    assert len(exact) == len(stored), [(tensor.name, tensor.max_abs_error) for tensor in stored]


@pytest.mark.parametrize("scheme", ["int8", "int8-stable"])
@pytest.mark.parametrize("form", ["op", "scan"])
def test_integers_are_those_of_training_whatever_multiplies_them(
    form: str, scheme: str, tmp_path: Path
) -> None:
    """Also where a body multiplies integers, as of a GRU of this size and of everything in int8-stable."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(16, 232), Recurrent(edgernn.GRU(232, 232))).eval()
    network = FirstOutput(network).eval()
    stored = []
    for rounds in (False, True):
        if rounds:
            round_in_place(network, rounding_of("int8"))
        options = {"streaming": True, "recurrence": form, "check": False}
        edgernn.export(network, tmp_path / "float32.onnx", torch.randn(1, 5, 16), **options)
        edgernn.quantize(tmp_path / "float32.onnx", tmp_path / "small.onnx", scheme=scheme)
        graph = ir.load(tmp_path / "small.onnx").graph
        stored.append(
            {
                name: value.const_value.numpy()
                for name, value in graph.initializers.items()
                if name.endswith(("_int8", "_scale"))
            }
        )
    assert len([name for name in stored[0] if name.endswith("_int8")]) == 3
    assert stored[0].keys() == stored[1].keys()
    for name, array in stored[0].items():
        if name.endswith("_int8"):
            np.testing.assert_array_equal(array, stored[1][name], err_msg=name)
        else:
            np.testing.assert_allclose(array, stored[1][name], rtol=1e-6, err_msg=name)


def test_small_weights_stay_whole() -> None:
    network = Network(Recurrent(edgernn.GRU(2, 4)))
    found = {name: elements for name, _, elements in rounded_weights(network)}
    assert found == {
        "recurrent.cells.0.weight_ih": 72, "recurrent.cells.0.weight_hh": 72, "head.weight": 1024
    }  # fmt: skip
    before = {name: value.clone() for name, value, _ in rounded_weights(network)}
    round_in_place(network, rounding_of("int8"))
    changed = {name for name, value, _ in rounded_weights(network) if not torch.equal(value, before[name])}
    assert changed == {"head.weight"}


def test_each_layer_and_direction_of_torch_counts_for_itself() -> None:
    lstm = nn.LSTM(8, 4, num_layers=2, bidirectional=True)
    found = {name: elements for name, _, elements in rounded_weights(lstm)}
    assert found["weight_ih_l0"] == found["weight_hh_l0_reverse"] == 16 * 8 + 16 * 4
    assert found["weight_ih_l1"] == 16 * 8 + 16 * 4


class Task(LightningModule):
    def __init__(self, model: nn.Module, seen: list[Tensor]) -> None:
        super().__init__()
        self.model, self.seen = model, seen

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.model.parameters(), 3e-4)

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        self.seen.append(self.model.head.weight.detach().clone())
        return nn.functional.mse_loss(self.model(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        self.seen.append(self.model.head.weight.detach().clone())


def fit(model: nn.Module, data: TensorDataset, callbacks: list, epochs: int) -> list[Tensor]:
    seen: list[Tensor] = []
    with quiet_lightning():
        trainer = Trainer(
            max_epochs=epochs, callbacks=callbacks, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
        )  # fmt: skip
        loader = DataLoader(data, batch_size=32)
        trainer.fit(Task(model, seen), loader, loader)
    return seen


def make_data(model: nn.Module) -> TensorDataset:
    x = torch.randn(128, 12, 16)
    with torch.no_grad():
        return TensorDataset(x, model(x))


def test_every_step_computes_with_rounded_weights_and_moves_the_whole_ones() -> None:
    torch.manual_seed(0)
    data = make_data(Network(networks()["torch"]))
    model, rounding = Network(networks()["torch"]), rounding_of("int4")
    seen = fit(model, data, [RoundedWeights(rounding)], 1)
    for weight in seen:
        # Rounding what is rounded changes nothing.
        np.testing.assert_allclose(rounding(weight.numpy(), weight.numel()), weight.numpy(), atol=1e-6)
    assert not torch.equal(seen[0], seen[-1])
    whole = model.head.weight.detach()
    assert not np.allclose(rounding(whole.numpy(), whole.numel()), whole.numpy(), atol=1e-5)


@pytest.mark.slow
def test_a_network_that_felt_rounding_loses_less_by_it() -> None:
    torch.manual_seed(0)
    teacher = Network(networks()["torch"])
    data = make_data(teacher)
    losses = {}
    for aware in (False, True):
        model = Network(networks()["torch"])
        model.load_state_dict(teacher.state_dict())
        fit(model, data, [RoundedWeights(rounding_of("int4"))] if aware else [], 10)
        round_in_place(model, rounding_of("int4"))
        with torch.no_grad():
            losses[aware] = float(nn.functional.mse_loss(model(data.tensors[0]), data.tensors[1]))
    assert losses[True] < 0.75 * losses[False], losses


def test_schemes_that_round_nothing_one_by_one_are_refused() -> None:
    with pytest.raises(edgernn.EdgeRNNError, match=r"does not round weights one by one; use one of .*int8"):
        rounding_of("int8-stable")


TINY = {"window": 12, "hidden_size": 64}


@pytest.mark.slow
def test_a_finetuned_run_holds_the_rounded_weights(tmp_path: Path) -> None:
    rounding = Rounding("int4", rounding_of("int4"))
    train("forecast", out=tmp_path / "run", options=TINY, max_epochs=1, quiet=True)
    report = finetune(
        "forecast", tmp_path / "run", out=tmp_path / "qat", max_epochs=1, quiet=True, rounding=rounding
    )
    run = load_run(report.training.folder)
    assert run.config.rounded_for == "int4"
    for name, value, elements in rounded_weights(run.model):
        array = value.detach().numpy()
        np.testing.assert_allclose(rounding.round_weight(array, elements), array, atol=1e-6, err_msg=name)
    edgernn.export(run.model, tmp_path / "float32.onnx", run.example_inputs(), streaming=True)
    small = edgernn.quantize(tmp_path / "float32.onnx", tmp_path / "int4.onnx", scheme="int4")
    assert max(tensor.max_abs_error for tensor in small.tensors) < 1e-6
    assert small.error.relative < 1e-4
    # It goes on only with the rounding that it was made with.
    with pytest.raises(edgernn.EdgeRNNError, match="trained for the scheme 'int4', found 'float32'"):
        train("forecast", out=tmp_path / "qat", resume=True, max_epochs=2, quiet=True)
    more = train("forecast", out=tmp_path / "qat", resume=True, max_epochs=2, quiet=True, rounding=rounding)
    assert more.epochs == 2
