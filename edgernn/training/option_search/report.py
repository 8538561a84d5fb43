"""What a search reports: a table of its trials, the best one's run folder and scores."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgernn.files import write_text

REPORT_FILE, TABLE_FILE = "search.json", "trials.csv"


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        number: from 0.
        options: what it tried, by option.
        state: "complete", "pruned" (ended early, since others were better by then) or "failed".
        validation_loss: the least one of its epochs; None where there is none.
        epochs: how many it trained.
        folder: its run folder.
        reason: why it failed; empty where it did not.
    """

    number: int
    options: dict[str, Any]
    state: str
    validation_loss: float | None
    epochs: int
    folder: str
    reason: str = ""


@dataclass(frozen=True)
class SearchReport:
    """What came of a search.

    Attributes:
        recipe: the recipe's name.
        folder: the folder of the search.
        source: which data it was, in one sentence.
        trials: in the order in which they ran.
        best: the number of the complete trial with the least validation loss; None where none is complete.
        scores: scores of that one on the test part, which chose nothing; baselines as "name/baseline".
    """

    recipe: str
    folder: str
    source: str
    trials: tuple[Trial, ...]
    best: int | None
    scores: dict[str, float]

    @property
    def best_trial(self) -> Trial | None:
        """The best one; None where none is complete."""
        return None if self.best is None else self.trials[self.best]

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=indent)

    def write(self) -> None:
        """Write search.json and trials.csv into the folder."""
        folder = Path(self.folder)
        write_text(folder / REPORT_FILE, self.to_json(indent=1) + "\n")
        names = list(dict.fromkeys(name for trial in self.trials for name in trial.options))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("trial", "state", "validation_loss", "epochs", *names, "folder", "reason"))
        for trial in self.trials:
            tried = [trial.options.get(name) for name in names]
            writer.writerow(
                (
                    trial.number,
                    trial.state,
                    trial.validation_loss,
                    trial.epochs,
                    *tried,
                    trial.folder,
                    trial.reason,
                )
            )
        write_text(folder / TABLE_FILE, text.getvalue())
