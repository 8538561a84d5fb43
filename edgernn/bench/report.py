"""What a measurement found."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from edgernn.bench.endurance import Endurance
from edgernn.bench.floor import Floor
from edgernn.bench.process import ColdStart
from edgernn.bench.statistics import Latency, Ratio
from edgernn.errors import InputError


@dataclass(frozen=True)
class Measurement:
    """One way to run the network.

    Attributes:
        name: "edgernn", "by hand", "default path", "torch eager", or "against …".
        description: what it does, in words.
        latency: microseconds of a call.
        steps_per_second: time steps ÷ median latency, rows of the batch counted apart.
        real_time_factor: median latency ÷ the time that the call's steps last; None without a sample rate.
        file_bytes: size of the file it runs; None where it runs none.
        ratio: time of edgernn ÷ time of this; None for edgernn itself.
    """

    name: str
    description: str
    latency: Latency
    steps_per_second: float
    real_time_factor: float | None
    file_bytes: int | None
    ratio: Ratio | None


@dataclass(frozen=True)
class BenchReport:
    """How fast a file runs.

    Attributes:
        path: the file.
        form: "stream" (a call is `Stream.push`) or "sequence" (a call is `Session.run`).
        batch: rows of a call.
        steps: time steps of a call.
        threads: threads inside an operator.
        provider: the execution provider.
        rounds: rounds of the race.
        measurements: edgernn first, then the ways it was compared with.
        baseline: name of the one that `slower_than` looks at: the file given as `against`, else the default
            path, else onnxruntime by hand.
        skipped: ways that could not run, and why, by name.
        cold_start: what the first output of a new process costs; None where it was not measured.
        endurance: many calls in a row; None where they were not asked for.
        floor: of a stream of single steps: the least time of a step; None otherwise.
        machine: what it was measured on.
        kernels: which functions edgernn's own kernels run, and their instruction set; else why none.
    """

    path: str
    form: str
    batch: int
    steps: int
    threads: int
    provider: str
    rounds: int
    measurements: tuple[Measurement, ...]
    baseline: str
    skipped: dict[str, str] = field(default_factory=dict)
    cold_start: ColdStart | None = None
    endurance: Endurance | None = None
    floor: Floor | None = None
    machine: dict[str, str] = field(default_factory=dict)
    kernels: str = ""

    @property
    def edgernn(self) -> Measurement:
        """The file in edgernn's runtime."""
        return self.measurements[0]

    @property
    def ratio(self) -> Ratio:
        """Time of edgernn ÷ time of the baseline."""
        return self.ratio_to(self.baseline)

    def ratio_to(self, name: str) -> Ratio:
        """Time of edgernn ÷ time of `name`. Raises InputError where that was not measured."""
        for measurement in self.measurements:
            if measurement.name == name and measurement.ratio is not None:
                return measurement.ratio
        others = [measurement.name for measurement in self.measurements[1:]]
        reason = f" It was skipped: {self.skipped[name]}" if name in self.skipped else ""
        raise InputError(f"name: nothing called {name!r} was measured beside edgernn, only {others}.{reason}")

    def slower_than(self, factor: float) -> bool:
        """Whether edgernn takes more than `factor` times as long as the baseline.

        Raises InputError where `factor` is no number above 0.
        """
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0:
            raise InputError(f"factor: expected a number above 0, such as 1.2, found {factor!r}.")
        return self.ratio.median > factor

    @property
    def percent_of_floor(self) -> float | None:
        """How much of edgernn's median latency the floor is; None where there is no floor."""
        return None if self.floor is None else self.floor.percent(self.edgernn.latency.p50)

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        data = asdict(self)
        data["percent_of_floor"] = self.percent_of_floor
        return json.dumps(data, ensure_ascii=False, indent=indent, allow_nan=False)
