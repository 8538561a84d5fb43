"""Nodes of a function's body."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
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

    def __init__(self, numbers: Iterator[int] | None = None) -> None:
        self.nodes: list[ir.Node] = []
        self.domains: set[str] = {""}
        self._numbers = itertools.count() if numbers is None else numbers

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
        """A constant."""
        return self.op("Constant", value=ir.tensor(np.array(values, dtype)))

    def integers(self, *numbers: int) -> ir.Value:
        """A vector of int64."""
        return self.constant(numbers, np.int64)

    def choose(
        self, condition: ir.Value, then: Branch, otherwise: Branch, ranks: Sequence[int]
    ) -> Sequence[ir.Value]:
        """Add an If whose branches read this body's values; they give float32 outputs of these ranks."""
        graphs = []
        for name, branch in (("then", then), ("else", otherwise)):
            inner = Body(self._numbers)
            outputs = list(branch(inner))
            for value, rank in zip(outputs, ranks, strict=True):
                value.dtype, value.shape = ir.DataType.FLOAT, ir.Shape([None] * rank)
            graphs.append(ir.Attr(f"{name}_branch", ir.AttributeType.GRAPH, _graph(inner, outputs, name)))
            self.domains |= inner.domains
        return self.multi("If", [condition], len(ranks), attributes=graphs)


# Adds the nodes of a branch, and gives its outputs.
Branch = Callable[[Body], Sequence[ir.Value]]


def _graph(body: Body, outputs: Sequence[ir.Value], name: str) -> ir.Graph:
    return ir.Graph([], outputs, nodes=body.nodes, name=name)
