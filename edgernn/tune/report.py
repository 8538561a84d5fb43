"""What a search found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from edgernn.bench.statistics import Latency
from edgernn.errors import InputError

# Times this close are the same: what else differs decides.
_SAME = 1.03


@dataclass(frozen=True)
class FileResult:
    """One file of the search.

    Attributes:
        name: its name in the folder `files`.
        recurrence, scheme, steps: how it is written; `steps` is None where it takes any number a call.
        bytes: its size; 0 where it was not written.
        relative_error: the largest of its parity report.
        dropped: why it takes no part; empty where it does.
        sha256: of the file.
    """

    name: str
    recurrence: str
    scheme: str
    steps: int | None
    bytes: int = 0
    relative_error: float = 0.0
    dropped: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Trial:
    """One way to run one file.

    Attributes:
        file: the file.
        steps: time steps of a call.
        threads, memory_arena: arguments of `edgernn.load`.
        latency: microseconds of a time step: those of a call ÷ its steps.
    """

    file: FileResult
    steps: int
    threads: int
    memory_arena: bool
    latency: Latency

    @property
    def name(self) -> str:
        """Unique among the trials."""
        return f"{self.file.name}, {run_name(self.steps, self.threads, self.memory_arena)}"


def run_name(steps: int, threads: int, memory_arena: bool) -> str:
    """A way to run a file, in words."""
    plural = "s" if steps > 1 else "", "s" if threads > 1 else ""
    arena = "with" if memory_arena else "without"
    return f"{steps} step{plural[0]} a call, {threads} thread{plural[1]}, {arena} memory arena"


@dataclass(frozen=True)
class TuneReport:
    """The result of `edgernn.tune`.

    Attributes:
        folder: where everything stands.
        path: the chosen file, a copy of the best trial's.
        prefer: "speed" or "size".
        max_error: the largest relative error that was allowed; None: the scheme's tolerance alone.
        files: every file, those dropped included.
        trials: every measured way to run one.
        rounds: rounds of the race between them.
        machine: what it was measured on.
    """

    folder: str
    path: str
    prefer: str
    max_error: float | None
    files: tuple[FileResult, ...]
    trials: tuple[Trial, ...]
    rounds: int
    machine: dict[str, str] = field(default_factory=dict)

    @property
    def best(self) -> Trial:
        """The chosen one."""
        return choose(self.trials, self.prefer)

    @property
    def pareto(self) -> tuple[Trial, ...]:
        """Those that no other beats in time, size and error at once; fastest first, one a file."""
        return pareto(self.trials)

    @property
    def load_options(self) -> dict[str, int | bool]:
        """Arguments of `edgernn.load` with which the chosen file was fastest."""
        return {"threads": self.best.threads, "memory_arena": self.best.memory_arena}

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        data = asdict(self)
        data["best"] = asdict(self.best)
        data["pareto"] = [trial.name for trial in self.pareto]
        data["load_options"] = self.load_options
        return json.dumps(data, ensure_ascii=False, indent=indent, allow_nan=False)


def choose(trials: Sequence[Trial], prefer: str) -> Trial:
    """The best trial: the smallest of the fastest ("speed"), or the fastest of the smallest ("size").

    What lies within 3 % is the same.

    Raises InputError where there is none.
    """
    if not trials:
        raise InputError("trials: nothing was measured.")
    if prefer == "size":
        smallest = min(trial.file.bytes for trial in trials)
        return min(
            (trial for trial in trials if trial.file.bytes <= _SAME * smallest), key=lambda t: t.latency.p50
        )
    fastest = min(trial.latency.p50 for trial in trials)
    near = [trial for trial in trials if trial.latency.p50 <= _SAME * fastest]
    smallest = min(trial.file.bytes for trial in near)
    small = [trial for trial in near if trial.file.bytes <= _SAME * smallest]
    # Beside that, a file that takes any number of steps, fewer threads and less memory are worth more.
    return min(small, key=lambda t: (t.file.steps is not None, t.threads, t.memory_arena, t.latency.p50))


def pareto(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """See `TuneReport.pareto`."""
    fastest = fastest_of_each_file(trials)
    return tuple(
        trial for trial in fastest if not any(_beats(other, trial) for other in fastest if other is not trial)
    )


def fastest_of_each_file(trials: Sequence[Trial]) -> list[Trial]:
    """Each file in its fastest way to run; the fastest first."""
    found: dict[str, Trial] = {}
    for trial in sorted(trials, key=lambda t: t.latency.p50):
        found.setdefault(trial.file.name, trial)
    return list(found.values())


def _beats(other: Trial, trial: Trial) -> bool:
    mine, theirs = ((item.latency.p50, item.file.bytes, item.file.relative_error) for item in (trial, other))
    return all(b <= a for a, b in zip(mine, theirs, strict=True)) and theirs != mine
