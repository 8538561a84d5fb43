"""Pre-training without labels: what is predicted, what is taken over, and what it gains with few labels."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from edgernn.cells import GRU
from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models import SensorClassifier, TextClassifier
from edgernn.training import evaluate, find_recipe, finetune, load_run, pretrain, train
from edgernn.training.config import RunConfig
from edgernn.training.pretraining import objective_names, objective_of
from edgernn.training.pretraining.future import FutureValues
from edgernn.training.pretraining.objectives.next_symbol import LanguageModel, neighbours
from edgernn.training.recipe import DATA_FOLDER_VARIABLE

TEXT = {"embedding_size": 16, "hidden_size": 16, "batch_size": 16, "minimum_count": 1}


def test_neighbours_stop_at_the_ends_of_each_text() -> None:
    ids = torch.tensor([[5, 6, 7], [8, 9, 0]])
    behind, before = neighbours(ids, torch.tensor([3, 2]), 2)
    assert behind.tolist() == [[6, 7, 0], [9, 0, 0]]
    assert before[:, :2].tolist() == [[0, 5], [0, 8]]
    assert before[0, 2] == 6


def test_no_direction_sees_what_it_predicts() -> None:
    """A successor's score does not change with what follows, nor a predecessor's with what was."""
    torch.manual_seed(0)
    model = LanguageModel(TextClassifier(symbols=9, classes=2, hidden_size=8)).eval()
    ids = torch.randint(1, 9, (1, 6))
    changed = ids.clone()
    changed[0, 3] = ids[0, 3] % 8 + 1
    before, after = model(ids), model(changed)
    forwards, backwards = (before - after).abs().amax(-1)[0].unbind(-1)
    assert (forwards[:3] == 0).all()
    assert (forwards[3:] > 0).all()
    assert (backwards[4:] == 0).all()
    assert (backwards[:4] > 0).all()
    with pytest.raises(InputError, match="num_layers=1, or bidirectional=false"):
        LanguageModel(TextClassifier(symbols=9, classes=2, num_layers=2))
    LanguageModel(TextClassifier(symbols=9, classes=2, num_layers=2, bidirectional=False))


@pytest.mark.parametrize(("name", "stride"), [("predictive-coding", 2), ("forecast", 2), ("forecast", 1)])
def test_future_samples_are_those_behind_what_was_seen(name: str, stride: int) -> None:
    """Of a recording that counts its samples, what came is known by number."""
    objective = objective_of(find_recipe("sensor-activity"), name)
    encoder = SensorClassifier(features=1, classes=2, hidden_size=4, stride=stride, channels=4)
    model = objective.network(encoder, ahead=3)
    assert isinstance(model, FutureValues)
    x = torch.arange(12.0)[None, :, None].repeat(2, 1, 1)
    lengths = torch.tensor([12, 3 * stride + 1])
    _, seen, came = objective.predictions(model, (x, lengths, None))
    steps = (12 - 1) // stride - 2
    last = [stride * step for step in range(steps)] + [
        0
    ]  # of the second recording only the first answer fits
    first = 1 + 2 * stride if name == "predictive-coding" else 1
    assert came.tolist() == [[float(at + n) for n in range(first, 3 * stride + 1)] for at in last]
    assert seen.tolist() == [[float(at)] * (3 * stride + 1 - first) for at in last]
    # And an answer does not change with a later sample.
    model.eval()
    later = x.clone()
    later[:, 2 * stride + 1 :] += 5
    difference = (model(x) - model(later)).abs().amax((0, 2))
    assert (difference[:3] == 0).all()
    assert (difference[3:] > 0).all()


def test_a_network_that_looks_back_in_time_has_no_future() -> None:
    encoder = SensorClassifier(features=1, classes=2, hidden_size=4)
    encoder.recurrent = Recurrent(GRU(32, 4), bidirectional=True)
    with pytest.raises(InputError, match="sees what is to be predicted"):
        FutureValues(encoder, 1, 1, changes=False)


# Texts in which a word of one of two groups is followed by others of its group: that they belong together
# stands in plain texts, and a label tells of a few words of each group alone.
GROUPS = (
    ["oak", "elm", "ash", "fir", "yew", "box", "bay", "fig"],
    ["cod", "eel", "ray", "bass", "carp", "pike", "hake", "tuna"],
)


def sentence(group: int, generator: torch.Generator, words: int = 6) -> str:
    numbers = torch.randint(0, 8, (words,), generator=generator)
    return " ".join(GROUPS[group][int(n)] for n in numbers)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained")
    generator = torch.Generator().manual_seed(0)
    lines = [sentence(n % 2, generator) for n in range(200)]
    (folder / "plain.txt").write_text("\n".join(lines) + "\n")
    options = {**TEXT, "labelled_lines": False, "max_epochs": 12, "learning_rate": 0.02, "dropout": 0.0}
    pretrain("text-classify", data=folder / "plain.txt", options=options, out=folder / "run", quiet=True)
    return folder / "run"


def labelled(file: Path, shown: int, count: int, seed: int) -> Path:
    """Sentences of the first `shown` words of each group."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for n in range(count):
        numbers = torch.randint(8 - shown, 8, (3,), generator=generator) if shown < 8 else None
        words = [GROUPS[n % 2][int(i)] for i in numbers] if numbers is not None else None
        rows.append(f"{('tree', 'fish')[n % 2]}\t{' '.join(words) if words else sentence(n % 2, generator)}")
    file.write_text("label\ttext\n" + "\n".join(rows) + "\n")
    return file


