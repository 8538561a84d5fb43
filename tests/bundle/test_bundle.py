"""What `edgernn.bundle` writes and refuses, and what the golden vectors are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import edgernn
from edgernn.bundle import golden, target_names
from edgernn.bundle.describe import describe
from edgernn.bundle.render import fill
from edgernn.bundle.targets import find_target
from edgernn.errors import EdgeRNNError, InputError, ModelError

from .conftest import rewritten


@pytest.mark.parametrize("target", target_names())
def test_a_bundle_is_whole(models: dict[str, Path], tmp_path: Path, target: str) -> None:
    folder = tmp_path / "app"
    folder.mkdir()  # an empty folder may be there
    report = edgernn.bundle([models["spotter"], models["forecast"]], folder, target=target)
    files = {
        str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()
    }
    assert report.files == files
    assert json.loads(report.to_json())["size"] == report.size == sum(files.values())
    assert (report.target, report.models) == (target, ("spotter", "forecast"))
    assert report.runtime == find_target(target).RUNTIME
    readme = (folder / "README.md").read_text()
    assert report.next[0] in readme
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "@@" not in "".join(path.read_text("utf-8") for path in folder.rglob("*.md"))
    models_in_it = {path.read_bytes() for path in folder.rglob("*.onnx")}
    if target != "triton":
        assert models_in_it == {models["spotter"].read_bytes(), models["forecast"].read_bytes()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app"]


def test_the_same_model_gives_the_same_bundle(models: dict[str, Path], tmp_path: Path) -> None:
    for name in ("first", "second"):
        edgernn.bundle(models["several"], tmp_path / name, target="python")
    for path in (tmp_path / "first").rglob("*"):
        if path.is_file():
            assert (
                path.read_bytes() == (tmp_path / "second" / path.relative_to(tmp_path / "first")).read_bytes()
            )


def refused(tmp_path: Path, told: str, kind: type[EdgeRNNError], *arguments: Any, **options: Any) -> None:
    """The call raises, says why, and leaves nothing behind."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(kind, match=told):
        edgernn.bundle(*arguments, **options)
    assert sorted(tmp_path.rglob("*")) == before


def test_bad_arguments_are_refused(models: dict[str, Path], tmp_path: Path) -> None:
    model, app = models["forecast"], tmp_path / "app"
    refused(tmp_path, "Did you mean 'python'.*Known: .*cpp", InputError, model, app, target="pyton")
    refused(tmp_path, "'ar' is unknown", InputError, model, app, target="cpp", format="ar")
    refused(tmp_path, "at least one", InputError, [], app, target="cpp")
    refused(tmp_path, "no file at", InputError, tmp_path / "none.onnx", app, target="cpp")
    app.mkdir()
    (app / "mine.txt").write_text("mine")
    refused(tmp_path, "exists and is not empty", InputError, model, app, target="cpp")
    refused(tmp_path, "exists and is not empty", InputError, model, app / "mine.txt", target="cpp")


