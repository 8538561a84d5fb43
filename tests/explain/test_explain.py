"""Attribution: the shares add up, and they find what an answer depends on."""

from __future__ import annotations

import builtins
import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgernn.errors import InputError, MissingDependencyError
from edgernn.explain import explain
from edgernn.explain.attribution import attribute
from edgernn.training import load_run, pretrain, train

PULSE_STEP, PULSE_CHANNEL = 5, 1


def recordings(file: Path) -> Path:
    """Noise of twelve steps and three channels; one sample tells up from down."""
    generator = np.random.default_rng(0)
    lines = ["recording,label,a,b,c"]
    for number in range(60):
        values = generator.normal(size=(12, 3))
        values[PULSE_STEP, PULSE_CHANNEL] = 6 if number % 2 else -6
        label = "up" if number % 2 else "down"
        lines += [f"{number},{label}," + ",".join(f"{value:.4f}" for value in row) for row in values]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def pulse_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pulse")
    options = {"stride": 1, "hidden_size": 12, "crop": 0.0, "rescale": 0.0, "max_epochs": 35, "batch_size": 8,
               "learning_rate": 0.02, "dropout": 0.0, "test_size": 0.25}  # fmt: skip
    data = recordings(folder / "a.csv")
    report = train("sensor-activity", data=data, options=options, out=folder / "run", quiet=True)
    assert report.scores["accuracy"] >= 0.9
    return folder / "run"


@pytest.fixture(scope="module")
def word_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts in which one word is what the label depends on."""
    folder = tmp_path_factory.mktemp("words")
    fill = ["the", "a", "one", "this", "that", "of"]
    generator = np.random.default_rng(0)
    lines = []
    for number in range(60):
        words = list(generator.choice(fill, size=6))
        words[int(generator.integers(6))] = "good" if number % 2 else "bad"
        lines.append(f"{'plus' if number % 2 else 'minus'}\t{' '.join(words)}")
    (folder / "a.tsv").write_text("label\ttext\n" + "\n".join(lines) + "\n")
    options = {"embedding_size": 8, "hidden_size": 8, "max_epochs": 12, "batch_size": 8, "minimum_count": 1,
               "learning_rate": 0.02, "dropout": 0.0, "test_size": 0.25}  # fmt: skip
    train("text-classify", data=folder / "a.tsv", options=options, out=folder / "run", quiet=True)
    return folder / "run"


def pulses(count: int) -> list[tuple[str, np.ndarray]]:
    """Further recordings and their labels."""
    generator = np.random.default_rng(7)
    found = []
    for number in range(count):
        values = generator.normal(size=(12, 3)).astype(np.float32)
        values[PULSE_STEP, PULSE_CHANNEL] = 6 if number % 2 else -6
        found.append(("up" if number % 2 else "down", values))
    return found


def prominence(shares: list[np.ndarray]) -> float:
    """The mean size of the pulse's share ÷ that of the next larger one."""
    sizes = np.abs(shares).mean(0)
    others = np.delete(sizes.flatten(), PULSE_STEP * 3 + PULSE_CHANNEL)
    return float(sizes[PULSE_STEP, PULSE_CHANNEL] / others.max())


def test_the_one_sample_that_matters_is_found(pulse_run: Path) -> None:
    found = []
    for label, values in pulses(10):
        explained = explain(pulse_run, values)
        assert explained.target == label
        shares = explained.attribution
        assert shares.complete
        assert shares.values[PULSE_STEP, PULSE_CHANNEL] > 0
        assert shares.values.sum() == pytest.approx(shares.output - shares.baseline_output, rel=0.02)
        found.append(shares.values)
    assert prominence(found) > 3
    # The network's own answer, and that for the mean of its training data.
    run = load_run(pulse_run)
    index = run.config.metadata.labels.index(label)
    inputs = torch.stack([torch.from_numpy(values), run.model.mean.expand(12, 3)])
    own, mean = run.model.logits(inputs)[:, -1, index].tolist()
    assert shares.output == pytest.approx(own, rel=1e-4)
    assert shares.baseline_output == pytest.approx(mean, rel=1e-4)


def test_a_network_that_learned_nothing_does_not_find_it(pulse_run: Path) -> None:
    torch.manual_seed(1)
    run = load_run(pulse_run)
    fresh = run.recipe.build(run.config.arguments).eval()
    fresh.scale.copy_(run.model.scale)
    fresh.mean.copy_(run.model.mean)
    inputs = [torch.from_numpy(values)[None] for _, values in pulses(10)]
    found = [attribute(fresh, values, ("down", "up"), "up", choose=True) for values in inputs]
    assert all(shares.complete for shares in found)
    assert prominence([shares.values for shares in found]) < 2


