"""How a budget was met: what each layer costs, which files were tried, and the one that was taken."""

from __future__ import annotations

from dataclasses import dataclass

from edgernn.quantize.choosing.budget import Budget
from edgernn.quantize.choosing.search import Trial


@dataclass(frozen=True)
class LayerCost:
    """One layer, quantized alone; everything else in float32.

    Attributes:
        layer: the node that reads its weights.
        scheme: how they were stored.
        bytes_before, bytes_after: of its weights.
        value: the budget's error or score of the file in which it alone is quantized.
        max_error: the largest error of that file's outputs.
        gates: of a recurrent operator: gate → the largest error where the weights of this gate alone are
            rounded; empty for another layer.
    """

    layer: str
    scheme: str
    bytes_before: int
    bytes_after: int
    value: float
    max_error: float
    gates: dict[str, float]


@dataclass(frozen=True)
class Choice:
    """The result of a budget.

    Attributes:
        budget: what was asked for.
        float32: the float32 file's error, which is 0, or score.
        value: the chosen file's.
        layers: what each layer costs in each scheme, the most expensive first.
        trials: every file that was measured, the float32 file first.
        chosen: which of them was taken.
        exhaustive: whether every combination that is smaller was tried; else the search was greedy, and a
            smaller file may exist.
    """

    budget: Budget
    float32: float
    value: float
    layers: tuple[LayerCost, ...]
    trials: tuple[Trial, ...]
    chosen: int
    exhaustive: bool
