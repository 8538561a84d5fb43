"""Training a network further: on other data, with other labels, and with what it knows kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgernn.errors import InputError
from edgernn.training.compression import Compression
from edgernn.training.config import RunConfig
from edgernn.training.find import find_recipe
from edgernn.training.options import TrainingOptions, read_options
from edgernn.training.recipe import Recipe, locate_data, options_for_other_data
from edgernn.training.report import FinetuneReport
from edgernn.training.run import Run, load_run
from edgernn.training.trainer import train
from edgernn.training.transfer import label_dims, transfer


def finetune(
    recipe: str | os.PathLike[str] | Recipe,
    source: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    compression: Compression | None = None,
    **training: Any,
) -> FinetuneReport:
    """Train the network of a run on other data, and say what that does to it on its own.

    Weights, normalisation and vocabulary are those of the run. Where the data have other labels, the last
    layer is replaced, row by row: labels that the run knows keep their rows. `options` can say what is not
    trained (`freeze`, by pattern) and that lower layers learn slower (`layer_decay`).

    Args:
        recipe: as for `train`; it must be the run's.
        source: the run folder to begin from: one of `train`, or of `pretrain`, whose recurrent layers are
            taken.
        data: as for `train`.
        options: options that differ from the run's, by name.
        compression: what the weights are held to from before the first epoch on (pruned blocks, a low rank);
            None: what the run's own are held to, if anything.
        training: further arguments of `train`: out, seed, max_epochs, patience, device, …

    Returns:
        The report, with scores before and after, on the new data and on the run's own (forgetting).

    Raises:
        InputError: the folder is no run, or of another recipe, or what `train` raises.
        ModelError: the run's weights are missing or damaged.
    """
    if not isinstance(recipe, Recipe):
        recipe = find_recipe(recipe)
    other = RunConfig.read(Path(source)).recipe
    if other != recipe.name:
        raise InputError(f"from: the run in {str(source)!r} is of recipe {other!r}, not {recipe.name!r}.")
    run = load_run(source, recipe=recipe)
    if training.get("resume"):
        raise InputError("resume: a finetuned run is resumed as any other one, by train.")
    start, kept = run, options_for_other_data(recipe, run.config.options)
    if run.config.pretraining:
        start, kept = _encoder(run), _of_the_network(recipe, kept)
    report = train(
        recipe,
        data=data,
        options={**kept, **(options or {})},
        start=start,
        compression=run.config.compression if compression is None else compression,
        **training,
    )
    if run.config.pretraining:
        return FinetuneReport(report, str(run.folder), {}, {}, False, run.config.pretraining)
    new = load_run(report.folder, recipe=recipe)
    same = set(run.config.metadata.labels) <= set(new.config.metadata.labels)
    before, after = _scores_on_old_data(run, _for_old_data(run, new, same))
    return FinetuneReport(report, str(run.folder), before, after, old_head=not same)


def _encoder(run: Run) -> Run:
    """A pretrained run with the part of its network that the recipe's own network has too."""
    encoder = run.model.encoder
    assert isinstance(encoder, nn.Module)
    return replace(run, model=encoder)


def _of_the_network(recipe: Recipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """A pretrained run's options of the recipe, without those of how it was trained."""
    of_training = {item.name for item in fields(TrainingOptions)}
    known = {item.name for item in fields(recipe.options_type)} - of_training
    return {name: value for name, value in options.items() if name in known}


def _for_old_data(old: Run, new: Run, has_all_labels: bool) -> nn.Module:
    """What was finetuned, as a network for the old run's labels."""
    model = old.recipe.build(old.config.arguments)
    model.load_state_dict(old.model.state_dict())
    tensors = new.model.state_dict()
    if not has_all_labels:
        # Rows of some labels beside the old rows of others say nothing: the old head stays whole.
        head = label_dims(model, len(old.config.metadata.labels))
        tensors = {name: value for name, value in tensors.items() if name not in head}
    transfer(model, tensors, new.config.metadata, old.config.metadata)
    return model.eval()


@torch.no_grad()
def _scores_on_old_data(run: Run, model: nn.Module) -> tuple[dict[str, float], dict[str, float]]:
    """Scores of the run's own network and of another one on the run's data; empty where these are gone."""
    recipe, config = run.recipe, run.config
    try:
        path = locate_data(config.data or None, recipe.data_name)
        chosen = read_options(recipe.options_type, config.options)
        prepared = recipe.prepare_like(chosen, path, config.metadata)
    except InputError:
        return {}, {}
    return recipe.score(run.model, prepared), recipe.score(model, prepared)
