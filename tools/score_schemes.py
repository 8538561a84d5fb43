"""What every quantization scheme costs on real tasks, in one table.

    python tools/score_schemes.py [--data FOLDER] [--tasks digits temperature] [--seeds 0 1 2] [--kernels]
        [-o out.json]

Each task trains a network, exports it as a stream, and scores the float32 file and the file of every scheme
on the same held-out data; where a file's outputs are off by more than 5 %, also that of `--budget
relative-error=0.05`. With --kernels each file is scored on edgernn's own kernels too. Data is read from
--data, otherwise from $EDGERNN_DATA. Size is relative to the float32 file; the loss is what the score lost,
the median over the seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from rich.table import Table
from schemes import Task, find_task, task_names

import edgernn
from edgernn.bench.machine import describe_machine
from edgernn.files import write_text
from edgernn.quantize import scheme_names

FLOAT32 = "float32"
# A file that is further off than this is written once more, inside this budget.
BUDGET = 0.05


@dataclass(frozen=True)
class Row:
    """One scheme on one task and seed; `refused` says why a scheme does not take the file."""

    task: str
    metric: str
    higher_is_better: bool
    scheme: str
    seed: int
    score: float
    size: float
    bytes: int
    refused: str = ""


def measure(
    name: str, task: Task, seed: int, schemes: Sequence[str], folder: Path, *, kernels: bool = False
) -> list[Row]:
    """The rows of one trained network."""
    module = find_task(name)
    metric = (module.METRIC, module.HIGHER_IS_BETTER)
    source = folder / "float32.onnx"
    edgernn.export(task.model, source, task.example, streaming=True)
    whole = source.stat().st_size
    rows = []

    def score(scheme: str, path: Path) -> None:
        sessions = {scheme: edgernn.load(path, kernels="off")}
        if kernels and (session := edgernn.load(path)).kernels.functions:
            sessions[f"{scheme}, kernels"] = session
        size = path.stat().st_size
        for way, session in sessions.items():
            found = task.score(session)
            rows.append(Row(name, *metric, way, seed, found, size / whole, size))
            print(f"{name}, seed {seed}, {way}: {found:.4f}", file=sys.stderr)

    score(FLOAT32, source)
    for scheme in schemes:
        path = folder / f"{scheme}.onnx"
        try:
            report = edgernn.quantize(source, path, scheme=scheme, calibration=task.calibration)
        except edgernn.EdgeRNNError as error:
            rows.append(Row(name, *metric, scheme, seed, float("nan"), 0.0, 0, str(error)))
            continue
        score(scheme, path)
        if report.error.relative > BUDGET:
            budget = f"relative-error={BUDGET:g}"
            edgernn.quantize(source, path, scheme=scheme, calibration=task.calibration, budget=budget)
            score(f"{scheme}, budget", path)
    return rows


def lost(rows: Sequence[Row], row: Row) -> float:
    """What a row's score lost against float32 of the same task and seed; below 0 it gained."""
    base = next(r for r in rows if (r.task, r.seed, r.scheme) == (row.task, row.seed, FLOAT32))
    return base.score - row.score if row.higher_is_better else row.score - base.score


def table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Task, metric, scheme, score, loss and size; medians over the seeds."""
    found = []
    for task, scheme in dict.fromkeys((row.task, row.scheme) for row in rows):
        mine = [row for row in rows if (row.task, row.scheme) == (task, scheme)]
        first = mine[0]
        if first.refused:
            continue
        found.append(
            (
                task, first.metric, scheme, f"{median(row.score for row in mine):.4f}",
                f"{median(lost(rows, row) for row in mine):+.4f}", f"{first.size:.2f}",
            )
        )  # fmt: skip
    return found


HEADER = ("task", "metric", "scheme", "score", "loss", "size ÷ float32")


def markdown(rows: Sequence[Row]) -> str:
    """The table for README.md."""
    lines = "".join(f"| {' | '.join(cells)} |\n" for cells in table(rows))
    return f"| {' | '.join(HEADER)} |\n|{'-|' * len(HEADER)}\n{lines}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("EDGERNN_DATA"))
    parser.add_argument("--tasks", nargs="+", default=task_names(), choices=task_names())
    parser.add_argument("--schemes", nargs="+", default=scheme_names(), choices=scheme_names())
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--kernels", action="store_true")
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    if options.data is None:
        parser.error("say where the data is: --data FOLDER, or set EDGERNN_DATA")
    rows: list[Row] = []
    for name in options.tasks:
        for seed in options.seeds:
            torch.manual_seed(seed)
            task = find_task(name).prepare(Path(options.data), seed)
            print(f"{name}: {task.about}", file=sys.stderr)
            with TemporaryDirectory(prefix="edgernn-schemes-") as folder:
                rows += measure(name, task, seed, options.schemes, Path(folder), kernels=options.kernels)
    console = Console(width=160)
    shown = Table(*HEADER)
    for cells in table(rows):
        shown.add_row(*cells)
    console.print(shown)
    for row in rows:
        if row.refused:
            console.print(f"{row.task}, {row.scheme}: {row.refused}", markup=False)
    if options.out:
        report = {"machine": describe_machine(), "rows": [asdict(row) for row in rows]}
        write_text(options.out, json.dumps(report, indent=1, ensure_ascii=False))
        write_text(options.out.with_suffix(".md"), markdown(rows))


if __name__ == "__main__":
    main()
