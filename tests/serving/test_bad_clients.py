"""Clients that stop, send rubbish or flood harm no other."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from edgernn.runtime import Session

from .conftest import FEATURES, Running, Serve, wait_until
from .test_streams import ATOL, ask, offline, signal


def streams(running: Running) -> int:
    with urllib.request.urlopen(f"{running.http}/health") as answer:
        return int(json.load(answer)["streams"])


def farewell(server: ClientConnection) -> tuple[str, int]:
    """The reason that the server gives, and the code that it closes with; answers before it are passed."""
    reason = ""
    for _ in range(100_000):
        try:
            message = server.recv(timeout=30)
        except ConnectionClosed as closed:
            return reason, 0 if closed.rcvd is None else closed.rcvd.code
        if isinstance(message, str):
            reason = json.loads(message).get("error", "")
    raise AssertionError("it never said goodbye")


@contextmanager
def a_good_client(running: Running, session: Session, messages: int = 30) -> Iterator[None]:
    """While the block runs a client streams; what it gets must equal the run offline."""
    x = signal(messages * 2, seed=5)
    with connect(running.url) as server:
        server.recv()
        found = [ask(server, x[:2])]
        yield
        found += [ask(server, x[start : start + 2]) for start in range(2, len(x), 2)]
    np.testing.assert_allclose(np.concatenate(found), offline(session, x), atol=ATOL)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"rubbish", "a message of 7 bytes: expected a multiple of 12, 3 values"),
        (b"", "a message of 0 bytes"),
        (np.full((2, FEATURES), np.nan, np.float32).tobytes(), "holds NaN or infinity"),
        ("rubbish", "not JSON"),
        ("[1, 2]", 'expected an object with "x"'),
        ('{"x": [[1, 2]]}', "dimension 2 must be 3, found 2"),
        ('{"x": [[1, 2], [3]]}', "not an array of numbers"),
        ('{"x": "text"}', "dtype"),
        ('{"y": [[1, 2, 3]]}', "unknown input 'y'"),
        ('{"x": []}', "expected"),
        ("[" * 5000, "not JSON"),
        ('{"reset": false}', "unknown input 'reset'"),
    ],
)
def test_rubbish_is_told_and_let_go(
    sessions: dict[str, Session], serve: Serve, message: bytes | str, said: str
) -> None:
    running = serve(sessions["stream"])
    with a_good_client(running, sessions["stream"], messages=3), connect(running.url) as bad:
        bad.recv()
        bad.send(message)
        reason, code = farewell(bad)
        assert said in reason
        assert code == 1007
    wait_until(lambda: streams(running) == 0)


def test_a_message_that_is_too_large(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], max_message=1000)
    with a_good_client(running, sessions["stream"]), connect(running.url) as bad:
        bad.recv()
        bad.send(bytes(1200))
        assert farewell(bad)[1] == 1009


def test_values_that_the_model_fails_on_fail_alone(sessions: dict[str, Session], serve: Serve) -> None:
    """An index that the embedding lacks makes the whole call fail; the others in it get their answers."""
    session = sessions["letters"]
    running = serve(session)
    letters = np.random.default_rng(0).integers(0, 10, (20, 12))
    wanted = session.run(letters)
    assert isinstance(wanted, np.ndarray)
    errors: list[str] = []
    answers: dict[int, np.ndarray] = {}
    together = threading.Barrier(21)

    def good(row: int) -> None:
        with connect(running.url) as server:
            server.recv()
            together.wait(timeout=30)
            parts = []
            for part in np.split(letters[row], 6):
                server.send(part.tobytes())
                parts.append(np.frombuffer(server.recv(timeout=30), np.float32).reshape(2, -1))  # type: ignore[arg-type]
            answers[row] = np.concatenate(parts)

    def bad() -> None:
        together.wait(timeout=30)
        for _ in range(5):
            with connect(running.url) as server:
                server.recv()
                server.send(np.array([3, 77]).tobytes())
                errors.append(farewell(server)[0])

    threads = [threading.Thread(target=good, args=(row,)) for row in range(20)]
    threads.append(threading.Thread(target=bad))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(errors) == 5
    assert all("failed on cpu" in error for error in errors)
    assert len(answers) == 20
    for row, found in answers.items():
        np.testing.assert_allclose(found, wanted[row], atol=ATOL)


def test_a_client_that_says_nothing_is_let_go(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], idle_timeout=0.3, max_clients=1)
    with connect(running.url) as silent:
        silent.recv()
        reason, code = farewell(silent)
        assert "sent nothing for 0.3 seconds" in reason
        assert code == 1008
    wait_until(lambda: streams(running) == 0)


def flooding_socket(running: Running) -> socket.socket:
    """A WebSocket by hand, after the handshake, that has room for few answers."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.connect(("127.0.0.1", running.port))
    raw.sendall(
        b"GET /stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b"101" in raw.recv(2000)
    return raw


def frame(data: bytes) -> bytes:
    """A binary frame of a client, masked with zeros."""
    return bytes([0x82, 0x80 | 126]) + len(data).to_bytes(2, "big") + bytes(4) + data


def test_a_flood_that_is_never_read_stops_in_its_own_socket(
    sessions: dict[str, Session], serve: Serve
) -> None:
    """It sends as fast as it can and takes no answer: it is let go, and nobody waits for it."""
    running = serve(sessions["stream"], idle_timeout=2.0)
    message = frame(signal(1000).tobytes())
    with flooding_socket(running) as flood:
        flood.settimeout(0.2)
        sent = 0
        # It ends where the server reads no more of it.
        with a_good_client(running, sessions["stream"], messages=50), suppress(TimeoutError, ConnectionError):
            while sent < 200_000_000:
                sent += flood.send(message)
        assert sent < 200_000_000
        wait_until(lambda: streams(running) == 0)


def test_a_flood_that_reads_gets_its_turns_and_no_more(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"])
    stop = threading.Event()
    answered = [0, 0]

    def flood(number: int) -> None:
        with connect(running.url) as server:
            server.recv()
            x = signal(2000)
            while not stop.is_set():
                ask(server, x)
                answered[number] += 1

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: min(answered) > 0)
    with a_good_client(running, sessions["stream"], messages=60):
        pass
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
    assert min(answered) > 0


def test_max_rate_makes_a_client_wait(sessions: dict[str, Session], serve: Serve) -> None:
    """100 steps a second: 100 at once, the next 50 half a second later at the earliest."""
    running = serve(sessions["stream"], max_rate=100.0)
    x = signal(150)
    began = time.monotonic()
    with connect(running.url) as server:
        server.recv()
        found = np.concatenate([ask(server, part) for part in np.split(x, 15)])
    assert time.monotonic() - began > 0.4
    np.testing.assert_allclose(found, offline(sessions["stream"], x), atol=ATOL)


def test_a_full_server_says_so(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], max_clients=1)
    with a_good_client(running, sessions["stream"]), connect(running.url) as late:
        reason, code = farewell(late)
        assert "the pool is full: all 1 streams are open" in reason
        assert code == 1013
    wait_until(lambda: streams(running) == 0)
    with a_good_client(running, sessions["stream"]):
        pass


def test_clients_that_vanish_leave_their_place(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], max_clients=3)
    for _ in range(9):
        with flooding_socket(running) as raw:
            raw.sendall(frame(signal(4).tobytes()))
        wait_until(lambda: streams(running) < 3)
    with a_good_client(running, sessions["stream"]):
        pass


def test_connections_that_never_ask_take_no_place(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], max_clients=2)
    with ExitStack() as silent:
        for _ in range(200):
            silent.enter_context(socket.create_connection(("127.0.0.1", running.port)))
        with a_good_client(running, sessions["stream"]):
            pass
        assert streams(running) in (0, 1)


def test_pages_of_other_sites_are_refused(sessions: dict[str, Session], serve: Serve) -> None:
    running = serve(sessions["stream"], origins=("https://mine.example",))
    with pytest.raises(InvalidStatus), connect(running.url, origin="https://other.example"):  # type: ignore[arg-type]
        pass
    with connect(running.url, origin="https://mine.example") as server:  # type: ignore[arg-type]
        assert "error" not in json.loads(server.recv())


def test_a_sequence_model_has_no_stream(sessions: dict[str, Session], serve: Serve) -> None:
    with connect(serve(sessions["sequence"]).url) as server:
        assert farewell(server)[1] == 1003
