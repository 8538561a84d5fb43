"""contract.toml: what a recipe promises, read by machines.

summary = "one sentence"
files = ["model.safetensors"]     # what a run leaves beside config.json and history.json

[tiny]                            # a run of a few seconds, for tests
data = "tiny.csv"                 # optional, in the recipe's folder; without it the bundled data
score = "rmse"
at_most = 1.2                     # or at_least
beats = "persistence"             # optional: the baseline it must beat
[tiny.options]
max_epochs = 3

[published]                       # the score of a full run, as in the README
command = "edgernn train forecast"
score = "rmse"
value = 0.47
seeds = 5

[[benchmarks]]                    # what tools/score_recipes.py measures, on data under $EDGERNN_DATA
name = "ETTh1"
data = "ett/ETTh1.csv"
score = "rmse"
at_most = 0.6                     # or at_least; what it is to reach
baseline = "persistence 0.593"
folds = ["a", "b"]                # optional: a run for each, with option fold_option set to it
fold_option = "test_group"
[benchmarks.options]
column = "OT"
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgernn.errors import InputError
from edgernn.training.report import score_table
from edgernn.training.typed import read_value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONTRACT_FILE = "contract.toml"


@dataclass(frozen=True)
class TinyRun:
    """A run of a few seconds and the score it must reach.

    Attributes:
        score: name of the score.
        at_most, at_least: its bound; one of them is given, and says whether less or more is better.
        beats: the baseline whose score it must beat; empty where there is none.
        options: the recipe's options.
        data: a file in the recipe's folder; empty for the recipe's own data.
    """

    score: str
    at_most: float | None = None
    at_least: float | None = None
    beats: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    data: str = ""


@dataclass(frozen=True)
class PublishedScore:
    """The score of a full run.

    Attributes:
        command: the command that gave it.
        score: name of the score.
        value: the mean over seeds 0, 1, ….
        seeds: how many seeds.
    """

    command: str
    score: str
    value: float
    seeds: int = 1


@dataclass(frozen=True)
class Benchmark:
    """A score on real data that do not ship with edgernn.

    Attributes:
        name: what is measured, for the table.
        data: below $EDGERNN_DATA; empty for the data that come with the recipe.
        score: name of the score.
        at_most, at_least: what it is to reach; neither where it is only reported.
        baseline: what there is to beat, in words.
        options: the recipe's options.
        seeds: runs, of seeds 0, 1, ….
        fold_option, folds: an option and the values that it takes in one run each; scores are joined by the
            number of test samples.
    """

    name: str
    data: str
    score: str
    at_most: float | None = None
    at_least: float | None = None
    baseline: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    seeds: int = 1
    fold_option: str = ""
    folds: tuple[str, ...] = ()

    def reached(self, value: float) -> bool:
        """Whether a score is what it is to be; NaN is not."""
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )


@dataclass(frozen=True)
class Contract:
    """What a recipe promises.

    Attributes:
        benchmarks: scores on real data that do not ship with edgernn.
        tiny: a run of a few seconds and its bound.
        published: the score of a full run.
        files: files that a run leaves, beside those of every run.
        summary: one sentence.
    """

    tiny: TinyRun
    published: PublishedScore
    files: tuple[str, ...] = ()
    summary: str = ""
    benchmarks: tuple[Benchmark, ...] = ()

    def broken_promises(self, folder: Path, scores: dict[str, float]) -> list[str]:
        """What a tiny run's folder and scores lack, one sentence each; empty where it keeps the contract."""
        tiny = self.tiny
        broken = [f"the run left no file {name}" for name in self.files if not (folder / name).is_file()]
        table = score_table(scores)
        value = table["model"].get(tiny.score)
        if value is None:
            return [*broken, f"there is no score {tiny.score!r}; there are {', '.join(table['model'])}"]
        # Negated, so that NaN breaks the promise.
        if tiny.at_most is not None and not value <= tiny.at_most:
            broken.append(f"{tiny.score} is {value:.4g}, promised at most {tiny.at_most:g}")
        if tiny.at_least is not None and not value >= tiny.at_least:
            broken.append(f"{tiny.score} is {value:.4g}, promised at least {tiny.at_least:g}")
        if tiny.beats:
            baseline = table.get(tiny.beats, {}).get(tiny.score)
            if baseline is None:
                broken.append(f"there is no score {tiny.score!r} of a baseline {tiny.beats!r}")
            elif not (value < baseline if tiny.at_most is not None else value > baseline):
                broken.append(
                    f"{tiny.score} is {value:.4g}, which does not beat {tiny.beats}: {baseline:.4g}"
                )
        return broken


def read_contract(folder: str | Path) -> Contract:
    """The contract of a recipe folder.

    Raises:
        InputError: contract.toml is missing, not TOML, or has an unknown, missing or ill-typed key.
    """
    file = Path(folder) / CONTRACT_FILE
    if not file.is_file():
        raise InputError(f"contract: {str(folder)!r} holds no {CONTRACT_FILE}; every recipe has one.")
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"contract: {str(file)!r} is not TOML ({error}).") from error
    contract: Contract = read_value(Contract, values, str(file))
    if (contract.tiny.at_most is None) == (contract.tiny.at_least is None):
        raise InputError(f"contract: {str(file)!r}: give one of at_most and at_least in [tiny].")
    return contract
