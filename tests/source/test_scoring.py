"""A file's score is the file's, not the network's that it was exported from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import edgernn
from edgernn.source.scoring import score_files
from edgernn.training import finetune, load_run, train

LABELS = ("good", "bad", "odd")


def texts(file: Path, labels: tuple[str, ...], words: str) -> Path:
    lines = [f"{label}\t{words} {n} it is {label}" for n in range(12) for label in labels]
    file.write_text("label\ttext\n" + "\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scoring")
    options = {
        "embedding_size": 6, "hidden_size": 6, "batch_size": 8, "learning_rate": 0.05, "max_epochs": 6,
        "minimum_count": 1, "test_size": 0.25,
    }  # fmt: skip
    data = texts(folder / "a.tsv", LABELS[:2], "number")
    train("text-classify", data=data, options=options, out=folder / "run", quiet=True)
    return folder / "run"


def test_a_classifiers_file_has_a_score_of_its_own(run_folder: Path, tmp_path: Path) -> None:
    run = load_run(run_folder)
    edgernn.export(run.model, tmp_path / "right.onnx", run.example_inputs(), check=False)
    with torch.no_grad():
        run.model.head.weight.neg_()
        run.model.head.bias.neg_()
    edgernn.export(run.model, tmp_path / "wrong.onnx", run.example_inputs(), check=False)
    score = score_files(run_folder).score
    right, wrong = (score(edgernn.load(tmp_path / name)) for name in ("right.onnx", "wrong.onnx"))
    own = {name: value for name, value in run.config.scores.items() if "/" not in name}
    assert right == pytest.approx(own)
    assert right["accuracy"] >= 0.9
    assert wrong["accuracy"] <= 0.1


def test_a_finetuned_run_keeps_its_vocabulary_when_files_are_scored(run_folder: Path, tmp_path: Path) -> None:
    new = texts(tmp_path / "b.tsv", LABELS, "quite another word")
    finetune("text-classify", run_folder, data=new, out=tmp_path / "run", max_epochs=2, quiet=True)
    run = load_run(tmp_path / "run")
    edgernn.export(run.model, tmp_path / "m.onnx", run.example_inputs(), check=False)
    found = score_files(tmp_path / "run").score(edgernn.load(tmp_path / "m.onnx"))
    assert found == pytest.approx({name: run.config.scores[name] for name in found}, abs=1e-6)
