"""Clients that stream at once through `edgernn serve`, their answers compared with a run offline.

    python tools/load_serve.py detector.onnx --clients 100 --seconds 60

starts the server on this machine, opens the clients in this process, and prints how long answers took and how
far they are from `Session.run` over each client's whole signal. The exit code is 1 where one differs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from websockets.asyncio.client import connect

import edgernn
from edgernn.verify.tolerances import tolerance


@dataclass
class Load:
    """What the clients saw.

    Attributes:
        seconds: from a message sent to its answer, one a message.
        error: the largest difference from the run offline.
        scale: the largest value of the run offline.
    """

    seconds: list[float] = field(default_factory=list)
    error: float = 0.0
    scale: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the answers took at most."""
        return float(np.percentile(self.seconds, share) * 1e3)


async def run_clients(url: str, x: np.ndarray, wanted: np.ndarray, steps: int, period: float) -> Load:
    """One client for each row of x (clients, time, features), a message of `steps` every `period` seconds.

    Raises AssertionError where an answer has another shape than it should.
    """
    load = Load(scale=float(np.abs(wanted).max()))
    everyone_is_here, here = asyncio.Event(), 0

    async def client(row: int) -> None:
        nonlocal here
        async with connect(url, compression=None) as server:
            greeting = json.loads(await server.recv())
            assert "error" not in greeting, greeting
            here += 1
            if here == len(x):
                everyone_is_here.set()
            await everyone_is_here.wait()
            # Not all at the same moment: people do not speak in step.
            began = time.perf_counter() + period * row / len(x)
            for number, start in enumerate(range(0, x.shape[1], steps)):
                await asyncio.sleep(max(0.0, began + number * period - time.perf_counter()))
                sent = time.perf_counter()
                await server.send(x[row, start : start + steps].tobytes())
                answer = await server.recv()
                load.seconds.append(time.perf_counter() - sent)
                assert isinstance(answer, bytes), answer
                expected = wanted[row, start : start + steps]
                found = np.frombuffer(answer, wanted.dtype).reshape(expected.shape)
                load.error = max(load.error, float(np.abs(found - expected).max()))

    await asyncio.gather(*(client(row) for row in range(len(x))))
    return load


def main() -> int:
    """Read the command line, start the server, stream, tell."""
    parser = argparse.ArgumentParser(description="Stream through edgernn serve with many clients at once.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--steps", type=int, default=10, help="time steps a message")
    parser.add_argument("--rate", type=float, default=10, help="messages a second of each client")
    words = parser.parse_args()
    session = edgernn.load(words.model)
    features = [size for size in session.inputs[0].dims if isinstance(size, int)]
    messages = max(1, round(words.seconds * words.rate))
    shape = (words.clients, messages * words.steps, *features)
    x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    wanted = session.run(x)
    assert isinstance(wanted, np.ndarray)
    command = [sys.executable, "-m", "edgernn.cli", "serve", words.model, "--port", "0", "--json"]
    with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["stream"]
            load = asyncio.run(run_clients(url, x, wanted, words.steps, 1 / words.rate))
        finally:
            server.terminate()
    error = load.error / load.scale
    allowed = tolerance("float32", session.manifest.scheme, against_itself=True)
    what = f"{words.clients} clients, {len(load.seconds)} messages of {words.steps} steps"
    print(
        f"{what} in {words.seconds:g} s: "
        f"p50 {load.percentile(50):.1f} ms, p99 {load.percentile(99):.1f} ms, "
        f"slowest {load.percentile(100):.0f} ms; relative error {error:.1e} (allowed {allowed:.0e})"
    )
    return 0 if error <= allowed else 1


if __name__ == "__main__":
    sys.exit(main())
