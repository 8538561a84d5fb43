"""Fewer numbers in a network: blocks of weights that are zero, and matrices of low rank.

Both are a bound on what a weight may be: the nearest such weight takes its place before the first epoch and
after every step of the optimiser (projected gradient descent), so that training makes up for what is lost and
loses nothing of what was won. The weights stay dense tensors; an exported file leaves out what is zero and
stores a matrix of low rank as its two factors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgernn.cells import Cell
from edgernn.errors import InputError
from edgernn.training.compression import CompressedWeight, Compression
from edgernn.training.weight_rounding import rounded_weights

# Smaller weights save less than what a file needs to restore them.
SMALLEST = 1024

Project = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Bound:
    """One weight, what it may be, and how a report tells of it."""

    parameter: nn.Parameter
    project: Project
    told: CompressedWeight


def find_bounds(model: nn.Module, compression: Compression) -> list[Bound]:
    """The bounds of a network's weights, from the weights as they are.

    Of a network that keeps them already the bounds are the same: its zero blocks are its least ones.

    Raises:
        InputError: where there is no weight that they would make smaller.
    """
    matrices = set(_recurrent_matrices(model))
    found = []
    for name, value, _ in rounded_weights(model):
        if value.numel() < SMALLEST:
            continue
        if compression.low_rank and value in matrices:
            bound = _low_rank(name, value, compression.low_rank)
        else:
            bound = _pruned(name, value, compression) if compression.prune else None
        if bound is not None:
            found.append(bound)
    if not found:
        raise InputError(
            f"compression: no weight of the network becomes smaller. Those of fewer than {SMALLEST} elements "
            "are left alone, and two factors save only at a low_rank below 0.5, of square matrices."
        )
    return found


@torch.no_grad()
def apply_bounds(bounds: list[Bound]) -> None:
    """Put the nearest allowed weight in the place of each."""
    for bound in bounds:
        bound.parameter.copy_(bound.project(bound.parameter))


def _recurrent_matrices(model: nn.Module) -> Iterator[nn.Parameter]:
    for module in model.modules():
        if isinstance(module, nn.RNNBase | Cell):
            yield from (value for value in module.parameters(recurse=False) if value.ndim == 2)


def _pruned(name: str, value: nn.Parameter, compression: Compression) -> Bound | None:
    mask = _mask(value.detach(), compression.prune, (compression.block[0], compression.block[1]))
    kept = int(mask.sum())
    if kept == value.numel():
        return None
    how = f"{1 - kept / value.numel():.0%} zero, in blocks of {compression.block[0]} × {compression.block[1]}"
    return Bound(value, lambda weight: weight * mask, CompressedWeight(name, tuple(value.shape), how, kept))


def _mask(weight: Tensor, share: float, block: tuple[int, int]) -> Tensor:
    """1 where a weight is kept, 0 in the blocks of the least mean square; of the weight's shape."""
    rows, columns = block
    matrix = weight.reshape(len(weight), -1)
    across = [
        torch.arange(size, device=weight.device) // part
        for size, part in zip(matrix.shape, block, strict=True)
    ]
    number = -(-matrix.shape[1] // columns)
    of_block = (across[0].unsqueeze(1) * number + across[1]).reshape(-1)
    blocks = -(-len(matrix) // rows) * number
    sums = torch.zeros(blocks, device=weight.device).index_add_(
        0, of_block, matrix.float().square().reshape(-1)
    )
    means = sums / torch.bincount(of_block, minlength=blocks)
    zero = torch.zeros(blocks, dtype=torch.bool, device=weight.device)
    zero[means.argsort(stable=True)[: round(share * blocks)]] = True
    return (~zero[of_block]).to(weight.dtype).reshape(weight.shape)


def _low_rank(name: str, value: nn.Parameter, share: float) -> Bound | None:
    rows, columns = value.shape
    full = min(rows, columns)
    rank = max(1, round(share * full))
    numbers = rank * (rows + columns)
    if numbers >= value.numel():
        return None

    def project(weight: Tensor) -> Tensor:
        """On the singular vectors of the largest values (Eckart and Young, 1936)."""
        wide = weight.double() if rows >= columns else weight.double().T
        vectors = torch.linalg.eigh(wide.T @ wide).eigenvectors[:, -rank:]
        near: Tensor = (wide @ vectors) @ vectors.T
        return (near if rows >= columns else near.T).to(weight.dtype)

    told = CompressedWeight(name, tuple(value.shape), f"rank {rank} of {full}", numbers)
    return Bound(value, project, told)
