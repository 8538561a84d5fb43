"""The linear recurrence h_t = a_t ⊙ h_{t−1} + b_t over all time steps at once.

Two such steps are again one: (a₁, b₁) then (a₂, b₂) is (a₁a₂, a₂b₁ + b₂), so steps can be grouped in any way
(Blelloch, 1990, "Prefix sums and their applications"). Time is cut into blocks of √T steps. All blocks
advance side by side from zero, the state is carried from block to block, and then it is added to every block:
about 3 √T operations in the place of T.

Nothing is divided and no logarithm is taken, so gates that are exactly 0 or 1, coefficients of any sign and
thousands of steps are as safe as in the loop. Shapes: T time, B batch, H features; all of them (T, B, H).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# With this many numbers a step the arithmetic outweighs what calling costs: grouping would only add to it.
_LARGE_STEP = 4096


def linear_recurrence(a: Tensor, b: Tensor, start: Tensor, reverse: bool = False) -> Tensor:
    """h (T, B, H) of h_t = a_t ⊙ h_{t−1} + b_t from h_{−1} = start (B, H); differentiable.

    With `reverse` it reads from the end: h_t = a_t ⊙ h_{t+1} + b_t from h_T = start.
    """
    h: Tensor = _LinearRecurrence.apply(a, b, start, reverse)  # type: ignore[no-untyped-call]
    return h


def mixing_recurrence(f: Tensor, n: Tensor, start: Tensor, reverse: bool = False) -> Tensor:
    """`linear_recurrence` of h_t = f_t ⊙ h_{t−1} + (1 − f_t) ⊙ n_t, in fewer passes over memory."""
    h: Tensor = _MixingRecurrence.apply(f, n, start, reverse)  # type: ignore[no-untyped-call]
    return h


class _LinearRecurrence(torch.autograd.Function):
    """The gradient of a linear recurrence is one that runs the other way, with the next step's coefficient.

    With g_t = ∂L/∂h_t over all ways in which h_t is used, g_t = dh_t + a_{t+1} ⊙ g_{t+1}. Then ∂L/∂b_t = g_t,
    ∂L/∂a_t = g_t ⊙ h_{t−1} and ∂L/∂start = a_0 ⊙ g_0.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, start: Tensor, reverse: bool) -> Tensor:
        h = torch.empty_like(b, memory_format=torch.contiguous_format)
        _scan(a, b, start, reverse, h)
        ctx.save_for_backward(a, h, start)
        ctx.reverse = reverse
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        a, h, start = ctx.saved_tensors
        g, before = _gradient(a, dh, ctx.reverse), _before(h, start, ctx.reverse)
        first = -1 if ctx.reverse else 0
        return before.mul_(g), g, a[first] * g[first], None


class _MixingRecurrence(torch.autograd.Function):
    """With g_t as above, ∂L/∂f_t = g_t ⊙ (h_{t−1} − n_t) and ∂L/∂n_t = g_t ⊙ (1 − f_t)."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, n: Tensor, start: Tensor, reverse: bool) -> Tensor:
        h = torch.empty_like(n, memory_format=torch.contiguous_format)
        _scan(f, torch.addcmul(n, f, n, value=-1), start, reverse, h)
        ctx.save_for_backward(f, n, h, start)
        ctx.reverse = reverse
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        f, n, h, start = ctx.saved_tensors
        g, before = _gradient(f, dh, ctx.reverse), _before(h, start, ctx.reverse)
        first = -1 if ctx.reverse else 0
        dstart = f[first] * g[first]
        return before.sub_(n).mul_(g), torch.addcmul(g, g, f, value=-1), dstart, None


def _gradient(a: Tensor, dh: Tensor, reverse: bool) -> Tensor:
    """g_t = dh_t + a_{t+1} ⊙ g_{t+1}, in the order of reading."""
    last = 0 if reverse else -1
    later, earlier = (slice(None, -1), slice(1, None)) if reverse else (slice(1, None), slice(None, -1))
    g = torch.empty_like(a, memory_format=torch.contiguous_format)
    g[last] = dh[last]
    _scan(a[later], dh[earlier], dh[last], not reverse, g[earlier])
    return g


def _before(h: Tensor, start: Tensor, reverse: bool) -> Tensor:
    """The states before each step."""
    states = (h[1:], start.unsqueeze(0)) if reverse else (start.unsqueeze(0), h[:-1])
    return torch.cat(states)


def _scan(a: Tensor, b: Tensor, start: Tensor, reverse: bool, h: Tensor) -> None:
    """Write the recurrence into h."""
    size = math.isqrt(a.shape[0])
    if size < 4 or start.numel() >= _LARGE_STEP:
        _advance(a.unbind(0), b.unbind(0), start, reverse, h.unbind(0))
        return
    # What does not fill a block comes last in the order of reading.
    whole = a.shape[0] // size * size
    part, rest = (slice(-whole, None), slice(None, -whole)) if reverse else (slice(whole), slice(whole, None))
    a_NPBH, b_NPBH, h_NPBH = (tensor[part].unflatten(0, (-1, size)) for tensor in (a, b, h))
    a_positions = a_NPBH.unbind(1)
    _advance(a_positions, b_NPBH.unbind(1), torch.zeros_like(a_positions[0]), reverse, h_NPBH.unbind(1))
    decay = torch.empty_like(a_NPBH, memory_format=torch.contiguous_format)
    _multiply(a_positions, reverse, decay.unbind(1))
    end, final = (0, 0) if reverse else (size - 1, -1)
    carried = torch.empty_like(h_NPBH[:, end])
    _advance(decay[:, end].unbind(0), h_NPBH[:, end].unbind(0), start, reverse, carried.unbind(0))
    before = torch.empty_like(carried)
    if reverse:
        before[-1], before[:-1] = start, carried[1:]
    else:
        before[0], before[1:] = start, carried[:-1]
    h_NPBH.addcmul_(decay, before.unsqueeze(1))
    if whole < a.shape[0]:
        _advance(a[rest].unbind(0), b[rest].unbind(0), carried[final], reverse, h[rest].unbind(0))


def _advance(
    a: Sequence[Tensor], b: Sequence[Tensor], state: Tensor, reverse: bool, h: Sequence[Tensor]
) -> None:
    """The recurrence step by step, into h."""
    steps = zip(a, b, h, strict=True)
    for a_t, b_t, h_t in reversed(list(steps)) if reverse else steps:
        state = torch.addcmul(b_t, a_t, state, out=h_t)


def _multiply(a: Sequence[Tensor], reverse: bool, product: Sequence[Tensor]) -> None:
    """The products of all coefficients up to each step, into `product`."""
    steps = list(zip(a, product, strict=True))
    (a_t, state), *others = reversed(steps) if reverse else steps
    state.copy_(a_t)
    for a_t, product_t in others:
        state = torch.mul(a_t, state, out=product_t)