@pytest.mark.parametrize(
    ("text", "word", "label"), [("this one of good that", 3, "plus"), ("bad a the of", 0, "minus")]
)
def test_the_one_word_that_matters_is_found(word_run: Path, text: str, word: int, label: str) -> None:
    found = explain(word_run, text)
    assert found.target == label
    assert found.steps == tuple(text.split())
    assert int(np.abs(found.attribution.values[:, 0]).argmax()) == word
    assert found.attribution.complete
    # Of the other label the same word takes as much away.
    other = explain(word_run, text, target={"plus": "minus", "minus": "plus"}[label])
    assert other.attribution.values[word, 0] < 0 < found.attribution.values[word, 0]
    shares = found.attribution
    assert shares.values.sum() == pytest.approx(shares.output - shares.baseline_output, rel=0.01)


class Step(nn.Module):
    """Jumps, so that no gradient tells of it."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([(x > 0).float().sum((1, 2))[:, None], 0 * x[:, 0, :1]], dim=1)


def test_shares_that_do_not_add_up_are_said_to_be_so() -> None:
    shares = attribute(Step(), torch.ones(1, 4, 2), ("jumps", "stays"), None, choose=False)
    assert shares.output - shares.baseline_output == 8
    assert shares.error == pytest.approx(1)
    assert not shares.complete
    # Nothing to share out is complete.
    assert attribute(Step(), torch.ones(1, 4, 2), ("jumps", "stays"), "stays", choose=False).complete


def test_what_is_written(pulse_run: Path, word_run: Path, tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=(9, 3))
    found = explain(pulse_run, values, out=tmp_path / "a")
    names = {
        "attribution.csv",
        "attribution.png",
        "explanation.json",
        "states-recurrent.csv",
        "states-recurrent.png",
    }
    assert set(found.files) == names == {path.name for path in (tmp_path / "a").iterdir()}
    rows = list(csv.reader((tmp_path / "a" / "attribution.csv").read_text("utf-8").splitlines()))
    assert rows[0] == ["step", "name", "channel 0", "channel 1", "channel 2"]
    written = np.array([[float(cell) for cell in row[2:]] for row in rows[1:]])
    np.testing.assert_allclose(written, found.attribution.values)
    (layer,) = found.layers
    assert list(layer.series) == ["h", "r", "n", "z"]
    states = list(csv.reader((tmp_path / "a" / "states-recurrent.csv").read_text("utf-8").splitlines()))
    assert len(states) == 10
    assert states[0][1] == "h 0"
    assert float(states[9][1]) == pytest.approx(float(layer.series["h"][8, 0]))
    told = json.loads((tmp_path / "a" / "explanation.json").read_text("utf-8"))
    assert told["complete"] is True
    assert told["layers"] == {"recurrent": ["h", "r", "n", "z"]}
    for name in ("attribution.png", "states-recurrent.png"):
        assert (tmp_path / "a" / name).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="is not empty"):
        explain(pulse_run, values, out=tmp_path / "a")
    files = explain(word_run, out=tmp_path / "b").files
    assert {"states-recurrent-forward.png", "states-recurrent-backward.csv"} <= set(files)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ("a text", {}, "takes an array"),
        (np.zeros((4, 2)), {}, r"must be \(time, 3\)"),
        (np.zeros((0, 3)), {}, "at least one time step"),
        (np.full((4, 3), np.nan), {}, "NaN or infinity"),
        (np.zeros((4, 3)), {"target": "sideways"}, "no output 'sideways'; there are down, up"),
        (np.zeros((4, 3)), {"target": "2"}, "no output '2'"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(pulse_run: Path, given, options, said: str) -> None:
    with pytest.raises(InputError, match=said):
        explain(pulse_run, given, **options)


def test_texts_that_do_not_fit_are_refused(word_run: Path, tmp_path: Path) -> None:
    for given, said in ((np.zeros(3), "takes a text"), ("  ", "not empty")):
        with pytest.raises(InputError, match=said):
            explain(word_run, given)
    lines = "\n".join(f"plus some words {n}" for n in range(12))
    (tmp_path / "a.txt").write_text(lines + "\n")
    options = {"embedding_size": 4, "hidden_size": 4, "max_epochs": 1}
    pretrain("text-classify", data=tmp_path / "a.txt", options=options, out=tmp_path / "p", quiet=True)
    with pytest.raises(InputError, match="Finetune it"):
        explain(tmp_path / "p", "some words")


def test_without_captum_it_says_what_to_install(pulse_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args, **kwargs):
        if name.startswith("captum"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="captum")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"pip install 'edgernn\[explain\]'"):
        explain(pulse_run, np.zeros((4, 3)))
