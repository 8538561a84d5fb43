"""The cells that torch and ONNX have, with every combination of their options, found by looking."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from edgernn.cells import GRU, LSTM, RNN, Cell

# Values of options that are not booleans.
_VALUES = {"activation": ("tanh", "relu", "sigmoid")}


@dataclass(frozen=True)
class Variant:
    """A cell and the options that it is built with."""

    kind: type[Cell]
    options: dict[str, Any] = field(default_factory=dict)

    def make(self, input_size: int = 3, hidden_size: int = 4) -> Cell:
        return self.kind(input_size, hidden_size, **self.options)

    def torch_module(self, input_size: int, hidden_size: int, **options: Any) -> nn.RNNBase | None:
        """torch's layer with the same equations; None where torch has none."""
        options["bias"] = self.options["bias"]
        if self.kind.__name__ == "RNN" and self.options["activation"] != "sigmoid":
            return nn.RNN(input_size, hidden_size, nonlinearity=self.options["activation"], **options)
        if self.kind.__name__ == "LSTM":
            return nn.LSTM(input_size, hidden_size, **options)
        if self.kind.__name__ == "GRU" and self.options["reset_after"]:
            return nn.GRU(input_size, hidden_size, **options)
        return None

    def __str__(self) -> str:
        chosen = [name if value is True else value for name, value in self.options.items() if value]
        return "-".join([self.kind.__name__, *map(str, chosen)])


def _variants() -> list[Variant]:
    found = []
    for kind in (GRU, LSTM, RNN):
        parameters = list(inspect.signature(kind.__init__).parameters.values())[3:]  # self and the sizes
        values = [
            (True, False) if isinstance(parameter.default, bool) else _VALUES[parameter.name]
            for parameter in parameters
        ]
        names = [parameter.name for parameter in parameters]
        found += [
            Variant(kind, dict(zip(names, chosen, strict=True))) for chosen in itertools.product(*values)
        ]
    return found


VARIANTS = _variants()
IN_TORCH = [variant for variant in VARIANTS if variant.torch_module(1, 1) is not None]
