"""Checks a Triton server with the models of this folder: every golden vector, from two clients in turns.

    python client.py                       the server at localhost:8000
    python client.py --url host:port

Exits with 1 where an output differs by more than is allowed. The class Stream is what a program of your own
needs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.http as triton

HERE = Path(__file__).parent
NUMBERS = iter(range(1, 1 << 62))  # of sequences; two streams of a server may not have the same


class Stream:
    """One stream of a model on the server, which keeps its states as long as it hears of it."""

    def __init__(self, client: Any, about: dict[str, Any]) -> None:
        self.client, self.about = client, about
        self.number = next(NUMBERS)
        self.fresh = True
        self.history: list[tuple[int, list[list[float]]]] = []

    def push(self, steps: int, inputs: list[list[float]], last: bool = False) -> list[np.ndarray]:
        """Send a chunk, one flat list of values for each input; one array for each output comes back."""
        tensors = []
        for spec, values in zip(self.about["inputs"], inputs, strict=True):
            shape = [steps if size < 0 else size for size in spec["shape"]]
            if len(shape) == 1:  # a tensor of the batch alone has a second dimension on the server
                shape.append(1)
            array = np.array(values, spec["dtype"]).reshape(shape)
            tensor = triton.InferInput(spec["name"], shape, triton_type(spec["dtype"]))
            tensor.set_data_from_numpy(array)
            tensors.append(tensor)
        result = self.client.infer(
            self.about["name"], tensors, sequence_id=self.number, sequence_start=self.fresh, sequence_end=last
        )
        self.fresh = False
        self.history.append((steps, inputs))
        return [result.as_numpy(spec["name"]) for spec in self.about["outputs"]]

    def reset(self) -> None:
        """Begin anew with the next push."""
        self.fresh = True
        self.history = []


def triton_type(dtype: str) -> str:
    """Triton's name of an element type."""
    return {"float32": "FP32", "float64": "FP64", "bool": "BOOL"}.get(dtype, dtype.upper())


def check(client: Any, name: str) -> float:
    """Make the calls of a model's golden vectors; the largest difference, as a part of what is allowed."""
    about = json.loads((HERE / "golden" / f"{name}.model.json").read_text("utf-8"))
    golden = json.loads((HERE / "golden" / f"{name}.json").read_text("utf-8"))
    streams = [Stream(client, about) for _ in range(golden["streams"])]
    kept: list[tuple[int, list[list[float]]]] = []
    worst = 0.0
    for call in golden["calls"]:
        stream = streams[call["stream"]]
        if call["op"] == "reset":
            stream.reset()
        elif call["op"] == "snapshot":
            kept = list(stream.history)
        elif call["op"] == "restore":  # the states stay on the server: what led to them is sent again
            stream.reset()
            for steps, inputs in kept:
                stream.push(steps, inputs)
        else:
            outputs = stream.push(call["steps"], call["inputs"])
            for found, expected, allowed in zip(outputs, call["outputs"], golden["allowed"], strict=True):
                difference = float(np.abs(found.reshape(-1) - np.array(expected)).max(initial=0.0))
                if found.size != len(expected) or not difference <= allowed:
                    raise SystemExit(f"refused: {name} differs by {difference:.3g}, allowed is {allowed:.3g}")
                worst = max(worst, difference / allowed if allowed else 0.0)
    return worst


def main() -> int:
    """Check every model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url", default="localhost:8000")
    client = triton.InferenceServerClient(parser.parse_args().url)
    for name in sorted(path.name.removesuffix(".model.json") for path in HERE.glob("golden/*.model.json")):
        print(f"{name}: golden vectors pass, at most {check(client, name):.1%} of the allowed difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
