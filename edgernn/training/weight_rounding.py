"""Which weights of a network a quantized file rounds, and rounding them in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from edgernn.cells import Cell

RoundWeight = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Rounding:
    """A quantization scheme's rounding.

    Attributes:
        scheme: its name.
        round_weight: (weight, elements stored with it) → the weight as a file of the scheme holds it.
    """

    scheme: str
    round_weight: RoundWeight


# Layers whose weights a quantized file rounds, by (channels, what a channel sums over).
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Embedding, nn.RNNBase, Cell)


def rounded_weights(model: nn.Module) -> Iterator[tuple[str, nn.Parameter, int]]:
    """The parameters that are rounded: name, parameter, and the elements of all those stored with it."""
    for prefix, module in model.named_modules():
        if not isinstance(module, _LAYERS):
            continue
        own = {
            name: value for name, value in module.named_parameters(prefix, recurse=False) if value.ndim >= 2
        }
        # The matrices of one of ONNX's recurrent operators are stored together; others stand alone.
        operator = isinstance(module, nn.RNNBase) or (
            isinstance(module, Cell) and module.onnx_operator() is not None
        )
        for name, value in own.items():
            together = [part for other, part in own.items() if _layer(other) == _layer(name)]
            yield name, value, sum(part.numel() for part in together) if operator else value.numel()


def _layer(name: str) -> str:
    """The layer and direction of one of torch's recurrent weights, e.g. l0_reverse; empty for a cell's."""
    _, _, layer = name.rpartition("_l")
    return layer if layer != name else ""


@torch.no_grad()
def round_in_place(model: nn.Module, round_weight: RoundWeight) -> None:
    """Round every weight that a quantized file rounds."""
    for _, value, elements in rounded_weights(model):
        array = round_weight(value.detach().cpu().numpy(), elements)
        value.copy_(torch.from_numpy(np.ascontiguousarray(array)).to(value.device))
