"""Scoring a trained network on held-out data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from edgernn.errors import InputError
from edgernn.training.folder import empty_folder
from edgernn.training.options import read_options
from edgernn.training.recipe import Recipe, locate_data, options_for_other_data
from edgernn.training.report import EvaluationReport
from edgernn.training.run import load_run
from edgernn.training.run_page import write_score_page


def evaluate(
    folder: str | os.PathLike[str],
    data: str | os.PathLike[str] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    recipe: str | os.PathLike[str] | Recipe | None = None,
    out: str | os.PathLike[str] | None = None,
) -> EvaluationReport:
    """Score a run's network on the test part of its data, or of other data.

    Args:
        folder: the run folder.
        data: other data than the run's own; cut as in training, and only the test part is scored.
        options: options of the recipe that differ from the run's, by name.
        recipe: the recipe of the run, where it is not one that ships with edgernn.
        out: a folder for report.html, and for the pictures and tables that the recipe has for its scores; it
            is made, and must be empty. None: nothing is written.

    Raises:
        InputError: the folder is no run, `out` is taken, or the data are missing or do not fit the network.
        ModelError: the weights are missing, damaged, or not those of the network.
    """
    run = load_run(folder, recipe=recipe)
    own = run.config.options if data is None else options_for_other_data(run.recipe, run.config.options)
    chosen = read_options(run.recipe.options_type, {**own, **(options or {})})
    path = locate_data(run.config.data or None if data is None else data, run.recipe.data_name)
    prepared = run.recipe.prepare_like(chosen, path, run.config.metadata)
    if prepared.arguments != run.config.arguments:
        differ = [
            name for name, value in prepared.arguments.items() if run.config.arguments.get(name) != value
        ]
        raise InputError(
            f"data: they ask for another network than the run's: {', '.join(differ)} would be "
            f"{[prepared.arguments[name] for name in differ]}, not "
            f"{[run.config.arguments.get(name) for name in differ]}. Use data of the same form."
        )
    details = None if out is None else empty_folder(out)
    scores = run.recipe.score(run.model, prepared)
    if details is not None:
        run.recipe.write_details(run.model, prepared, details)
        write_score_page(details, run.recipe.name, prepared.source, scores)
    return EvaluationReport(run.recipe.name, str(run.folder), prepared.source, scores)
