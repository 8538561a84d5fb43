"""The one place where ONNX nodes are made by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx_ir as ir
from torch import Tensor


class Builder:
    """Collects new nodes for one place of a graph; their constants become initializers of the main graph.

    Args:
        main: the main graph, which holds all initializers, those used in bodies of Scan and Loop included.
        scope: prefix of every name, e.g. the recurrent layer's.
    """

    def __init__(self, main: ir.Graph, scope: str, numbers: Iterator[int] | None = None) -> None:
        self.main = main
        self.scope = scope
        self.nodes: list[ir.Node] = []
        self._prefix = scope
        self._numbers = itertools.count() if numbers is None else numbers

    def inner(self) -> Builder:
        """A builder for the body of a Scan or a Loop."""
        return Builder(self.main, self.scope, self._numbers)

    @contextmanager
    def step(self, part: str, number: int) -> Iterator[None]:
        """Within the block nodes are named PART/step_NUMBER/…, alike in every copy of a step."""
        before = self._prefix, self._numbers
        self._prefix, self._numbers = f"{self._prefix}/{part}/step_{number}", itertools.count()
        try:
            yield
        finally:
            self._prefix, self._numbers = before

    def op(self, op_type: str, *inputs: ir.Value | None, **attributes: Any) -> ir.Value:
        """Add a node with one output."""
        return self.multi(op_type, inputs, 1, **attributes)[0]

    def multi(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        outputs: int,
        *,
        domain: str = "",
        **attributes: Any,
    ) -> Sequence[ir.Value]:
        """Add a node with several outputs; trailing absent inputs are left out."""
        present = list(inputs)
        while present and present[-1] is None:
            present.pop()
        node = ir.node(op_type, present, attributes, domain=domain, num_outputs=outputs)
        self.adopt(node)
        return node.outputs

    def adopt(self, node: ir.Node) -> None:
        """Add a node made elsewhere, under a name that is unique in the main graph and all bodies."""
        node.name = f"{self._prefix}/{node.op_type}_{next(self._numbers)}"
        for index, value in enumerate(node.outputs):
            value.name = node.name if len(node.outputs) == 1 else f"{node.name}:{index}"
        self.nodes.append(node)

    def initializer(self, values: Tensor | np.ndarray, name: str) -> ir.Value:
        """A constant of the scope by name; the same name again gives the same constant."""
        full_name = f"{self.scope}.{name}"
        if full_name in self.main.initializers:
            return self.main.initializers[full_name]
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
        value = ir.val(full_name, const_value=ir.tensor(np.asarray(array, order="C"), name=full_name))
        self.main.register_initializer(value)
        return value

    def integers(self, *numbers: int) -> ir.Value:
        """A small int64 vector, shared by everything in the graph that needs the same one."""
        name = "int64_" + "_".join(str(number).replace("-", "minus") for number in numbers)
        if name not in self.main.initializers:
            tensor = ir.tensor(np.array(numbers, np.int64), name=name)
            self.main.register_initializer(ir.val(name, const_value=tensor))
        return self.main.initializers[name]

    def squeeze(self, value: ir.Value, axis: int) -> ir.Value:
        """Remove a dimension of size 1."""
        return self.op("Squeeze", value, self.integers(axis))

    def unsqueeze(self, value: ir.Value, axis: int) -> ir.Value:
        """Insert a dimension of size 1."""
        return self.op("Unsqueeze", value, self.integers(axis))

    def concat(self, values: Sequence[ir.Value], axis: int) -> ir.Value:
        """Concatenate; one value alone is itself."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=axis)
