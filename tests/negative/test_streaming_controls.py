"""What must never become a stream: a look into the future deep in a model, rows that meet, a lost state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import ModelProto, numpy_helper
from torch import Tensor, nn

import edgernn
from edgernn.errors import ParityError, StreamingError
from edgernn.manifest import METADATA_KEY, Manifest

X = torch.randn(2, 6, 4)


class Block(nn.Module):
    """A residual block, as there are many in one model."""

    def __init__(self, padding: tuple[int, int]) -> None:
        super().__init__()
        self.padding = padding
        self.convolution = nn.Conv1d(4, 4, 3)
        self.norm = nn.LayerNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.convolution(F.pad(x.transpose(1, 2), self.padding))
        return x + torch.relu(self.norm(y.transpose(1, 2)))


class Model(nn.Module):
    """Blocks, a recurrent layer, and what a test puts between them."""

    def __init__(
        self, paddings: list[tuple[int, int]], between: Callable[[Tensor], Tensor] = lambda y: y
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(padding) for padding in paddings)
        self.between = between
        self.gru = nn.GRU(4, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.gru(self.between(x))[0]


CAUSAL = (2, 0)


def test_a_layer_that_looks_ahead_is_found_in_a_submodule(tmp_path: Path) -> None:
    """One of three like blocks is centred; the message says which, and how long it would wait."""
    path = tmp_path / "model.onnx"
    with pytest.raises(StreamingError) as caught:
        edgernn.export(Model([CAUSAL, (1, 1), CAUSAL]), path, X, streaming=True)
    message = str(caught.value)
    assert "blocks.1" in message
    assert "lookahead=1" in message
    assert not list(tmp_path.iterdir())
    manifest = edgernn.export(Model([CAUSAL] * 3), path, X, streaming=True, check=False)
    assert manifest.lookahead_steps == 0


MIXED: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda y: y - y.mean(0, keepdim=True),
    "softmax": lambda y: torch.softmax(y, 0),
    "sum": lambda y: y.cumsum(0),
    "order": lambda y: y.flip(0),
    "neighbour": lambda y: y + torch.roll(y, 1, 0),
    "first row": lambda y: y * y[:1],
    "whole tensor": lambda y: y / y.norm(),
}


@pytest.mark.parametrize("name", MIXED)
def test_rows_of_a_batch_do_not_meet(name: str, tmp_path: Path) -> None:
    """In a pool they belong to different users."""
    with pytest.raises(StreamingError, match="cannot stream"):
        edgernn.export(Model([CAUSAL], MIXED[name]), tmp_path / "model.onnx", X, streaming=True)
    assert not list(tmp_path.iterdir())


def drop_state(model: ModelProto, number: int) -> None:
    """A state that is neither input nor output any more: each chunk starts from zero, and the file agrees."""
    (entry,) = [item for item in model.metadata_props if item.key == METADATA_KEY]
    manifest = Manifest.from_json(entry.value)
    state = manifest.states[number]
    kept = tuple(other for other in manifest.states if other is not state)
    entry.value = manifest.with_(states=kept).to_json()
    (given,) = [value for value in model.graph.input if value.name == state.input]
    (result,) = [value for value in model.graph.output if value.name == state.output]
    model.graph.input.remove(given)
    model.graph.output.remove(result)
    shape = [dim.dim_value or 1 for dim in given.type.tensor_type.shape.dim]
    batch = [dim.dim_param for dim in given.type.tensor_type.shape.dim].index("batch")
    start = numpy_helper.from_array(np.zeros(shape, np.float32), f"{state.input}_start")
    data = next(value.name for value in model.graph.input if "batch" in str(value) and value is not given)
    model.graph.initializer.append(start)
    sizes = numpy_helper.from_array(np.array([1] * len(shape), np.int64), "ones")
    where = numpy_helper.from_array(np.array([[batch]], np.int64), "where")
    model.graph.initializer.extend([sizes, where])
    nodes = [
        onnx.helper.make_node("Shape", [data], ["rows"], start=0, end=1),
        onnx.helper.make_node("ScatterND", ["ones", "where", "rows"], ["expanded"]),
        onnx.helper.make_node("Expand", [start.name, "expanded"], [state.input]),
    ]
    for node in reversed(nodes):
        model.graph.node.insert(0, node)


@pytest.mark.parametrize("number", [0, 1], ids=["convolution", "recurrent"])
def test_a_dropped_state_fails(number: int, tmp_path: Path) -> None:
    """The file loads, streams, and is right for a whole sequence in one chunk; verify says no."""
    module, path, lost = Model([CAUSAL]), tmp_path / "model.onnx", tmp_path / "lost.onnx"
    manifest = edgernn.export(module, path, X, streaming=True, check=False)
    assert len(manifest.states) == 2
    model = onnx.load(path)
    drop_state(model, number)
    onnx.checker.check_model(model)
    onnx.save(model, lost)
    whole = edgernn.load(lost).stream(2).push(X.numpy())
    with torch.no_grad():
        np.testing.assert_allclose(whole, module.eval()(X).numpy(), atol=1e-5)
    report = edgernn.verify(module, lost)
    assert not report.passed
    assert report.max_relative_error > 1e-3
    assert any(check.name == "stream = torch" for check in report.failures)
    with pytest.raises(ParityError, match="checks failed"):
        report.raise_if_failed()
