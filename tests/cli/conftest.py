"""Small models, exported once, and a way to call commands in this process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner, Result

import edgernn
from edgernn.cli.app import build_app
from edgernn.source import load_source

MODELS = '''
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 4, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.gru(x)[0])


class Wide(nn.Module):
    """Large enough for int8 to save something."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 24, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0]


class Lengths(nn.Module):
    def __init__(self):
        super().__init__()
        import edgernn

        self.gru = edgernn.Recurrent(edgernn.GRU(3, 4))

    def forward(self, x, lengths):
        return self.gru(x, lengths=lengths)[0]


class Started(Net):
    """Takes the state that it starts from."""

    def forward(self, x, h0):
        return self.head(self.gru(x, h0)[0])


class Letters(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 3)
        self.gru = nn.GRU(3, 4, batch_first=True)

    def forward(self, letters):
        return self.gru(self.embedding(letters))[0]


def changed():
    net = Net()
    with torch.no_grad():
        net.gru.weight_hh_l0[0, 0] += 0.1
    return net


def needs_an_argument(size):
    return Net()


def raises():
    raise RuntimeError("no such luck")


def gives_a_number():
    return 3


ready = Net()
'''

Invoke = Callable[..., Result]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with my_models.py."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "my_models.py").write_text(MODELS)
    return folder


@pytest.fixture
def work(models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder is the one with my_models.py; the import path is put back afterwards."""
    monkeypatch.chdir(models)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield models
    sys.modules.pop("my_models", None)


@pytest.fixture
def invoke(work: Path) -> Invoke:
    """Call a command: `invoke("inspect", file)`; standard input as `input=`."""

    def call(*words: object, input: str | None = None) -> Result:
        return CliRunner().invoke(build_app(), [str(word) for word in words], input=input)

    return call


def _export(folder: Path, name: str, factory: str, **options: object) -> Path:
    before = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        model = load_source(f"my_models:{factory}").model
    finally:
        sys.path[:] = before
        sys.modules.pop("my_models", None)
    path = folder / name
    edgernn.export(model, path, torch.randn(1, 8, 3, generator=torch.Generator().manual_seed(0)), **options)
    return path


@pytest.fixture(scope="session")
def streaming(models: Path) -> Path:
    """my_models:Net as a streaming file."""
    return _export(models, "streaming.onnx", "Net", streaming=True)


@pytest.fixture(scope="session")
def chunked(models: Path) -> Path:
    """my_models:Net as a streaming file of two steps a push."""
    return _export(models, "chunked.onnx", "Net", streaming=True, chunk=2)


@pytest.fixture(scope="session")
def sequence(models: Path) -> Path:
    """my_models:Net as a sequence file."""
    return _export(models, "sequence.onnx", "Net")


@pytest.fixture(scope="session")
def wide(models: Path) -> Path:
    """my_models:Wide as a sequence file."""
    return _export(models, "wide.onnx", "Wide")


@pytest.fixture
def foreign(sequence: Path, tmp_path: Path) -> Path:
    """An ONNX file without a manifest."""
    model = onnx.load(sequence)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "foreign.onnx")
    return tmp_path / "foreign.onnx"


@pytest.fixture
def corrupt(sequence: Path, tmp_path: Path) -> Path:
    """An ONNX file that was cut short."""
    path = tmp_path / "corrupt.onnx"
    path.write_bytes(sequence.read_bytes()[:400])
    return path


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file with a column of text and one of seasonal values."""
    random = np.random.default_rng(0)
    values = 20 + 3 * np.sin(np.arange(120) * np.pi / 3) + 0.3 * random.normal(size=120)
    path = tmp_path_factory.mktemp("series") / "series.csv"
    rows = "\n".join(f"d{step},{value:.5f}" for step, value in enumerate(values))
    path.write_text(f"when,y\n{rows}\n")
    return path


TRAIN = ("--season", 6, "--epochs", 1, "--set", "window=12", "--set", "hidden_size=4")


@pytest.fixture(scope="session")
def _trained(series: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("trained") / "run"
    words = ["train", "forecast", "--data", series, "--column", "y", "--out", folder, "--unit", "°C", *TRAIN]
    return folder, CliRunner().invoke(build_app(), [str(word) for word in words])


@pytest.fixture
def trained(_trained: tuple[Path, Result]) -> Result:
    """What `edgernn train` answered."""
    return _trained[1]


@pytest.fixture
def run_folder(_trained: tuple[Path, Result], tmp_path: Path) -> Path:
    """A run of one epoch, a copy for each test."""
    return Path(shutil.copytree(_trained[0], tmp_path / "run"))
