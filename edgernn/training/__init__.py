"""Training on a recipe: data, network, losses and scores in one folder, Lightning for the loop.

The public names are imported on first use, so that this package costs nothing until it trains.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgernn.training.compression import Compression
    from edgernn.training.config import RunConfig
    from edgernn.training.contract import Contract, read_contract
    from edgernn.training.evaluation import evaluate
    from edgernn.training.find import find_recipe, shipped_recipes
    from edgernn.training.finetune import finetune
    from edgernn.training.option_search.report import SearchReport
    from edgernn.training.option_search.study import search
    from edgernn.training.options import TrainingOptions, describe_options, option
    from edgernn.training.pretraining import pretrain
    from edgernn.training.rate_finder import RateReport, find_learning_rate
    from edgernn.training.recipe import Metadata, Prepared, Recipe
    from edgernn.training.report import EvaluationReport, FinetuneReport, TrainReport, score_table
    from edgernn.training.run import Run, load_run
    from edgernn.training.trainer import train
    from edgernn.training.weight_rounding import Rounding

# Public name -> the module that holds it.
_PUBLIC = {
    "Compression": "compression",
    "Contract": "contract",
    "EvaluationReport": "report",
    "FinetuneReport": "report",
    "Metadata": "recipe",
    "Prepared": "recipe",
    "RateReport": "rate_finder",
    "Recipe": "recipe",
    "Rounding": "weight_rounding",
    "Run": "run",
    "RunConfig": "config",
    "SearchReport": "option_search.report",
    "TrainReport": "report",
    "TrainingOptions": "options",
    "describe_options": "options",
    "evaluate": "evaluation",
    "find_learning_rate": "rate_finder",
    "find_recipe": "find",
    "finetune": "finetune",
    "load_run": "run",
    "option": "options",
    "pretrain": "pretraining",
    "read_contract": "contract",
    "score_table": "report",
    "search": "option_search.study",
    "shipped_recipes": "find",
    "train": "trainer",
}

__all__ = [
    "Compression", "Contract", "EvaluationReport", "FinetuneReport", "Metadata", "Prepared", "RateReport",
    "Recipe", "Rounding", "Run", "RunConfig", "SearchReport", "TrainReport", "TrainingOptions",
    "describe_options", "evaluate", "find_learning_rate", "find_recipe", "finetune", "load_run", "option",
    "pretrain", "read_contract", "score_table", "search", "shipped_recipes", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'edgernn.training' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    except ModuleNotFoundError:
        from edgernn.training.requirements import require_training_packages

        require_training_packages()
        raise
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_PUBLIC))
