"""Rewriting a graph of plain operators so that each tensor between them is rounded to 8 bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx_ir as ir

from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import KEPT, Request
from edgernn.quantize.static.groups import Groups, group
from edgernn.quantize.static.observe import Observer
from edgernn.quantize.static.operators import (
    BOUNDS,
    MOVE,
    PROBABILITIES,
    WEIGHTED,
    constant,
    data_inputs,
    is_quantized,
)
from edgernn.quantize.static.ranges import METHODS, Seen, scale_and_zero, widen
from edgernn.quantize.weights import covered_axes, round_int8

NAME = "int8-static"


class Writer:
    """Calibrates a model and inserts QuantizeLinear and DequantizeLinear, in place.

    Args:
        model: a graph of plain operators.
        request: with calibration data.
    """

    def __init__(self, model: ir.Model, request: Request) -> None:
        self.model, self.graph, self.request = model, model.graph, request
        self.floats = _float_names(model)
        self.nodes = [
            node
            for node in self.graph
            if is_quantized(node) and node.outputs[0].name in self.floats and not self._is_kept(node)
        ]
        self.channels = self._channel_weights()
        self.biases = {
            node.inputs[2]
            for node in self.nodes
            if node.op_type in WEIGHTED and node.inputs[1] in self.channels and len(node.inputs) > 2
        }
        # Values with one scale: activations, and constants that are no weight matrix and no bias.
        self.scaled = {value: None for node in self.nodes for value in self._ends(node)}
        self.groups: Groups = group(self.nodes, self.scaled)
        self.scales: dict[ir.Value, tuple[ir.Value, ir.Value]] = {}
        self.bits: int = request.options["activation_bits"]
        # ONNX has 16-bit QuantizeLinear since operator set 21, onnxruntime had it before.
        self.domain = "com.microsoft" if self.bits == 16 and model.opset_imports[""] < 21 else ""
        self._made = 0

    def write(self) -> list[TensorReport]:
        """Calibrate, rewrite, and tell of every weight what was done."""
        weights = [
            (value, tensor, tuple(value.uses()))
            for value in self.graph.initializers.values()
            if (tensor := constant(value)) is not None and tensor.dtype == ir.DataType.FLOAT
        ]
        used_by = {value: _readers([use.node for use in uses]) for value, _, uses in weights}
        before = {value: tensor.numpy() for value, tensor, _ in weights}
        self._calibrate()
        done: dict[ir.Value, tuple[int, float]] = {}
        self._round_channels(done)
        self._round_values(done)
        reports = []
        for value, array in before.items():
            if array.size <= 1:
                continue
            size = array.nbytes
            about = (str(value.name), used_by[value], array.shape)
            if value in done:
                reports.append(TensorReport(*about, NAME, size, *done[value]))
            else:
                kept = any(self._is_kept(use.node) for use in value.uses())
                reason = KEPT if kept else "read by an operator that has no 8-bit form"
                reports.append(TensorReport(*about, "float32", size, size, 0.0, reason))
        for value in done:
            if not value.uses():
                self.graph.initializers.pop(str(value.name), None)
        return reports

    def _is_kept(self, node: ir.Node) -> bool:
        return self.request.keeps(node.name, *(value.name for value in node.inputs if value is not None))

    def _ends(self, node: ir.Node) -> Iterator[ir.Value]:
        for _, value in [*data_inputs(node), *enumerate(node.outputs)]:
            if value.name in self.floats and value not in self.channels and value not in self.biases:
                yield value

    def _channel_weights(self) -> dict[ir.Value, tuple[int, ...]]:
        """Weight matrices that have one scale a channel → the dimensions that a scale covers."""
        found: dict[ir.Value, tuple[int, ...]] = {}
        for value in self.graph.initializers.values():
            tensor, uses = constant(value), value.uses()
            if tensor is None or not uses or not all(use.node in set(self.nodes) for use in uses):
                continue
            axes = {covered_axes(use.node, use.idx, len(tensor.shape)) for use in uses}
            weighted = all(use.node.op_type in WEIGHTED for use in uses)
            if weighted and len(axes) == 1 and (only := axes.pop()) is not None:
                found[value] = only
        return found

    def _calibrate(self) -> None:
        assert self.request.calibration is not None
        observer = Observer(self.model, self.request.calibration)
        by_name = {value.name: value for value in [*self.graph.inputs, *self.graph.outputs]}
        for state in observer.manifest.states:
            before, after = by_name[state.input], by_name[state.output]
            if before in self.scaled and after in self.scaled:
                self.groups.join(before, after)
        seen = {self.groups.of(value): Seen() for value in self.scaled}
        activations = [value for value in self.scaled if constant(value) is None]
        group_of = {str(value.name): seen[self.groups.of(value)] for value in activations}
        constants = [
            (seen[self.groups.of(value)], tensor.numpy())
            for value in self.scaled
            if (tensor := constant(value)) is not None
        ]
        whole = {self.groups.of(node.outputs[0]) for node in self.nodes if node.op_type in PROBABILITIES}
        bounds = self._bounds()
        method = self.request.options["calibrate"]
        for visit in [Seen.widen] if method == "min-max" else [Seen.widen, Seen.count]:
            for known, array in constants:
                visit(known, array)
            for run in observer.runs(list(group_of)):
                for name, known in group_of.items():
                    visit(known, run[name])
        for number, (first, known) in enumerate(seen.items()):
            low, high = METHODS[method](known, self.request.options["percentile"])
            low, high = widen(low, high, self.request.options["margin"], bounds.get(first))
            scale, zero = scale_and_zero(low, max(high, 1.0) if first in whole else high, self.bits)
            self.scales[first] = (
                self._constant(f"scale_{number}", scale),
                self._constant(f"zero_{number}", zero),
            )

    def _bounds(self) -> dict[ir.Value, tuple[float, float]]:
        """For each group whose values all come from bounded operators, what they can be at all."""
        found: dict[ir.Value, list[tuple[float, float] | None]] = {}
        for value in self.scaled:
            maker = value.producer()
            if maker is None or maker.op_type not in MOVE:
                bound = None if maker is None else BOUNDS.get(maker.op_type)
                found.setdefault(self.groups.of(value), []).append(bound)
        return {
            group: (min(low for low, _ in known), max(high for _, high in known))
            for group, bounds in found.items()
            if len(known := [bound for bound in bounds if bound is not None]) == len(bounds)
        }

    def _round_channels(self, done: dict[ir.Value, tuple[int, float]]) -> None:
        """Weight matrices to int8, biases to int32 at the scale of the products they are added to."""
        most = 2 ** (self.request.options["weight_bits"] - 1) - 1
        wide: dict[ir.Value, tuple[ir.Value, np.ndarray]] = {}
        for value, axes in self.channels.items():
            array = _numpy(value)
            integers, scales = round_int8(array, axes, most=most)
            error = float(np.abs(array - integers * scales).max())
            axis = next(index for index in range(array.ndim) if index not in axes)
            flat = scales.reshape(-1)
            wide[value] = self._dequantized(value, integers, flat, axis), flat
            done[value] = integers.nbytes + 5 * flat.size, error
        made: dict[tuple[ir.Value, ir.Value, ir.Value], ir.Value] = {}
        for node in self.nodes:
            if node.op_type not in WEIGHTED or node.inputs[1] not in wide:
                continue
            x, weight, *rest = node.inputs
            assert x is not None
            assert weight is not None
            if rest and rest[0] is not None:
                bias, group_scale = rest[0], self.scales[self.groups.of(x)][0]
                key = bias, weight, group_scale
                if key not in made:
                    scales = (wide[weight][1] * _numpy(group_scale)).astype(np.float32)
                    array = _numpy(bias)
                    limit = 2**31 - 1
                    integers = np.clip(np.rint(array / scales.astype(np.float64)), -limit, limit)
                    integers = integers.astype(np.int32)
                    made[key] = self._dequantized(bias, integers, scales, 0)
                    before = done.get(bias, (0, 0.0))
                    error = float(np.abs(array - integers * scales).max())
                    done[bias] = before[0] + integers.nbytes + 8 * scales.size, max(before[1], error)
                node.replace_input_with(2, made[key])
            node.replace_input_with(1, wide[weight][0])

    def _round_values(self, done: dict[ir.Value, tuple[int, float]]) -> None:
        """Activations and the constants among them to unsigned numbers."""
        if self.domain:
            self.model.opset_imports[self.domain] = 1
        for value in self.scaled:
            scale, zero = self.scales[self.groups.of(value)]
            if constant(value) is None:
                self._pair(value, scale, zero)
                continue
            array, step, offset = _numpy(value), _numpy(scale), _numpy(zero)
            integers = np.clip(np.rint(array / step) + offset, 0, 2**self.bits - 1).astype(offset.dtype)
            error = float(np.abs(array - (integers.astype(np.float32) - offset) * step).max())
            stored = self._constant(f"{value.name}_{integers.dtype}", integers)
            wide = self._node("DequantizeLinear", [stored, scale, zero], self.domain)
            self._insert(wide, None)
            for use in tuple(value.uses()):
                if use.node in self.nodes:
                    use.node.replace_input_with(use.idx, wide.outputs[0])
            done[value] = integers.nbytes, error

    def _pair(self, value: ir.Value, scale: ir.Value, zero: ir.Value) -> None:
        uses = tuple(use for use in value.uses() if use.node.op_type != "Shape")
        narrow = self._node("QuantizeLinear", [value, scale, zero], self.domain)
        wide = self._node("DequantizeLinear", [narrow.outputs[0], scale, zero], self.domain)
        self._insert(narrow, value.producer())
        self.graph.insert_after(narrow, wide)
        after = wide.outputs[0]
        for use in uses:
            use.node.replace_input_with(use.idx, after)
        for index, output in enumerate(self.graph.outputs):
            if output is value:
                name, after.type, after.shape = value.name, value.type, value.shape
                value.name, after.name = f"{name}_raw", name
                self.graph.outputs[index] = after
        if value.producer() is not None:
            # Its node tells what it is; in a graph of many steps, long names are most of the file.
            value.name = f"v{narrow.name}"

    def _dequantized(self, value: ir.Value, integers: np.ndarray, scales: np.ndarray, axis: int) -> ir.Value:
        self._made += 1
        name = f"{value.name}_{integers.dtype}_{self._made}"
        stored = [
            self._constant(name, integers),
            self._constant(f"{name}_scale", scales),
            self._constant(f"{name}_zero", np.zeros(scales.shape, integers.dtype)),
        ]
        node = self._node("DequantizeLinear", stored, axis=axis)
        self._insert(node, None)
        return node.outputs[0]

    def _insert(self, node: ir.Node, after: ir.Node | None) -> None:
        if after is None:
            self.graph.insert_before(self.graph[0], node)
        else:
            self.graph.insert_after(after, node)

    def _node(self, op_type: str, inputs: list[ir.Value], domain: str = "", **attributes: int) -> ir.Node:
        """A node under a short name: there are two for every tensor."""
        self._made += 1
        node = ir.node(op_type, inputs, attributes, domain=domain, name=f"{op_type[0].lower()}{self._made}")
        node.outputs[0].name = node.name
        return node

    def _constant(self, name: str, array: np.ndarray) -> ir.Value:
        value = ir.val(name, const_value=ir.tensor(array, name=name))
        self.graph.register_initializer(value)
        return value


def _numpy(value: ir.Value) -> np.ndarray:
    assert value.const_value is not None
    return value.const_value.numpy()


def _readers(readers: list[ir.Node]) -> str:
    nodes = list(dict.fromkeys(readers))
    several = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
    return f"{nodes[0].name} ({nodes[0].op_type}){several}" if nodes else "nothing"


def _float_names(model: ir.Model) -> set[str | None]:
    """Names of all values whose elements are float32."""
    from onnx_ir.passes.common import ShapeInferencePass

    inferred = ShapeInferencePass()(ir.from_proto(ir.to_proto(model))).model.graph
    values = [*inferred.inputs, *inferred.initializers.values()]
    values += [value for node in inferred for value in node.outputs]
    return {value.name for value in values if value.dtype == ir.DataType.FLOAT}
