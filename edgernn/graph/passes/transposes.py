"""Transposes that follow each other become one, or none.

Requires: nothing. Ensures: no Transpose reads another Transpose.
"""

from __future__ import annotations

import onnx_ir as ir


class MergeTransposes(ir.passes.InPlacePass):
    """Merge chains of Transpose nodes; batch-first modules in a row leave such chains."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """See the file's docstring."""
        modified = False
        for node in model.graph.all_nodes():
            if node.op_type != "Transpose" or node.domain:
                continue
            source = node.inputs[0]
            before = source.producer() if source is not None else None
            if before is None or before.op_type != "Transpose" or before.domain:
                continue
            second, first = _permutation(node), _permutation(before)
            if second is None or first is None:
                continue
            merged = [first[axis] for axis in second]
            node.replace_input_with(0, before.inputs[0])
            node.attributes["perm"] = ir.AttrInt64s("perm", merged)
            modified = True
            if merged == sorted(merged) and not node.outputs[0].is_graph_output():
                original = before.inputs[0]
                assert original is not None
                node.outputs[0].replace_all_uses_with(original)
        return ir.passes.PassResult(model, modified)


def _permutation(node: ir.Node) -> list[int] | None:
    attribute = node.attributes.get("perm")
    return None if attribute is None else list(attribute.as_ints())
