"""The recipe ner, from sentences to a device and on to other kinds of entities."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from edgernn.cli import main
from edgernn.errors import InputError
from edgernn.features.tokens import TokenNumbers
from edgernn.training import (
    find_recipe,
    finetune,
    load_run,
    pretrain,
    read_contract,
    shipped_recipes,
    train,
)
from edgernn.training.options import read_options
from edgernn.training.pretraining import objective_of
from edgernn.training.recipe import DATA_FOLDER_VARIABLE

FOLDER = shipped_recipes()["ner"]
TINY = read_contract(FOLDER).tiny
DATA = FOLDER / TINY.data
STREAMS = {"bidirectional": False, "characters": "convolution", "decoder": "so-far", "lookahead": 1}


def prepare(data: Path, **options: object) -> Any:
    recipe = find_recipe("ner")
    return recipe.prepare(read_options(recipe.options_type, options), data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ner") / "run"
    train("ner", data=DATA, options=TINY.options, out=out, quiet=True)
    return out


class CommandLine:
    """Runs a command and gives its exit code and what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *words: object, stdin: str = "") -> tuple[int, str]:
        self.monkeypatch.setattr("sys.argv", ["edgernn", *map(str, words)])
        self.monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self.capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = self.capsys.readouterr()
        return code, shown.out + shown.err if code else shown.out


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


def test_the_parts_are_apart_and_follow_from_the_split_seed() -> None:
    parts = prepare(DATA)
    sets = [[item.where for item in part.sentences] for part in (parts.train, parts.validation, parts.test)]
    assert list(map(len, sets)) == [72, 9, 9]
    assert len(set().union(*sets)) == 90
    again, other = prepare(DATA), prepare(DATA, split_seed=1)
    assert [item.where for item in again.test.sentences] == sets[2]
    assert again.fingerprint == parts.fingerprint != other.fingerprint
    assert parts.metadata.labels[:3] == ("O", "B-part", "I-part")
    # What stands in the test part alone is unknown to the vocabulary.
    known = set(parts.metadata.vocabulary)
    assert all(
        word.lower() in known for item in parts.train.sentences for word in item.words if word.isalpha()
    )


def test_long_sentences_are_learned_in_part_and_scored_whole(tmp_path: Path) -> None:
    parts = prepare(DATA, longest=3)
    assert max(parts.train.lengths) == 3
    recipe = find_recipe("ner")
    model = recipe.build(parts.arguments).eval()
    tags = recipe.tag(model, parts.test, parts.metadata.labels)
    assert [len(row) for row in tags] == [len(item.words) for item in parts.test.sentences]


def test_kinds_that_only_the_test_part_has_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test.conll").write_text("Ada B-person\n\nleft O\nMars B-planet\n")
    with pytest.raises(InputError, match=r"line 3: the sentence holds an entity of the kind 'planet'"):
        prepare(DATA, test_data=str(tmp_path / "test.conll"))
    (tmp_path / "none.conll").write_text("nobody O\n\nleft O\n\nat O\n\nall O\n")
    with pytest.raises(InputError, match="none of the 2 sentences to learn from holds an entity"):
        prepare(tmp_path / "none.conll", test_size=0.25, validation_size=0.25)
    recipe = find_recipe("ner")
    with pytest.raises(InputError, match="comes without data"):
        recipe.prepare(read_options(recipe.options_type, {}), None)


