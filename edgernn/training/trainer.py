"""Training a recipe's network into a run folder."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
from collections.abc import Callable, Mapping, Sized
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import torch

import edgernn
from edgernn.errors import InputError
from edgernn.pages import save_figure
from edgernn.training.adapters import check_adapters
from edgernn.training.bounds import apply_bounds, find_bounds
from edgernn.training.compression import Compression
from edgernn.training.config import CHECKPOINT_FILE, EXAMPLE_FILE, WEIGHTS_FILE, RunConfig
from edgernn.training.find import find_recipe, is_shipped
from edgernn.training.fit import check_device, fit, new_model
from edgernn.training.folder import new_folder, resumed_options, run_to_resume
from edgernn.training.options import TrainingOptions, read_options
from edgernn.training.processes import join
from edgernn.training.recipe import Prepared, Recipe, locate_data
from edgernn.training.report import CompressionReport, TrainReport
from edgernn.training.run import Run
from edgernn.training.run_page import RESULT, write_run_page
from edgernn.training.transfer import Transfer, transfer
from edgernn.training.weight_rounding import Rounding, round_in_place
from edgernn.training.weights import load_weights, save_tensors

_RECORDED_PACKAGES = ("torch", "lightning", "torchmetrics", "numpy")


def train(
    recipe: str | os.PathLike[str] | Recipe,
    *,
    data: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    max_epochs: int | None = None,
    patience: int | None = None,
    resume: bool = False,
    device: str = "auto",
    devices: int | None = None,
    nodes: int | None = None,
    progress: bool | None = None,
    quiet: bool = False,
    profile: bool = False,
    gradient_flow: bool = False,
    pictures: bool = False,
    rounding: Rounding | None = None,
    compression: Compression | None = None,
    say: Callable[[str], None] | None = None,
    start: Run | None = None,
    watch: Callable[[int, float], None] | None = None,
) -> TrainReport:
    """Train a recipe's network and write a run folder.

    The folder holds `model.safetensors` (the weights of the best epoch), `config.json`, `history.json`
    (losses by epoch), `last.safetensors` (the checkpoint that `resume` continues), `example.safetensors`
    (inputs for export), `report.html` (scores and pictures) and `tensorboard/`. None of them is a pickle.
    Python's, numpy's and torch's global random generators are seeded.

    Args:
        recipe: a recipe's folder, the name of one that ships with edgernn, or a Recipe.
        data: the user's data; None: `$EDGERNN_DATA/<the recipe's name for its data>`, else what is bundled.
        options: the recipe's options by name, as Python values or as text. On resume only max_epochs and
            patience may differ from the run's own.
        out: the run folder; None: `runs/<recipe>-<date>-<time>` in the working folder.
        seed: seed of the weights, the order of the samples and dropout; None: 0, or on resume the run's own.
        max_epochs, patience: short for the options of these names.
        resume: continue the run in `out` where it stopped: the result is that of a run without the stop.
        device: where to train: "auto", "cpu", "gpu", or another accelerator that Lightning knows.
        devices, nodes: how many processes train together on each machine, and on how many machines, started
            by torchrun (see `edgernn.training.processes`); None: as many as it started. They share each
            batch. The run folder must be on a disk that all see, and the first process writes it.
        progress: whether to show a progress bar; None: where standard output is a terminal.
        quiet: whether to show nothing at all, whatever `progress` and `say` are.
        profile: whether to write `profile/` into the run folder: where the time of a training step goes, as
            a table and as a trace for ui.perfetto.dev.
        gradient_flow: whether to write `gradient_flow.json`: how far back the gradient reaches in each
            recurrent layer, epoch by epoch; the report has its warnings.
        pictures: whether to write `report.html`, a page with the losses and the recipe's picture, and to show
            weights, gradients and that picture in TensorBoard, epoch by epoch.
        rounding: a quantization scheme's rounding, which the network computes with from the first step on and
            which its kept weights are rounded by (quantization-aware training).
        compression: of a trained network (`start`): blocks of its weights become zero, or its matrices get a
            low rank, before the first epoch, and stay so.
        say: called with a line of text as things happen; None: nothing is said.
        watch: called after each epoch with its number, from 1, and its validation loss, when the run folder
            is up to date. What it raises ends training, and the run can be resumed.
        start: the trained network to begin from; see `edgernn.training.finetune`.

    Returns:
        The report, with the scores on the test part.

    Raises:
        InputError: an unknown recipe, option or device, data that do not fit, an `out` that is taken, or
            nothing to resume.
    """
    started = time.perf_counter()
    if not isinstance(recipe, Recipe):
        recipe = find_recipe(recipe)
    processes = join(devices, nodes, device)
    say = _say_nothing if quiet or say is None or not processes.first else say
    short = {"max_epochs": max_epochs, "patience": patience}
    changes = {**(options or {}), **{name: value for name, value in short.items() if value is not None}}
    if resume:
        folder, before = run_to_resume(recipe, out)
        chosen = resumed_options(recipe, before, changes)
        seed = before.seed if seed is None else seed
        compression = before.compression if compression is None else compression
        data = before.data or None if data is None else data
    else:
        chosen = read_options(recipe.options_type, changes)
    path = locate_data(data, recipe.data_name)
    known = start.config.metadata if start else before.metadata if resume and before.parent else None
    if known is None:
        prepared = recipe.prepare(chosen, path)
    else:
        prepared = recipe.prepare_like(chosen, path, known, new_labels=start is not None)
    processes.check_alike(prepared.fingerprint)
    config = _config(recipe, chosen, prepared, path, 0 if seed is None else seed)
    config = replace(config, rounded_for=rounding.scheme if rounding else "", compression=compression)
    if compression is not None:
        _check_compression(compression, rounding, trained=resume or start is not None)
    smaller = compression is not None or rounding is not None
    check_adapters(chosen, trained=known is not None, smaller=smaller)
    if chosen.adapters and processes.count > 1:
        raise InputError(
            f"option adapters: {processes.count} processes train here, and adapters are learned by one. "
            "Start one process, or leave adapters out."
        )
    check_device(device)
    model = new_model(recipe, prepared, config.seed)
    taken: Transfer | None = None
    compressed: CompressionReport | None = None
    if start is not None:
        taken = transfer(model, start.model.state_dict(), start.config.metadata, prepared.metadata)
        scores_before = recipe.score(model.eval(), prepared)
        config = replace(config, parent=str(start.folder), scores_before=scores_before)
        if compression is not None:
            bounds = find_bounds(model, compression)
            apply_bounds(bounds)
            scores = recipe.score(model, prepared)
            compressed = CompressionReport(scores, tuple(bound.told for bound in bounds))
        model.train()
    if resume:
        _refuse_another_run(before, config)
        config = replace(
            config, seconds=before.seconds, parent=before.parent, scores_before=before.scores_before
        )
    else:
        made = str(new_folder(recipe.name, out)) if processes.first else None
        folder = Path(processes.from_first(made))
    say(f"Data: {prepared.source}.")
    say(f"Training {recipe.name} into {folder}")
    if processes.first:
        config.write(folder)
        save_tensors(folder / EXAMPLE_FILE, {str(n): tensor for n, tensor in enumerate(prepared.example)})
    try:
        result = fit(
            recipe,
            model,
            prepared,
            chosen,
            seed=config.seed,
            folder=folder,
            resume=resume,
            device=device,
            progress=not quiet and (sys.stdout.isatty() if progress is None else progress),
            profile=profile,
            gradient_flow=gradient_flow,
            pictures=pictures,
            rounding=rounding,
            compression=compression,
            processes=processes,
            watch=watch,
        )
    except KeyboardInterrupt:
        if (folder / CHECKPOINT_FILE).exists():
            say(f"Stopped. The run in {folder} can be resumed.")
        raise
    load_weights(model.cpu().eval(), folder / WEIGHTS_FILE)
    if rounding is not None:
        # What a file of the scheme will hold is what is scored and kept.
        round_in_place(model, rounding.round_weight)
    recipe.finish(model, prepared)
    if processes.first:
        save_tensors(folder / WEIGHTS_FILE, model.state_dict())
        recipe.write_details(model, prepared, folder)
    config = replace(
        config,
        epochs=result.epochs,
        best_epoch=result.best_epoch,
        stopped=result.stopped,
        scores=recipe.score(model, prepared),
        seconds=config.seconds + time.perf_counter() - started,
    )
    if processes.first:
        config.write(folder)
    report = TrainReport(
        recipe=recipe.name,
        folder=str(folder),
        source=config.source,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        epochs=config.epochs,
        best_epoch=config.best_epoch,
        stopped=config.stopped,
        seconds=config.seconds,
        scores=config.scores,
        warnings=result.warnings,
        test_samples=len(cast(Sized, prepared.test)),
        scores_before=config.scores_before,
        drawn_anew=taken.new if taken else (),
        trained_parameters=result.trained_parameters,
        compression=compressed,
    )
    if processes.first:
        if pictures:
            with torch.no_grad():
                result_picture = recipe.picture(model, prepared)
            if result_picture is not None:
                save_figure(result_picture, folder / RESULT)
        write_run_page(folder, config, report)
    processes.wait()
    say(f"{report.epochs} epochs in {report.seconds:.1f} s; the best one was {report.best_epoch}.")
    return report


def _config(
    recipe: Recipe, options: TrainingOptions, prepared: Prepared, data: Path | None, seed: int
) -> RunConfig:
    """The config of a run before its first epoch."""
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise InputError(f"seed: must be an integer from 0 to {2**32 - 1}, found {seed!r}.")
    return RunConfig(
        recipe=recipe.name,
        pretraining=recipe.objective,
        recipe_folder="" if is_shipped(recipe) else str(recipe.folder or ""),
        options=asdict(options),
        arguments=prepared.arguments,
        metadata=prepared.metadata,
        seed=seed,
        data="" if data is None else str(data.resolve()),
        source=prepared.source,
        fingerprint=prepared.fingerprint,
        versions={
            "edgernn": edgernn.__version__,
            **{name: importlib.metadata.version(name) for name in _RECORDED_PACKAGES},
        },
    )


def _check_compression(compression: Compression, rounding: Rounding | None, *, trained: bool) -> None:
    """Raise InputError where a compression does not go with the rest."""
    if not trained:
        raise InputError(
            "compression: random weights say nothing of which to keep. Train first, then finetune with it."
        )
    if compression.low_rank and rounding is not None:
        raise InputError(
            "low_rank: the weights of a file of low rank are the rounded factors, which training with "
            "rounding does not know yet. Finetune without rounding (--qat), and quantize the file."
        )


def _refuse_another_run(before: RunConfig, now: RunConfig) -> None:
    """Raise InputError where a resumed run would not be the one that stopped."""
    if now.fingerprint != before.fingerprint:
        raise InputError(
            f"resume: the data are not those of the run: it was trained on {before.source}. Start a new run."
        )
    if now.rounded_for != before.rounded_for:
        raise InputError(
            f"resume: the run was trained for the scheme {before.rounded_for or 'float32'!r}, found "
            f"{now.rounded_for or 'float32'!r}. Give the same one."
        )
    if now.compression != before.compression:
        raise InputError(f"resume: the run's compression is {before.compression}, found {now.compression}.")
    if now.seed != before.seed:
        raise InputError(f"resume: the run's seed is {before.seed}, found {now.seed}. Leave seed out.")


def _say_nothing(text: str) -> None:
    pass
