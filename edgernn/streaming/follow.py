"""Follows the time axis through a traced graph, one node at a time, for one chunk."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node

from edgernn.capture import BATCH, Captured
from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, Length, as_positive, flows_in, plain, wrap
from edgernn.streaming.rules import find_rule


class StreamingModule(nn.Module):
    """A captured module as (inputs, states) → (outputs, new states) for a chunk of any number of steps.

    It runs the captured graph node by node, each node by the rule of its family, so that torch.export can
    trace it again. `follow` does the same and tells what it found.

    Args:
        captured: what was traced.
        chunk: steps of every chunk; None where they are free.
        running_mean: whether a mean over all time becomes the mean so far.
    """

    def __init__(self, captured: Captured, chunk: int | None = None, running_mean: bool = False) -> None:
        super().__init__()
        self.model = captured.module
        self.captured = captured
        self.chunk = chunk
        self.running_mean = running_mean

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """One chunk: takes the inputs, then the states; gives the outputs, then the new states."""
        count = len(self.captured.inputs)
        outputs, context = self.follow(tensors[:count], tensors[count:])
        return (
            *(flow.tensor for flow in outputs),
            *(state for state in context.new_states if state is not None),
        )

    def follow(
        self, inputs: Sequence[Tensor], states: Sequence[Tensor] | None = None
    ) -> tuple[list[Flow], Context]:
        """Run one chunk, from the initial states where `states` is None.

        Raises:
            StreamingError: where the module cannot stream.
            NeedsMultipleError: where the chunk is no multiple of its hop.
        """
        program = self.captured.program
        batch, steps = self._sizes(inputs)
        nodes = list(program.graph.nodes)
        context = Context(nodes[0], batch, steps, states, self.running_mean)
        values = self._placeholders(inputs)
        results: list[Any] = []
        for node in nodes:
            context.node = node
            if node.op == "call_function":
                args, kwargs = _resolve(node.args, values), _resolve(node.kwargs, values)
                values[node.name] = self._call(context, node, args, kwargs)
            elif node.op == "output":
                results = list(_resolve(node.args[0], values))
        return [self._output(context, result) for result in results], context

    def _sizes(self, inputs: Sequence[Tensor]) -> tuple[Any, Any]:
        batch: Any = 1
        steps: Any = 1
        for tensor, info in zip(inputs, self.captured.inputs, strict=True):
            for size, dim in zip(tensor.shape, info.dims, strict=True):
                if dim == "batch":
                    batch = size
                elif dim == "time":
                    steps = size
        return batch, steps

    def _placeholders(self, inputs: Sequence[Tensor]) -> dict[str, Any]:
        """Values of the graph's inputs: the user's, and the module's own weights, buffers and constants."""
        program = self.captured.program
        signature = program.graph_signature
        values: dict[str, Any] = {}
        for name, target in signature.inputs_to_parameters.items():
            values[name] = self.model.get_parameter(target)
        for name, target in signature.inputs_to_buffers.items():
            # Buffers that are not saved with the module are constants of the program.
            stored = program.constants.get(target)
            values[name] = self.model.get_buffer(target) if stored is None else stored
        for name, target in signature.inputs_to_lifted_tensor_constants.items():
            values[name] = program.constants[target]
        for name, tensor, info in zip(signature.user_inputs, inputs, self.captured.inputs, strict=True):
            dim = info.time_dim
            batch = info.dims.index(BATCH) if BATCH in info.dims else -1
            values[str(name)] = Flow(tensor, "fixed") if dim is None else Flow(tensor, "timed", dim, batch)
        return values

    def _call(self, context: Context, node: Node, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        target: Any = node.target
        flows = flows_in([args, kwargs])
        if target is torch.ops.aten._assert_tensor_metadata.default:
            return None  # a remark of torch's that comes with `.to(dtype)`, of the example's type
        if target is operator.getitem:
            return args[0][args[1]]
        if str(target).startswith("aten.sym_size"):
            return _size(context, args[0], args[1])
        if getattr(target, "__module__", "") == "_operator" and not flows:
            return _arithmetic(target, args)
        rule = find_rule(target)
        if rule is not None and (flows or "recurrence" in str(target)):
            return rule(context, args, kwargs)
        if not flows:
            return target(*plain(args), **plain(kwargs))
        if all(flow.kind in ("fixed", "latest") for flow in flows):
            like = next((flow for flow in flows if flow.kind == "latest"), flows[0])
            return wrap(target(*plain(args), **plain(kwargs)), like)
        raise context.refuse(
            f"edgernn has no streaming rule for {target}",
            "Export with streaming=False, or write this part with operators that stream: point-wise, linear, "
            "recurrent, convolution, pooling, normalisation over features.",
        )

    def _output(self, context: Context, result: Any) -> Flow:
        if not isinstance(result, Flow):
            return Flow(result, "fixed")
        if result.delay < 0:
            raise context.refuse(
                f"an output starts with {-result.delay} padded frames that come before the input",
                "Cut them off: y[:, n:].",
            )
        if result.kind == "latest" and result.delay + result.surplus != 0:
            raise context.refuse(
                "a final state is an output, behind something that looks ahead", "Return the outputs alone."
            )
        if result.kind == "folded":
            frames = context.frames(result.hop)
            rest = result.tensor.shape[1:]
            # Where the steps are fixed, the batch is what is left: the shape is then a constant of the graph.
            batch = -1 if self.chunk is not None else context.batch
            return result.with_(
                tensor=result.tensor.reshape(batch, frames, *rest), kind="timed", dim=1, batch=0
            )
        return result


def _size(context: Context, value: Any, dim: int) -> Any:
    """The size of a dimension; that of time is a Length, which knows that a chunk is not the whole."""
    if not isinstance(value, Flow):
        return value.shape[dim]
    if value.kind == "timed" and as_positive(dim, value.tensor.dim()) == value.dim:
        return Length(context.frames(value.hop), value.hop, value.surplus)
    return value.tensor.shape[dim]


def _arithmetic(target: Any, args: Sequence[Any]) -> Any:
    """Sums with a length stay lengths; anything else is computed with the chunk's number."""
    if target in (operator.add, operator.sub) and len(args) == 2:
        left, right = args
        sign = 1 if target is operator.add else -1
        if isinstance(left, Length) and isinstance(right, int):
            return Length(left.frames, left.hop, left.surplus + sign * right)
        if isinstance(right, Length) and isinstance(left, int) and sign == 1:
            return Length(right.frames, right.hop, right.surplus + left)
    return target(*plain(list(args)))


def _resolve(value: Any, values: dict[str, Any]) -> Any:
    """Arguments of a node, with nodes replaced by what they gave."""
    if isinstance(value, Node):
        return values[value.name]
    if isinstance(value, dict):
        return {key: _resolve(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(item, values) for item in value]
    return value
