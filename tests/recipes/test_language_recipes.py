"""text-generate and question-answer from data to a device, on what their contracts train."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError, StreamingError
from edgernn.features.characters import Characters
from edgernn.features.stories import sentences, story_and_question
from edgernn.runtime.sampling import write_on
from edgernn.source.scoring import score_files
from edgernn.training import Run, find_recipe, finetune, load_run, train
from edgernn.training.options import read_options

from .test_classifiers import exit_code, tiny_run


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(tiny_run("text-generate", tmp_path_factory.mktemp("writer") / "run"))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(tiny_run("question-answer", tmp_path_factory.mktemp("reader") / "run"))


def likeliest(run: Run, prompt: str, length: int) -> str:
    characters = Characters(run.config.metadata.vocabulary)
    text = prompt
    for _ in range(length):
        scores = run.model(torch.tensor([characters.encode(text)]))[0, -1]
        text += characters.decoder()(int(scores.argmax()))
    return text[len(prompt) :]


@pytest.mark.slow
def test_a_file_writes_on_as_the_network_does(
    writer: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgernn.cli import main

    file = tmp_path / "f.onnx"
    assert exit_code(main, "export", writer.folder, "-o", file, "--streaming", "--json") == 0
    expected = likeliest(writer, "The pump ", 30)
    capsys.readouterr()
    words = ("run", file, "--prompt", "The pump ", "--length", 30)
    assert exit_code(main, *words, "--temperature", 0) == 0
    assert capsys.readouterr().out == f"The pump {expected}\n"
    written = []
    for seed in (3, 3, 4):
        assert exit_code(main, *words, "--seed", seed, "--top-k", 5, "--json") == 0
        written.append(json.loads(capsys.readouterr().out)["text"])
    assert written[0] == written[1] != written[2]
    for scheme in ("int8", "int4"):
        edgernn.quantize(file, tmp_path / f"{scheme}.onnx", scheme=scheme)
        session = edgernn.load(tmp_path / f"{scheme}.onnx")
        numbers = write_on(session, Characters(session.manifest.vocabulary).encode("The pump "), 8, seed=0)
        assert len(list(numbers)) == 8


@pytest.mark.slow
def test_a_file_is_scored_by_what_it_answers(writer: Run, tmp_path: Path) -> None:
    edgernn.export(writer.model, tmp_path / "f.onnx", writer.example_inputs())
    found = score_files(writer.folder).score(edgernn.load(tmp_path / "f.onnx"))
    assert found["nats"] == pytest.approx(writer.config.scores["nats"], abs=1e-4)
    assert found["bits"] == pytest.approx(found["nats"] / np.log(2))


@pytest.mark.slow
def test_words_of_writing_on_need_a_prompt(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from edgernn.cli import main

    for words, said in (
        (("--seed", 3, "x.npy"), "--seed: it is for writing on"),
        (("--prompt", "a", "x.npy"), "takes no INPUT"),
        ((), "--prompt to write on"),
    ):
        assert exit_code(main, "run", tmp_path / "f.onnx", *words) == 2
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_finetuned_network_keeps_its_characters(writer: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("Zäune! The fan hums and the lamp waits at noon. " * 30)
    finetune("text-generate", writer.folder, data=other, options={"max_epochs": 1},
             out=tmp_path / "run", quiet=True)  # fmt: skip
    after = load_run(tmp_path / "run").config
    assert after.metadata.vocabulary == writer.config.metadata.vocabulary
    assert "ä" not in after.metadata.vocabulary
    assert after.scores["nats"] < after.scores_before["nats"]


def test_bytes_are_scored_by_the_character(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("äöü ßäß üöä. " * 60)
    options = {"hidden_size": 8, "max_epochs": 1, "symbols": "bytes", "batch_size": 4}
    scores = train("text-generate", data=file, options=options, out=tmp_path / "run", quiet=True).scores
    # All letters but the blank and the stop take two bytes.
    assert scores["nats"] > 1.5 * np.log(scores["perplexity"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"one\ntwo\nth\xe9\n", "byte 0xE9 in line 3"),
        (b"short", "is too short to put a share"),
    ],
)
def test_broken_texts_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    recipe = find_recipe("text-generate")
    options = read_options(recipe.options_type, {})
    (tmp_path / "a.txt").write_bytes(content)
    for path in (tmp_path, tmp_path / "a.txt"):
        with pytest.raises(InputError, match=said):
            recipe.prepare(options, path)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(InputError, match=r"holds no \.txt file"):
        recipe.prepare(options, tmp_path)


def test_the_parts_of_a_text_are_apart(tmp_path: Path) -> None:
    text = "".join(chr(200 + n) for n in range(100))
    (tmp_path / "a.txt").write_text(text)
    recipe = find_recipe("text-generate")
    parts = recipe.prepare(read_options(recipe.options_type, {"validation_size": 0.2}), tmp_path)
    counts = [sum(map(len, part.targets)) for part in (parts.train, parts.validation, parts.test)]
    # Of 100: the last 10, and 18 from the middle of the rest; the first of two pieces each is no target.
    assert counts == [100 - 10 - 18 - 2, 18, 10]


@pytest.mark.slow
def test_a_question_is_answered_from_lines(
    reader: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    from edgernn.cli import main

    float32, int8 = tmp_path / "f.onnx", tmp_path / "i.onnx"
    assert exit_code(main, "export", reader.folder, "-o", float32, "--json") == 0
    edgernn.quantize(float32, int8)
    assert edgernn.verify(reader.model, int8).passed
    session = edgernn.load(float32)
    story, asked = "Ada walked to the barn. Ben ran to the attic.", "Where is Ben?"
    arrays = story_and_question(sentences(story), asked, session.manifest.vocabulary, 8)
    expected = reader.model(*map(torch.from_numpy, arrays))
    best = session.manifest.labels[int(expected["probabilities"].argmax())]
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{story}\n{asked}\n\nAda ran to the barn. Where is Ada?\n"))
    assert exit_code(main, "run", float32, "-", "--json") == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["answer"] == best
    np.testing.assert_allclose(first["attention"], expected["attention"][0].detach(), atol=1e-5)
    assert second["sentence"] == "Ada ran to the barn."
    monkeypatch.setattr("sys.stdin", io.StringIO("Where is Ada?\n"))
    assert exit_code(main, "run", float32, "-") == 2
    assert "before the first sentence of its story" in capsys.readouterr().err


@pytest.mark.slow
def test_a_story_reader_does_not_stream(reader: Run, tmp_path: Path) -> None:
    with pytest.raises(StreamingError):
        edgernn.export(reader.model, tmp_path / "s.onnx", reader.example_inputs(), streaming=True)
