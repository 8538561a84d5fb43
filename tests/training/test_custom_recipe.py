"""A user's recipe: sequences of different lengths, a collate function, random augmentation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from edgernn.training import find_recipe, load_run, train

SOURCE = '''
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset
from torchmetrics.classification import BinaryAccuracy

import edgernn
from edgernn.training import Metadata, Prepared, Recipe, TrainingOptions, option


@dataclass(frozen=True)
class Options(TrainingOptions):
    noise: float = option(0.1, "Standard deviation of the noise that training adds.", minimum=0)


class Sums(Dataset):
    """Is the sum of a sequence positive?"""

    def __init__(self, seed: int, noise: float) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.noise = noise
        self.rows = [torch.randn(3 + n % 5, 1, generator=generator) for n in range(40)]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        row = self.rows[index]
        noisy = row + self.noise * torch.randn(row.shape) + self.noise * float(np.random.normal())
        return noisy, (row.sum() > 0).float()


class Network(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.recurrent = edgernn.Recurrent(edgernn.GRU(1, hidden))
        self.head = nn.Linear(hidden, 1)

    def forward(self, x, lengths):
        _, (h,) = self.recurrent(x, lengths=lengths)
        return self.head(h[-1])[:, 0]


class SumRecipe(Recipe[Options, Prepared]):
    summary = "Is the sum positive?"
    options_type = Options

    def prepare(self, options, data):
        test = Sums(2, 0.0)
        example = self.collate()([test[0], test[1]])[:-1]
        return Prepared(
            Sums(0, options.noise), Sums(1, 0.0), test, {"hidden": 4}, Metadata("sum"), "random", "-", example
        )

    def build(self, arguments: dict[str, Any]) -> nn.Module:
        return Network(**arguments)

    def loss(self, model, output, target):
        return nn.functional.binary_cross_entropy_with_logits(output, target)

    def metrics(self):
        return {"accuracy": BinaryAccuracy()}

    def collate(self):
        def pad(samples):
            rows, targets = zip(*samples)
            lengths = torch.tensor([len(row) for row in rows])
            return nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths, torch.stack(targets)

        return pad

    def score(self, model, prepared):
        *inputs, target = self.collate()([prepared.test[n] for n in range(len(prepared.test))])
        with torch.no_grad():
            right = (model(*inputs) > 0) == (target > 0)
        return {"accuracy": float(right.float().mean()), "accuracy/always": float(target.mean())}


RECIPE = SumRecipe()
'''


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "sums"
    folder.mkdir()
    (folder / "recipe.py").write_text(SOURCE)
    return folder


def test_it_learns(recipe: Path, tmp_path: Path) -> None:
    options = {"max_epochs": 12, "batch_size": 8, "learning_rate": 0.05}
    report = train(recipe, options=options, out=tmp_path / "run", quiet=True)
    assert report.scores["accuracy"] > max(0.85, report.scores["accuracy/always"])
    run = load_run(tmp_path / "run", recipe=recipe)
    x, lengths = run.example_inputs()
    assert x.shape == (2, 4, 1)
    assert lengths.tolist() == [3, 4]
    assert run.model(x, lengths).shape == (2,)


def test_its_augmentation_resumes_where_it_was(recipe: Path, tmp_path: Path) -> None:
    options = {"batch_size": 8, "noise": 0.5}
    train(recipe, options=options, out=tmp_path / "whole", max_epochs=3, quiet=True)
    train(recipe, options=options, out=tmp_path / "parts", max_epochs=1, quiet=True)
    train(recipe, out=tmp_path / "parts", max_epochs=3, resume=True, quiet=True)
    whole, parts = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_it_is_found_as_a_recipe_of_its_folder(recipe: Path) -> None:
    assert find_recipe(recipe).name == "sums"
