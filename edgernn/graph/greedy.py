"""Encoder and decoder as one graph: a Loop that writes the likeliest symbol until every row has ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from edgernn.errors import ExportError
from edgernn.graph import passes
from edgernn.graph.builder import Builder
from edgernn.manifest import StateSpec

SYMBOLS, COUNTS = "symbols", "counts"


def compose_greedy(
    encoder: ir.Model, decoder: ir.Model, states: Sequence[StateSpec], *, start: int, end: int, longest: int
) -> ir.Model:
    """Join the graphs of an encoder and a decoder's step; both models are used up.

    What the encoder gives or takes under the name of an input of the decoder is that input.
    The decoder's first input is the last symbol, (batch, 1), its first output the scores of the next.

    Args:
        encoder: a sequence graph with the inputs source, (batch, places), and others.
        decoder: a streaming graph.
        states: the decoder's.
        start, end: numbers of the symbols in front of what is written and behind it.
        longest: most symbols that are written.

    Returns:
        A model with the encoder's inputs and two outputs: "symbols", (batch, steps), whose rows end with
        `end`, which also fills them up, unless they are cut at the longest; and "counts", (batch,): how many
        symbols stand in front of the end.

    Raises:
        ExportError: where the graphs do not fit together.
    """
    _join_functions(encoder, decoder)
    _rename(encoder.graph, "encoder")
    _rename(decoder.graph, "decoder")
    main, inner = encoder.graph, decoder.graph
    known = {_own_name(value): value for value in (*main.inputs, *main.outputs)}
    symbol, *others = inner.inputs
    carried = [value for value in others if _own_name(value) in {spec.input for spec in states}]
    missing = [_own_name(value) for value in others if value not in carried and _own_name(value) not in known]
    if missing or len(carried) != len(states):
        raise ExportError(f"greedy: the decoder needs {missing or 'other states'}, which nothing gives.")
    results = {_own_name(value): value for value in inner.outputs}
    scores = inner.outputs[0]
    after = [results[spec.output] for spec in states]
    nodes = list(inner)
    inner.inputs.clear()
    inner.outputs.clear()
    inner.remove(nodes)
    for value in list(inner.initializers.values()):
        inner.initializers.pop(str(value.name))
        main.register_initializer(value)
    for value in others:
        if value not in carried:
            value.replace_all_uses_with(known[_own_name(value)])
    builder = Builder(main, "greedy")
    ends = builder.initializer(np.array(end, np.int64), "end")
    body = builder.inner()
    finished = ir.val("greedy.finished", ir.DataType.BOOL, ["batch", 1])
    chosen = body.op("ArgMax", scores, axis=-1, keepdims=0)
    written = body.op("Where", finished, ends, chosen)
    now = body.op("Or", finished, body.op("Equal", written, ends))
    left = body.op("ReduceMax", body.op("Cast", body.op("Not", now), to=ir.DataType.INT32), keepdims=0)
    proceed = body.op("Cast", left, to=ir.DataType.BOOL)
    row = body.squeeze(written, 1)
    for value, dtype, dims in (
        (proceed, ir.DataType.BOOL, ()),
        (written, ir.DataType.INT64, ("batch", 1)),
        (now, ir.DataType.BOOL, ("batch", 1)),
        (row, ir.DataType.INT64, ("batch",)),
    ):
        value.dtype, value.shape = dtype, ir.Shape(dims)
    turn = ir.val("greedy.turn", ir.DataType.INT64, [])
    before = ir.val("greedy.proceed", ir.DataType.BOOL, [])
    loop_body = ir.Graph(
        [turn, before, symbol, finished, *carried],
        [proceed, written, now, *after, row],
        nodes=[*nodes, *body.nodes],
        opset_imports=dict(main.opset_imports),
        name="greedy",
    )
    rows = builder.op("Shape", main.inputs[0], start=0, end=1)
    one = builder.integers(1)
    sizes = builder.op("Concat", rows, one, axis=0)
    first = builder.op("ConstantOfShape", sizes, value=ir.tensor(np.array([start], np.int64)))
    none = builder.op("ConstantOfShape", sizes, value=ir.tensor(np.array([False])))
    *_, stacked = builder.multi(
        "Loop",
        [
            builder.initializer(np.array(longest, np.int64), "longest"),
            builder.initializer(np.array(True), "true"),
            first,
            none,
            *(_initial(builder, spec, rows) for spec in states),
        ],
        len(states) + 3,
        body=loop_body,
    )
    output = builder.op("Transpose", stacked, perm=[1, 0])
    inside = builder.op("Cast", builder.op("Not", builder.op("Equal", output, ends)), to=ir.DataType.INT64)
    counts = builder.op("ReduceSum", inside, one, keepdims=0)
    for value, name, shape in ((output, SYMBOLS, ("batch", "steps")), (counts, COUNTS, ("batch",))):
        value.name, value.dtype, value.shape = name, ir.DataType.INT64, ir.Shape(shape)
    main.outputs.clear()
    main.extend(builder.nodes)
    main.outputs.extend([output, counts])
    for value in main.inputs:
        value.name = _own_name(value)
    for domain, version in decoder.opset_imports.items():
        main.opset_imports.setdefault(domain, version)
    encoder.metadata_props.clear()
    passes.clean(encoder)
    passes.check(encoder)
    return encoder


def _initial(builder: Builder, spec: StateSpec, rows: ir.Value) -> ir.Value:
    """The state in front of the first symbol, for as many rows as there are."""
    sizes = [1 if isinstance(dim, str) else dim for dim in spec.dims]
    values = np.empty(sizes, spec.dtype)
    values[...] = np.array(spec.initial, spec.dtype).reshape(sizes if isinstance(spec.initial, tuple) else ())
    row = builder.initializer(values, spec.input)
    if "batch" not in spec.dims:
        return row
    at = spec.dims.index("batch")
    around = [builder.integers(*part) for part in (sizes[:at], sizes[at + 1 :]) if part]
    parts = [*around[: int(at > 0)], rows, *around[int(at > 0) :]]
    return builder.op("Expand", row, builder.concat(parts, 0))


def _rename(graph: ir.Graph, scope: str) -> None:
    """Put a scope in front of every name, so that those of two graphs differ."""
    for value in (*graph.inputs, *graph.initializers.values()):
        _scoped(value, scope)
    # Initializers are kept by name.
    held = list(graph.initializers.values())
    graph.initializers.clear()
    for value in held:
        graph.register_initializer(value)
    for node in ir.traversal.RecursiveGraphIterator(graph):
        node.name = f"{scope}/{node.name}"
        for value in node.outputs:
            _scoped(value, scope)


def _scoped(value: ir.Value, scope: str) -> None:
    value.name = f"{scope}/{value.name}"


def _own_name(value: ir.Value) -> str:
    return str(value.name).partition("/")[2]


def _join_functions(encoder: ir.Model, decoder: ir.Model) -> None:
    """One set of functions. Where both have one of a name and they differ, the decoder's are written out."""
    if any(
        key in encoder.functions and ir.to_proto(encoder.functions[key]) != ir.to_proto(function)
        for key, function in decoder.functions.items()
    ):
        common.InlinePass()(decoder)
    encoder.functions.update(decoder.functions)