def test_a_language_model_beats_the_frequencies_of_words(pretrained: Path) -> None:
    config = RunConfig.read(pretrained)
    assert config.pretraining == "next-symbol"
    # All sixteen words alike are ln 16 nats; within a group, ln 8; and the ends, which are known by length.
    assert config.scores["nats/unigram"] > math.log(14)
    assert config.scores["nats"] < math.log(9)
    assert evaluate(pretrained).scores == pytest.approx(config.scores)


@pytest.mark.slow
def test_few_labels_are_enough_after_pretraining(pretrained: Path, tmp_path: Path) -> None:
    """Labels of sentences of three words a group; tested on sentences of all words."""
    few, test = labelled(tmp_path / "few.tsv", 2, 16, 1), labelled(tmp_path / "test.tsv", 8, 100, 2)
    common = {"data": few, "quiet": True}
    options = {"test_data": str(test), "max_epochs": 15, "patience": 15, "batch_size": 4}
    scratch = train("text-classify", options={**TEXT, **options}, out=tmp_path / "s", **common)
    report = finetune("text-classify", pretrained, options=options, out=tmp_path / "p", **common)
    assert report.training.scores["accuracy"] > scratch.scores["accuracy"] + 0.15
    assert report.training.scores["accuracy"] > 0.85
    assert report.pretraining == "next-symbol"
    assert report.old_before == report.old_after == {}
    # Vocabulary and sizes are the run's, how long it was trained is not.
    new = RunConfig.read(tmp_path / "p")
    assert new.metadata.vocabulary == RunConfig.read(pretrained).metadata.vocabulary
    assert new.options["hidden_size"] == 16
    assert new.options["learning_rate"] == 0.002
    assert new.pretraining == ""
    assert load_run(tmp_path / "p").model.classes == 2


def test_the_recurrent_layers_begin_where_pretraining_ended(pretrained: Path, tmp_path: Path) -> None:
    few = labelled(tmp_path / "few.tsv", 8, 16, 1)
    report = finetune("text-classify", pretrained, data=few, out=tmp_path / "p", quiet=True,
                      options={"learning_rate": 1e-12, "max_epochs": 1, "weight_decay": 0.0})  # fmt: skip
    before = load_file(pretrained / "model.safetensors")
    after = load_file(tmp_path / "p" / "model.safetensors")
    same = [name for name in after if name.startswith(("embedding.", "recurrent."))]
    assert len(same) == 9
    for name in same:
        torch.testing.assert_close(after[name], before[f"encoder.{name}"])
    assert {name.split(".")[0] for name in report.training.drawn_anew} == {"query", "head"}
    assert not any(name.startswith(("encoder.head", "encoder.query")) for name in before)


