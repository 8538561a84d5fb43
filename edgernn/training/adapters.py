"""Low-rank adapters: a trained network learns on through few numbers, and stays the network that it is.

Hu et al. (2021), "LoRA: Low-Rank Adaptation of Large Language Models". A matrix W₀ becomes

    W = W₀ + scale · U D,    U: (rows, rank) from zeros,  D: (rank, columns) drawn at random

and U and D alone are learned. W is written into the network after every step, and the gradients of U and D
follow from that of W by the chain rule, ∂U = scale · ∂W Dᵀ and ∂D = scale · Uᵀ ∂W. So no layer needs to know
of adapters, whatever computes it, and what a run folder holds is merged already.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from edgernn.cells import Cell
from edgernn.errors import InputError
from edgernn.training.options import TrainingOptions
from edgernn.training.parameter_groups import layer_names


class Adapter(nn.Module):
    """What one matrix learns.

    Args:
        name: the parameter's name in the network.
        weight: the parameter, (rows, columns).
        rank: columns of U, rows of D.
        scale: what U D counts; alpha ÷ rank in the paper.
    """

    base: Tensor

    def __init__(self, name: str, weight: nn.Parameter, rank: int, scale: float) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.name, self.scale = name, scale
        self._weight = (weight,)  # in a tuple: it is the network's parameter, not this module's
        # Autograd does not see them: their gradients are set by hand.
        self.up = nn.Parameter(weight.new_zeros(rows, rank), requires_grad=False)
        self.down = nn.Parameter(weight.new_empty(rank, columns), requires_grad=False)
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))
        self.register_buffer("base", weight.detach().clone())

    @property
    def weight(self) -> nn.Parameter:
        """The network's parameter."""
        return self._weight[0]

    @property
    def change(self) -> Tensor:
        """What is added to the weight: (rows, columns)."""
        return self.scale * (self.up @ self.down)

    @torch.no_grad()
    def take_gradient(self) -> None:
        """Turn the weight's gradient into that of the factors; none where the weight is not trained now."""
        gradient, self.weight.grad = self.weight.grad, None
        self.up.grad = None if gradient is None else self.scale * (gradient @ self.down.T)
        self.down.grad = None if gradient is None else self.scale * (self.up.T @ gradient)

    @torch.no_grad()
    def write(self) -> None:
        """Write the sum into the network."""
        self.weight.copy_(self.base + self.change)


def add_adapters(model: nn.Module, rank: int, scale: float) -> nn.ModuleList:
    """Adapters of the matrices of recurrent and linear layers; all else but the last layer is frozen.

    The last layer is trained whole: its labels may be new. A matrix has none where it is frozen, or where the
    factors would hold as many numbers as it does.

    Raises:
        InputError: where no matrix is large enough.
    """
    head = f"{layer_names(model)[-1]}."
    found = [
        Adapter(name, value, rank, scale)
        for name, value in _matrices(model)
        if value.requires_grad and not name.startswith(head) and rank * sum(value.shape) < value.numel()
    ]
    if not found:
        sizes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in _matrices(model))
        raise InputError(
            f"option adapters: two factors of rank {rank} hold fewer numbers than none of the matrices that "
            f"are trained, below the last layer. Choose a smaller rank, or train without. There are: {sizes}."
        )
    adapted = {adapter.weight for adapter in found}
    for name, value in model.named_parameters():
        if value not in adapted and not name.startswith(head):
            value.requires_grad_(False)
    return nn.ModuleList(found)


def with_factors(
    groups: list[dict[str, Any]], adapters: Sequence[Adapter] | nn.ModuleList
) -> list[dict[str, Any]]:
    """Groups for the optimiser with an adapter's factors in the place of its weight."""
    factors = {adapter.weight: (adapter.up, adapter.down) for adapter in adapters}
    return [
        {**group, "params": [part for value in group["params"] for part in factors.get(value, (value,))]}
        for group in groups
    ]


def check_adapters(options: TrainingOptions, *, trained: bool, smaller: bool) -> None:
    """Raise InputError where adapters do not go with the rest.

    Args:
        options: of the run.
        trained: whether the network begins from one that was trained.
        smaller: whether its weights are rounded, pruned or of low rank while it trains.
    """
    if not options.adapters:
        return
    if not trained:
        raise InputError(
            "option adapters: random weights are no network to adapt. Train first, then finetune with them."
        )
    if smaller:
        raise InputError(
            "option adapters: what they add would undo rounding (--qat), pruning and low_rank. Finetune in "
            "two steps: with adapters first, then with the other."
        )
    if options.precision == "float16":
        raise InputError(
            "option adapters: precision float16 scales gradients, which they do not know. Use bfloat16."
        )


def _matrices(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    for prefix, module in model.named_modules():
        if isinstance(module, nn.RNNBase | Cell | nn.Linear):
            for name, value in module.named_parameters(prefix, recurse=False):
                if value.ndim == 2:
                    yield name, value
