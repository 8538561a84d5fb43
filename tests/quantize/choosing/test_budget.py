"""A budget on real files: sensitivity, the file that is written, and its report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import edgernn
from edgernn.errors import InputError, MissingDependencyError, QuantizationError
from edgernn.quantize.choosing.page import write_report
from edgernn.quantize.choosing.scores import score_output

X = torch.randn(16, 12, 24, generator=torch.Generator().manual_seed(0))


class Stack(nn.Module):
    """An LSTM whose cell gate rounds badly, a GRU and a head; inputs (batch, time, 24)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a = nn.LSTM(24, 48, batch_first=True)
        self.b = nn.GRU(48, 40, batch_first=True)
        self.head = nn.Linear(40, 12)
        with torch.no_grad():
            # In each block of the gate's rows one weight is large, and the others get few levels.
            self.a.weight_hh_l0[96:144, ::16] *= 12

    def forward(self, x):
        return self.head(self.b(self.a(x)[0])[0])


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> tuple[nn.Module, Path]:
    path = tmp_path_factory.mktemp("stack") / "float.onnx"
    model = Stack().eval()
    edgernn.export(model, path, X[:2], check=False)
    return model, path


def test_what_hurts_stays_in_more_bits(stack, tmp_path):
    model, path = stack
    out = tmp_path / "small.onnx"
    plain = edgernn.quantize(path, tmp_path / "int4.onnx", scheme="int4", calibration=X.numpy())
    eight = edgernn.quantize(path, tmp_path / "int8.onnx", scheme="int8", calibration=X.numpy())
    bound = 0.7 * plain.error.max_abs
    report = edgernn.quantize(path, out, scheme="int4", calibration=X.numpy(), budget=f"max-error={bound}")
    assert report.error.max_abs <= bound < plain.error.max_abs
    assert plain.bytes_after < report.bytes_after < eight.bytes_after
    assert {tensor.scheme for tensor in report.quantized} == {"int4", "int8"}
    assert report.bytes_after == out.stat().st_size
    onnx.checker.check_model(str(out), full_check=True)
    assert edgernn.load(out).manifest.scheme == "int4"
    choice = report.choice
    assert choice.exhaustive
    assert choice.value == report.error.max_abs
    smaller = [trial for trial in choice.trials if trial.bytes < choice.trials[choice.chosen].bytes]
    assert smaller
    assert not any(trial.holds for trial in smaller)
    assert edgernn.verify(model, out, example_inputs=X).passed


@pytest.mark.parametrize("scheme", ["int8", "int8-stable"])
def test_half_floats_come_before_float32(stack, tmp_path, scheme):
    model, path = stack
    words = {"scheme": scheme, "calibration": X.numpy()}
    plain = edgernn.quantize(path, tmp_path / "plain.onnx", **words)
    bound = 0.6 * plain.error.max_abs
    out = tmp_path / "s.onnx"
    report = edgernn.quantize(path, out, **words, budget=f"max-error={bound}")
    assert {tensor.scheme for tensor in report.quantized} == {scheme, "fp16"}
    assert report.error.max_abs <= bound
    assert edgernn.verify(model, out, example_inputs=X).passed


def test_each_layer_and_gate_is_measured_alone(stack, tmp_path):
    _, path = stack
    report = edgernn.quantize(
        path, tmp_path / "s.onnx", scheme="int4", calibration=X.numpy(), budget="max-error=10"
    )
    layers = {(item.layer, item.scheme): item for item in report.choice.layers}
    assert {layer for layer, _ in layers} == {"a.l0 (LSTM)", "b.l0 (GRU)", "node_MatMul_1 (MatMul)"}
    lstm = layers["a.l0 (LSTM)", "int4"]
    alone = edgernn.quantize(
        path, tmp_path / "a.onnx", scheme="int4", calibration=X.numpy(), keep=["b.l0", "node_MatMul_1"]
    )
    assert lstm.max_error == pytest.approx(alone.error.max_abs, rel=1e-4)
    assert set(lstm.gates) == {"input", "output", "forget", "cell"}
    assert max(lstm.gates, key=lstm.gates.get) == "cell"
    assert lstm.gates["cell"] > 2 * max(error for gate, error in lstm.gates.items() if gate != "cell")
    assert set(layers["b.l0 (GRU)", "int8"].gates) == {"update", "reset", "hidden"}
    assert layers["node_MatMul_1 (MatMul)", "int8"].gates == {}
    assert lstm.max_error > layers["a.l0 (LSTM)", "int8"].max_error


