"""A recurrent layer as plain operators: the product with its input for all steps at once, then a Scan.

It takes the weights as int8 stores them. How integers are multiplied is the scheme's own; all else is element
by element in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.functions import Weights

_RNN_ACTIVATIONS = ("Tanh", "Relu", "Sigmoid")

# Adds the nodes of a product with a matrix that was prepared: (…, K) → (…, N).
Multiply = Callable[[Body, ir.Value], ir.Value]


@dataclass(frozen=True)
class Matrix:
    """A matrix of integers, as values of a function's body.

    Attributes:
        integers: int8 (N, K).
        scales: (N).
        bias: (N), which is added to a product; None without one.
        size: N and K.
    """

    integers: ir.Value
    scales: ir.Value
    bias: ir.Value | None
    size: tuple[int, int]


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


def find_layer(node: ir.Node, products: Products) -> Layer | None:
    """The layer that computes what a node of ONNX's computes; None for one of unusual attributes."""
    if not set(node.attributes) <= {"direction", "hidden_size", "linear_before_reset", "activations"}:
        return None
    activations = node.attributes.get("activations")
    activation = "Tanh"
    if activations is not None:
        names = set(activations.as_strings())
        if node.op_type != "RNN" or len(names) > 1 or not names <= set(_RNN_ACTIVATIONS):
            return None
        activation = names.pop()
    return Layer(
        node.op_type,
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
class _Recurrent:
    """The recurrent part of one direction, as values of the function's body.

    Attributes:
        times: h (B, hidden) → h times R plus its bias; two of them where the last gate's comes later.
        peepholes: of i, o, f, (hidden) each; empty without them.
        sizes: 2 × hidden and hidden, for splitting.
    """

    times: Sequence[Multiply]
    peepholes: tuple[ir.Value, ...]
    sizes: tuple[ir.Value, ...]


@dataclass(frozen=True)
class Layer:
    """What a body depends on besides its inputs.

    Attributes:
        kind: RNN, GRU or LSTM.
        direction: forward, reverse or bidirectional.
        activation: of an RNN.
        before_reset: of a GRU, whether the reset gate is applied after the product.
        single: whether there is one step, which needs no loop.
        products: how integers are multiplied.
    """

    kind: str
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
        words += ["reset_first"] * (self.kind == "GRU" and not self.before_reset)
        words += ["step"] * self.single
        return "".join(f"_{word}" for word in words)

    def write(self, body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
        """The body: the product with the input for all steps at once, then step by step."""
        reverses = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[self.direction]
        hidden = body.op(
            "Constant", attributes=[ir.RefAttr("value_int", "hidden_size", ir.AttributeType.INT)]
        )
        alive = _alive(body, weights)
        outputs, finals = [], []
        for d, reverse in enumerate(reverses):
            gates, recurrent = self._prepare(body, weights, node, d, hidden)
            start = [
                _state(body, weights, index, d, hidden) for index in ((5, 6) if self.kind == "LSTM" else (5,))
            ]
            y, *final = self._run(body, gates, recurrent, start, alive, reverse)
            outputs.append(body.op("Unsqueeze", y, body.integers(1)))
            finals.append([body.op("Unsqueeze", state, body.integers(0)) for state in final])
        joined = [(outputs, 1), *((list(parts), 0) for parts in zip(*finals, strict=True))]
        return [
            parts[0] if len(parts) == 1 else body.op("Concat", *parts, axis=axis) for parts, axis in joined
        ][: len(node.outputs)]

    def _prepare(
        self, body: Body, weights: Weights, node: ir.Node, d: int, hidden: ir.Value
    ) -> tuple[ir.Value, _Recurrent]:
        """The input's part of the gates (T, B, gates × hidden), and the recurrent part."""
        sizes = tuple(body.op("Mul", hidden, body.constant(part, np.int64)) for part in ([2, 1], [1, 1]))
        of_x, of_h = None, None
        given = weights.given(3)
        if given is not None:
            row = body.op("Gather", given, body.constant(d, np.int64), axis=0)
            of_x, of_h = body.multi("Split", [row], 2, axis=0, num_outputs=2)
        prepare = self.products.prepare
        (rows, columns), (_, units) = (matrix_size(node, index) for index in (1, 2))
        w = Matrix(*_matrix(body, weights.w, d), of_x, (rows, columns))
        gates = prepare(body, w, bounded=False)(body, weights.x)
        r = Matrix(*_matrix(body, weights.r, d), of_h, (rows, units))
        parts = self._split(body, r, sizes[0]) if self._splits else [r]
        times = [prepare(body, part, bounded=self._bounded) for part in parts]
        peepholes = weights.given(7)
        split: tuple[ir.Value, ...] = ()
        if peepholes is not None:
            row = body.op("Gather", peepholes, body.constant(d, np.int64), axis=0)
            split = tuple(body.multi("Split", [row], 3, axis=0, num_outputs=3))
        return gates, _Recurrent(times, split, sizes)

    def _split(self, body: Body, r: Matrix, widths: ir.Value) -> list[Matrix]:
        """R of the gates that come first, and of the last one."""
        units = r.size[1]
        integers, scales, bias = (
            (None, None) if part is None else body.multi("Split", [part, widths], 2, axis=0)
            for part in (r.integers, r.scales, r.bias)
        )
        found = []
        for at, height in enumerate((2 * units, units)):
            matrix, scale = integers[at], scales[at]
            assert matrix is not None
            assert scale is not None
            found.append(Matrix(matrix, scale, bias[at], (height, units)))
        return found

    @property
    def _splits(self) -> bool:
        """Whether the state's product with the last gate comes after the others'."""
        return self.kind == "GRU" and not self.before_reset

    @property
    def _bounded(self) -> bool:
        """Whether states stay within [-1, 1]."""
        return self.kind != "RNN" or self.activation != "Relu"

    def _run(
        self,
        body: Body,
        gates: ir.Value,
        recurrent: _Recurrent,
        start: Sequence[ir.Value],
        alive: ir.Value | None,
        reverse: bool,
    ) -> Sequence[ir.Value]:
        """y (T, B, hidden) and the final states (B, hidden)."""
        if self.single:
            squeezed = [
                None if value is None else body.op("Squeeze", value, body.integers(0))
                for value in (gates, alive)
            ]
            assert squeezed[0] is not None
            y, *new = self._masked(body, squeezed[0], start, recurrent, squeezed[1])
            return [body.op("Unsqueeze", y, body.integers(0)), *new]
        inner = body.inner()
        scanned = [gates] if alive is None else [gates, alive]
        states = [body.value(ir.DataType.FLOAT, 2) for _ in start]
        now = [body.value(kind, 2) for kind in (ir.DataType.FLOAT, ir.DataType.BOOL)[: len(scanned)]]
        y, *new = self._masked(inner, now[0], states, recurrent, now[1] if len(now) > 1 else None)
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
        self,
        body: Body,
        gates: ir.Value,
        states: Sequence[ir.Value],
        recurrent: _Recurrent,
        alive: ir.Value | None,
    ) -> list[ir.Value]:
        """One step; rows that have ended keep their states and give zeros."""
        step = {"RNN": self._rnn, "GRU": self._gru, "LSTM": self._lstm}[self.kind]
        new = step(body, gates, states, recurrent)
        if alive is None:
            return [new[0], *new]
        zero = body.constant(0, np.float32)
        kept = [body.op("Where", alive, fresh, old) for fresh, old in zip(new, states, strict=True)]
        return [body.op("Where", alive, new[0], zero), *kept]

    def _rnn(
        self, body: Body, gates: ir.Value, states: Sequence[ir.Value], recurrent: _Recurrent
    ) -> list[ir.Value]:
        (h,) = states
        return [body.op(self.activation, body.op("Add", gates, recurrent.times[0](body, h)))]

    def _gru(
        self, body: Body, gates: ir.Value, states: Sequence[ir.Value], recurrent: _Recurrent
    ) -> list[ir.Value]:
        (h,) = states
        two, one = recurrent.sizes
        zr_x, n_x = body.multi("Split", [gates, two], 2, axis=-1)
        if self.before_reset:
            zr_h, n_h = body.multi("Split", [recurrent.times[0](body, h), two], 2, axis=-1)
        else:
            zr_h = recurrent.times[0](body, h)
        z, r = body.multi("Split", [body.op("Sigmoid", body.op("Add", zr_x, zr_h)), one], 2, axis=-1)
        if self.before_reset:
            n_h = body.op("Mul", r, n_h)
        else:
            n_h = recurrent.times[1](body, body.op("Mul", r, h))
        n = body.op("Tanh", body.op("Add", n_x, n_h))
        return [body.op("Add", n, body.op("Mul", z, body.op("Sub", h, n)))]

    def _lstm(
        self, body: Body, gates: ir.Value, states: Sequence[ir.Value], recurrent: _Recurrent
    ) -> list[ir.Value]:
        h, c = states
        total = body.op("Add", gates, recurrent.times[0](body, h))
        i, o, f, g = body.multi("Split", [total], 4, axis=-1, num_outputs=4)
        if recurrent.peepholes:
            i, f = (
                body.op("Add", gate, body.op("Mul", recurrent.peepholes[at], c))
                for gate, at in ((i, 0), (f, 2))
            )
        kept = body.op("Mul", body.op("Sigmoid", f), c)
        new_c = body.op("Add", kept, body.op("Mul", body.op("Sigmoid", i), body.op("Tanh", g)))
        if recurrent.peepholes:
            o = body.op("Add", o, body.op("Mul", recurrent.peepholes[1], new_c))
        return [body.op("Mul", body.op("Sigmoid", o), body.op("Tanh", new_c)), new_c]


def matrix_size(node: ir.Node, index: int) -> tuple[int, int]:
    """Rows and columns of W (`index` 1) or R (2) of one direction of a recurrent node."""
    value = node.inputs[index]
    assert value is not None
    assert value.const_value is not None
    _, rows, columns = value.const_value.shape.numpy()
    return rows, columns


def _matrix(body: Body, parts: Sequence[ir.Value], d: int) -> tuple[ir.Value, ir.Value]:
    """int8 (gates × hidden, in) and scales (gates × hidden) of one direction."""
    integers, scales = (body.op("Gather", part, body.constant(d, np.int64), axis=0) for part in parts)
    return integers, body.op("Squeeze", scales, body.integers(1))


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
