"""A recurrent layer as plain operators: the product with its input for all steps at once, then a Scan.

How matrices are multiplied is the scheme's own; all else is element by element in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.functions import ATTRIBUTES, Weights
from edgernn.quantize.kinds import kind_of
from edgernn.quantize.kinds.base import Given, Kind, Multiply, R, V, W, split


@dataclass(frozen=True)
class Matrix:
    """A matrix of integers, as values of a function's body.

    Attributes:
        integers: int8 (N, K); of a `FloatProducts` the float32 matrix itself.
        scales: (N); None for a float32 matrix.
        bias: (N), which is added to a product; None without one.
        size: N and K; None where it is not known.
    """

    integers: ir.Value
    scales: ir.Value | None
    bias: ir.Value | None
    size: tuple[int, int] | None


class Products(Protocol):
    """A way to multiply with matrices of integers.

    Attributes:
        suffix: ends the names of functions that multiply so.
    """

    suffix: str

    def prepare(self, body: Body, matrix: Matrix, *, bounded: bool) -> Multiply:
        """Add nodes that onnxruntime folds, and give what multiplies.

        Args:
            body: where they go; `Multiply` may be used in bodies within it.
            matrix: what is multiplied with.
            bounded: whether what is multiplied stays within [-1, 1].
        """
        ...


class FloatProducts:
    """Products of float32 matrices, the function's inputs or widened from them."""

    suffix = ""

    def prepare(self, body: Body, matrix: Matrix, *, bounded: bool) -> Multiply:
        """See `Products`."""
        transposed = body.op("Transpose", matrix.integers, perm=[1, 0])

        def times(inner: Body, x: ir.Value) -> ir.Value:
            found = inner.op("MatMul", x, transposed)
            return found if matrix.bias is None else inner.op("Add", found, matrix.bias)

        return times


def find_layer(node: ir.Node, products: Products) -> Layer | None:
    """The layer that computes what a recurrent node computes; None for one of unusual attributes."""
    kind = kind_of(node)
    if kind is None or not set(node.attributes) <= ATTRIBUTES:
        return None
    activations = node.attributes.get("activations")
    activation = kind.activations[0] if kind.activations else ""
    if activations is not None:
        names = set(activations.as_strings())
        if len(names) > 1 or not names <= set(kind.activations):
            return None
        activation = names.pop()
    return Layer(
        kind,
        "forward" if "direction" not in node.attributes else node.attributes["direction"].as_string(),
        activation,
        "linear_before_reset" in node.attributes and bool(node.attributes["linear_before_reset"].as_int()),
        steps_of(node) == 1,
        products,
    )


def steps_of(node: ir.Node) -> object:
    """How many steps a recurrent node's input has; a number only where that is fixed."""
    x = node.inputs[0]
    return x.shape[0] if x is not None and x.shape is not None else None


