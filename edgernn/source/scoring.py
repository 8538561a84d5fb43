"""A recipe's own scores for an exported file: the file stands in for the network's forward."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.runtime import Session
from edgernn.training import Run, load_run
from edgernn.training.options import read_options
from edgernn.training.recipe import Prepared, Recipe, locate_data

_SAMPLES = 64


@dataclass(frozen=True, eq=False)
class Scoring:
    """How files of a run's network are scored.

    Attributes:
        score: gives the scores of a file on the held-out part of the run's data, baselines left out.
        source: which data this is.
        typical: inputs from the training part, which a scheme may calibrate on: the held-out part is for the
            score alone.
    """

    score: Callable[[Session], dict[str, float]]
    source: str
    typical: tuple[np.ndarray, ...]


def score_files(folder: str | os.PathLike[str], *, recipe: str | os.PathLike[str] | None = None) -> Scoring:
    """The scores of a run folder's recipe, for files that were exported from the run.

    Args:
        folder: a run folder of `edgernn train`.
        recipe: the folder of its recipe, where that does not ship with edgernn.

    Raises:
        InputError: the folder is no run, or its data are not there any more.
        ModelError: the run is damaged.
    """
    run = load_run(folder, recipe=recipe)
    options = read_options(run.recipe.options_type, run.config.options)
    path = locate_data(run.config.data or None, run.recipe.data_name)
    # The vocabulary and the labels of a finetuned run are not those that its data alone would give.
    prepared = run.recipe.prepare_like(options, path, run.config.metadata)

    def score(session: Session) -> dict[str, float]:
        found = run.recipe.score(_standing_in(run, session), prepared)
        return {name: value for name, value in found.items() if "/" not in name}

    return Scoring(score, prepared.source, _typical(run.recipe, prepared))


def _typical(recipe: Recipe, prepared: Prepared) -> tuple[np.ndarray, ...]:
    """Inputs of samples from all over the training part, as one batch."""
    samples = len(cast(Sized, prepared.train))
    chosen = sorted({int(index) for index in np.linspace(0, samples - 1, _SAMPLES)})
    collate = recipe.collate()
    batch = (
        prepared.train[chosen] if collate is None else collate([prepared.train[index] for index in chosen])
    )
    *inputs, _ = batch
    return tuple(tensor.numpy() for tensor in inputs)


def _standing_in(run: Run, session: Session) -> torch.nn.Module:
    """The run's network with the file in place of its forward; everything else of it stays."""
    if any(spec.delay for spec in session.outputs) or session.manifest.chunk is not None:
        raise InputError(
            f"source: {str(session.path)!r} waits for the future or takes chunks of a fixed size, so its "
            "outputs are not the network's for a whole input. Score the sequence file of the same network."
        )

    def forward(*inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        result = session.run(*(tensor.detach().cpu().numpy() for tensor in inputs))
        if isinstance(result, dict):
            return tuple(torch.from_numpy(array) for array in result.values())
        return torch.from_numpy(result)

    model = copy.deepcopy(run.model)
    model.forward = forward
    return model
