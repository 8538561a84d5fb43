"""Gradual unfreezing: which layers change in which epoch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from edgernn.training import finetune, train

from .conftest import texts

# From the output to the input; both directions of a recurrent layer are one layer.
LAYERS = ["head", "query", "recurrent", "embedding"]


def changed(before: Path, after: Path) -> list[str]:
    """The layers of which any number differs."""
    old, new = (load_file(folder / "model.safetensors") for folder in (before, after))
    different = {name.split(".")[0] for name in old if not torch.equal(old[name], new[name])}
    return [layer for layer in LAYERS if layer in different]


# A schedule that learns from the first step on, and every epoch is better than the last: the weights that a
# run keeps are those of its last epoch.
OPTIONS = {"schedule": "constant", "learning_rate": 0.01, "dropout": 0.0, "symbol_dropout": 0.0}


@pytest.mark.parametrize(
    ("every", "epochs", "trained"),
    [(1, 1, 1), (1, 2, 2), (1, 3, 3), (1, 4, 4), (2, 2, 1), (2, 3, 2), (0, 1, 4)],
)
def test_layers_learn_from_the_last_one_down(
    text_run: Path, tmp_path: Path, every: int, epochs: int, trained: int
) -> None:
    new = texts(tmp_path / "new.tsv", "dog", "cat")
    options = {**OPTIONS, "unfreeze_every": every}
    report = finetune("text-classify", text_run, data=new, options=options, max_epochs=epochs,
                      out=tmp_path / "run", quiet=True)  # fmt: skip
    assert report.training.best_epoch == epochs
    assert changed(text_run, tmp_path / "run") == LAYERS[:trained]


def test_what_is_frozen_for_good_stays_and_a_resumed_run_is_the_same(text_run: Path, tmp_path: Path) -> None:
    new = texts(tmp_path / "new.tsv", "dog", "cat")
    options = {**OPTIONS, "unfreeze_every": 1, "freeze": "query*"}
    common = {"data": new, "options": options, "quiet": True}
    finetune("text-classify", text_run, out=tmp_path / "whole", max_epochs=4, **common)
    finetune("text-classify", text_run, out=tmp_path / "parts", max_epochs=2, **common)
    assert changed(text_run, tmp_path / "parts") == ["head"]
    train("text-classify", out=tmp_path / "parts", resume=True, max_epochs=4, quiet=True)
    assert changed(text_run, tmp_path / "whole") == ["head", "recurrent", "embedding"]
    assert changed(tmp_path / "whole", tmp_path / "parts") == []
