"""Measure every recipe on real data, and put the scores into one table of the README.

    EDGERNN_DATA=data python tools/score_recipes.py                      # all of them
    EDGERNN_DATA=data python tools/score_recipes.py --only "TREC" SST    # those whose names hold one of these

What is measured stands in the recipes' contract.toml under [[benchmarks]]. Scores are kept in
recipes/scores.json, so that one can be measured anew without the others; the table in README.md is written
from it. Runs on one CPU thread, so that the same seed gives the same score.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from edgernn.files import write_text
from edgernn.training import read_contract, shipped_recipes, train
from edgernn.training.contract import Benchmark
from edgernn.training.find import shipped_folder
from edgernn.training.recipe import locate_data

SCORES_FILE = "scores.json"


@dataclass(frozen=True)
class Measured:
    """A benchmark's result: the score over its seeds, and what it took."""

    recipe: str
    name: str
    score: str
    values: tuple[float, ...]
    parameters: int
    seconds: float
    date: str


def measure(recipe: str, benchmark: Benchmark) -> Measured:
    """Train and score a benchmark: a run for each seed and fold."""
    data = locate_data(benchmark.data) if benchmark.data else None
    values, seconds, parameters = [], 0.0, 0
    for seed in range(benchmark.seeds):
        runs = []
        for fold in benchmark.folds or ("",):
            options = {**benchmark.options, **({benchmark.fold_option: fold} if fold else {})}
            with tempfile.TemporaryDirectory() as folder:
                report = train(
                    recipe, data=data, options=options, seed=seed, out=Path(folder) / "run", device="cpu",
                    quiet=True,
                )  # fmt: skip
            runs.append((report.scores[benchmark.score], report.test_samples))
            seconds, parameters = seconds + report.seconds, report.parameters
            told = f"seed {seed} {fold}".rstrip()
            print(f"{recipe}: {benchmark.name}: {told}: {runs[-1][0]:.4f} of {runs[-1][1]}", flush=True)
        values.append(sum(value * samples for value, samples in runs) / sum(samples for _, samples in runs))
    return Measured(
        recipe, benchmark.name, benchmark.score, tuple(values), parameters, seconds,
        datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    )  # fmt: skip


def benchmarks() -> Iterator[tuple[str, Benchmark]]:
    for recipe, folder in shipped_recipes().items():
        for benchmark in read_contract(folder).benchmarks:
            yield recipe, benchmark


def read_scores() -> dict[str, Measured]:
    """What was measured, by recipe and benchmark."""
    file = shipped_folder() / SCORES_FILE
    if not file.is_file():
        return {}
    entries = json.loads(file.read_text(encoding="utf-8"))
    found = [Measured(**{**entry, "values": tuple(entry["values"])}) for entry in entries]
    return {f"{item.recipe}: {item.name}": item for item in found}


def score_lines() -> list[str]:
    """The table for the README."""
    lines = [
        "| recipe | on | score | to reach | to compare with | weights | runs, time, date |",
        "|-|-|-|-|-|-|-|",
    ]
    known = read_scores()
    for recipe, benchmark in benchmarks():
        measured = known.get(f"{recipe}: {benchmark.name}")
        if measured is None:
            continue
        mean = statistics.mean(measured.values)
        digits = 3 if abs(mean) >= 0.1 else 5
        spread = f" ± {statistics.stdev(measured.values):.{digits}f}" if len(measured.values) > 1 else ""
        goal = (
            f"≥ {benchmark.at_least:g}" if benchmark.at_least is not None
            else f"≤ {benchmark.at_most:g}" if benchmark.at_most is not None
            else ""
        )  # fmt: skip
        score = f"{measured.score} **{mean:.{digits}f}**{spread}"
        verdict = "" if benchmark.reached(mean) else ", **missed**"
        runs = len(measured.values) * max(1, len(benchmark.folds))
        lines.append(
            f"| {recipe} | {benchmark.name} | {score} | {goal}{verdict} | "
            f"{benchmark.baseline} | {measured.parameters:,} | {runs} × {measured.seconds / runs:.0f} s, "
            f"{measured.date} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the benchmarks' names")
    wanted = parser.parse_args().only
    for recipe, benchmark in benchmarks():
        if not any(part in benchmark.name for part in wanted):
            continue
        known = read_scores()
        known[f"{recipe}: {benchmark.name}"] = measure(recipe, benchmark)
        entries = [asdict(known[key]) for key in sorted(known)]
        text = json.dumps(entries, indent=1, ensure_ascii=False)
        write_text(shipped_folder() / SCORES_FILE, text + "\n")
    tables = Path(__file__).resolve().parent.parent / "tests" / "package" / "readme_tables.py"
    subprocess.run([sys.executable, str(tables)], check=True)


if __name__ == "__main__":
    main()
