"""`edgernn run` on pen strokes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import Result

import edgernn
from edgernn.strokes import COLUMNS, Drawing, point_rows, write_drawing

Invoke = Callable[..., Result]
DOWN_UP = Drawing([[[10, 10], [10, 26], [10, 2]]])


class Side(nn.Module):
    """Says whether the pen is below or above its first point: "d" or "u"; as often as there are points."""

    def __init__(self, log: bool) -> None:
        super().__init__()
        self.log = log

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        side = 20 * rows[..., 1:2]
        if not self.log:
            return torch.cat([side, -side], -1).softmax(-1)
        return torch.cat([1 + 0 * side, side, -side], -1).log_softmax(-1)


class Whole(Side):
    """The same of the mean, once for the whole drawing."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return super().forward(rows).mean(1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pens")
    about = {"task": "handwriting", "features": COLUMNS}
    signs, symbols = {"labels": ("d", "u")}, {"vocabulary": ("<blank>", "d", "u")}
    rows = torch.randn(1, 20, 3)
    for name, model, known, options in (
        ("character", Side(False), signs, {"streaming": True}),
        ("text", Side(True), symbols, {"streaming": True}),
        ("chunked", Side(False), signs, {"streaming": True, "chunk": 40}),
        ("whole", Whole(False), signs, {}),
        ("sequence", Side(True), symbols, {}),
    ):
        edgernn.export(model.eval(), folder / f"{name}.onnx", rows, metadata={**about, **known}, **options)
    edgernn.export(nn.Identity(), folder / "numbers.onnx", torch.randn(1, 20, 2))
    for suffix in ("inkml", "csv"):
        write_drawing(folder / f"x.{suffix}", DOWN_UP)
    return folder


@pytest.mark.parametrize("suffix", ["inkml", "csv"])
def test_a_stream_tells_what_it_took_a_drawing_for(files: Path, suffix: str, invoke: Invoke) -> None:
    result = invoke("run", files / "character.onnx", files / f"x.{suffix}", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["character"] == "u"
    assert told["probabilities"]["u"] > 0.99
    # Of a height of 24 units 16 are gone down and up again before the pen is above the start.
    rows = point_rows(DOWN_UP)
    above = int(np.flatnonzero(rows[:, 1] < 0)[0]) + 1
    assert told["partial"] == [{"points": 1, "partial": "d"}, {"points": above, "partial": "u"}]
    lines = invoke("run", files / "character.onnx", files / f"x.{suffix}").stdout.splitlines()
    assert [line.split()[:3:2] for line in lines[:2]] == [["1", "d"], [str(above), "u"]]
    assert lines[2].startswith("u   (u 100.0%, d 0.0%)")


def test_texts_grow(files: Path, invoke: Invoke) -> None:
    told = json.loads(invoke("run", files / "text.onnx", files / "x.inkml", "--json").stdout)
    assert told["text"] == "du"
    assert [item["partial"] for item in told["partial"]] == ["d", "du"]
    assert invoke("run", files / "sequence.onnx", files / "x.inkml").stdout == "du\n"
    told = json.loads(invoke("run", files / "sequence.onnx", files / "x.inkml", "--json").stdout)
    assert told == {"text": "du"}


def test_one_answer_for_a_whole_drawing(files: Path, invoke: Invoke) -> None:
    told = json.loads(invoke("run", files / "whole.onnx", files / "x.csv", "--json").stdout)
    assert told["character"] == "d"
    assert "partial" not in told


def test_a_fixed_chunk_is_filled_up_and_a_dot_is_read(files: Path, invoke: Invoke) -> None:
    told = json.loads(invoke("run", files / "chunked.onnx", files / "x.csv", "--json").stdout)
    assert told["character"] == "u"
    write_drawing(files / "dot.csv", Drawing([[[3, 3]]]))
    told = json.loads(invoke("run", files / "character.onnx", files / "dot.csv", "--json").stdout)
    assert told["probabilities"] == {"d": 0.5, "u": 0.5}


def test_a_folder_of_drawings_is_scored(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    write_drawing(tmp_path / "in" / "a.inkml", DOWN_UP)
    write_drawing(tmp_path / "in" / "b.csv", DOWN_UP)
    result = invoke("run", files / "character.onnx", tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    a, b = (np.load(tmp_path / "out" / f"{name}.npy") for name in "ab")
    np.testing.assert_array_equal(a, b)
    assert a.shape == (1, len(point_rows(DOWN_UP)), 2)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.inkml", "<ink/>", "no trace"),
        ("x.inkml", "<ink><trace></trace></ink>", "holds no points"),
        ("x.inkml", "<svg/>", "no InkML"),
        ("x.inkml", "x,y\n1,2\n", "no XML"),
        ("x.inkml", '<!DOCTYPE ink [<!ENTITY a "1 2">]><ink><trace>&a;</trace></ink>', "document type"),
        ("x.csv", "x,z\n1,2\n", "x and y among them"),
        ("x.csv", "x,y\n", "no points"),
        ("x.csv", "x,y\n1,nan\n", "line 2, column y"),
    ],
)
def test_what_is_no_drawing_is_refused(
    files: Path, name: str, content: str, complaint: str, tmp_path: Path, invoke: Invoke
) -> None:
    (tmp_path / name).write_text(content)
    result = invoke("run", files / "character.onnx", tmp_path / name)
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())


def test_a_model_without_a_pen_says_so(files: Path, invoke: Invoke) -> None:
    result = invoke("run", files / "numbers.onnx", files / "x.inkml")
    assert result.exit_code == 2
    assert "takes none" in " ".join(result.stderr.split())
    # A table of numbers stays one for such a model, and a file that is not there is named.
    result = invoke("run", files / "character.onnx", files / "y.inkml")
    assert result.exit_code == 2
    assert "no file" in result.stderr
