"""answer-spans from data to a device, on what its contract trains."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError, StreamingError
from edgernn.features.spans import best_span, context_and_question
from edgernn.features.tokens import tokens
from edgernn.source.scoring import score_files
from edgernn.training import Run, find_recipe, load_run, shipped_recipes
from edgernn.training.options import read_options

from .test_classifiers import exit_code, tiny_run

CONTEXT = "Émile lives in Stone Bridge and owns a hare. Ada lives in Żary and owns a pony."


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(tiny_run("answer-spans", tmp_path_factory.mktemp("reader") / "run"))


@pytest.mark.slow
def test_a_question_is_answered_with_its_place_in_the_text(
    reader: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgernn.cli import main

    float32, int8 = tmp_path / "f.onnx", tmp_path / "i.onnx"
    assert exit_code(main, "export", reader.folder, "-o", float32, "--json") == 0
    edgernn.quantize(float32, int8)
    assert edgernn.verify(reader.model, int8).passed
    asked = "What does Émile own?"
    words = tokens(CONTEXT)
    arrays = context_and_question(words, asked, reader.config.metadata.vocabulary, 8)
    result = reader.model(*map(torch.from_numpy, arrays))
    expected = best_span(*(result[name][0].detach().numpy() for name in ("start", "end")))
    line = json.dumps({"context": CONTEXT, "question": asked})
    for file, tolerance in ((float32, 1e-4), (int8, 0.1)):
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{line}\n\n{line}\n"))
        assert exit_code(main, "run", file, "-", "--json") == 0
        first, second = (json.loads(text) for text in capsys.readouterr().out.splitlines())
        assert first == second
        assert (first["start"], first["end"]) == (words[expected.start].start, words[expected.end - 1].end)
        assert first["answer"] == CONTEXT[first["start"] : first["end"]]
        assert first["probability"] == pytest.approx(expected.probability, abs=tolerance)
    monkeypatch.setattr("sys.stdin", io.StringIO(line))
    assert exit_code(main, "run", float32, "-") == 0
    answer = first["answer"]
    assert capsys.readouterr().out.startswith(f"{answer}\t{first['start']}-{first['end']}\t")
    for broken, said in (
        ("Who?", "line 2: no JSON"),
        ('["a"]', "line 2: expected"),
        ('{"context": "a", "question": " "}', "line 2: expected"),
        ('{"context": 3, "question": "a"}', "line 2: expected"),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{line}\n{broken}\n"))
        assert exit_code(main, "run", float32, "-") == 2
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_is_scored_by_what_it_answers(reader: Run, tmp_path: Path) -> None:
    edgernn.export(reader.model, tmp_path / "f.onnx", reader.example_inputs())
    found = score_files(reader.folder).score(edgernn.load(tmp_path / "f.onnx"))
    assert found == {name: reader.config.scores[name] for name in ("exact", "f1")}


@pytest.mark.slow
def test_the_check_of_a_file_notices_another_network(reader: Run, tmp_path: Path) -> None:
    edgernn.export(reader.model, tmp_path / "f.onnx", reader.example_inputs())
    assert edgernn.verify(reader.model, tmp_path / "f.onnx").passed
    other = load_run(reader.folder).model
    with torch.no_grad():
        # Start and end change places.
        other.head.weight.copy_(other.head.weight.flip(0))
        other.head.bias.copy_(other.head.bias.flip(0))
    assert not edgernn.verify(other, tmp_path / "f.onnx").passed


@pytest.mark.slow
def test_a_network_of_chance_does_not_keep_the_contract(reader: Run) -> None:
    path = shipped_recipes()["answer-spans"] / "tiny.json"
    recipe, options = reader.recipe, read_options(reader.recipe.options_type, reader.config.options)
    prepared = recipe.prepare(options, path)
    torch.manual_seed(0)
    chance = recipe.score(recipe.build(prepared.arguments).eval(), prepared)
    assert chance["f1"] < 0.5 < 0.7 <= reader.config.scores["f1"]


@pytest.mark.slow
def test_a_reader_does_not_stream(reader: Run, tmp_path: Path) -> None:
    with pytest.raises(StreamingError):
        edgernn.export(reader.model, tmp_path / "s.onnx", reader.example_inputs(), streaming=True)


def test_no_article_is_in_two_parts() -> None:
    recipe, path = find_recipe("answer-spans"), shipped_recipes()["answer-spans"] / "tiny.json"
    prepared = recipe.prepare(read_options(recipe.options_type, {}), path)
    parts = [{item.article for item in part.items} for part in
             (prepared.train, prepared.validation, prepared.test)]  # fmt: skip
    assert [len(part) for part in parts] == [21, 3, 6]
    assert len(set.union(*parts)) == 30
    # A training target is the answer, as it is written.
    for n, item in enumerate(prepared.train.items):
        first, last = prepared.train[n][2].tolist()
        assert prepared.train.text(n, first, last + 1) == item.answers[0].text
    context, question, _ = prepared.train[0]
    assert context.dtype == question.dtype == torch.int64
    assert np.all(context.numpy() > 0)


def test_one_article_alone_cannot_be_split(tmp_path: Path) -> None:
    answers = [{"text": "Żary", "answer_start": CONTEXT.index("Żary")}]
    article = {"paragraphs": [{"context": CONTEXT, "qas": [{"question": "Where?", "answers": answers}]}]}
    (tmp_path / "a.json").write_text(json.dumps({"data": [article]}))
    recipe = find_recipe("answer-spans")
    for data, said in ((tmp_path / "a.json", "of 1 samples, 0 would be the test part"), (None, "--data")):
        with pytest.raises(InputError, match=said):
            recipe.prepare(read_options(recipe.options_type, {}), data)
