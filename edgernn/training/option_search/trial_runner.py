"""Running the trials of a search: each trains a run folder, and may be ended early."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.errors import EdgeRNNError
from edgernn.training.config import CHECKPOINT_FILE, HISTORY_FILE, RunConfig
from edgernn.training.option_search.space import Range
from edgernn.training.recipe import Recipe
from edgernn.training.trainer import train

if TYPE_CHECKING:
    import optuna

# What a trial of the study is told beside its options and losses.
SCORES, EPOCHS, REASON = "scores", "epochs", "reason"


@dataclass(frozen=True)
class TrialRunner:
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
            trial.set_user_attr(EPOCHS, len(_losses(folder)))
            study.tell(trial, state=state)
        except EdgeRNNError as error:
            trial.set_user_attr(REASON, str(error))
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            trial.set_user_attr(EPOCHS, epochs)
            trial.set_user_attr(SCORES, scores)
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