@dataclass(frozen=True)
class Layer:
    """What a body depends on besides its inputs.

    Attributes:
        kind: what is computed.
        direction: forward, reverse or bidirectional.
        activation: where the kind has several.
        before_reset: of a GRU, whether the reset gate is applied after the product.
        single: whether there is one step, which needs no loop.
        products: how matrices are multiplied.
    """

    kind: Kind
    direction: str
    activation: str
    before_reset: bool
    single: bool
    products: Products

    @property
    def suffix(self) -> str:
        """Ends the name of the layer's function."""
        words = [self.products.suffix] * bool(self.products.suffix)
        words += [self.direction] * (self.direction != "forward")
        words += ["reset_first"] * self._splits
        words += ["step"] * self.single
        return "".join(f"_{word}" for word in words)

    def write(self, body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
        """The body: the product with the input for all steps at once, then step by step."""
        reverses = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[self.direction]
        hidden = _attribute(body, "hidden_size")
        sizes = [hidden, _attribute(body, "cell_size") if V in self.kind.matrices else hidden]
        alive = _alive(body, weights)
        outputs, finals = [], []
        for d, reverse in enumerate(reverses):
            start = [_state(body, weights, 5 + at, d, sizes[at]) for at in range(self.kind.states)]
            gates, given = self._prepare(body, weights, node, d, hidden)
            y, *final = self._run(body, gates, given, start, alive, reverse)
            outputs.append(body.op("Unsqueeze", y, body.integers(1)))
            finals.append([body.op("Unsqueeze", state, body.integers(0)) for state in final])
        joined = [(outputs, 1), *((list(parts), 0) for parts in zip(*finals, strict=True))]
        return [
            parts[0] if len(parts) == 1 else body.op("Concat", *parts, axis=axis) for parts, axis in joined
        ][: len(node.outputs)]

    def _prepare(
        self, body: Body, weights: Weights, node: ir.Node, d: int, hidden: ir.Value
    ) -> tuple[list[ir.Value], Given]:
        """What needs no state, for all steps (T, B, ·), and what a step is computed with."""
        matrices = dict(zip(self.kind.matrices, weights.matrices, strict=True))
        biases = self._biases(body, weights, d)
        found = {
            index: Matrix(*_matrix(body, parts, d), biases.get(index), matrix_size(node, index))
            for index, parts in matrices.items()
        }
        prepare, bounded = self.products.prepare, self.kind.is_bounded(self.activation)
        gates = prepare(body, found[W], bounded=False)(body, weights.x)
        sizes = tuple(body.op("Mul", hidden, body.constant(part, np.int64)) for part in ([2, 1], [1, 1]))
        times: list[Multiply] = []
        if R in found:
            parts = self._split(body, found[R], sizes[0]) if self._splits else [found[R]]
            times = [prepare(body, part, bounded=bounded) for part in parts]
        vectors: tuple[ir.Value, ...] = ()
        given_vectors = weights.given(7)
        if given_vectors is not None:
            row = body.op("Gather", given_vectors, body.constant(d, np.int64), axis=0)
            # Cut outside the loop, where onnxruntime folds it.
            cuts = body.op("Mul", hidden, body.integers(*self.kind.vectors))
            vectors = tuple(body.multi("Split", [row, cuts], len(self.kind.vectors), axis=0))
        given = Given(
            times,
            prepare(body, found[V], bounded=False) if V in found else None,
            vectors,
            sizes,
            self.activation,
            self.before_reset,
        )
        return self.kind.project(body, gates, weights.x, given), given

    def _biases(self, body: Body, weights: Weights, d: int) -> dict[int, ir.Value]:
        """B's rows of a direction: those of W and, where there is R, its."""
        given = weights.given(3)
        if given is None:
            return {}
        row = body.op("Gather", given, body.constant(d, np.int64), axis=0)
        if R not in self.kind.matrices:
            return {W: row}
        return dict(zip((W, R), split(body, row, 2, axis=0), strict=True))

    def _split(self, body: Body, r: Matrix, widths: ir.Value) -> list[Matrix]:
        """R of the gates that come first, and of the last one."""
        integers, scales, bias = (
            (None, None) if part is None else body.multi("Split", [part, widths], 2, axis=0)
            for part in (r.integers, r.scales, r.bias)
        )
        found = []
        for at, gates in enumerate((2, 1)):
            matrix = integers[at]
            assert matrix is not None
            size = None if r.size is None else (gates * r.size[1], r.size[1])
            found.append(Matrix(matrix, scales[at], bias[at], size))
        return found

    @property
    def _splits(self) -> bool:
        """Whether the state's product with the last gate comes after the others'."""
        return self.kind.name == "GRU" and not self.before_reset

    def _run(
        self,
        body: Body,
        gates: Sequence[ir.Value],
        given: Given,
        start: Sequence[ir.Value],
        alive: ir.Value | None,
        reverse: bool,
    ) -> Sequence[ir.Value]:
        """y (T, B, hidden) and the final states (B, size)."""
        scanned = [*gates] if alive is None else [*gates, alive]
        if self.single:
            now = [body.op("Squeeze", value, body.integers(0)) for value in scanned]
            y, *new = self._masked(body, now, start, given, alive is not None)
            return [body.op("Unsqueeze", y, body.integers(0)), *new]
        inner = body.inner()
        states = [body.value(ir.DataType.FLOAT, 2) for _ in start]
        now = [body.value(ir.DataType.FLOAT, 2) for _ in gates]
        if alive is not None:
            now.append(body.value(ir.DataType.BOOL, 2))
        y, *new = self._masked(inner, now, states, given, alive is not None)
        loop = body.graph("body", inner, [*new, y], [2] * (len(new) + 1), [*states, *now])
        *final, whole = body.multi(
            "Scan",
            [*start, *scanned],
            len(start) + 1,
            attributes=[loop],
            num_scan_inputs=len(scanned),
            scan_input_directions=[int(reverse)] * len(scanned),
            scan_output_directions=[int(reverse)],
        )
        return [whole, *final]

    def _masked(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given, ends: bool
    ) -> list[ir.Value]:
        """One step; rows that have ended (the last of `now`) keep their states and give zeros."""
        if not ends:
            return self.kind.step(body, now, states, given)
        *gates, alive = now
        y, *new = self.kind.step(body, gates, states, given)
        zero = body.constant(0, np.float32)
        kept = [body.op("Where", alive, fresh, old) for fresh, old in zip(new, states, strict=True)]
        return [body.op("Where", alive, y, zero), *kept]


def matrix_size(node: ir.Node, index: int) -> tuple[int, int] | None:
    """Rows and columns of a matrix of one direction of a recurrent node; None where they are not known."""
    value = node.inputs[index]
    assert value is not None
    shape = value.shape if value.const_value is None else value.const_value.shape
    sizes = () if shape is None else tuple(shape)
    if len(sizes) != 3:
        return None
    _, rows, columns = sizes
    return (rows, columns) if isinstance(rows, int) and isinstance(columns, int) else None


def _attribute(body: Body, name: str) -> ir.Value:
    """A number that the node has as an attribute."""
    return body.op("Constant", attributes=[ir.RefAttr("value_int", name, ir.AttributeType.INT)])


def _matrix(body: Body, parts: Sequence[ir.Value], d: int) -> tuple[ir.Value, ir.Value | None]:
    """int8 (gates × hidden, in) and scales (gates × hidden) of one direction, or a float32 matrix alone."""
    matrix, *scales = (body.op("Gather", part, body.constant(d, np.int64), axis=0) for part in parts)
    return matrix, body.op("Squeeze", scales[0], body.integers(1)) if scales else None


def _state(body: Body, weights: Weights, index: int, d: int, hidden: ir.Value) -> ir.Value:
    """The state (B, hidden) before a direction's first step; zeros where none is given."""
    given = weights.given(index)
    if given is not None:
        return body.op("Gather", given, body.constant(d, np.int64), axis=0)
    batch = body.op("Shape", weights.x, start=1, end=2)
    shape = body.op("Concat", batch, body.op("Reshape", hidden, body.integers(1)), axis=0)
    return body.op("Expand", body.constant(0, np.float32), shape)


def _alive(body: Body, weights: Weights) -> ir.Value | None:
    """(T, B, 1): whether step t lies before row b's end; None where all rows have T steps."""
    lengths = weights.given(4)
    if lengths is None:
        return None
    steps = body.op("Squeeze", body.op("Shape", weights.x, start=0, end=1), body.integers(0))
    times = body.op("Range", body.constant(0, np.int64), steps, body.constant(1, np.int64))
    ends = body.op("Cast", lengths, to=ir.DataType.INT64)
    before = body.op("Less", body.op("Unsqueeze", times, body.integers(1)), ends)
    return body.op("Unsqueeze", before, body.integers(2))
