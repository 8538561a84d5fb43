"""Names, dimensions, operator set, and that the manifest says what the graph says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn import LSTM, Recurrent
from edgernn.manifest import METADATA_KEY, Manifest

from .protos import Head, dims, write

IR_VERSIONS = {18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}


class Pair(nn.Module):
    """Two inputs, of which one has no time; three outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 4, batch_first=True)

    def forward(self, audio: Tensor, speaker: Tensor) -> dict[str, Any]:
        y, h = self.gru(audio)
        return {"frames": y + speaker.unsqueeze(1), "state": h, "last": y[:, -1]}


def manifest_of(model: onnx.ModelProto) -> Manifest:
    (text,) = [item.value for item in model.metadata_props if item.key == METADATA_KEY]
    return Manifest.from_json(text)


@pytest.mark.parametrize("opset", sorted(IR_VERSIONS))
def test_the_operator_set_is_the_one_asked_for(opset: int, tmp_path: Path) -> None:
    module = Head(Recurrent(LSTM(3, 4)))
    model = write(module, tmp_path, opset=opset)
    onnx.checker.check_model(model, full_check=True)
    assert [item.version for item in model.opset_import if item.domain == ""] == [opset]
    assert model.ir_version == IR_VERSIONS[opset]
    assert manifest_of(model).opset == opset
    assert edgernn.verify(module, tmp_path / "model.onnx").passed


@pytest.mark.parametrize("opset", [18, pytest.param(20, marks=pytest.mark.slow), 23])
@pytest.mark.parametrize("form", ["scan", "loop", pytest.param("unrolled", marks=pytest.mark.slow)])
def test_other_forms_in_other_operator_sets(form: str, opset: int, tmp_path: Path) -> None:
    module = Head(Recurrent(edgernn.GRU(3, 4)))
    model = write(module, tmp_path, opset=opset, recurrence=form)
    onnx.checker.check_model(model, full_check=True)
    assert edgernn.verify(module, tmp_path / "model.onnx").passed


def test_batch_and_time_have_names(tmp_path: Path) -> None:
    model = write(
        Pair(), tmp_path, (torch.randn(1, 5, 3), torch.randn(1, 4)), dims={"speaker": ("batch", None)}
    )
    assert dims(model.graph.input) == {"audio": ("batch", "time", 3), "speaker": ("batch", 4)}
    assert dims(model.graph.output) == {
        "frames": ("batch", "time", 4), "state": (1, "batch", 4), "last": ("batch", 4),
    }  # fmt: skip


def test_dims_may_have_other_names(tmp_path: Path) -> None:
    model = write(
        Pair(),
        tmp_path,
        (torch.randn(1, 5, 3), torch.randn(1, 4)),
        dims={"audio": ("batch", "time", None), "speaker": ("batch", None)},
        output_names=["y", "h", "z"],
    )
    assert list(dims(model.graph.output)) == ["y", "h", "z"]


def test_a_fixed_length_is_a_number_in_the_graph(tmp_path: Path) -> None:
    module = Head(nn.LSTM(3, 4, batch_first=True))
    model = write(module, tmp_path, length=9)
    assert dims([*model.graph.input, *model.graph.output]) == {
        "x": ("batch", 9, 3),
        "output": ("batch", 9, 2),
    }
    assert manifest_of(model).inputs[0].time_dim == 1
    session = edgernn.load(tmp_path / "model.onnx")
    assert session.run(np.zeros((2, 9, 3), np.float32)).shape == (2, 9, 2)
    with pytest.raises(edgernn.EdgeRNNError):
        session.run(np.zeros((2, 8, 3), np.float32))


def test_unrolled_takes_the_length_of_the_example(tmp_path: Path) -> None:
    model = write(Head(nn.GRU(3, 4, batch_first=True)), tmp_path, torch.randn(1, 6, 3), recurrence="unrolled")
    assert dims(model.graph.input) == {"x": ("batch", 6, 3)}


@pytest.mark.parametrize("chunk", [None, 1, 4])
def test_states_have_names_that_pair_and_sort(chunk: int | None, tmp_path: Path) -> None:
    model = write(Head(Recurrent(LSTM(3, 4), 2)), tmp_path, streaming=True, chunk=chunk)
    steps = chunk or "time"
    assert dims(model.graph.input)["x"] == ("batch", steps, 3)
    assert dims(model.graph.output)["output"] == ("batch", steps, 2)
    manifest = manifest_of(model)
    inputs, outputs = (
        [value.name for value in model.graph.input],
        [value.name for value in model.graph.output],
    )
    assert inputs == ["x", *(state.input for state in manifest.states)]
    assert outputs == ["output", *(state.output for state in manifest.states)]
    assert sorted(inputs[1:]) == inputs[1:]
    assert sorted(outputs[1:]) == outputs[1:]
    for state in manifest.states:
        assert state.input.removesuffix("_in") == state.output.removesuffix("_out")
        assert (
            dims(model.graph.input)[state.input] == dims(model.graph.output)[state.output] == (1, "batch", 4)
        )
    assert [(state.layer, state.name) for state in manifest.states] == [
        ("recurrent.l0", "h"), ("recurrent.l0", "c"), ("recurrent.l1", "h"), ("recurrent.l1", "c"),
    ]  # fmt: skip


@pytest.mark.parametrize("streaming", [False, True])
def test_the_manifest_says_what_the_graph_says(streaming: bool, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    returned = edgernn.export(Head(Recurrent(LSTM(3, 4), 2)), path, torch.randn(1, 5, 3), streaming=streaming)
    model = onnx.load(path)
    manifest = manifest_of(model)
    assert manifest == returned == edgernn.load(path).manifest
    tensors = {**dims(model.graph.input), **dims(model.graph.output)}
    assert {spec.name: spec.dims for spec in (*manifest.inputs, *manifest.outputs)} == {
        name: value for name, value in tensors.items() if not name.startswith("state_")
    }
    assert manifest.recurrence == "op"
    assert [(layer.name, layer.cell, layer.input_size, layer.hidden_size) for layer in manifest.layers] == [
        ("recurrent.l0", "LSTM", 3, 4), ("recurrent.l1", "LSTM", 4, 4),
    ]  # fmt: skip
    assert model.producer_name == "edgernn"
    assert manifest.versions.keys() == {"edgernn", "torch", "onnx", "onnxscript"}


def test_a_stock_onnxruntime_runs_the_file(tmp_path: Path) -> None:
    """No custom operator, no library of edgernn: names and shapes are all that an app needs."""
    module = Head(nn.LSTM(3, 4, batch_first=True))
    write(module, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    x = torch.randn(2, 7, 3)
    (found,) = session.run(None, {"x": x.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, module(x).numpy(), rtol=1e-5, atol=1e-6)


def test_an_input_that_is_returned_and_an_output_that_is_returned_twice(tmp_path: Path) -> None:
    class Echo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(3, 3, batch_first=True)

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            y = self.gru(x)[0]
            return y, x, y

    model = write(Echo(), tmp_path)
    assert list(dims(model.graph.output)) == ["output_0", "output_1", "output_2"]
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    found = edgernn.load(tmp_path / "model.onnx").run(x)
    np.testing.assert_array_equal(found["output_1"], x)
    np.testing.assert_array_equal(found["output_0"], found["output_2"])
