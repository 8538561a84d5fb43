"""What is known of a tensor with respect to time while a graph is followed.

Words: a *sequence frame* is a time step of a tensor in the user's module run on a whole input; a *stream
frame* is a time step of the same tensor in the streaming graph. For N input steps a tensor has N ÷ hop stream
frames and N ÷ hop + surplus sequence frames, and stream frame n is sequence frame n - delay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import torch
from torch import Tensor

# timed:  one dimension is time.
# folded: the last step was selected; every step of the chunk is kept, side by side in the first dimension.
# latest: belongs to the last step of the chunk, e.g. a final hidden state; it has no time dimension.
# fixed:  comes from an input without time.
Kind = Literal["timed", "folded", "latest", "fixed"]


@dataclass(frozen=True)
class Flow:
    """A tensor and its relation to time. Tensors that depend on no input stay plain tensors.

    Attributes:
        tensor: its value for the current chunk.
        kind: see above.
        dim: which dimension is time, where kind is "timed"; -1 otherwise.
        batch: which dimension is the batch; -1 where that is not known.
        hop: input steps a frame.
        delay: stream frame n is sequence frame n - delay. Where it is above 0, the stream starts with `delay`
            frames that no sequence has. Where it is below 0, the sequence starts with -delay frames that come
            before the stream (a padding on the left); `prefix` holds them.
        surplus: frames that a sequence has beyond the stream's number, at its end or its start.
        prefix: where delay < 0: those frames, with a batch of 1; None while a graph is traced.
        ahead: the module that first looked ahead, in words; empty where none did.
    """

    tensor: Tensor
    kind: Kind
    dim: int = -1
    batch: int = -1
    hop: Fraction = Fraction(1)
    delay: int = 0
    surplus: int = 0
    prefix: Tensor | None = None
    ahead: str = ""

    @property
    def lookahead(self) -> Fraction:
        """Input steps of the future that a frame waits for, beyond the end of the sequence's frames."""
        return (self.delay + self.surplus) * self.hop

    def with_(self, **changes: Any) -> Flow:
        """A copy with some attributes replaced."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Length:
    """The number of frames of a tensor, as a number that the module computes with: frames ÷ hop + surplus.

    Attributes:
        frames: the number for the current chunk, without surplus.
        hop: as in Flow.
        surplus: as in Flow.
    """

    frames: Any
    hop: Fraction
    surplus: int


def flows_in(values: Any) -> list[Flow]:
    """The flows among (nested) arguments of a node."""
    if isinstance(values, Flow):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, list | tuple):
        return [flow for value in values for flow in flows_in(value)]
    return []


def plain(values: Any) -> Any:
    """Arguments with each flow replaced by its tensor, and each length by its number for the chunk."""
    return _mapped(values, lambda flow: flow.tensor)


def prefixes(values: Any) -> Any:
    """Arguments with each timed flow replaced by its prefix."""
    return _mapped(values, lambda flow: flow.prefix if flow.kind == "timed" else flow.tensor)


def _mapped(values: Any, of_flow: Any) -> Any:
    if isinstance(values, Flow):
        return of_flow(values)
    if isinstance(values, Length):
        return values.frames
    if isinstance(values, dict):
        return {key: _mapped(value, of_flow) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(_mapped(value, of_flow) for value in values)
    return values


def wrap(result: Any, like: Flow) -> Any:
    """A node's result, each tensor of it a flow that stands to time as `like` does."""
    if isinstance(result, Tensor):
        return like.with_(tensor=result)
    if isinstance(result, list | tuple):
        return [wrap(item, like) for item in result]
    return result


def as_positive(dim: int, rank: int) -> int:
    """A dimension counted from the left."""
    return dim + rank if dim < 0 else dim


aten = torch.ops.aten
