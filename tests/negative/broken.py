"""Ways to break a file: each changes one thing that an exporter may get wrong, and the file still loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from edgernn.manifest import METADATA_KEY, Manifest

Change = Callable[[GraphProto], None]

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def rewrite(source: Path, target: Path, change: Change) -> Path:
    """A changed copy of a file."""
    model = onnx.load(source)
    change(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, target)
    return target


def rewrite_manifest(source: Path, target: Path, change: Callable[[Manifest], Manifest]) -> Path:
    """A copy of a file that says something else of itself."""
    model = onnx.load(source)
    (entry,) = [item for item in model.metadata_props if item.key == METADATA_KEY]
    entry.value = change(Manifest.from_json(entry.value)).to_json()
    onnx.save(model, target)
    return target


def recurrent_nodes(graph: GraphProto) -> list[NodeProto]:
    return [node for node in graph.node if node.op_type in GATES]


def change_initializer(graph: GraphProto, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    (tensor,) = [item for item in graph.initializer if item.name == name]
    changed = change(numpy_helper.to_array(tensor).copy())
    tensor.CopyFrom(numpy_helper.from_array(changed, name))


def swap_gates(slot: int, first: int, second: int, layer: int = 0) -> Change:
    """Exchange two gates in W (slot 1), R (2) or the first half of B (3) of a layer."""

    def change(graph: GraphProto) -> None:
        node = recurrent_nodes(graph)[layer]

        def swap(array: np.ndarray) -> np.ndarray:
            size = array.shape[1] // (GATES[node.op_type] * (2 if slot == 3 else 1))
            a, b = (slice(gate * size, (gate + 1) * size) for gate in (first, second))
            array[:, [*range(a.start, a.stop), *range(b.start, b.stop)]] = array[
                :, [*range(b.start, b.stop), *range(a.start, a.stop)]
            ]
            return array

        change_initializer(graph, node.input[slot], swap)

    return change


def shift_bias(by: float) -> Change:
    """A bias that is off in one element."""

    def change(graph: GraphProto) -> None:
        def shift(array: np.ndarray) -> np.ndarray:
            array[0, 0] += by
            return array

        change_initializer(graph, recurrent_nodes(graph)[0].input[3], shift)

    return change


def no_bias(graph: GraphProto) -> None:
    recurrent_nodes(graph)[0].input[3] = ""


def spoil_weight(value: float) -> Change:
    """One weight of the last linear layer is another number."""

    def change(graph: GraphProto) -> None:
        name = next(item.name for item in graph.initializer if item.name.endswith("head.bias"))

        def put(array: np.ndarray) -> np.ndarray:
            array[0] = value
            return array

        change_initializer(graph, name, put)

    return change


def set_attribute(name: str, value: object) -> Change:
    """Another attribute of the first recurrent node."""

    def change(graph: GraphProto) -> None:
        node = recurrent_nodes(graph)[0]
        kept = [item for item in node.attribute if item.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])

    return change


def keep_state(name: str) -> Change:
    """The new state is the old one: what `name` gives is what it was given."""

    def change(graph: GraphProto) -> None:
        _rename_output(graph, name, f"{name}_lost")
        graph.node.append(helper.make_node("Identity", [name.replace("_out", "_in")], [name]))

    return change


def zero_output(name: str) -> Change:
    """An output is zero, as an unconnected final state is."""

    def change(graph: GraphProto) -> None:
        _rename_output(graph, name, f"{name}_kept")
        graph.node.append(helper.make_node("Sub", [f"{name}_kept", f"{name}_kept"], [name]))

    return change


def swap_outputs(first: str, second: str) -> Change:
    """Two outputs of the same shape stand for each other."""

    def change(graph: GraphProto) -> None:
        _rename_output(graph, first, "swap")
        _rename_output(graph, second, first)
        _rename_output(graph, "swap", second)

    return change


def swap_states_of_a_layer(graph: GraphProto) -> None:
    """The LSTM takes c for h and h for c."""
    node = recurrent_nodes(graph)[0]
    node.input[5], node.input[6] = node.input[6], node.input[5]


def drop_lengths(graph: GraphProto) -> None:
    for node in recurrent_nodes(graph):
        node.input[4] = ""


def freeze_batch_by_reshape(output: str, shape: tuple[int, ...]) -> Change:
    """The batch of the example as a number in a Reshape, as a traced `view` leaves it."""

    def change(graph: GraphProto) -> None:
        graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), "frozen"))
        _rename_output(graph, output, "free")
        graph.node.append(helper.make_node("Reshape", ["free", "frozen"], [output]))

    return change


def freeze_batch_by_state(graph: GraphProto) -> None:
    """Initial states for a batch of 1, as torch.onnx leaves them: other batches do not run at all."""
    node = recurrent_nodes(graph)[0]
    hidden = next(item.i for item in node.attribute if item.name == "hidden_size")
    graph.initializer.append(numpy_helper.from_array(np.zeros((1, 1, hidden), np.float32), "frozen"))
    while len(node.input) < 6:
        node.input.append("")
    node.input[5] = "frozen"


def freeze_time(output: str) -> Change:
    """Only the first five steps are kept, which is what the example had."""

    def change(graph: GraphProto) -> None:
        for name, value in (("start", 0), ("end", 5), ("axis", 1)):
            graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
        _rename_output(graph, output, "whole")
        graph.node.append(helper.make_node("Slice", ["whole", "start", "end", "axis"], [output]))

    return change


def cast_output(output: str) -> Change:
    """Rounded to half precision on the way out."""

    def change(graph: GraphProto) -> None:
        _rename_output(graph, output, "exact")
        graph.node.append(helper.make_node("Cast", ["exact"], ["half"], to=TensorProto.FLOAT16))
        graph.node.append(helper.make_node("Cast", ["half"], [output], to=TensorProto.FLOAT))

    return change


def _rename_output(graph: GraphProto, old: str, new: str) -> None:
    """The value that a node gives under another name, wherever it is read."""
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new
