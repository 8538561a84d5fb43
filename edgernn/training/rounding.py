"""Quantization-aware training: the network computes with rounded weights and learns the whole ones.

Every batch's forward and backward pass sees the weights as a quantized file would hold them; the gradient is
applied to the weights before rounding, as if rounding were the identity (the straight-through estimator,
Bengio et al. 2013; for quantization Jacob et al. 2018). Validation, and with it the choice of the best epoch,
sees rounded weights too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from edgernn.cells import Cell

RoundWeight = Callable[[np.ndarray, int], np.ndarray]

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


class RoundedWeights(Callback):
    """Lets a network of `RecipeModule` compute with rounded weights wherever it computes.

    Args:
        round_weight: (weight, elements stored with it) → the weight as a quantized file holds it.
    """

    def __init__(self, round_weight: RoundWeight) -> None:
        self._round = round_weight
        self._whole: dict[str, Tensor] = {}

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Compute with rounded weights from here on."""
        self._take(pl_module)

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """The optimiser changes the whole weights, by the rounded ones' gradient."""
        self._give_back(pl_module)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate what will be exported."""
        self._take(pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the whole weights."""
        self._give_back(pl_module)

    def _take(self, module: LightningModule) -> None:
        model = _network(module)
        self._whole = {name: value.detach().clone() for name, value, _ in rounded_weights(model)}
        round_in_place(model, self._round)

    @torch.no_grad()
    def _give_back(self, module: LightningModule) -> None:
        for name, value, _ in rounded_weights(_network(module)):
            if name in self._whole:
                value.copy_(self._whole[name])
        self._whole = {}


def _network(module: LightningModule) -> nn.Module:
    model = module.model
    assert isinstance(model, nn.Module)
    return model
