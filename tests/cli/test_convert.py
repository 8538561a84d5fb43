"""export, quantize, verify and inspect."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

import edgernn


def test_export_writes_a_file_and_says_what_next(invoke, tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    result = invoke("export", "my_models:Net", "-o", file, "--streaming", "--example", "1x8x3")
    assert result.exit_code == 0, result.stderr
    assert f"Wrote {file}" in result.stdout
    assert "passed" in result.stdout
    assert f"edgernn quantize {file} -o {tmp_path / 'net-int8.onnx'}" in result.stdout
    assert edgernn.load(file).stream().push(np.zeros((1, 5, 3), np.float32)).shape == (1, 5, 2)


def test_export_options_reach_the_file(invoke, tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    result = invoke(
        "export", "my_models:changed", "-o", file, "--streaming", "--chunk", 2, "--recurrence", "scan",
        "--opset", 19, "--example", "1x8x3", "--output-names", "scores", "--labels", "no, yes",
        "--sample-rate", 50, "--unit", "g", "--task", "wake", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    manifest = edgernn.load(file).manifest
    assert json.loads(manifest.to_json()) == answer["manifest"]
    assert answer["bytes"] == file.stat().st_size
    assert (manifest.chunk, manifest.recurrence, manifest.opset) == (2, "scan", 19)
    assert (manifest.labels, manifest.sample_rate, manifest.task) == (("no", "yes"), 50.0, "wake")
    assert (manifest.outputs[0].name, manifest.inputs[0].unit) == ("scores", "g")


def test_export_with_weights(invoke, tmp_path: Path) -> None:
    source = edgernn.source.load_source("my_models:changed").model
    torch.save(source.state_dict(), tmp_path / "w.pt")
    words = ("--weights", tmp_path / "w.pt", "--example", "1x8x3")
    assert invoke("export", "my_models:Net", "-o", tmp_path / "a.onnx", *words).exit_code == 0
    assert invoke("verify", "my_models:changed", tmp_path / "a.onnx").exit_code == 0
    assert invoke("verify", "my_models:Net", tmp_path / "a.onnx").exit_code == 1


@pytest.mark.slow
def test_export_of_a_model_with_lengths(invoke, tmp_path: Path) -> None:
    file = tmp_path / "lengths.onnx"
    result = invoke("export", "my_models:Lengths", "-o", file, "--example", "4x9x3,4:int64")
    assert result.exit_code == 0, result.stderr
    assert edgernn.load(file).inputs[1].maximum == 9


@pytest.mark.slow
def test_export_with_named_dimensions(invoke, tmp_path: Path) -> None:
    file = tmp_path / "started.onnx"
    words = ("my_models:Started", "-o", file, "--example", "2x8x3,1x2x4")
    result = invoke("export", *words, "--dims", "h0=-,batch,-")
    assert result.exit_code == 0, result.stderr
    assert edgernn.load(file).inputs[1].dims == (1, "batch", 4)
    assert "--dims: 'h0' is no NAME=A,B" in invoke("export", *words, "--dims", "h0").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("my_models:Net",), "example: say which inputs"),
        (("my_models:Net", "--example", "axb"), "example: 'axb' is no shape"),
        (("my_models:Net", "--example", "1x8x3", "--recurrence", "ops"), "recurrence: 'ops' is unknown"),
        (("my_models:Net", "--example", "1x8x3", "--chunk", "2"), "chunk: only a streaming graph"),
        (("my_models:Net", "--example", "1x8x3", "--weights", "none.pt"), "weights: no file"),
        (("my_models:raises", "--example", "1x8x3"), "raised RuntimeError"),
        (("nowhere:Net", "--example", "1x8x3"), "no module 'nowhere'"),
    ],
)
def test_export_refuses_in_one_line(invoke, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    result = invoke("export", *words, "-o", tmp_path / "a.onnx")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "a.onnx").exists()


def test_verify_passes_and_shows_the_checks(invoke, streaming: Path) -> None:
    result = invoke("verify", "my_models:Net", streaming)
    assert result.exit_code == 0, result.stderr
    assert "stream = torch" in result.stdout
    assert "Passed" in result.stdout


def test_verify_fails_where_the_source_has_other_weights(invoke, streaming: Path) -> None:
    result = invoke("verify", "my_models:changed", streaming)
    assert result.exit_code == 1
    assert "The worst ones" in result.stdout
    assert "made from other weights" in result.stdout


def test_verify_fails_where_the_file_was_changed(invoke, sequence: Path, tmp_path: Path) -> None:
    model = onnx.load(sequence)
    largest = max(model.graph.initializer, key=lambda item: np.prod(item.dims))
    values = numpy_helper.to_array(largest).copy()
    values.flat[0] += 0.1
    largest.CopyFrom(numpy_helper.from_array(values, largest.name))
    onnx.save(model, tmp_path / "changed.onnx")
    result = invoke("verify", "my_models:Net", tmp_path / "changed.onnx", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["passed"] is False
    # Against itself the same file passes, so it is the weights that were seen.
    assert invoke("verify", sequence, sequence, "--json").exit_code == 0
    assert invoke("verify", sequence, tmp_path / "changed.onnx").exit_code == 1


@pytest.mark.parametrize("words", [("--weights", "a.pt"), ("--example", "1x2x3")])
def test_verify_of_two_files_takes_no_torch_options(invoke, sequence: Path, words: tuple[str, str]) -> None:
    result = invoke("verify", sequence, sequence, *words)
    assert result.exit_code == 2
    assert "are for a torch source" in result.stderr


def test_quantize_reports_what_it_did(invoke, wide: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(2, 20, 3)).astype(np.float32))
    small = tmp_path / "small.onnx"
    words = ("quantize", wide, "-o", small, "--data", tmp_path / "x.npy")
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    assert "Left in float32" in result.stdout
    assert "lstm.l0" in result.stdout
    answer = json.loads(invoke(*words, "--json").stdout)
    assert answer["bytes_after"] == small.stat().st_size < wide.stat().st_size
    assert edgernn.load(small).manifest.scheme == "int8"
    assert invoke("verify", wide, small).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scheme", "int7"), "scheme: 'int7' is unknown"),
        (("--data", "x.csv"), "data: no file at 'x.csv'"),
        (("--keep", "nothing"), "keep: the model has no weight and no node 'nothing'"),
        (("--set", "bits=3"), "options: scheme int8 has no option 'bits'"),
    ],
)
def test_quantize_refuses(invoke, wide: Path, tmp_path: Path, words: tuple[str, str], said: str) -> None:
    result = invoke("quantize", wide, "-o", tmp_path / "a.onnx", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_inspect_prints_the_manifest(invoke, streaming: Path) -> None:
    result = invoke("inspect", streaming, "--json")
    assert json.loads(result.stdout) == json.loads(edgernn.load(streaming).manifest.to_json())
    tables = invoke("inspect", streaming).stdout
    for part in ("streaming", "state h of GRU gru.l0", "Recurrent layers", "GRU", "0 steps", "float32"):
        assert part in tables


@pytest.mark.slow
def test_inspect_counts_the_nodes_within_loops(invoke, tmp_path: Path) -> None:
    file = tmp_path / "scan.onnx"
    words = ("my_models:Net", "-o", file, "--example", "1x8x3", "--recurrence", "scan")
    assert invoke("export", *words).exit_code == 0
    tables = invoke("inspect", file).stdout
    assert "Scan" in tables
    assert "Sigmoid" in tables


@pytest.mark.parametrize("name", ["inspect", "run", "verify", "quantize", "bench"])
def test_every_command_refuses_what_is_no_model(
    invoke, foreign: Path, corrupt: Path, tmp_path: Path, name
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 4, 3), np.float32))
    for file, said in (
        (foreign, "no edgernn manifest"),
        (corrupt, "is not an ONNX file, or is damaged"),
        (tmp_path / "none.onnx", "model: no file at"),
    ):
        words = {
            "run": ("run", file, tmp_path / "x.npy"),
            "verify": ("verify", "my_models:Net", file),
            "quantize": ("quantize", file, "-o", tmp_path / "small.onnx"),
        }.get(name, (name, file))
        result = invoke(*words)
        assert result.exit_code == 2, result.output
        assert said in result.stderr
        assert result.stdout == ""
