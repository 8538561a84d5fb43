"""What training and evaluation report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from edgernn.training.compression import CompressedWeight

OWN = "model"


@dataclass(frozen=True)
class TrainReport:
    """What came of a training run.

    Attributes:
        recipe: the recipe's name.
        folder: the run folder.
        source: which data it was, in one sentence.
        parameters: how many numbers the network holds that can be learned.
        epochs: epochs trained, those before a resume included.
        best_epoch: the epoch, from 1, whose weights were kept.
        stopped: why training ended: "max_epochs" or "patience".
        seconds: duration of training and scoring, that before a resume included.
        scores: scores on the test part, baselines as "name/baseline".
        warnings: what the gradient's flow warns of, where it was measured.
        test_samples: how many samples the scores are of.
        scores_before: of a finetuned run: the scores before the first epoch.
        drawn_anew: of a finetuned run: tensors that could not be taken over.
        compression: of a finetuned run with pruned or factored weights; None for another.
        trained_parameters: how many numbers were trained: fewer where layers are frozen, or adapters learn.
    """

    recipe: str
    folder: str
    source: str
    parameters: int
    epochs: int
    best_epoch: int
    stopped: str
    seconds: float
    scores: dict[str, float]
    warnings: tuple[str, ...] = ()
    test_samples: int = 0
    scores_before: dict[str, float] = field(default_factory=dict)
    drawn_anew: tuple[str, ...] = ()
    compression: CompressionReport | None = None
    trained_parameters: int = 0

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=indent)


@dataclass(frozen=True)
class CompressionReport:
    """What was made of a network's weights before it was trained further.

    Attributes:
        scores: scores on the test part right after, before the first epoch.
        weights: those that became smaller.
    """

    scores: dict[str, float]
    weights: tuple[CompressedWeight, ...]


@dataclass(frozen=True)
class EvaluationReport:
    """Scores of a trained network on held-out data.

    Attributes:
        recipe: the recipe's name.
        folder: the run folder.
        source: which data it was, in one sentence.
        scores: scores on the test part, baselines as "name/baseline".
    """

    recipe: str
    folder: str
    source: str
    scores: dict[str, float]

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=indent)


@dataclass(frozen=True)
class FinetuneReport:
    """What came of finetuning.

    Attributes:
        training: the run on the new data; its `scores_before` are those before the first epoch.
        parent: the folder of the run that it began from.
        old_before: scores of that run's network on its own data; empty where the data are not there any more.
        old_after: scores there of what was finetuned: under the old labels' rows of the new head where it has
            all of them, otherwise under the old head.
        old_head: whether it was the old head.
        pretraining: the objective that the run before was pretrained with: there is nothing to forget then;
            empty where it was trained.
    """

    training: TrainReport
    parent: str
    old_before: dict[str, float]
    old_after: dict[str, float]
    old_head: bool
    pretraining: str = ""

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=indent)


def score_table(scores: dict[str, float]) -> dict[str, dict[str, float]]:
    """Scores by who made the forecast: "model" first, then each baseline; each a dict by score."""
    table: dict[str, dict[str, float]] = {OWN: {}}
    for key, value in scores.items():
        name, _, baseline = key.partition("/")
        table.setdefault(baseline or OWN, {})[name] = value
    return table
