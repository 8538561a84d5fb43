"""Servers that run in a thread of this process, and small models for them."""

from __future__ import annotations

import importlib.util
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import uvicorn
from torch import Tensor, nn

import edgernn
from edgernn.runtime import Session
from edgernn.serving import Limits, listen, make_server

ROOT = Path(__file__).parents[2]
FEATURES = 3


class Detector(nn.Module):
    """A GRU and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(FEATURES, 8, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.gru(x)[0])
        return y


class Halved(nn.Module):
    """Takes two steps for one, and gives two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(FEATURES, 4, 2, stride=2)
        self.gru = nn.GRU(4, 5, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.gru(self.convolution(x.transpose(1, 2)).transpose(1, 2))[0]
        return y, y.tanh()


class Letters(nn.Module):
    """Fails on letters that it has no row for."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.gru = nn.GRU(4, 5, batch_first=True)

    def forward(self, letters: Tensor) -> Tensor:
        y: Tensor = self.gru(self.embedding(letters))[0]
        return y


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    """Loaded files by name."""
    folder = tmp_path_factory.mktemp("served")
    torch.manual_seed(0)
    detector, x = Detector(), torch.randn(1, 8, FEATURES)
    kinds: dict[str, tuple[nn.Module, Tensor, dict[str, Any]]] = {
        "stream": (detector, x, {"streaming": True}),
        "chunked": (detector, x, {"streaming": True, "chunk": 2}),
        "halved": (Halved(), x, {"streaming": True}),
        "letters": (Letters(), torch.randint(0, 10, (1, 8)), {"streaming": True}),
        "sequence": (detector, x, {}),
    }
    for name, (model, example, options) in kinds.items():
        edgernn.export(model.eval(), folder / f"{name}.onnx", example, check=False, **options)
    return {name: edgernn.load(folder / f"{name}.onnx") for name in kinds}


@dataclass(frozen=True)
class Running:
    """A server that runs.

    Attributes:
        port: where it listens.
    """

    port: int

    @property
    def url(self) -> str:
        """Of the stream."""
        return f"ws://127.0.0.1:{self.port}/stream"

    @property
    def http(self) -> str:
        """Of the rest."""
        return f"http://127.0.0.1:{self.port}"


Serve = Callable[..., Running]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that starts a server: `serve(session, origins=…, max_clients=…)`; stopped afterwards."""
    running: list[tuple[uvicorn.Server, socket.socket, threading.Thread]] = []

    def start(session: Session, origins: tuple[str, ...] = (), **limits: float) -> Running:
        server = make_server(session, Limits(**limits), origins)
        ear = listen("127.0.0.1", 0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [ear]})
        thread.start()
        running.append((server, ear, thread))
        wait_until(lambda: server.started)
        return Running(ear.getsockname()[1])

    yield start
    for server, ear, thread in running:
        server.should_exit = True
        thread.join(timeout=30)
        ear.close()
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes; half a minute is for machines that are busy."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come")


def script(path: str) -> ModuleType:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look it up there
    spec.loader.exec_module(module)
    return module