def test_a_score_on_labelled_data(stack, tmp_path):
    model, path = stack
    labels = model(X).argmax(-1).numpy()

    def quantize(budget: str, targets: np.ndarray) -> edgernn.QuantizationReport:
        return edgernn.quantize(
            path, tmp_path / "s.onnx", scheme="int4", calibration=X.numpy(), budget=budget, targets=targets
        )

    report = quantize("accuracy>=0.97", labels)
    found = edgernn.load(tmp_path / "s.onnx").run(X.numpy()).argmax(-1)
    assert np.mean(found == labels) == report.choice.value >= 0.97
    assert report.choice.float32 == 1.0
    with pytest.raises(QuantizationError, match="even the float32 file has accuracy"):
        quantize("accuracy>=0.97", (labels + 1) % 12)
    with pytest.raises(InputError, match="there is no score 'f1'; measured are accuracy"):
        quantize("f1>=0.5", labels)
    with pytest.raises(InputError, match="do not fit the output of shape"):
        quantize("accuracy>=0.5", labels[:, :3])


def test_a_budget_that_only_float32_meets(stack, tmp_path):
    _, path = stack
    with pytest.raises(
        QuantizationError, match=r"max-error ≤ 1e-09 holds for the float32 file alone; the nea"
    ):
        edgernn.quantize(path, tmp_path / "s.onnx", budget="max-error=1e-9")
    with pytest.raises(InputError, match="the score 'accuracy' needs labelled data: a run folder"):
        edgernn.quantize(path, tmp_path / "s.onnx", budget="accuracy>=0.9")
    assert not list(tmp_path.iterdir()), "nothing is left of a refused call"


def test_what_is_kept_is_not_in_the_choice(stack, tmp_path):
    _, path = stack
    report = edgernn.quantize(path, tmp_path / "s.onnx", budget="max-error=10", keep=["a.l0"])
    assert {item.layer for item in report.choice.layers} == {"b.l0 (GRU)", "node_MatMul_1 (MatMul)"}
    assert {tensor.name for tensor in report.left if "asked" in tensor.reason} == {
        "a.l0.W",
        "a.l0.R",
        "a.l0.B",
    }


def test_the_report_is_a_folder(stack, tmp_path):
    _, path = stack
    folder = tmp_path / "report"
    report = edgernn.quantize(path, tmp_path / "s.onnx", calibration=X.numpy(), budget="max-error=10")
    write_report(folder, report)
    data = json.loads((folder / "report.json").read_text("utf-8"))
    taken = data["choice"]["trials"][data["choice"]["chosen"]]
    assert taken["bytes"] == pytest.approx(report.bytes_after, abs=300)  # but for the note on parity
    assert taken["schemes"] == dict.fromkeys(taken["schemes"], "int8")
    assert data["choice"]["layers"][0]["gates"]
    page = (folder / "report.html").read_text("utf-8")
    assert "http" not in page
    assert page.count("data:image/png;base64,") == 3
    assert all(tensor.name in page for tensor in report.tensors)
    assert "node_MatMul_1 (MatMul)" in page
    for name in ("errors", "sizes", "trials"):
        assert (folder / "pictures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    plain = edgernn.quantize(path, tmp_path / "p.onnx")
    write_report(folder / "plain", plain)
    assert (folder / "plain" / "report.html").read_text("utf-8").count("data:image/png") == 1


def test_a_report_without_the_packages_to_draw(stack, tmp_path, monkeypatch):
    _, path = stack
    report = edgernn.quantize(path, tmp_path / "s.onnx")
    with pytest.raises(InputError, match="is a file; name a folder"):
        write_report(tmp_path / "s.onnx", report)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"'matplotlib'.*pip install 'edgernn\[train\]'"):
        write_report(tmp_path / "report", report)
    assert not (tmp_path / "report").exists()


def test_scores_of_outputs():
    output = np.zeros((2, 3, 4), np.float32)
    output[0, :, 1], output[1, :, 2] = 1, 1
    assert score_output(output, np.array([[1, 1, 1], [2, 2, 0]]), 1) == {"accuracy": pytest.approx(5 / 6)}
    assert score_output(output, np.array([1, 0]), 1) == {"accuracy": 0.5}, "the last step of each row"
    assert score_output(output, output + 2, 1) == {"rmse": 2.0, "mae": 2.0}
    with pytest.raises(InputError, match=r"Give integers of shape \(2, 3\) or \(2,\) as classes"):
        score_output(output, np.zeros(5), 1)
