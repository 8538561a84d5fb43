"""Whole sequences, health, metrics, limits, and the command."""

from __future__ import annotations

import io
import json
import os
import signal as signals
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from edgernn.errors import InputError
from edgernn.runtime import Session
from edgernn.serving import Limits, listen
from edgernn.serving.batcher import Batcher

from .conftest import FEATURES, Running, Serve
from .test_streams import ATOL, ask, offline, signal

NPY, JSON = "application/octet-stream", "application/json"


def post(running: Running, body: bytes, kind: str = NPY, **headers: str) -> bytes:
    request = urllib.request.Request(
        f"{running.http}/run", body, {"Content-Type": kind, **{k.title(): v for k, v in headers.items()}}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["Content-Type"] == kind
        return bytes(answer.read())


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    """The status and the body of an answer that is no success."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        call()
    with refused.value as answer:
        return answer.code, answer.read().decode()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def get(running: Running, path: str) -> bytes:
    with urllib.request.urlopen(f"{running.http}{path}", timeout=30) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("name", ["sequence", "stream", "chunked"])
def test_a_sequence_as_npy_and_as_json(sessions: dict[str, Session], serve: Serve, name: str) -> None:
    running, x = serve(sessions[name]), signal(40)
    wanted = offline(sessions["sequence"], x)
    np.testing.assert_allclose(np.load(io.BytesIO(post(running, npy(x)))), wanted, atol=ATOL)
    found = json.loads(post(running, json.dumps({"x": x.tolist()}).encode(), JSON))
    (rows,) = found.values()
    np.testing.assert_allclose(np.array(rows), wanted, atol=ATOL)


def test_several_outputs_are_json(sessions: dict[str, Session], serve: Serve) -> None:
    running, x = serve(sessions["halved"]), signal(6)
    found = json.loads(post(running, json.dumps({"x": x.tolist()}).encode(), JSON))
    wanted = sessions["halved"].run(x[None])
    assert isinstance(wanted, dict)
    for name, array in wanted.items():
        np.testing.assert_allclose(np.array(found[name]), array[0], atol=ATOL)
    assert refusal(lambda: post(running, npy(x)))[0] == 415


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"rubbish", NPY, 400, "not a .npy array"),
        (npy(np.array([{}], dtype=object)), NPY, 400, "not a .npy array"),
        (npy(np.zeros((4, 5), np.float32)), NPY, 400, "dimension 2 must be 3, found 5"),
        (npy(np.full((4, FEATURES), np.inf, np.float32)), NPY, 400, "holds NaN"),
        (npy(np.zeros((2, 4, FEATURES), np.float32)), NPY, 400, "batch"),
        (b"{", JSON, 400, "not JSON"),
        (npy(np.zeros((2000, FEATURES), np.float32)), NPY, 413, "a body of more than 9000 bytes"),
        (b'{"x": ' + b" " * 5000 + b"}", JSON, 413, "a body of more than 3000 bytes"),
    ],
)
def test_bad_requests(
    sessions: dict[str, Session], serve: Serve, body: bytes, kind: str, status: int, said: str
) -> None:
    running = serve(sessions["stream"], max_body=9000, max_message=3000)
    code, answer = refusal(lambda: post(running, body, kind))
    assert code == status
    assert said in json.loads(answer)["detail"]
    assert post(running, npy(signal(4)))  # it goes on


def test_pages_of_other_sites_are_refused(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], origins=("https://mine.example",))
    assert refusal(lambda: post(running, npy(signal(4)), origin="https://other.example"))[0] == 403
    assert post(running, npy(signal(4)), origin="https://mine.example")


def test_health_model_and_metrics(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], max_clients=7)
    with connect(running.url) as server:
        server.recv()
        ask(server, signal(5))
        ask(server, signal(3))
        health = json.loads(get(running, "/health"))
        assert health == {
            "status": "ok", "model": sessions["stream"].digest, "streams": 1, "max_clients": 7
        }  # fmt: skip
        text = get(running, "/metrics").decode()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        values = {name: family.samples[0].value for name, family in families.items() if family.samples}
        assert (values["edgernn_streams"], values["edgernn_messages"], values["edgernn_steps"]) == (1, 2, 8)
        (count,) = (s.value for s in families["edgernn_latency_seconds"].samples if s.name.endswith("_count"))
        assert count == 2
        server.send("rubbish")
        server.recv()
    refused = [line for line in get(running, "/metrics").decode().splitlines() if "refused_total{" in line]
    assert refused == ['edgernn_refused_total{reason="bad message"} 1.0']
    assert json.loads(get(running, "/model"))["streaming"] is True


def test_health_sees_a_dead_loop(
    sessions: dict[str, Session], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Batcher, "alive", False)
    running = serve(sessions["stream"])
    assert refusal(lambda: get(running, "/health"))[0] == 503


def test_a_loop_that_dies_leaves_nobody_waiting(
    sessions: dict[str, Session], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Batcher, works: object) -> None:
        raise AssertionError("an error of our own")

    monkeypatch.setattr(Batcher, "_round", broken)
    running = serve(sessions["stream"])
    for _ in range(2):
        with connect(running.url) as server:
            server.recv()
            server.send(signal(1).tobytes())
            assert "the server has failed" in json.loads(server.recv(timeout=30))["error"]
    assert refusal(lambda: get(running, "/health"))[0] == 503


def test_a_request_that_breaks_off_is_no_error_of_the_server(
    sessions: dict[str, Session], serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    running = serve(sessions["stream"])
    with socket.create_connection(("127.0.0.1", running.port)) as raw:
        raw.sendall(b"POST /run HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
    assert post(running, npy(signal(4)))
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_clients": 0}, "max_clients: expected a whole number above 0, found 0"),
        ({"max_message": 1.5}, "max_message: expected a whole number"),
        ({"max_rate": -1.0}, "max_rate: expected a number above 0"),
        ({"idle_timeout": float("nan")}, "idle_timeout: expected a number above 0"),
        ({"max_body": True}, "max_body"),
    ],
)
def test_limits_are_checked(limits: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Limits(**limits)  # type: ignore[arg-type]


def test_a_port_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(InputError, match="cannot listen on"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.slow
def test_the_command(sessions: dict[str, Session]) -> None:
    words = ["serve", str(sessions["stream"].path), "--port", "0", "--json", "--max-clients", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "edgernn.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            urls = json.loads(server.stdout.readline())
            assert urls["url"].startswith("http://127.0.0.1:")
            with connect(urls["stream"]) as client:
                client.recv()
                np.testing.assert_allclose(
                    ask(client, signal(4)), offline(sessions["stream"], signal(4)), atol=ATOL
                )
            os.kill(server.pid, signals.SIGINT)
            _, said = server.communicate(timeout=30)
        finally:
            server.kill()
    assert server.returncode == 130
    assert "Traceback" not in said
