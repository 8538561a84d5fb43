"""The graph holds what the network needs and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgernn import GRU, LSTM, Recurrent

from .protos import RECURRENT, Head, bodies, constants, only, op_types, write

HEAD = ["Transpose", "MatMul", "Add"]
GRU_STEP = [
    "Split",
    "Gemm",
    "Split",
    "Add",
    "Sigmoid",
    "Mul",
    "Add",
    "Tanh",
    "Add",
    "Sigmoid",
    "Sub",
    "Mul",
    "Mul",
    "Add",
]


@pytest.mark.parametrize(
    ("options", "nodes"),
    [
        ({}, ["Transpose", "LSTM", "Squeeze", *HEAD]),
        ({"length": 7}, ["Transpose", "LSTM", "Squeeze", *HEAD]),
        ({"streaming": True}, ["Transpose", "LSTM", "Squeeze", *HEAD]),
        ({"streaming": True, "chunk": 4}, ["Transpose", "LSTM", "Squeeze", *HEAD]),
        # With one step the final h is the output, in the right shape already.
        ({"streaming": True, "chunk": 1}, ["Transpose", "LSTM", *HEAD]),
    ],
    ids=["sequence", "fixed-length", "streaming", "chunk-4", "chunk-1"],
)
def test_an_lstm_with_a_linear_head(options: dict, nodes: list[str], tmp_path: Path) -> None:
    module = Head(nn.LSTM(3, 4, batch_first=True))
    model = write(module, tmp_path, **options)
    assert op_types(model.graph) == nodes
    floats = [array for array in constants(model.graph).values() if array.dtype == np.float32]
    assert sum(array.size for array in floats) == sum(weight.numel() for weight in module.parameters())
    assert not model.functions
    assert [item.domain for item in model.opset_import] == [""]


def test_a_time_first_network_has_no_transpose(tmp_path: Path) -> None:
    model = write(Head(nn.GRU(3, 4)), tmp_path, torch.randn(5, 1, 3), time_dim=0)
    assert op_types(model.graph) == ["GRU", "Squeeze", "MatMul", "Add"]


def test_layers_follow_each_other_without_transposes(tmp_path: Path) -> None:
    """Batch-first modules in a row transpose back and forth in torch."""
    module = nn.Sequential(Recurrent(LSTM(3, 4), 2), Output(), Recurrent(GRU(4, 4)), Output())
    model = write(module, tmp_path)
    assert op_types(model.graph) == ["Transpose", *["LSTM", "Squeeze"] * 2, "GRU", "Squeeze", "Transpose"]


class Output(nn.Module):
    def forward(self, result: tuple[Tensor, object]) -> Tensor:
        return result[0]


def test_both_directions_are_one_node(tmp_path: Path) -> None:
    model = write(Head(Recurrent(GRU(3, 4), 2, bidirectional=True), 8), tmp_path)
    layer = ["GRU", "Transpose", "Reshape"]
    assert op_types(model.graph) == ["Transpose", *layer, *layer, *HEAD]
    assert constants(model.graph)["recurrent.l1.W"].shape == (2, 12, 8)


@pytest.mark.parametrize("form", ["scan", "loop"])
def test_the_projection_stands_outside_the_body(form: str, tmp_path: Path) -> None:
    """One matrix product for all steps, and only the recurrent one in each step."""
    model = write(Head(Recurrent(GRU(3, 4))), tmp_path, recurrence=form)
    (body,) = bodies(model.graph)
    assert [name for name in op_types(body) if name not in ("Identity", "Gather")] == GRU_STEP
    assert op_types(model.graph).count("MatMul") == 2  # the projection and the head
    assert not body.initializer


def test_unrolled_is_made_of_plain_operators(tmp_path: Path) -> None:
    model = write(Head(Recurrent(GRU(3, 4))), tmp_path, recurrence="unrolled", length=6)
    found = op_types(model.graph)
    assert not {"Scan", "Loop", "If", *RECURRENT} & set(found)
    assert found.count("Gemm") == found.count("Tanh") == 6
    assert sum(name.endswith("weight_hh") for name in constants(model.graph)) == 1


def torch_gates(weight: Tensor, order: str, wanted: str) -> np.ndarray:
    """Rows of gate blocks in another order."""
    blocks = dict(zip(order, weight.detach().chunk(len(order)), strict=True))
    return torch.cat([blocks[gate] for gate in wanted]).numpy()


@pytest.mark.parametrize(
    ("module", "order", "wanted"),
    [
        (nn.LSTM(3, 4, bidirectional=True, batch_first=True), "ifgo", "iofg"),
        (nn.GRU(3, 4, bidirectional=True, batch_first=True), "rzn", "zrn"),
        (nn.RNN(3, 4, bidirectional=True, batch_first=True, nonlinearity="relu"), "n", "n"),
    ],
    ids=["LSTM", "GRU", "RNN"],
)
def test_the_weights_are_initializers_in_the_layout_of_onnx(
    module: nn.RNNBase, order: str, wanted: str, tmp_path: Path
) -> None:
    kind = type(module).__name__
    graph = write(Head(module, 8), tmp_path).graph
    node, found = only(graph, kind), constants(graph)
    W, R, B = (found[name] for name in node.input[1:4])
    for direction, suffix in enumerate(("", "_reverse")):
        weights = {
            name: getattr(module, f"{name}_l0{suffix}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        ours = {name: torch_gates(weight, order, wanted) for name, weight in weights.items()}
        np.testing.assert_array_equal(W[direction], ours["weight_ih"])
        np.testing.assert_array_equal(R[direction], ours["weight_hh"])
        np.testing.assert_array_equal(B[direction], np.concatenate([ours["bias_ih"], ours["bias_hh"]]))
    attributes = {item.name: item for item in node.attribute}
    assert attributes["hidden_size"].i == 4
    assert attributes["direction"].s == b"bidirectional"
    if kind == "GRU":
        assert attributes["linear_before_reset"].i == 1
    if kind == "RNN":
        assert list(attributes["activations"].strings) == [b"Relu", b"Relu"]


def test_a_module_that_is_called_twice_is_stored_once(tmp_path: Path) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(3, 3, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.gru(self.gru(x)[0])[0]

    graph = write(Twice(), tmp_path).graph
    first, second = (node for node in graph.node if node.op_type == "GRU")
    assert list(first.input[1:4]) == list(second.input[1:4])
    assert first.name != second.name


def test_final_states_cost_something_only_where_they_are_used(tmp_path: Path) -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.lstm(x)[1][0][0]

    assert op_types(write(Last(), tmp_path).graph)[:2] == ["Transpose", "LSTM"]
    scanned = write(Last(), tmp_path, recurrence="scan").graph
    assert only(scanned, "Scan")
    assert "Unsqueeze" in op_types(scanned)
    assert "Unsqueeze" not in op_types(
        write(Head(nn.LSTM(3, 4, batch_first=True)), tmp_path, recurrence="scan").graph
    )


@pytest.mark.parametrize(
    "form", ["op", "scan", *(pytest.param(name, marks=pytest.mark.slow) for name in ("loop", "unrolled"))]
)
def test_names_are_unique_in_the_graph_and_its_bodies(form: str, tmp_path: Path) -> None:
    graph = write(Head(Recurrent(GRU(3, 4), 2, bidirectional=True), 8), tmp_path, recurrence=form).graph
    nodes = [node for part in (graph, *bodies(graph)) for node in part.node]
    outputs = [name for node in nodes for name in node.output if name]
    assert all(node.name for node in nodes)
    assert len({node.name for node in nodes}) == len(nodes)
    assert len(set(outputs)) == len(outputs)


@pytest.mark.parametrize(
    ("form", "streaming"),
    [
        ("op", False),
        ("scan", True),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (("op", True), ("loop", False), ("unrolled", False))
        ),
    ],
)
def test_the_same_network_gives_the_same_bytes(form: str, streaming: bool, tmp_path: Path) -> None:
    module = Head(Recurrent(GRU(3, 4)))
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write(module, tmp_path / name, torch.ones(1, 5, 3), recurrence=form, streaming=streaming)
    first, second = ((tmp_path / name / "model.onnx").read_bytes() for name in ("first", "second"))
    assert first == second


def test_nothing_of_the_machine_it_was_made_on_is_in_the_file(tmp_path: Path) -> None:
    """torch's exporter writes stack traces with paths of source files into every node."""
    write(Head(nn.LSTM(3, 4, batch_first=True)), tmp_path, recurrence="scan")
    content = (tmp_path / "model.onnx").read_bytes()
    assert b".py" not in content
    assert b"site-packages" not in content
    assert str(Path.home()).encode() not in content
