"""What a recurrent layer is to the schemes: matrices, states, and its step as plain operators of ONNX."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import onnx_ir as ir

from edgernn.quantize.body import Body

# Of ONNX's own operators, and of edgernn's functions.
ONNX, EDGERNN = "", "edgernn"
# Inputs of a recurrent node that are matrices: W, R, and V, which a layer with a projection has besides.
W, R, V = 1, 2, 8

# Adds the nodes of a product with a matrix that was prepared: (…, K) → (…, N).
Multiply = Callable[[Body, ir.Value], ir.Value]


@dataclass(frozen=True)
class Given:
    """What a step of one direction is computed with, as values of the function's body.

    Attributes:
        times: the state → its product with R and R's bias; two of them where the last gate's comes later.
        project: of a layer with a projection, what is multiplied with V.
        vectors: the parts of P, as the kind cuts it; empty without.
        sizes: 2 × hidden and hidden, for splitting.
        activation: ONNX's name of it, or "Positive": v + 1/2 for v ≥ 0, σ(v) for v < 0.
        before_reset: of a GRU, whether the reset gate is applied after the product.
    """

    times: Sequence[Multiply]
    project: Multiply | None
    vectors: tuple[ir.Value, ...]
    sizes: tuple[ir.Value, ...]
    activation: str
    before_reset: bool


class Kind(ABC):
    """A kind of recurrent layer. A new one is a file of this folder with an object `KIND`.

    A node has the inputs of ONNX's LSTM, those that the kind knows: X, W (directions, gates × units,
    features), R (directions, gates × units, hidden), B (directions, rows of W and of R), sequence_lens, the
    states, P (directions, blocks × units); and V (directions, hidden, units).

    Attributes:
        name: the node's operator, which begins the name of its functions.
        domain: of the operator.
        gates: blocks of W's rows.
        matrices: which of W, R and V it has.
        states: how many.
        vectors: how P is cut, in blocks of (units); empty where it has none.
        activations: ONNX's names of those that a node may have, the usual one first; empty where it has none.
        gate_names: what reports call its gates.
    """

    name: ClassVar[str]
    domain: ClassVar[str] = EDGERNN
    gates: ClassVar[int]
    matrices: ClassVar[tuple[int, ...]] = (W, R)
    states: ClassVar[int] = 1
    vectors: ClassVar[tuple[int, ...]] = ()
    activations: ClassVar[tuple[str, ...]] = ()
    gate_names: ClassVar[tuple[str, ...]]

    def is_bounded(self, activation: str) -> bool:
        """Whether what R is multiplied with stays within [-1, 1]."""
        return True

    def project(self, body: Body, gates: ir.Value, x: ir.Value, given: Given) -> list[ir.Value]:
        """What needs no state, for all steps at once: W's product (T, B, gates × units) → (T, B, ·) each."""
        return [gates]

    @abstractmethod
    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """What `project` gave of one step (B, ·) and the states (B, size) → the output and the new states."""


def split(body: Body, value: ir.Value, parts: int, axis: int = -1) -> Sequence[ir.Value]:
    """Parts of one size."""
    return body.multi("Split", [value], parts, axis=axis, num_outputs=parts)
