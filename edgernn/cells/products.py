"""Matrix products over all time steps at once, by the faster of torch's two libraries.

Most of what a cell multiplies over all steps is large, and torch leaves its float32 products to MKL, which
keeps to half of the width of AMD's vector units (measured for 1600 × 64 times 64 × 1024 on an EPYC: 110
GFLOP/s; by oneDNN, which torch brings along as well, 250). oneDNN's product is the one that torch.compile
calls for a frozen linear layer; it takes some µs to call, so small products stay where they are.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Multiplications from which oneDNN's product is faster, its call included.
_LARGE = 1_000_000


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """F.linear: x (..., n) and weight (m, n) → (..., m); differentiable."""
    plain = torch.compiler.is_compiling() or type(x) is not Tensor or not torch.is_grad_enabled()
    if plain or torch.is_autocast_enabled(x.device.type) or not _suits(x, weight, x.numel() * len(weight)):
        return F.linear(x, weight, bias)
    y: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return y


def through(layer: nn.Linear, x: Tensor) -> Tensor:
    """`linear` with the weights of a layer; the layer itself where something hooks into its call."""
    if layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks:
        y: Tensor = layer(x)
        return y
    return linear(x, layer.weight, layer.bias)


def outer_product(gradient: Tensor, argument: Tensor) -> Tensor:
    """The gradient of W in W v: (..., rows) and v (..., columns) → (rows, columns)."""
    gradient, argument = gradient.flatten(0, -2), argument.flatten(0, -2)
    return _product(argument.T, gradient.T).T


def _product(x: Tensor, weight: Tensor) -> Tensor:
    """x weightᵀ of two matrices."""
    recorded = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    if recorded or not _suits(x, weight, x.numel() * len(weight)):
        return x @ weight.T
    return _by_onednn(x, weight, None)


def _suits(x: Tensor, weight: Tensor, multiplications: int) -> bool:
    """Whether oneDNN computes these, and faster."""
    return (
        multiplications >= _LARGE
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == weight.device.type == "cpu"
        and torch.backends.mkldnn.is_available()
        and bool(torch.backends.mkldnn.enabled)
        # torch's own business: a torch without it multiplies as it always did.
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def _by_onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    y: Tensor = torch.ops.mkldnn._linear_pointwise(_dense(x), _dense(weight), bias, "none", [], "")
    return y


def _dense(matrix: Tensor) -> Tensor:
    """The same numbers without gaps: with gaps oneDNN takes a hundred times as long."""
    return matrix if matrix.is_contiguous() or matrix.mT.is_contiguous() else matrix.contiguous()


class _Linear(torch.autograd.Function):
    """`F.linear` for large x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _by_onednn(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        rows = dy.flatten(0, -2)
        dx = _product(rows, weight.T).reshape(x.shape) if for_x else None
        dweight = outer_product(dy, x) if for_weight else None
        return dx, dweight, rows.sum(0) if for_bias else None