def test_entities_csv_tells_of_each_kind(run: Path) -> None:
    with (run / "entities.csv").open(encoding="utf-8") as file:
        rows = {row["kind"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"part", "person", "place"}
    assert sum(int(row["entities"]) for row in rows.values()) > 10
    assert all(0 <= float(row[name]) <= 1 for row in rows.values() for name in ("precision", "recall", "f1"))


def test_from_a_run_to_entities_in_lines_of_text(run: Path, tmp_path: Path, command: CommandLine) -> None:
    float32, int8 = tmp_path / "m.onnx", tmp_path / "m8.onnx"
    assert command("export", run, "-o", float32)[0] == 0
    assert command("quantize", float32, "-o", int8)[0] == 0
    assert command("verify", run, int8)[0] == 0
    text = "Grace Hopper repaired the Pump 7 .\n\nnobody answered .\n"
    for file in (float32, int8):
        code, shown = command("run", file, "-", "--json", stdin=text)
        assert code == 0
        first, second = map(json.loads, shown.splitlines())
        found = [(item["text"], item["kind"], item["start"], item["end"]) for item in first["entities"]]
        assert found == [("Grace Hopper", "person", 0, 12), ("Pump 7", "part", 26, 32)]
        assert all(0.3 < item["probability"] <= 1 for item in first["entities"])
        assert second == {"text": "nobody answered .", "entities": []}
    code, shown = command("run", int8, "-", stdin=text)
    lines = shown.split("\n")
    assert [line.split("\t")[:3] for line in lines[:2]] == [
        ["Grace Hopper", "person", "0-12"],
        ["Pump 7", "part", "26-32"],
    ]
    assert lines[2:] == ["", "", ""]
    code, shown = command("run", int8, "-", stdin="\n")
    assert code == 2
    assert "holds no text" in shown


def test_finetuning_on_other_kinds_keeps_what_is_known(run: Path, tmp_path: Path) -> None:
    lines = DATA.read_text(encoding="utf-8").replace("-part", "-machine")
    (tmp_path / "new.conll").write_text(lines, encoding="utf-8")
    report = finetune("ner", run, data=tmp_path / "new.conll", out=tmp_path / "new", max_epochs=2, quiet=True)
    assert report.old_head
    labels = load_run(tmp_path / "new").config.metadata.labels
    assert {label[2:] for label in labels[1:]} == {"machine", "person", "place"}
    # Persons and places are found before the first epoch; machines are not, but soon.
    before, after = report.training.scores_before["entity_f1"], report.training.scores["entity_f1"]
    assert 0.3 < before < after
    assert load_run(tmp_path / "new").config.metadata.vocabulary == load_run(run).config.metadata.vocabulary


@pytest.mark.slow
def test_a_stream_answers_word_by_word(tmp_path: Path, command: CommandLine) -> None:
    options = {**TINY.options, **STREAMS}
    train("ner", data=DATA, options=options, out=tmp_path / "run", quiet=True)
    file = tmp_path / "s.onnx"
    code, shown = command("export", tmp_path / "run", "-o", file, "--streaming")
    assert code == 2
    assert "lookahead" in shown
    assert command("export", tmp_path / "run", "-o", file, "--streaming", "--lookahead", "1")[0] == 0
    text = "please call\nAda Lovelace\n\nnobody answered .\n"
    code, shown = command("run", file, "-", "--json", stdin=text)
    assert code == 0
    answers = [json.loads(line) for line in shown.splitlines()]
    assert [item["word"] for item in answers] == text.split()
    run = load_run(tmp_path / "run")
    numbers = TokenNumbers(run.config.metadata.vocabulary, TINY.options["bytes_a_word"])
    expected = []
    for words in (["please", "call", "Ada", "Lovelace"], ["nobody", "answered", "."]):
        inputs = torch.tensor([numbers.words(words)]), torch.tensor([numbers.characters(words)])
        expected += [run.config.metadata.labels[tag] for tag in run.model(*inputs)["tags"][0]]
    assert [item["tag"] for item in answers] == expected
    assert len(set(expected)) > 1
    # Each sentence begins anew: the second one is what it is alone.
    alone = command("run", file, "-", "--json", stdin="nobody answered .")[1]
    assert [json.loads(line) for line in alone.splitlines()] == answers[4:]


@pytest.mark.slow
@pytest.mark.skipif(DATA_FOLDER_VARIABLE not in os.environ, reason=f"needs ${DATA_FOLDER_VARIABLE}")
def test_wikigold_beats_its_dictionary(tmp_path: Path) -> None:
    (benchmark,) = (item for item in read_contract(FOLDER).benchmarks if item.name.startswith("WikiGold"))
    options = {**benchmark.options, "max_epochs": 8}
    report = train("ner", data=benchmark.data, options=options, out=tmp_path / "run", quiet=True)
    assert benchmark.reached(report.scores[benchmark.score]), report.scores
    assert report.scores["entity_f1"] > report.scores["entity_f1/dictionary"]


def test_a_tagger_is_pretrained_on_sentences_without_tags(run: Path, tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("Lise Meitner lived in Gotha.\n\nit never rained there\n")
    options = {**TINY.options, "texts": (str(tmp_path / "more.txt"),), "max_epochs": 3}
    report = pretrain("ner", data=DATA, options=options, out=tmp_path / "words", quiet=True)
    assert report.scores["perplexity"] < report.scores["perplexity/unigram"]
    words = load_run(tmp_path / "words")
    vocabulary = words.config.metadata.vocabulary
    # The training part and the further text; what is put aside for the scores is not read.
    assert "gotha" in vocabulary
    known = prepare(DATA, test_size=0.2)
    assert set(vocabulary) == set(known.metadata.vocabulary) | {"gotha", "lived", "never", "there", "rained"}
    tuned = finetune("ner", tmp_path / "words", data=DATA, out=tmp_path / "tuned", max_epochs=1, quiet=True)
    assert load_run(tmp_path / "tuned").config.metadata.vocabulary == vocabulary
    assert set(tuned.training.drawn_anew) == set(load_run(run).model.label_dims)
    with pytest.raises(InputError, match="nothing at"):
        pretrain("ner", data=DATA, options={**options, "texts": ("none.txt",)}, out=tmp_path / "x")


def test_no_direction_sees_the_word_that_it_predicts() -> None:
    recipe = find_recipe("ner")
    objective = objective_of(recipe, "next-word")
    parts = prepare(DATA)
    torch.manual_seed(0)
    model = objective.build({"network": parts.arguments}).eval()
    words, characters, _ = max(parts.test, key=lambda sample: len(sample[0]))
    sentence = torch.cat([words.unsqueeze(1), characters], dim=1).unsqueeze(0)
    changed = sentence.clone()
    changed[0, 3, 0] = 5
    changed[0, 3, 1] = 99
    forwards, backwards = (model(sentence) - model(changed)).abs().amax(-1)[0].unbind(-1)
    assert not forwards[:3].any()
    assert bool((forwards[3:] > 0).all())
    assert not backwards[4:].any()
    assert bool((backwards[:4] > 0).all())
