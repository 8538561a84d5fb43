"""Weights behind other nodes are quantized like those that are initializers."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

import edgernn

from .models import X, exported


def test_weights_that_reach_the_node_through_others_are_folded(tmp_path):
    model, path = exported(tmp_path, "gru")
    hidden = ir.load(path)
    (node,) = [node for node in hidden.graph if node.op_type == "GRU"]
    for index, axis in ((1, 1), (2, 2)):
        value = node.inputs[index]
        parts = []
        for number, part in enumerate(np.array_split(value.const_value.numpy(), 2, axis)):
            name = f"{value.name}_part{number}"
            parts.append(ir.val(name, const_value=ir.tensor(part, name=name)))
            hidden.graph.register_initializer(parts[-1])
        joined = ir.node("Concat", parts, {"axis": axis}, name=f"join_{index}")
        hidden.graph.insert_before(hidden.graph[0], joined)
        node.replace_input_with(index, joined.outputs[0])
        hidden.graph.initializers.pop(value.name)
    ir.save(hidden, tmp_path / "behind.onnx")
    report = edgernn.quantize(tmp_path / "behind.onnx", tmp_path / "int8.onnx")
    plain = edgernn.quantize(path, tmp_path / "plain.onnx")
    assert sorted(t.shape for t in report.quantized) == sorted(t.shape for t in plain.quantized)
    calls = {node.op_type for node in ir.load(tmp_path / "int8.onnx").graph}
    assert "GRU_int8" in calls
    assert "Concat" not in calls
    assert report.bytes_after <= plain.bytes_after * 1.05
    assert edgernn.verify(model, tmp_path / "int8.onnx", example_inputs=X).passed
