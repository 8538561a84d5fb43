"""The search: Optuna asks for options, each trial trains a run folder, and bad ones end early.

Options are proposed by the tree-structured Parzen estimator (Bergstra et al. 2011) after ten random trials. A
trial is pruned after an epoch whose validation loss is worse than the median of the earlier trials' at that
epoch. What was tried stands in `study.journal` in the folder, so a search that stopped goes on where it was:
the trial that was running is resumed at its last epoch. All random numbers of a trial follow from the seed
and the trial's number, so the result is that of a search without the stop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.errors import InputError, MissingDependencyError
from edgernn.training.find import find_recipe
from edgernn.training.folder import new_folder
from edgernn.training.option_search.journal import (
    folder_to_resume,
    locked,
    open_study,
    quiet_optuna,
    search_plan,
)
from edgernn.training.option_search.picture import PICTURE_FILE, draw_search
from edgernn.training.option_search.report import SearchReport, Trial
from edgernn.training.option_search.space import read_space
from edgernn.training.option_search.trial_runner import EPOCHS, REASON, SCORES, TrialRunner, trial_name
from edgernn.training.options import read_options
from edgernn.training.processes import launched
from edgernn.training.recipe import Recipe, locate_data

if TYPE_CHECKING:
    import optuna


def search(
    recipe: str | os.PathLike[str] | Recipe,
    space: str | os.PathLike[str],
    *,
    trials: int = 20,
    data: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int = 0,
    resume: bool = False,
    device: str = "auto",
    say: Callable[[str], None] | None = None,
) -> SearchReport:
    """Search for the options of a recipe that give the least validation loss.

    The folder holds a run folder for each trial, which exports as any other one; `search.json` and
    `trials.csv`, the table; `search.png`, the losses by option; and `study.journal`, Optuna's. The test part
    chooses nothing.

    Args:
        recipe, data, options, seed, device: as for `train`, of all trials; `options` are those that are not
            searched for.
        space: a TOML file, see `edgernn.training.option_search.space`.
        trials: how many in all, those before a resume included.
        out: the folder; None: `runs/<recipe>-search-<date>-<time>`.
        resume: go on with the search in `out`; recipe, data, options, space and seed must be the same.
        say: called with a line of text for each trial; None: nothing is said.

    Raises:
        InputError: what `train` and `read_space` raise; a search that cannot be resumed; every trial failed.
        MissingDependencyError: optuna is not installed.
        KeyboardInterrupt: where the user stopped it; it can be resumed.
    """
    require_optuna()
    if launched():
        raise InputError("search: a search trains in one process. Start it without torchrun.")
    if trials < 1:
        raise InputError(f"trials: must be 1 or more, found {trials}.")
    if not isinstance(recipe, Recipe):
        recipe = find_recipe(recipe)
    given = dict(options or {})
    found = read_space(Path(space), recipe.options_type, given, recipe.data_options)
    chosen = read_options(recipe.options_type, given)
    prepared = recipe.prepare(chosen, locate_data(data, recipe.data_name))
    plan = search_plan(recipe, chosen, found, prepared.fingerprint, seed)
    folder = folder_to_resume(out) if resume else new_folder(f"{recipe.name}-search", out)
    runner = TrialRunner(recipe, found, given, data, seed, device, folder)
    with locked(folder), quiet_optuna():
        study = open_study(folder, plan)
        say = say or (lambda text: None)
        say(f"Data: {prepared.source}.")
        say(f"Searching into {folder}")
        while True:
            report = _report(study, recipe, folder, prepared.source)
            report.write()
            if len(report.trials) >= trials:
                break
            try:
                runner.run_one(study)
            except KeyboardInterrupt:
                say(f"Stopped after {len(report.trials)} trials. The search in {folder} can be resumed.")
                raise
            say(_told(_report(study, recipe, folder, prepared.source)))
    if any(trial.validation_loss is not None for trial in report.trials):
        draw_search(report, folder / PICTURE_FILE)
    if report.best is None:
        reasons = [trial.reason for trial in report.trials if trial.reason]
        raise InputError(f"search: all {len(report.trials)} trials failed; the first one: {reasons[0]}")
    return report


def require_optuna() -> None:
    """Raise MissingDependencyError where optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "a search needs the package 'optuna', which is not installed. Install it with: "
            "pip install 'edgernn[search]'"
        ) from error


def _report(study: optuna.Study, recipe: Recipe, folder: Path, source: str) -> SearchReport:
    trials, scores = [], {}
    for found in study.get_trials(deepcopy=False):
        if not found.state.is_finished():
            continue
        seen = list(found.intermediate_values.values())
        told = found.user_attrs
        trials.append(
            Trial(
                number=found.number,
                options=dict(found.params),
                state={"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}[found.state.name],
                validation_loss=min(seen) if seen else None,
                epochs=told.get(EPOCHS, len(seen)),
                folder=str(folder / trial_name(found.number)),
                reason=told.get(REASON, ""),
            )
        )
        scores[found.number] = told.get(SCORES, {})
    complete = [trial for trial in trials if trial.state == "complete"]
    best = min(complete, key=lambda trial: trial.validation_loss or 0.0).number if complete else None
    return SearchReport(
        recipe.name, str(folder), source, tuple(trials), best, scores[best] if best is not None else {}
    )


def _told(report: SearchReport) -> str:
    """The last trial in a line."""
    trial = report.trials[-1]
    options = ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in trial.options.items()
    )
    if trial.state == "failed":
        return f"Trial {trial.number} ({options}) failed: {trial.reason}"
    loss = f"validation loss {trial.validation_loss:.4g} in {trial.epochs} epochs"
    best = ", the best so far" if trial.number == report.best else ""
    return f"Trial {trial.number} ({options}): {loss}{best}{', pruned' * (trial.state == 'pruned')}"