@pytest.mark.parametrize("objective", ["predictive-coding", "forecast"])
def test_sensors_learn_what_comes_and_keep_their_normalisation(objective: str, tmp_path: Path) -> None:
    recipe = find_recipe("sensor-activity")
    tiny = recipe.folder / "tiny.csv"
    options = {"hidden_size": 8, "channels": 6, "stride": 2, "max_epochs": 8, "learning_rate": 0.02,
               "batch_size": 8, "ahead": 2, "dropout": 0.0}  # fmt: skip
    report = pretrain(recipe, data=tiny, objective=objective, options=options, out=tmp_path / "p", quiet=True)
    error = {"predictive-coding": "mae", "forecast": "mse"}[objective]
    assert report.scores[error] < report.scores[f"{error}/persistence"]
    assert RunConfig.read(tmp_path / "p").options["ahead"] == 2
    found = finetune(
        recipe, tmp_path / "p", data=tiny, options={"max_epochs": 2}, out=tmp_path / "f", quiet=True
    )
    before = load_file(tmp_path / "p" / "model.safetensors")
    after = load_file(tmp_path / "f" / "model.safetensors")
    assert torch.equal(before["encoder.mean"], after["mean"])
    assert float(after["scale"].min()) != 1.0
    assert set(found.training.drawn_anew) == {"head.weight", "head.bias"}


def test_an_interrupted_pretraining_goes_on_to_the_same_result(tmp_path: Path) -> None:
    labelled(tmp_path / "a.tsv", 8, 60, 3)
    common = {"data": tmp_path / "a.tsv", "options": {**TEXT, "schedule": "constant"}, "quiet": True}
    pretrain("text-classify", out=tmp_path / "whole", max_epochs=4, **common)
    pretrain("text-classify", out=tmp_path / "parts", max_epochs=2, **common)
    with pytest.raises(InputError, match="learned next-symbol, not labels"):
        train("text-classify", out=tmp_path / "parts", resume=True, max_epochs=4, quiet=True)
    pretrain("text-classify", out=tmp_path / "parts", resume=True, max_epochs=4, quiet=True)
    histories = [json.loads((tmp_path / name / "history.json").read_text()) for name in ("whole", "parts")]
    assert histories[0] == histories[1]


def test_what_cannot_be_pretrained_is_refused(tmp_path: Path) -> None:
    assert objective_names() == ["forecast", "next-symbol", "predictive-coding"]
    with pytest.raises(InputError, match="'text-classify' knows next-symbol, found 'forecast'"):
        pretrain("text-classify", objective="forecast")
    with pytest.raises(InputError, match="A forecaster learns without labels as it is"):
        pretrain("forecast")
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    with pytest.raises(InputError, match="2 sequences of more than 0 steps leave none to put aside"):
        pretrain("text-classify", data=tmp_path / "a.txt", options={"labelled_lines": False})
    with pytest.raises(InputError, match="line 1: expected a label"):
        pretrain("text-classify", data=tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"unknown option 'ahed'\. Did you mean 'ahead'"):
        pretrain("sensor-activity", options={"ahed": 3})


@pytest.mark.slow
@pytest.mark.skipif(DATA_FOLDER_VARIABLE not in os.environ, reason=f"needs ${DATA_FOLDER_VARIABLE}")
def test_200_questions_with_labels_are_worth_more_after_pretraining(tmp_path: Path) -> None:
    """TREC: the gain of the README's commands, with fewer epochs."""
    whole = Path(os.environ[DATA_FOLDER_VARIABLE]) / "sentclass" / "TREC.train.all"
    lines = whole.read_text(encoding="latin-1").split("\n")
    few = tmp_path / "few.txt"
    few.write_text("\n".join(lines[::27]) + "\n", encoding="latin-1")
    options = {"encoding": "latin-1", "max_epochs": 6}
    pretrain("text-classify", data=whole, options=options, out=tmp_path / "pre", quiet=True)
    options |= {"test_data": "sentclass/TREC.test.all", "max_epochs": 30, "dropout": 0.4}
    common = {"data": few, "options": options, "quiet": True}
    scratch = train("text-classify", out=tmp_path / "s", **common).scores["accuracy"]
    report = finetune("text-classify", tmp_path / "pre", out=tmp_path / "f", **common)
    assert report.training.scores["accuracy"] > scratch + 0.02
