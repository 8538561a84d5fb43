"""Low-rank adapters: the gradient of their factors, what training changes, and what a run folder holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.func import functional_call

import edgernn
from edgernn import cells
from edgernn.errors import InputError
from edgernn.training import finetune, train
from edgernn.training.adapters import Adapter, add_adapters, with_factors
from edgernn.training.options import TrainingOptions
from edgernn.training.parameter_groups import freeze, parameter_groups

from .conftest import TEXT_OPTIONS, texts


class Network(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        recurrent = {
            "gru": lambda: edgernn.Recurrent(edgernn.GRU(6, 8), num_layers=2, bidirectional=True),
            "by hand": lambda: edgernn.Recurrent(cells.LayerNormLSTM(6, 8)),
            "parallel": lambda: edgernn.Recurrent(cells.MinGRU(6, 8)),
            "torch": lambda: nn.LSTM(6, 8, batch_first=True),
        }[kind]
        self.recurrent = recurrent()
        self.middle = nn.Linear(16 if kind == "gru" else 8, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.middle(self.recurrent(x)[0]).tanh())


def adapted(kind: str, rank: int = 2) -> tuple[Network, list[Adapter]]:
    """A network whose adapters have learned something."""
    torch.manual_seed(0)
    model = Network(kind)
    adapters = list(add_adapters(model, rank, 3.0))
    for adapter in adapters:
        nn.init.normal_(adapter.up, std=0.3)
        adapter.write()
    return model, adapters


@pytest.mark.parametrize("kind", ["gru", "by hand", "parallel", "torch"])
def test_factors_have_the_gradient_that_autograd_gives_them(kind: str) -> None:
    model, adapters = adapted(kind)
    x = torch.randn(3, 5, 6)
    model(x).square().sum().backward()
    factors = {a.name: [p.detach().clone().requires_grad_() for p in (a.up, a.down)] for a in adapters}
    weights = {a.name: a.base + a.scale * factors[a.name][0] @ factors[a.name][1] for a in adapters}
    assert {"middle.weight"} < set(weights)
    expected = functional_call(model, weights, (x,))
    torch.testing.assert_close(expected, model(x))
    grads = torch.autograd.grad(expected.square().sum(), [f for pair in factors.values() for f in pair])
    for adapter in adapters:
        adapter.take_gradient()
        assert adapter.weight.grad is None
    found = [factor.grad for adapter in adapters for factor in (adapter.up, adapter.down)]
    torch.testing.assert_close(found, list(grads))
    assert all(grad.abs().max() > 1e-4 for grad in grads)


def test_the_merged_network_is_the_adapted_one() -> None:
    """Against the layer that computes the adapter beside the frozen matrix, as the paper draws it."""
    model, adapters = adapted("torch")
    (adapter,) = (item for item in adapters if item.name == "middle.weight")
    x = torch.randn(4, 8)
    beside = nn.functional.linear(x, adapter.base, model.middle.bias)
    beside = beside + adapter.scale * (x @ adapter.down.T) @ adapter.up.T
    torch.testing.assert_close(model.middle(x), beside)
    assert (model.middle(x) - nn.functional.linear(x, adapter.base, model.middle.bias)).abs().max() > 0.1


def test_what_is_trained_is_the_factors_and_the_last_layer() -> None:
    torch.manual_seed(0)
    model = Network("gru")
    freeze(model, ("recurrent.cells.0.*",))
    adapters = add_adapters(model, 2, 1.0)
    names = [adapter.name for adapter in adapters]
    assert "recurrent.cells.0.weight_hh" not in names
    assert {f"recurrent.cells.{n}.weight_{part}" for n in (1, 2, 3) for part in ("ih", "hh")} <= set(names)
    groups = with_factors(parameter_groups(model, TrainingOptions(layer_decay=0.5)), adapters)
    in_groups = {value for group in groups for value in group["params"]}
    assert in_groups == {
        *(factor for adapter in adapters for factor in (adapter.up, adapter.down)), *model.head.parameters()
    }  # fmt: skip
    by_factor = {value: group["factor"] for group in groups for value in group["params"]}
    assert by_factor[model.head.bias] == 1
    assert by_factor[adapters[names.index("middle.weight")].up] == 0.5


def tensors(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def test_a_run_holds_merged_weights_and_all_else_stays(text_run: Path, tmp_path: Path) -> None:
    new = texts(tmp_path / "new.tsv", "cat", "car")
    report = finetune("text-classify", text_run, data=new, out=tmp_path / "run", quiet=True,
                      options={"adapters": 2, "max_epochs": 6, "patience": 6})  # fmt: skip
    before, after = tensors(text_run), tensors(tmp_path / "run")
    assert set(before) == set(after)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    matrices = {f"recurrent.cells.{n}.weight_{part}" for n in (0, 1) for part in ("ih", "hh")}
    matrices.add("query.0.weight")
    assert changed == matrices | {"head.weight", "head.bias"}
    for name in matrices:
        difference = torch.linalg.svdvals(after[name] - before[name])
        assert difference[0] > 1e-3
        assert difference[2] < 1e-5 * difference[0] + 1e-6, "the change has rank 2"
    # Numbers that were trained: the factors, and the last layer with its 18 inputs for 2 labels.
    sizes = [sum(before[name].shape) * 2 for name in matrices]
    assert report.training.trained_parameters == sum(sizes) + 18 * 2 + 2
    assert report.training.trained_parameters < report.training.parameters / 2
    # The checkpoint holds factors and the matrices without them: taken off the merged ones, these are left.
    with safe_open(tmp_path / "run" / "last.safetensors", framework="pt") as file:
        last = {name.split("'")[-2]: file.get_tensor(name) for name in file.keys() if "state_dict" in name}  # noqa: SIM118
    bases = {name: value for name, value in last.items() if name.endswith(".base")}
    assert len(bases) == 5
    for name, base in bases.items():
        up, down = (last[name.replace("base", part)] for part in ("up", "down"))
        (own,) = (key for key in matrices if torch.equal(before[key], base))
        torch.testing.assert_close(last[f"model.{own}"] - 2.0 * up @ down, before[own])
    assert report.training.scores["accuracy"] >= 0.9


def test_an_interrupted_run_goes_on_to_the_same_result(text_run: Path, tmp_path: Path) -> None:
    new = texts(tmp_path / "new.tsv", "cat", "car")
    options = {"adapters": 2, "patience": 5, "schedule": "constant"}
    common = {"data": new, "options": options, "quiet": True}
    finetune("text-classify", text_run, out=tmp_path / "whole", max_epochs=4, **common)
    finetune("text-classify", text_run, out=tmp_path / "parts", max_epochs=2, **common)
    train("text-classify", out=tmp_path / "parts", resume=True, max_epochs=4, quiet=True)
    whole, parts = tensors(tmp_path / "whole"), tensors(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert json.loads((tmp_path / "whole" / "history.json").read_text()) == json.loads(
        (tmp_path / "parts" / "history.json").read_text()
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"adapters": 99}, "two factors of rank 99 .* smaller rank"),
        ({"adapters": -1}, "must be ≥ 0"),
        ({"adapters": 2, "adapter_scale": 0}, "must be > 0"),
        ({"adapters": 2, "precision": "float16"}, "Use bfloat16"),
    ],
)
def test_what_cannot_be_adapted_is_refused(
    text_run: Path, tmp_path: Path, options: dict[str, object], said: str
) -> None:
    data = texts(tmp_path / "a.tsv", "cat", "dog")
    with pytest.raises(InputError, match=said):
        finetune("text-classify", text_run, data=data, options=options, out=tmp_path / "run", quiet=True)


def test_adapters_need_a_trained_network_of_free_weights(text_run: Path, tmp_path: Path) -> None:
    data = texts(tmp_path / "a.tsv", "cat", "dog")
    with pytest.raises(InputError, match="Train first, then finetune"):
        train("text-classify", data=data, options={**TEXT_OPTIONS, "adapters": 2}, out=tmp_path / "a")
    rounding = edgernn.training.Rounding("int8", lambda weight, _: weight)
    with pytest.raises(InputError, match="would undo rounding"):
        finetune(
            "text-classify", text_run, data=data, options={"adapters": 2}, rounding=rounding,
            out=tmp_path / "b",
        )  # fmt: skip
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()
