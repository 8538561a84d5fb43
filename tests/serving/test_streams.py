"""Streams over WebSocket: answers equal a run offline, for one client and for a hundred at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from edgernn.runtime import Session

from .conftest import FEATURES, Serve, script

ATOL = 1e-6


def signal(steps: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(steps, FEATURES)).astype(np.float32)


def offline(session: Session, x: np.ndarray) -> np.ndarray:
    wanted = session.run(x[None])
    assert isinstance(wanted, np.ndarray)
    return wanted[0]


def ask(server: ClientConnection, x: np.ndarray) -> np.ndarray:
    server.send(x.tobytes())
    answer = server.recv(timeout=30)
    assert isinstance(answer, bytes), answer
    return np.frombuffer(answer, np.float32).reshape(len(x), -1)


@pytest.mark.parametrize("lengths", [[1] * 9, [4, 1, 4], [9], [130, 7, 200]])
def test_binary_messages_of_any_length(
    sessions: dict[str, Session], serve: Serve, lengths: list[int]
) -> None:
    session = sessions["stream"]
    x = signal(sum(lengths))
    with connect(serve(session).url) as server:
        greeting = json.loads(server.recv())
        assert greeting["model"] == session.digest
        assert greeting["inputs"][0]["dims"] == ["time", FEATURES]
        assert (greeting["steps"], greeting["binary"]) == (1, True)
        parts = [ask(server, part) for part in np.split(x, np.cumsum(lengths)[:-1])]
    np.testing.assert_allclose(np.concatenate(parts), offline(session, x), atol=ATOL)


def test_reset_and_a_new_client_start_anew(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], max_clients=1)
    x = signal(5)
    with connect(running.url) as server:
        server.recv()
        first, moved = ask(server, x), ask(server, x)
        assert np.abs(first - moved).max() > 1e-3
        server.send('{"reset": true}')
        assert json.loads(server.recv()) == {"reset": True}
        np.testing.assert_array_equal(ask(server, x), first)
    with connect(running.url) as server:
        server.recv()
        np.testing.assert_array_equal(ask(server, x), first)


def test_json_with_a_hop_and_several_outputs(sessions: dict[str, Session], serve: Serve) -> None:
    session = sessions["halved"]
    x = signal(10)
    wanted = session.run(x[None])
    assert isinstance(wanted, dict)
    found: dict[str, list[Any]] = {name: [] for name in wanted}
    with connect(serve(session).url) as server:
        greeting = json.loads(server.recv())
        assert (greeting["steps"], greeting["binary"]) == (2, False)
        assert [(item["hop"], item["delay"]) for item in greeting["outputs"]] == [(2, 0), (2, 0)]
        name = greeting["inputs"][0]["name"]
        for part in (x[:2], x[2:8], x[8:]):
            server.send(json.dumps({name: part.tolist()}))
            answer = json.loads(server.recv())
            for output, rows in answer.items():
                found[output] += rows
    for output, rows in found.items():
        np.testing.assert_allclose(np.array(rows), wanted[output][0], atol=ATOL)


def test_a_fixed_chunk_takes_multiples_of_it(sessions: dict[str, Session], serve: Serve) -> None:
    session = sessions["chunked"]
    x = signal(10)
    with connect(serve(session).url) as server:
        assert json.loads(server.recv())["steps"] == 2
        found = np.concatenate([ask(server, x[:2]), ask(server, x[2:])])
    np.testing.assert_allclose(found, offline(sessions["stream"], x), atol=ATOL)


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(100, 60, FEATURES)).astype(np.float32)


def test_a_hundred_clients_at_once(sessions: dict[str, Session], serve: Serve, many: np.ndarray) -> None:
    wanted = sessions["stream"].run(many)
    assert isinstance(wanted, np.ndarray)
    load = script("tools/load_serve.py")
    running = serve(sessions["stream"], max_clients=100)
    found = asyncio.run(load.run_clients(running.url, many, wanted, 3, 0.1))
    assert len(found.seconds) == 100 * 20
    assert found.error < ATOL
    # The comparison sees states that are mixed up: to each client another one's answers.
    mixed = asyncio.run(load.run_clients(running.url, many[:5], wanted[[1, 2, 3, 4, 0]], 3, 0.01))
    assert mixed.error > 1e-2


@pytest.mark.slow
def test_a_hundred_clients_for_a_minute(
    sessions: dict[str, Session], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load = script("tools/load_serve.py")
    monkeypatch.setattr("sys.argv", ["load_serve", str(sessions["stream"].path), "--rate", "5"])
    assert load.main() == 0
    assert "100 clients, 30000 messages of 10 steps in 60 s" in capsys.readouterr().out


def test_the_example_client(sessions: dict[str, Session], serve: Serve, tmp_path, monkeypatch) -> None:
    running, x = serve(sessions["stream"]), signal(7)
    np.save(tmp_path / "x.npy", x)
    words = [str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.npy"), "--url", running.url, "--steps", "3"]
    monkeypatch.setattr("sys.argv", ["serve_client", *words])
    script("examples/serve_client.py").main()
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), offline(sessions["stream"], x), atol=ATOL)
