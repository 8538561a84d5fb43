"""A client of `edgernn serve`: streams an array, message by message, and prints or keeps the outputs.

    edgernn serve detector.onnx &
    python examples/serve_client.py input.npy -o output.npy --steps 10

input.npy is (time, feature). `websockets` is all it needs beside numpy (pip install 'edgernn[serve]').
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from websockets.sync.client import connect


def stream(url: str, x: np.ndarray, steps: int) -> np.ndarray:
    """The outputs for x (time, feature), sent `steps` time steps a message."""
    with connect(url) as server:
        model = json.loads(server.recv())
        if "error" in model:
            raise RuntimeError(model["error"])
        (given,), (answered,) = model["inputs"], model["outputs"]
        features = [size for size in answered["dims"] if isinstance(size, int)]
        outputs = []
        for start in range(0, len(x), steps):
            server.send(x[start : start + steps].astype(given["dtype"]).tobytes())
            answer = server.recv()
            if isinstance(answer, str):
                raise RuntimeError(json.loads(answer)["error"])
            outputs.append(np.frombuffer(answer, answered["dtype"]).reshape(-1, *features))
    return np.concatenate(outputs)


def main() -> None:
    """Read the command line, stream, tell."""
    parser = argparse.ArgumentParser(description="Stream an array through edgernn serve.")
    parser.add_argument("input", help="a .npy file (time, feature)")
    parser.add_argument("-o", "--output", help="a .npy file for the outputs; without it they are printed")
    parser.add_argument("--url", default="ws://127.0.0.1:8000/stream")
    parser.add_argument("--steps", type=int, default=1, help="time steps a message")
    words = parser.parse_args()
    y = stream(words.url, np.load(words.input, allow_pickle=False), words.steps)
    if words.output:
        np.save(words.output, y)
    else:
        print("\n".join(",".join(map(str, row)) for row in y))


if __name__ == "__main__":
    main()
