"""The search: Optuna asks for options, each trial trains a run folder, and bad ones end early.

Options are proposed by the tree-structured Parzen estimator (Bergstra et al. 2011) after ten random trials. A
trial is pruned after an epoch whose validation loss is worse than the median of the earlier trials' at that
epoch. What was tried stands in `study.journal` in the folder, so a search that stopped goes on where it was:
the trial that was running is resumed at its last epoch. All random numbers of a trial follow from the seed
and the trial's number, so the result is that of a search without the stop.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.errors import EdgeRNNError, InputError, MissingDependencyError
from edgernn.training.config import CHECKPOINT_FILE, HISTORY_FILE, RunConfig
from edgernn.training.find import find_recipe
from edgernn.training.folder import new_folder
from edgernn.training.option_search.report import SearchReport, Trial
from edgernn.training.option_search.space import Range, read_space
from edgernn.training.options import TrainingOptions, read_options
from edgernn.training.processes import launched
from edgernn.training.recipe import Recipe, locate_data
from edgernn.training.trainer import train

if TYPE_CHECKING:
    import optuna

JOURNAL_FILE, LOCK_FILE = "study.journal", "search.lock"
_PLAN, _SCORES, _EPOCHS, _REASON = "plan", "scores", "epochs", "reason"
# Trials before the first one is pruned, and epochs of each that are always trained.
_FIRST_TRIALS, _FIRST_EPOCHS = 5, 2


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
    `trials.csv`, the table; and `study.journal`, Optuna's. The test part chooses nothing.

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
    plan = _plan(recipe, chosen, found, prepared.fingerprint, seed)
    folder = _folder_to_resume(out) if resume else new_folder(f"{recipe.name}-search", out)
    trainer = _Trainer(recipe, found, given, data, seed, device, folder)
    with _locked(folder), _quiet_optuna():
        study = _open(folder, plan)
        say = say or (lambda text: None)
        say(f"Data: {prepared.source}.")
        say(f"Searching into {folder}")
        while True:
            report = _report(study, recipe, folder, prepared.source)
            report.write()
            if len(report.trials) >= trials:
                break
            try:
                trainer.run_one(study)
            except KeyboardInterrupt:
                say(f"Stopped after {len(report.trials)} trials. The search in {folder} can be resumed.")
                raise
            say(_told(_report(study, recipe, folder, prepared.source)))
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


@dataclass(frozen=True)
class _Trainer:
    """Runs trials."""

    recipe: Recipe
    space: dict[str, Range]
    options: dict[str, Any]
    data: str | os.PathLike[str] | None
    seed: int
    device: str
    folder: Path

    def run_one(self, study: optuna.Study) -> None:
        """Run the trial that was interrupted, or else the next one."""
        import optuna

        running = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
        number = running[0].number if running else len(study.get_trials(deepcopy=False))
        # A sampler for each trial: what it draws depends on nothing that a stop would lose.
        study.sampler = optuna.samplers.TPESampler(seed=(self.seed * 1_000_003 + number) % 2**32)
        trial = optuna.trial.Trial(study, running[0]._trial_id) if running else study.ask()
        tried = {name: _suggest(trial, name, value) for name, value in self.space.items()}
        folder = self.folder / trial_name(trial.number)
        resume = (folder / CHECKPOINT_FILE).exists()
        if folder.exists() and not resume:
            shutil.rmtree(folder)  # of a trial that was stopped in its first epoch
        try:
            epochs, scores = self._train(trial, tried, folder, resume)
        except optuna.TrialPruned:
            state = optuna.trial.TrialState.PRUNED
            trial.set_user_attr(_EPOCHS, len(_losses(folder)))
            study.tell(trial, state=state)
        except EdgeRNNError as error:
            trial.set_user_attr(_REASON, str(error))
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            trial.set_user_attr(_EPOCHS, epochs)
            trial.set_user_attr(_SCORES, scores)
            study.tell(trial, min(_losses(folder)))

    def _train(
        self, trial: optuna.Trial, tried: dict[str, Any], folder: Path, resume: bool
    ) -> tuple[int, dict[str, float]]:
        """Epochs and scores of a trial."""
        import optuna

        def watch(epoch: int, loss: float) -> None:
            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        if resume and (before := RunConfig.read(folder)).stopped:
            return before.epochs, before.scores  # stopped before it was told
        report = train(
            self.recipe,
            data=self.data,
            options={**self.options, **tried},
            out=folder,
            seed=self.seed,
            resume=resume,
            device=self.device,
            quiet=True,
            watch=watch,
        )
        return report.epochs, report.scores


def trial_name(number: int) -> str:
    """The name of a trial's run folder."""
    return f"trial-{number:03d}"


def _suggest(trial: optuna.Trial, name: str, what: Range) -> Any:
    if what.choices:
        return trial.suggest_categorical(name, what.choices)
    assert what.low is not None
    assert what.high is not None
    if what.whole:
        step = 1 if what.step is None else int(what.step)
        return trial.suggest_int(name, int(what.low), int(what.high), step=step, log=what.log)
    return trial.suggest_float(name, what.low, what.high, step=what.step, log=what.log)


def _losses(folder: Path) -> list[float]:
    epochs = json.loads((folder / HISTORY_FILE).read_text(encoding="utf-8"))["epochs"]
    return [epoch["validation_loss"] for epoch in epochs]


def _plan(
    recipe: Recipe, options: TrainingOptions, space: dict[str, Range], fingerprint: str, seed: int
) -> dict[str, Any]:
    """What a resumed search must have in common with the one that stopped; JSON values."""
    plan: dict[str, Any] = json.loads(
        json.dumps(
            {
                "recipe": recipe.name,
                "data": fingerprint,
                "seed": seed,
                "space": {name: asdict(value) for name, value in space.items()},
                "options": asdict(options),
            }
        )
    )
    return plan


def _folder_to_resume(out: str | os.PathLike[str] | None) -> Path:
    if out is None:
        raise InputError("resume: name the folder of the search to continue (out).")
    if not (Path(out) / JOURNAL_FILE).is_file():
        raise InputError(f"resume: {str(out)!r} is not the folder of a search: it holds no {JOURNAL_FILE}.")
    return Path(out)


def _open(folder: Path, plan: dict[str, Any]) -> optuna.Study:
    """The folder's study; raises InputError where it is that of another plan."""
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    file = str(folder / JOURNAL_FILE)
    study = optuna.create_study(
        # A text file, a line an event: nothing that is torn by a kill, and no database.
        storage=optuna.storages.JournalStorage(JournalFileBackend(file, lock_obj=JournalFileOpenLock(file))),
        study_name="search",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_FIRST_TRIALS, n_warmup_steps=_FIRST_EPOCHS),
    )
    before = study.user_attrs.setdefault(_PLAN, plan)
    for name, value in plan.items():
        if before[name] != value:
            raise InputError(
                f"resume: {name} of the search in {str(folder)!r} is {_short(before[name])}, found "
                f"{_short(value)}. Give the same recipe, data, options, space and seed, or start a new "
                "search."
            )
    study.set_user_attr(_PLAN, plan)
    return study


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 500 else text[:500] + "…"


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
                epochs=told.get(_EPOCHS, len(seen)),
                folder=str(folder / trial_name(found.number)),
                reason=told.get(_REASON, ""),
            )
        )
        scores[found.number] = told.get(_SCORES, {})
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


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Within the block, no other process searches in the folder."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"search: another process searches in {str(folder)!r}. Wait for it, or stop it."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Within the block, Optuna says errors only."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
