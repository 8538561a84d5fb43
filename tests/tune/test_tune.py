"""A search writes the best file, drops what is not proven, and goes on where it was interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.tune import search


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 16, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(x)[0])


NETWORK = Network().eval()
EXAMPLE = torch.randn(1, 12, 3, generator=torch.Generator().manual_seed(0))
SMALL = {"recurrences": ["op", "unrolled"], "schemes": ["float32", "int8"], "threads": [1], "rounds": 1}


def tune(out: Path, **changed: object) -> edgernn.TuneReport:
    return edgernn.tune(NETWORK, EXAMPLE, out=out, **{**SMALL, **changed})


def test_the_chosen_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    report = tune(tmp_path / "out")
    assert [file.name for file in report.files] == [
        "op.float32.any.onnx", "op.int8.any.onnx", "op.float32.1.onnx", "op.int8.1.onnx",
        "unrolled.float32.1.onnx", "unrolled.int8.1.onnx",
    ]  # fmt: skip
    assert not any(file.dropped for file in report.files)
    assert len(report.trials) == 2 * len(report.files)  # with and without the memory arena
    assert edgernn.verify(NETWORK, report.path).passed
    stream = edgernn.load(report.path, **report.load_options).stream()
    found = np.concatenate([stream.push(EXAMPLE[:, t : t + 1].numpy()) for t in range(12)], axis=1)
    np.testing.assert_allclose(found, NETWORK(EXAMPLE).detach().numpy(), atol=0.05)
    written = json.loads((tmp_path / "out" / "tune.json").read_text(encoding="utf-8"))
    assert written == json.loads(report.to_json())
    assert written["best"]["file"]["name"] == report.best.file.name
    assert (tmp_path / "out" / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_sequence_files_of_one_length(tmp_path: Path) -> None:
    report = tune(tmp_path / "out", streaming=False, length=7, schemes=["float32"])
    assert [file.steps for file in report.files] == [7, 7]
    assert edgernn.load(report.path).run(EXAMPLE[:, :7].numpy()).shape == (1, 7, 2)


def test_only_the_schemes_that_were_asked_for_race(tmp_path: Path) -> None:
    report = tune(tmp_path / "out", schemes=["int8"], recurrences=["op"], chunks=[1])
    assert {file.scheme for file in report.files} == {"float32", "int8"}, "int8 files have a source"
    assert {trial.file.scheme for trial in report.trials} == {"int8"}
    assert report.best.file.scheme == "int8"
    assert {trial.file.scheme for trial in report.pareto} == {"int8"}


def test_an_interrupted_search_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class InterruptionError(Exception):
        pass

    def stop(name: str, done: int, total: int) -> None:
        if done == 3:
            raise InterruptionError

    out, options = tmp_path / "out", {"chunks": [1]}
    with pytest.raises(InterruptionError):
        tune(out, progress=stop, **options)
    assert not (out / "model.onnx").exists()
    (out / "files" / "op.int8.any.onnx").write_bytes(b"damaged")
    made: list[str] = []
    for name in ("export", "quantize"):
        original = getattr(search, name)

        def counted(*args: object, _original: object = original, **named: object) -> object:
            made.append(str(args[1]))
            return _original(*args, **named)  # type: ignore[operator]

        monkeypatch.setattr(search, name, counted)
    report = tune(out, **options)
    # Two whole files were there already; the damaged one and those that were missing are made.
    assert len(made) == len(report.files) - 2
    assert edgernn.verify(NETWORK, report.path).passed
    assert sorted(path.name for path in (out / "files").iterdir()) == sorted(f.name for f in report.files)


def test_what_is_over_the_budget_is_dropped(tmp_path: Path) -> None:
    report = tune(tmp_path / "out", max_error=1e-5, prefer="size", recurrences=["op"], chunks=[1])
    assert [bool(file.dropped) for file in report.files] == [False, True, False, True]
    assert report.best.file.scheme == "float32"
    assert {path.name for path in (tmp_path / "out" / "files").iterdir()} == {
        file.name for file in report.files if not file.dropped
    }
    with pytest.raises(edgernn.EdgeRNNError, match=r"no file is within what is allowed.*op\.float32\.any"):
        tune(tmp_path / "none", max_error=1e-12, recurrences=["op"], chunks=[1])


def test_a_file_with_a_wrong_weight_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = search.quantize

    def wrong(src: Path, dst: Path, **options: object) -> None:
        right(src, dst, **options)
        model = ir.load(dst)
        scale = next(v for name, v in model.graph.initializers.items() if name.endswith("R_scale"))
        scale.const_value = ir.tensor(2 * scale.const_value.numpy(), name=scale.name)
        ir.save(model, dst)

    monkeypatch.setattr(search, "quantize", wrong)
    report = tune(tmp_path / "out", recurrences=["op"], chunks=[1])
    assert all("checks failed" in file.dropped for file in report.files if file.scheme == "int8")
    assert report.best.file.scheme == "float32"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"recurrences": ["op", "nothing"]}, "recurrences: found.*'nothing'"),
        ({"schemes": []}, "schemes"),
        ({"threads": [0]}, "threads: expected one or more whole numbers from 1"),
        ({"chunks": []}, "chunks"),
        ({"prefer": "beauty"}, "prefer: expected 'speed' or 'size', found 'beauty'"),
        ({"max_error": -1.0}, "max_error"),
        ({"rounds": 0}, "rounds"),
        ({"length": 5}, "length: a stream has no length"),
        ({"streaming": False, "length": 5, "chunks": [4]}, "chunks: with length=5"),
    ],
)
def test_wrong_arguments(changed: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(edgernn.EdgeRNNError, match=message):
        tune(tmp_path / "out", **changed)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy")
    with pytest.raises(edgernn.EdgeRNNError, match="not the folder of a search"):
        tune(tmp_path, chunks=[1])
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("memory", "message"),
    [("{", "cannot be read"), ('{"version": 1, "question": {}, "files": []}', "search for another network")],
)
def test_answers_to_another_question_are_refused(memory: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "files.json").write_text(memory)
    with pytest.raises(edgernn.EdgeRNNError, match=message):
        tune(tmp_path, chunks=[1])


def test_a_network_that_cannot_stream_is_refused_as_such(tmp_path: Path) -> None:
    both = nn.Sequential(edgernn.Recurrent(edgernn.GRU(3, 4), bidirectional=True))
    with pytest.raises(edgernn.EdgeRNNError, match="backward"):
        edgernn.tune(both.eval(), EXAMPLE, out=tmp_path / "out", chunks=[1])
