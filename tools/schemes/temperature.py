"""Tomorrow's highest temperature in Seattle: root mean square error in °C on the held-out end of the series.

The series is read from `vega/data/seattle-weather.csv`, column temp_max (NOAA, public domain), and learned by
the forecast recipe.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from edgernn.runtime import Session
from edgernn.training import load_run, train
from edgernn.training.options import read_options
from schemes import Task

METRIC, HIGHER_IS_BETTER = "RMSE, °C", False
HIDDEN = 128


def prepare(data: Path, seed: int) -> Task:
    """Train the recipe with 128 units."""
    file = data / "vega" / "data" / "seattle-weather.csv"
    with TemporaryDirectory(prefix="edgernn-schemes-") as folder:
        train(
            "forecast",
            data=file,
            out=Path(folder) / "run",
            seed=seed,
            options={"column": "temp_max", "hidden_size": HIDDEN},
            progress=False,
            quiet=True,
        )
        run = load_run(Path(folder) / "run")
        prepared = run.recipe.prepare(read_options(run.recipe.options_type, run.config.options), file)
        example = run.example_inputs()[0]
        scores = run.config.scores
    series = prepared.values[:, 0].numpy()
    start = prepared.split.validation_end
    past = series[None, :-1, None].astype(np.float32)

    def score(session: Session) -> float:
        found = session.run(past)
        assert isinstance(found, np.ndarray)
        return float(np.sqrt(np.mean((found[0, start - 1 :, 0] - series[start:]) ** 2)))

    persistence = f"persistence {scores['rmse/persistence']:.3f}"
    about = f"LSTM {HIDDEN}, {start} days; {len(series) - start} to test; {persistence}"
    return Task(run.model, torch.as_tensor(example), past[:, :start], score, about)
