"""Nodes of a function's body."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

# onnxruntime's own operators: in every build for processors, phones and browsers, in no other runtime.
CONTRIB = "com.microsoft"


class Body:
    """Collects nodes. A function has no initializers, so its constants are nodes too.

    Attributes:
        nodes: those added so far.
        domains: what they are operators of, those in branches included.
    """

    def __init__(self, outer: Body | None = None) -> None:
        self.nodes: list[ir.Node] = []
        self.domains: set[str] = {""}
        self._numbers: Iterator[int] = itertools.count() if outer is None else outer._numbers
        self._constants: dict[tuple[Any, ...], ir.Value] = {} if outer is None else dict(outer._constants)

    def op(self, op_type: str, *inputs: ir.Value | None, domain: str = "", **attributes: Any) -> ir.Value:
        """Add a node with one output."""
        return self.multi(op_type, inputs, 1, domain=domain, **attributes)[0]

    def multi(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        outputs: int,
        *,
        domain: str = "",
        attributes: Sequence[ir.Attr] = (),
        **values: Any,
    ) -> Sequence[ir.Value]:
        """Add a node with several outputs; its attributes are given made or by value."""
        present = list(inputs)
        while present and present[-1] is None:
            present.pop()
        made = [*attributes, *(ir.convenience.convert_attribute(name, item) for name, item in values.items())]
        node = ir.Node(domain, op_type, present, made, num_outputs=outputs)
        for value in node.outputs:
            # Short: every file holds them.
            value.name = f"v{next(self._numbers)}"
        self.nodes.append(node)
        self.domains.add(domain)
        return node.outputs

    def constant(self, values: Any, dtype: Any) -> ir.Value:
        """A constant; the same again is the same value."""
        array = np.array(values, dtype)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.op("Constant", value=ir.tensor(array))
        return self._constants[key]

    def integers(self, *numbers: int) -> ir.Value:
        """A vector of int64."""
        return self.constant(numbers, np.int64)

    def inner(self) -> Body:
        """A body for a branch or a loop; its nodes read this body's values too."""
        return Body(self)

    def value(self, dtype: ir.DataType, rank: int) -> ir.Value:
        """An input of a loop's body."""
        return ir.val(f"v{next(self._numbers)}", dtype, [None] * rank)

    def graph(
        self,
        name: str,
        inner: Body,
        outputs: Sequence[ir.Value],
        ranks: Sequence[int],
        inputs: Sequence[ir.Value] = (),
    ) -> ir.Attr:
        """An attribute that holds an inner body; it gives float32 outputs of these ranks."""
        results: list[ir.Value] = []
        for value, rank in zip(outputs, ranks, strict=True):
            # onnxruntime wants the outputs of a body to be different values.
            result = inner.op("Identity", value) if value in results else value
            result.dtype, result.shape = ir.DataType.FLOAT, ir.Shape([None] * rank)
            results.append(result)
        self.domains |= inner.domains
        graph = ir.Graph(list(inputs), results, nodes=inner.nodes, name=name)
        return ir.Attr(name, ir.AttributeType.GRAPH, graph)
