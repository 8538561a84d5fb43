"""report.html of a run folder: one file that needs no other, with the run's scores, losses and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from edgernn.pages import save_figure, write_html
from edgernn.training.config import HISTORY_FILE, RunConfig
from edgernn.training.pictures import draw_losses
from edgernn.training.profile import read_profile
from edgernn.training.report import TrainReport, score_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_FILE, PICTURES_FOLDER = "report.html", "pictures"
LOSSES, RESULT, GRADIENT_FLOW = "losses", "result", "gradient_flow"
_TITLES = {
    LOSSES: "Losses",
    RESULT: "What the network makes of the validation part",
    GRADIENT_FLOW: "How far back in time the gradient reaches",
}


def picture_file(folder: Path, name: str) -> Path:
    """Where a picture of a run is."""
    return folder / PICTURES_FOLDER / f"{name}.png"


def write_page(folder: Path, config: RunConfig, report: TrainReport, result: Figure | None) -> None:
    """Draw a run's losses, and write the page.

    Args:
        folder: the run folder; pictures that are there already are shown, those of the recipe's details too.
        config: of the run.
        report: of the run.
        result: what `Recipe.picture` gave.
    """
    history = json.loads((folder / HISTORY_FILE).read_text(encoding="utf-8"))["epochs"]
    save_figure(draw_losses(history, config.best_epoch), picture_file(folder, LOSSES))
    if result is not None:
        save_figure(result, picture_file(folder, RESULT))
    files = {name: file for name in _TITLES if (file := picture_file(folder, name)).is_file()}
    files |= {file.stem: file for file in sorted(folder.glob("*.png"))}
    scores = score_table(config.scores)
    write_html(
        folder / PAGE_FILE,
        __name__,
        files,
        config=config,
        report=report,
        titles={name: _TITLES.get(name, name.replace("_", " ").capitalize()) for name in files},
        scores=scores,
        score_names=list(scores["model"]),
        epochs=history,
        columns=[name for name in history[0] if name != "epoch"],
        profile=[row for row in read_profile(folder) if row.part],
    )
