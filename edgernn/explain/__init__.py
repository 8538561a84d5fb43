"""Why a trained network answers what it does: attribution over time and features, states and gates."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.errors import InputError
from edgernn.explain.attribution import Attribution, attribute
from edgernn.explain.gates import LayerTrace, trace
from edgernn.explain.inputs import Explained, read_input
from edgernn.explain.pictures import draw_attribution, draw_trace
from edgernn.files import write_text
from edgernn.training import Run, load_run
from edgernn.training.folder import empty_folder
from edgernn.training.recipe import Recipe

__all__ = ["Attribution", "Explanation", "LayerTrace", "explain"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What made up an answer.

    Attributes:
        folder: the run.
        input: what was explained, in words.
        target: which output was: a label or an output's name.
        attribution: the share of each time step and feature, and whether the shares add up.
        steps: a name for each time step: the symbol, or its number.
        features: a name for each feature; of texts one, the symbol.
        layers: states and gates of each recurrent layer and direction over time.
        files: what was written.
    """

    folder: str
    input: str
    target: str
    attribution: Attribution
    steps: tuple[str, ...]
    features: tuple[str, ...]
    layers: tuple[LayerTrace, ...]
    files: tuple[str, ...] = ()

    def to_json(self, *, indent: int | None = None) -> str:
        """The explanation as JSON text, without states and gates, which stand in files of their own."""
        data = {
            "folder": self.folder,
            "input": self.input,
            "target": self.target,
            **asdict(self.attribution),
            "values": self.attribution.values.tolist(),
            "complete": self.attribution.complete,
            "steps": self.steps,
            "features": self.features,
            "layers": {layer.name: list(layer.series) for layer in self.layers},
            "files": self.files,
        }
        return json.dumps(data, ensure_ascii=False, indent=indent)


def explain(
    folder: str | os.PathLike[str],
    given: str | np.ndarray | None = None,
    *,
    target: str | None = None,
    out: str | os.PathLike[str] | None = None,
    recipe: str | os.PathLike[str] | Recipe | None = None,
) -> Explanation:
    """Attribute an answer of a run's network to its input, and follow its recurrent layers' states and gates.

    Attributions are integrated gradients (Sundararajan et al. 2017): they add up to what the answer differs
    from that for a baseline, which is the mean of the training data, or a text without meaning (embeddings of
    zeros). Of answers over time, the last one is explained.

    Args:
        folder: the run folder of a network that forecasts, classifies recordings or texts, or the like: one
            input, symbols or raw values.
        given: a text for a network of symbols; (time, features) for one of values. None: the run's example.
        target: the label or output that is explained, by name or number; None: the most likely label, or the
            first output.
        out: a folder for explanation.json, attribution.csv and .png, and states-LAYER.csv and .png; it is
            made, and must be empty. None: nothing is written.
        recipe: the recipe of the run, where it is not one that ships with edgernn.

    Raises:
        InputError: the folder is no run, or the input or the target does not fit its network.
        MissingDependencyError: where captum is not installed.
    """
    run = load_run(folder, recipe=recipe)
    if run.config.pretraining:
        raise InputError("run: it was pretrained and answers nothing yet. Finetune it, and explain that run.")
    explained = read_input(run, given)
    names = run.config.metadata.labels or run.config.metadata.outputs
    found = attribute(run.model, explained.tensor, names, target, choose=bool(run.config.metadata.labels))
    layers = tuple(trace(run.model, explained.tensor))
    explanation = Explanation(
        str(run.folder), explained.told, found.target, found, explained.steps, explained.features, layers
    )
    return explanation if out is None else _written(explanation, run, explained, empty_folder(out))


def _written(explanation: Explanation, run: Run, explained: Explained, folder: Path) -> Explanation:
    attribution, about = explanation.attribution, run.config.metadata
    rows = zip(explanation.steps, attribution.values.tolist(), strict=True)
    _write_table(
        folder / "attribution.csv",
        ("step", "name", *explanation.features),
        ((number, name, *values) for number, (name, values) in enumerate(rows)),
    )
    unit = "before the softmax" if about.labels else about.output_unit
    draw_attribution(folder / "attribution.png", explanation, explained, unit)
    for layer in explanation.layers:
        names = [f"{name} {unit}" for name, values in layer.series.items() for unit in range(values.shape[1])]
        table = np.concatenate(list(layer.series.values()), axis=1)
        _write_table(
            folder / f"states-{layer.name}.csv",
            ("step", *names),
            ((number, *row) for number, row in enumerate(table.tolist())),
        )
        draw_trace(folder / f"states-{layer.name}.png", layer, explained)
    files = (*sorted(path.name for path in folder.iterdir()), "explanation.json")
    written = Explanation(**{**vars(explanation), "files": files})
    write_text(folder / "explanation.json", written.to_json(indent=1) + "\n")
    return written


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())
