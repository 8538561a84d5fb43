"""report.html of a folder: one file that needs no other, with scores, losses, pictures and sounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgernn.pages import embedded, save_figure, write_html
from edgernn.training.config import HISTORY_FILE, RunConfig
from edgernn.training.pictures import draw_losses
from edgernn.training.profile import read_profile
from edgernn.training.report import TrainReport, score_table

PAGE_FILE = "report.html"
# What stands in this folder of a run is heard on its page: files "SAMPLE, WHAT IT IS.wav".
SOUNDS_FOLDER = "sounds"
LOSSES, RESULT, GRADIENT_FLOW = "training.png", "result.png", "gradient_flow.png"
# Pictures by their files' names, in the order in which they are shown; others stand behind them.
_TITLES = {
    "training": "Losses",
    "result": "What the network makes of the validation part",
    "gradient_flow": "How far back in time the gradient reaches",
    "spectrograms": "How loud each frequency is over time, on the test part",
    "readings": "What was read, of some of the test part",
    "speech": "What is said of a text of the test part",
    "confusion": "What was taken for what, on the test part",
    "roc": "ROC curves, on the test part",
}


def write_run_page(folder: Path, config: RunConfig, report: TrainReport) -> None:
    """Draw a run's losses, and write the page.

    Args:
        folder: the run folder; every picture that stands there is shown, and every sound is heard.
        config: of the run.
        report: of the run.
    """
    history = json.loads((folder / HISTORY_FILE).read_text(encoding="utf-8"))["epochs"]
    save_figure(draw_losses(history, config.best_epoch), folder / LOSSES)
    _write(
        folder,
        recipe=config.recipe,
        source=config.source,
        scores=config.scores,
        config=config,
        report=report,
        epochs=history,
        columns=[name for name in history[0] if name != "epoch"],
        profile=[row for row in read_profile(folder) if row.part],
    )


def write_score_page(folder: Path, recipe: str, source: str, scores: dict[str, float]) -> None:
    """Write the page of scores alone.

    Args:
        folder: where to; every picture that stands there is shown.
        recipe: the recipe's name.
        source: which data the scores are of, in one sentence.
        scores: as recipes give them.
    """
    _write(folder, recipe=recipe, source=source, scores=scores, config=None, report=None)


def _write(folder: Path, *, scores: dict[str, float], **values: Any) -> None:
    order = list(_TITLES)
    files = {file.stem: file for file in sorted(folder.glob("*.png"))}
    names = sorted(files, key=lambda name: order.index(name) if name in order else len(order))
    table = score_table(scores)
    write_html(
        folder / PAGE_FILE,
        __name__,
        {name: files[name] for name in names},
        sounds=_sounds(folder / SOUNDS_FOLDER),
        titles={name: _TITLES.get(name, name.replace("_", " ").capitalize()) for name in names},
        scores=table,
        score_names=list(dict.fromkeys(name for row in table.values() for name in row)),
        **values,
    )


def _sounds(folder: Path) -> dict[str, dict[str, str]]:
    """The folder's .wav files as links to themselves, by what they are, by sample."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*.wav")):
        sample, _, what = file.stem.rpartition(", ")
        found.setdefault(sample, {})[what] = embedded(file, "audio/wav")
    return found