def test_files_that_make_no_app_are_refused(models: dict[str, Path], tmp_path: Path) -> None:
    edgernn.export(
        nn.GRU(2, 3, batch_first=True).eval(), tmp_path / "sequence.onnx", torch.randn(1, 4, 2), check=False
    )
    (tmp_path / "rubbish.onnx").write_bytes(b"rubbish")
    plain = onnx.load(models["forecast"])
    del plain.metadata_props[:]
    onnx.save(plain, tmp_path / "plain.onnx")
    app = tmp_path / "app"
    refused(
        tmp_path, "sequence model.*--streaming", InputError, tmp_path / "sequence.onnx", app, target="node"
    )
    refused(tmp_path, "not an ONNX file", ModelError, tmp_path / "rubbish.onnx", app, target="node")
    refused(tmp_path, "no edgernn manifest", ModelError, tmp_path / "plain.onnx", app, target="node")
    models_and_one = [models["forecast"], tmp_path / "sequence.onnx"]
    refused(tmp_path, "sequence model", InputError, models_and_one, app, target="node")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"chunk": 10**12}, "holds 6000000000000 values"),
        ({"sample_rate": float("inf")}, "sample rate of inf"),
        ({"hop": 0}, "hop of 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    models: dict[str, Path], tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    path = rewritten(models["forecast"], tmp_path / "odd.onnx", lambda _, manifest: manifest.update(change))
    refused(tmp_path, told, InputError, path, tmp_path / "app", target="cpp")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dims": ("batch", "time", "anything")}, "'anything'.*neither batch nor time"),
        ({"dtype": "float16"}, "is float16, which some runtimes"),
        ({"hop": 0}, "make no sense"),
        ({"delay": -1}, "make no sense"),
    ],
)
def test_a_tensor_that_no_app_knows_is_refused(
    models: dict[str, Path], change: dict[str, Any], told: str
) -> None:
    session = edgernn.load(models["forecast"])
    output = replace(session.manifest.outputs[0], **change)
    odd: Any = SimpleNamespace(path="odd.onnx", manifest=session.manifest.with_(outputs=(output,)))
    with pytest.raises(InputError, match=told):
        describe(odd, "odd", "model.onnx", session.digest)


def test_an_output_without_numbers_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    class Logarithm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(2, 3, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.log(self.gru(x)[0])

    path = tmp_path / "log.onnx"
    edgernn.export(Logarithm().eval(), path, torch.randn(1, 4, 2), streaming=True, check=False)
    refused(tmp_path, "NaN or infinity", ModelError, path, tmp_path / "app", target="cpp")


@pytest.mark.parametrize("name", ["spotter", "forecast", "several"])
def test_golden_vectors_hold_what_streams_must_do(models: dict[str, Path], name: str) -> None:
    session = edgernn.load(models[name])
    made = golden.golden_vectors(session, describe(session, name, "model.onnx", session.digest))
    assert made == json.loads(json.dumps(made))
    operations = {(call["op"], call["stream"]) for call in made["calls"]}
    assert {("push", 0), ("push", 1), ("reset", 0), ("snapshot", 0), ("restore", 1)} == operations
    pushes = [call for call in made["calls"] if call["op"] == "push"]
    assert len({call["steps"] for call in pushes}) > (0 if session.manifest.chunk else 2)
    assert all(0 <= item < 1 for item in made["allowed"])


@pytest.mark.parametrize("name", ["spotter", "forecast", "several"])
@pytest.mark.parametrize("mistake", ["no states", "one stream", "no reset", "no restore", "none"])
def test_golden_vectors_tell_every_mistake(models: dict[str, Path], name: str, mistake: str) -> None:
    """An app that carries no states, mixes its streams, or forgets a reset or a restore fails them."""
    session = edgernn.load(models[name])
    made = golden.golden_vectors(session, describe(session, name, "model.onnx", session.digest))
    streams = [session.stream() for _ in range(made["streams"])]
    kept = streams[0].snapshot()
    worst = 0.0
    for call in made["calls"]:
        stream = streams[0 if mistake == "one stream" else call["stream"]]
        if call["op"] == "reset" and mistake != "no reset":
            stream.reset()
        elif call["op"] == "snapshot":
            kept = stream.snapshot()
        elif call["op"] == "restore" and mistake != "no restore":
            stream.restore(kept)
        elif call["op"] == "push":
            if mistake == "no states":
                stream.reset()
            inputs = [
                np.array(values, spec.dtype).reshape([1, call["steps"], *spec.dims[2:]])
                for values, spec in zip(call["inputs"], session.inputs, strict=True)
            ]
            result = stream.push(*inputs)
            (found, *_) = result.values() if isinstance(result, dict) else [result]
            worst = max(worst, float(np.abs(found.reshape(-1) - np.array(call["outputs"][0])).max()))
    assert (worst > made["allowed"][0]) is (mistake != "none")


def test_a_template_with_an_unknown_name_is_an_error() -> None:
    assert fill("a @@b@@ c", {"b": "@@d@@"}) == "a @@d@@ c"
    with pytest.raises(KeyError):
        fill("@@b@@", {})
