"""torch's ATen graph → an ONNX graph in which each recurrence is still one node of a private domain."""

from __future__ import annotations

import itertools
import logging
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from onnxscript.evaluator import default as default_evaluator
from torch import Tensor
from torch.export import ExportedProgram

from edgernn.capture import find_layer, recurrence
from edgernn.errors import ExportError

PLACEHOLDER_DOMAIN = "edgernn.internal"
PLACEHOLDER = "Recurrence"
LAYER_ATTRIBUTE = "layer"
LONGEST = "longest"


def translate(program: ExportedProgram, opset: int) -> ir.Model:
    """The ONNX model of a traced program, by torch's own exporter.

    Args:
        program: the ATen graph.
        opset: ONNX operator set, 18 or later.

    Raises:
        ExportError: where an operator has no ONNX translation.
    """
    # torch's exporter warns of its own internals, and logs what it does not fold or has not installed.
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exported = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=opset,
                custom_translation_table={
                    torch.ops.edgernn.recurrence.default: _translate_recurrence,
                    torch.ops.edgernn.trim.default: _translate_trim,
                },
                verbose=False,
            )
        except Exception as error:
            reason = str(error.__cause__ or error).strip().split("\n\n")[0]
            raise ExportError(
                f"torch.onnx cannot write the module as ONNX operator set {opset}: {reason}"
            ) from error
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
    if exported is None:
        raise ExportError("torch.onnx gave no model.")
    _keep_lost_constants(exported.model.graph)
    return exported.model


def _keep_lost_constants(graph: ir.Graph) -> None:
    """Register the constants that torch's exporter reads but left out of the graph, in place.

    Where it twice fuses a maximum and a minimum of one tensor into a Clip, both pairs of constants get the
    same names, and one pair falls out of the graph.
    """
    for node in graph.all_nodes():
        for value in node.inputs:
            if value is None or value.const_value is None or value.producer() or value.is_initializer():
                continue
            names = (f"{value.name}_{number}" for number in itertools.count(1))
            value.name = next(name for name in names if name not in graph.initializers)
            graph.register_initializer(value)


def _translate_recurrence(
    x: ir.Value, lengths: ir.Value | None, states: Sequence[ir.Value], key: str
) -> list[ir.Value]:
    """One placeholder node: inputs x, lengths (or none) and the states; outputs y and the final states."""
    recorder: Any = default_evaluator()
    node = ir.Node(
        PLACEHOLDER_DOMAIN,
        PLACEHOLDER,
        [x, lengths, *states],
        attributes=[ir.AttrString(LAYER_ATTRIBUTE, key)],
        num_outputs=1 + len(find_layer(key).cells[0].state_sizes),
    )
    recorder.nodes.append(node)
    return list(node.outputs)


def _translate_trim(x: ir.Value, lengths: ir.Value) -> ir.Value:
    """x (T, B, …) up to the longest row."""
    recorder: Any = default_evaluator()

    def add(op_type: str, *inputs: ir.Value, **attributes: Any) -> ir.Value:
        node = ir.node(op_type, inputs, attributes)
        recorder.nodes.append(node)
        return node.outputs[0]

    zero = add("Constant", value=ir.tensor(np.zeros(1, np.int64)))
    return add("Slice", x, zero, add("ReduceMax", lengths, keepdims=1), zero)


def name_interface(
    model: ir.Model,
    input_names: Sequence[str],
    input_dims: Sequence[Sequence[str | None]],
    output_names: Sequence[str],
) -> None:
    """Give the graph's inputs, outputs and free dimensions their names, in place.

    torch calls free dimensions s77, s27, …; each is renamed, wherever it occurs, to what the inputs call it.
    A size that depends on values, u0, u1, …, is the number of steps of the longest row: "longest".
    """
    graph = model.graph
    symbols: dict[str, str] = {}
    for value, name, dims in zip(graph.inputs, input_names, input_dims, strict=True):
        value.name = name
        for size, dim in zip(value.shape or (), dims, strict=True):
            if dim is not None and not isinstance(size, int):
                symbols[str(size.value)] = dim
    for size in (size for value in graph.outputs for size in value.shape or ()):
        symbol = "" if isinstance(size, int) else str(size.value)
        if re.fullmatch(r"u\d+", symbol) and symbol not in symbols:
            others = sum(name.startswith(LONGEST) for name in symbols.values())
            symbols[symbol] = f"{LONGEST}_{others + 1}" if others else LONGEST
    for index, name in enumerate(output_names):
        if graph.outputs[index] in [*graph.inputs, *graph.outputs[:index]]:
            # One tensor returned twice, or an input returned as it is: two names need two tensors.
            copy = ir.node("Identity", [graph.outputs[index]])
            copy.outputs[0].type, copy.outputs[0].shape = (
                graph.outputs[index].type,
                graph.outputs[index].shape,
            )
            graph.append(copy)
            graph.outputs[index] = copy.outputs[0]
        graph.outputs[index].name = name
    for value in _all_values(graph):
        if value.shape is not None:
            value.shape = ir.Shape(
                [
                    size if isinstance(size, int) else _renamed(str(size.value), symbols)
                    for size in value.shape
                ]
            )


def _renamed(expression: str, symbols: dict[str, str]) -> str:
    return re.sub(r"[A-Za-z_]\w*", lambda match: symbols.get(match.group(), match.group()), expression)


def _all_values(graph: ir.Graph) -> list[ir.Value]:
    values = [*graph.inputs]
    for node in graph.all_nodes():
        values.extend(node.outputs)
    return values


def constant(tensor: Tensor, name: str) -> ir.Value:
    """An initializer's value; the caller registers it with its graph."""
    array = tensor.detach().cpu().contiguous().numpy()
    return ir.val(name, const_value=ir.tensor(array, name=name))


__all__ = ["LAYER_ATTRIBUTE", "PLACEHOLDER", "PLACEHOLDER_DOMAIN", "constant", "name_interface", "recurrence"]
__all__ += ["translate"]
