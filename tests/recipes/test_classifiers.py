"""The recipes that classify, from data to a device, and on real data where they are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn.training import load_run, read_contract, shipped_recipes, train
from edgernn.training.recipe import DATA_FOLDER_VARIABLE


def tiny_run(name: str, out: Path) -> Path:
    folder = shipped_recipes()[name]
    tiny = read_contract(folder).tiny
    train(name, data=folder / tiny.data, options=tiny.options, out=out, quiet=True)
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("name", "streaming"), [("text-classify", False), ("sensor-activity", True)])
def test_from_data_to_a_device(name: str, streaming: bool, tmp_path: Path) -> None:
    run = load_run(tiny_run(name, tmp_path / "run"))
    float32, int8 = tmp_path / "f.onnx", tmp_path / "i.onnx"
    about = run.config.metadata
    metadata = {"task": about.task, "labels": about.labels, "vocabulary": about.vocabulary}
    edgernn.export(run.model, float32, run.example_inputs(), streaming=streaming, metadata=metadata)
    edgernn.quantize(float32, int8)
    assert edgernn.verify(run.model, int8).passed
    session = edgernn.load(int8)
    manifest = session.manifest
    assert (manifest.labels, manifest.vocabulary) == (about.labels, about.vocabulary)
    (example,) = (tensor.numpy() for tensor in run.example_inputs())
    if streaming:
        example = example[:, : example.shape[1] // manifest.hop * manifest.hop]
    given = session.stream(len(example)).push(example) if streaming else session.run(example)
    expected = run.model(run.example_inputs()[0]).detach().numpy()
    if streaming:
        given, expected = given[:, -1], expected[:, given.shape[1] - 1]
    assert np.array_equal(given.argmax(-1), expected.argmax(-1))


@pytest.mark.slow
def test_texts_are_labelled_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    from edgernn.cli import main

    run = tiny_run("text-classify", tmp_path / "run")
    file = tmp_path / "m.onnx"
    assert exit_code(main, "export", run, "-o", file, "--json") == 0
    capsys.readouterr()
    lines = "the fan is terrible and loud\n\nthis lamp is great value\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert exit_code(main, "run", file, "-", "--json") == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["label"] for answer in answers] == ["bad", "good"]
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1)


def exit_code(main: object, *words: object) -> int:
    import sys

    before = sys.argv
    sys.argv = ["edgernn", *map(str, words)]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = before
    return 0


# The quick ones of contract.toml's benchmarks; tools/score_recipes.py measures all.
REAL = [("sensor-activity", "BasicMotions"), ("text-classify", "TREC")]


@pytest.mark.slow
@pytest.mark.skipif(DATA_FOLDER_VARIABLE not in os.environ, reason=f"needs ${DATA_FOLDER_VARIABLE}")
@pytest.mark.parametrize(("name", "start"), REAL)
def test_real_data_reach_what_they_are_to_reach(name: str, start: str, tmp_path: Path) -> None:
    found = read_contract(shipped_recipes()[name]).benchmarks
    (benchmark,) = (item for item in found if item.name.startswith(start))
    report = train(name, data=benchmark.data, options=benchmark.options, out=tmp_path / "run", quiet=True)
    assert benchmark.reached(report.scores[benchmark.score]), report.scores
    assert not benchmark.reached(report.scores[f"{benchmark.score}/majority"])
