"""Where the time of training goes: a table, and a trace for chrome://tracing or ui.perfetto.dev."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from edgernn.files import atomic_path, write_text

PROFILE_FOLDER = "profile"
TABLE_FILE, TRACE_FILE = "table.json", "trace.json.gz"

# What the training step's parts are marked with.
FORWARD, BACKWARD = "edgernn: forward and loss", "edgernn: backward"

# The first batches pay for what is set up once.
_SKIPPED, _MEASURED = 3, 10
_ROWS = 15


@dataclass(frozen=True)
class ProfileRow:
    """One operator, or one part of a training step.

    Attributes:
        name: the operator's, or the part's: "data", "forward and loss", "backward", "optimiser", "all else".
        calls: how often it ran a training step.
        milliseconds: of a training step, that of an operator without the operators that it calls.
        share: of the whole step's time, from 0 to 1.
        part: whether it is a part of a step; the parts make up all of it.
    """

    name: str
    calls: float
    milliseconds: float
    share: float
    part: bool


class ProfileKeeper(Callback):
    """Profiles some training steps of the first epoch and writes profile/ into the run folder.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / PROFILE_FOLDER
        self._profiler: Any = None
        self._steps = 0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Start behind the first batches, or with the only one that there is."""
        first = min(_SKIPPED, int(trainer.num_training_batches) - 1)
        if self._profiler is None and not self._steps and batch_idx == first:
            activities = [torch.profiler.ProfilerActivity.CPU]
            if torch.cuda.is_available():
                activities.append(torch.profiler.ProfilerActivity.CUDA)
            self._profiler = torch.profiler.profile(activities=activities)
            with _without_remarks():
                self._profiler.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop after the measured batches, or with the epoch's last one."""
        if self._profiler is None:
            return
        self._steps += 1
        if self._steps == _MEASURED or batch_idx + 1 >= int(trainer.num_training_batches):
            with _without_remarks():
                self._profiler.stop()
            self._write()
            self._profiler = None

    def _write(self) -> None:
        self.folder.mkdir(exist_ok=True)
        rows = profile_rows(self._profiler, self._steps)
        write_text(self.folder / TABLE_FILE, json.dumps([asdict(row) for row in rows], indent=1) + "\n")
        with atomic_path(self.folder / TRACE_FILE) as temporary:
            plain = temporary.with_name(f"{temporary.name}.json")
            try:
                self._profiler.export_chrome_trace(str(plain))
                temporary.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
            finally:
                plain.unlink(missing_ok=True)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Within the block, nothing reaches standard error: the profiler's C++ notes there that it starts."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def profile_rows(profiler: Any, steps: int) -> list[ProfileRow]:
    """The parts of a training step, then the operators that take the most time themselves."""
    events = profiler.key_averages()
    total = sum(event.self_cpu_time_total for event in events) or 1.0

    def row(name: str, count: int, microseconds: float, part: bool) -> ProfileRow:
        return ProfileRow(name, count / steps, microseconds / steps / 1e3, microseconds / total, part)

    def spent(start: str) -> float:
        return float(sum(event.cpu_time_total for event in events if event.key.startswith(start)))

    forward, backward = spent(FORWARD), spent(BACKWARD)
    # Lightning runs forward and backward inside the optimiser's step.
    parts = {
        "data": spent("enumerate(DataLoader)"),
        "forward and loss": forward,
        "backward": backward,
        "optimiser": max(0.0, spent("Optimizer.step") - forward - backward),
    }
    parts["all else"] = max(0.0, total - sum(parts.values()))
    own = (FORWARD, BACKWARD, "enumerate(DataLoader)")
    operators = [event for event in events if not event.key.startswith(own)]
    slowest = sorted(operators, key=lambda event: event.self_cpu_time_total, reverse=True)
    return [row(name, steps, time, True) for name, time in parts.items()] + [
        row(event.key, event.count, event.self_cpu_time_total, False) for event in slowest[:_ROWS]
    ]


def read_profile(folder: Path) -> list[ProfileRow]:
    """The table of a run folder; empty where it was not profiled."""
    file = folder / PROFILE_FOLDER / TABLE_FILE
    if not file.is_file():
        return []
    return [ProfileRow(**row) for row in json.loads(file.read_text(encoding="utf-8"))]
