"""report.html of a run folder: one page that needs no other file, pictures included."""

from __future__ import annotations

import json
from pathlib import Path

from edgernn.pages import write_html
from edgernn.training.config import HISTORY_FILE, RunConfig
from edgernn.training.page.curve import draw_training
from edgernn.training.report import score_table

PAGE_FILE = "report.html"
CURVE_PICTURE = "training.png"


def write_run_page(folder: Path) -> None:
    """Draw training.png and write report.html into a run folder, with every picture that stands there.

    Raises:
        InputError: where the folder holds no run.
    """
    config = RunConfig.read(folder)
    history = json.loads((folder / HISTORY_FILE).read_text("utf-8"))["epochs"]
    draw_training(folder / CURVE_PICTURE, history, config.best_epoch)
    write_score_page(folder, config.recipe, config.source, config.scores, config)


def write_score_page(
    folder: Path, recipe: str, source: str, scores: dict[str, float], config: RunConfig | None = None
) -> None:
    """Write report.html into a folder, with every picture that stands there.

    Args:
        folder: where to.
        recipe: the recipe's name.
        source: which data the scores are of, in one sentence.
        scores: as recipes give them.
        config: of the run, where the page is to tell how it was trained.
    """
    table = score_table(scores)
    write_html(
        folder / PAGE_FILE,
        "edgernn.training.page",
        {picture.stem: picture for picture in sorted(folder.glob("*.png"))},
        recipe=recipe,
        source=source,
        config=config,
        scores=table,
        score_names=list(dict.fromkeys(name for row in table.values() for name in row)),
    )
