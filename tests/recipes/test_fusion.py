"""fusion: two inputs with clocks of their own, together better than each alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.training import find_recipe, finetune, load_run, read_contract, shipped_recipes, train
from edgernn.training.options import read_options

FOLDER = shipped_recipes()["fusion"]
TINY = read_contract(FOLDER).tiny


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fusion") / "run"
    train("fusion", data=FOLDER / TINY.data, options=TINY.options, out=out, quiet=True)
    return out


@pytest.mark.slow
def test_both_inputs_are_better_than_each_alone(run_folder: Path, tmp_path: Path) -> None:
    both = load_run(run_folder).config.scores["accuracy"]
    for alone in ("signal", "text"):
        options = {**TINY.options, "inputs": alone}
        report = train("fusion", data=FOLDER / TINY.data, options=options, out=tmp_path / alone, quiet=True)
        assert f"learned from the {alone} alone" in report.source
        # Each input tells two of four labels apart.
        assert report.scores["accuracy"] < both - 0.15


@pytest.mark.slow
def test_from_data_to_a_device(run_folder: Path, tmp_path: Path) -> None:
    run = load_run(run_folder)
    about = run.config.metadata
    float32, int8 = tmp_path / "f.onnx", tmp_path / "i.onnx"
    metadata = {"task": about.task, "labels": about.labels, "vocabulary": about.vocabulary}
    manifest = edgernn.export(run.model, float32, run.example_inputs(), metadata=metadata)
    assert [spec.dims for spec in manifest.inputs] == [("batch", "time", 2), ("batch", "symbols")]
    edgernn.quantize(float32, int8)
    assert edgernn.verify(run.model, int8).passed
    session = edgernn.load(int8)
    right = 0
    lines = (FOLDER / TINY.data).read_text(encoding="utf-8").splitlines()
    for line in lines:
        record = json.loads(line)
        signal = np.array([record["values"]], np.float32)
        text = np.array([[value + 1 for value in record["text"].encode()]])
        right += session.manifest.labels[session.run(signal, text).argmax()] == record["label"]
    assert right > 0.9 * len(lines)


@pytest.mark.slow
def test_finetuning_takes_other_pairs(run_folder: Path, tmp_path: Path) -> None:
    report = finetune(
        "fusion", run_folder, data=FOLDER / TINY.data, out=tmp_path / "tuned", max_epochs=1, quiet=True
    )
    assert not report.training.drawn_anew


def test_padding_touches_no_answer() -> None:
    recipe = find_recipe("fusion")
    prepared = recipe.prepare(read_options(recipe.options_type, TINY.options), FOLDER / TINY.data)
    torch.manual_seed(0)
    model = recipe.build(prepared.arguments).eval()
    recipe.initialise(model, prepared)
    samples = [prepared.test[n] for n in range(6)]
    together, classes = recipe.predict(model, recipe.collate()(samples))
    alone = recipe.probabilities(model, prepared.test)[:6]
    torch.testing.assert_close(together.softmax(-1), alone)
    assert len({len(signal) for (signal, _), _ in samples}) > 1
    assert classes.tolist() == [cls for _, cls in samples]


def recordings(folder: Path) -> Path:
    for label in ("Walk_fast", "Sit_down"):
        (folder / label).mkdir()
        for n in range(12):
            lines = "\n".join(f"{n + step} {step % 3}" for step in range(40))
            (folder / label / f"r{n}.txt").write_text(lines)
    return folder


def is_part(text: str, word: str) -> bool:
    letters = iter(word)
    return all(letter in letters for letter in text)


def test_a_folder_gets_garbled_texts_and_says_so(tmp_path: Path) -> None:
    recipe = find_recipe("fusion")
    options = {"garble": 0.5, "keep": 16}
    data = recordings(tmp_path)
    prepared = recipe.prepare(read_options(recipe.options_type, options), data)
    assert "each letter lost with a probability of 0.5, 16 samples of each signal kept" in prepared.source
    assert {len(signal) for signal in prepared.train.sequences} == {16}
    texts = {bytes((ids - 1).tolist()).decode() for ids in prepared.train.texts}
    assert len(texts) > 5
    # What is left of a text stands in its label in the same order.
    for text in texts - {"?"}:
        assert any(is_part(text, word) for word in ("walk fast", "sit down"))
    assert 2 < sum(map(len, texts)) / len(texts) < 6
    again = recipe.prepare(read_options(recipe.options_type, options), data)
    assert again.fingerprint == prepared.fingerprint
    other = recipe.prepare(read_options(recipe.options_type, {**options, "split_seed": 1}), data)
    assert other.fingerprint != prepared.fingerprint


def test_a_table_with_texts(tmp_path: Path) -> None:
    rows = [
        f"{n},{'ab'[n % 2]},{'left' if n % 2 else 'right'},{n + step},{step}"
        for n in range(16)
        for step in range(10)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["id,side,note,x,y", *rows]))
    recipe = find_recipe("fusion")
    names = {"recording_column": "id", "label_column": "side", "text_column": "note"}
    prepared = recipe.prepare(read_options(recipe.options_type, names), tmp_path / "t.csv")
    assert prepared.metadata.labels == ("a", "b")
    assert prepared.train.sequences[0].shape == (10, 2)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"values": [[1]], "label": "a"}\n', "line 1: there is no key 'text'"),
        ("a.jsonl", b'{"values": [[1]], "text": "", "label": "a"}\n', "line 1: 'text' is empty"),
        ("a.jsonl", b'{"values": [1], "text": "b", "label": "a"}\n', "line 1: values must be a list of time"),
        (
            "a.jsonl",
            b'\n{"values": [[1], [1, 2]], "text": "b", "label": "a"}',
            "line 2: time steps have 1 and 2 values",
        ),
        ("a.jsonl", b'{"values": [["x"]], "text": "b", "label": "a"}\n', "line 1: 'x' is no number"),
        ("a.csv", b"recording,label,text,x\n1,a,b\n", "line 2: 3 cells, the header has 4"),
        ("a.csv", b"recording,label,text,x\n1,a,\xff,1\n", "is not utf-8 text: byte 0xFF in line 2"),
        ("a.csv", b"", "is empty"),
    ],
)
def test_broken_files_are_refused_with_their_line(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    recipe = find_recipe("fusion")
    with pytest.raises(InputError, match=said):
        recipe.prepare(read_options(recipe.options_type, {}), tmp_path / name)


def test_without_data_it_says_what_to_name() -> None:
    recipe = find_recipe("fusion")
    with pytest.raises(InputError, match="this recipe comes without data"):
        recipe.prepare(read_options(recipe.options_type, {}), None)
