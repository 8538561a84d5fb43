"""What the quickstart found, for machines (report.json) and people (report.html)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgernn.bench import BenchReport


@dataclass(frozen=True)
class ModelFile:
    """One exported file.

    Attributes:
        name: its name in the folder.
        what: what it is, in words.
        bytes: its size.
        checks: how many comparisons it passed or failed.
        passed: whether it passed all.
        max_abs_error: the largest difference from torch and the float64 reference, in the unit of the series.
        relative_error: the same ÷ the largest absolute output.
        tolerance: what the relative error may be.
    """

    name: str
    what: str
    bytes: int
    checks: int
    passed: bool
    max_abs_error: float
    relative_error: float
    tolerance: float


@dataclass(frozen=True)
class StreamResult:
    """The held-out values, pushed one by one.

    Attributes:
        file: which file streamed.
        pushes: values pushed.
        max_difference: largest difference between a push's output and the whole-sequence run's at that step.
        rmse: of the streamed forecasts on the held-out values.
        microseconds: median time of a push.
    """

    file: str
    pushes: int
    max_difference: float
    rmse: float
    microseconds: float


@dataclass(frozen=True)
class QuickstartReport:
    """Everything that `edgernn quickstart` did.

    Attributes:
        folder: where the files are.
        source: the data, in one sentence.
        unit: of the series.
        scores: RMSE, MAE and MASE on the held-out end, baselines as "name/baseline".
        epochs, best_epoch: of the training run.
        files: the exported files with their parity.
        size_ratio: size of the int8 file ÷ size of the float32 file.
        int8_max_error: largest difference of the int8 outputs from the float32 ones on the held-out part.
        streams: the held-out values streamed.
        timings: one step, each way to run it; edgernn first.
        seconds: time of each stage.
        passed: whether every file passed and the network beats persistence.
    """

    folder: str
    source: str
    unit: str
    scores: dict[str, float]
    epochs: int
    best_epoch: int
    files: tuple[ModelFile, ...]
    size_ratio: float
    int8_max_error: float
    streams: tuple[StreamResult, ...]
    timings: BenchReport
    seconds: dict[str, float]

    @property
    def beats_persistence(self) -> bool:
        """Whether the network's RMSE is below that of repeating the last value."""
        return self.scores["rmse"] < self.scores["rmse/persistence"]

    @property
    def passed(self) -> bool:
        """Whether every file is proven, every stream equals its sequence, and persistence is beaten."""
        return (
            self.beats_persistence
            and all(file.passed for file in self.files)
            and all(stream.max_difference <= STREAM_TOLERANCE for stream in self.streams)
        )

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        data = {**asdict(self), "beats_persistence": self.beats_persistence, "passed": self.passed}
        return json.dumps(data, ensure_ascii=False, indent=indent)


# A stream and a whole-sequence run of one file add the same products in another order; in °C, of values
# around 20 whose float32 spacing is 2e-6.
STREAM_TOLERANCE = 1e-4
