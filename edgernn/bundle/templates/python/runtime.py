"""Streams of a recurrent model on onnxruntime: chunks go in, outputs come out, the states stay inside.

This file is the same for every model; what it needs to know stands in the model's folder:

- model.json: names, types and shapes;
- initial.bin: the states before the first chunk, as a snapshot;
- golden.json: calls with the outputs that they must give.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

Array = npt.NDArray[Any]

_DIGEST = 32  # bytes of the model's SHA-256 in front of a snapshot


class GoldenError(Exception):
    """The model does not compute here what it computed where it was made."""


class Model:
    """A loaded model, for any number of streams.

    Args:
        folder: the model's folder.
        threads: threads inside an operator; one is fastest for small networks.
        providers: onnxruntime's names of the execution providers, the preferred one first.
    """

    def __init__(
        self, folder: Path, threads: int = 1, providers: tuple[str, ...] = ("CPUExecutionProvider",)
    ) -> None:
        self.folder = folder
        self.about: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
        if self.about["format"] != 1:
            raise ValueError(f"{folder}: model.json has format {self.about['format']}, this program reads 1")
        data = (folder / self.about["file"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != self.about["sha256"]:
            raise GoldenError(
                f"{self.about['file']} is not the file that this app was made for (SHA-256 differs)"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # steps are small
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(data, options, providers=list(providers))
        self.initial = (folder / "initial.bin").read_bytes()
        self.fetches = [item["name"] for item in self.about["outputs"]]
        self.fetches += [item["output"] for item in self.about["states"]]


class Stream:
    """One stream of a model. It belongs to one thread at a time.

    A push that fails leaves the states as they were.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._states: dict[str, Array] = {}
        self.reset()

    def push_all(self, *inputs: Array) -> list[Array]:
        """Run the next chunk; an array for each input, in the model's order, and one back for each output."""
        about = self.model.about
        if len(inputs) != len(about["inputs"]):
            raise ValueError(f"expected {len(about['inputs'])} inputs, found {len(inputs)}")
        feed = {spec["name"]: fit(array, spec) for spec, array in zip(about["inputs"], inputs, strict=True)}
        self._check_steps(feed)
        results = self.model.session.run(self.model.fetches, {**feed, **self._states})
        outputs = len(about["outputs"])
        self._states = {
            state["input"]: array for state, array in zip(about["states"], results[outputs:], strict=True)
        }
        return list(results[:outputs])

    def reset(self) -> None:
        """Go back to the states before the first chunk."""
        self.restore(self.model.initial)

    def snapshot(self) -> bytes:
        """The states, to restore later, here or in another stream of this model, in any language."""
        body = b"".join(
            array.astype(array.dtype.newbyteorder("<")).tobytes() for array in self._states.values()
        )
        return bytes.fromhex(self.model.about["sha256"]) + body

    def restore(self, snapshot: bytes) -> None:
        """Take the states of a snapshot; raises ValueError where it is of another model or damaged."""
        states = self.model.about["states"]
        sizes = [math.prod(state["shape"]) * np.dtype(state["dtype"]).itemsize for state in states]
        if len(snapshot) != _DIGEST + sum(sizes) or snapshot[:_DIGEST].hex() != self.model.about["sha256"]:
            raise ValueError("snapshot: of another model, or damaged")
        start, restored = _DIGEST, {}
        for state, size in zip(states, sizes, strict=True):
            little = np.dtype(state["dtype"]).newbyteorder("<")
            values = np.frombuffer(snapshot[start : start + size], little)
            restored[state["input"]] = values.astype(state["dtype"]).reshape(state["shape"])
            start += size
        self._states = restored

    def _check_steps(self, feed: dict[str, Array]) -> None:
        about = self.model.about
        timed = [spec for spec in about["inputs"] if spec["time_dim"] >= 0]
        counts = {feed[spec["name"]].shape[spec["time_dim"]] for spec in timed}
        if len(counts) > 1:
            raise ValueError(f"the inputs of a push have as many steps as each other, found {sorted(counts)}")
        for steps in counts:
            if (about["chunk"] and steps != about["chunk"]) or not steps or steps % about["hop"]:
                wanted = about["chunk"] or f"a multiple of {about['hop']}"
                raise ValueError(f"a push takes {wanted} steps, found {steps}")


def fit(array: Array, spec: dict[str, Any]) -> Array:
    """An array in the shape and type of an input, -1 being time; raises ValueError where it does not fit."""
    given = np.asarray(array)
    made = given.astype(spec["dtype"], casting="same_kind", copy=False)
    known = math.prod(size for size in spec["shape"] if size >= 0)
    if made.ndim == len(spec["shape"]):
        if any(want not in (-1, found) for want, found in zip(spec["shape"], made.shape, strict=True)):
            raise ValueError(
                f"input {spec['name']!r}: expected shape {spec['shape']}, found {list(made.shape)}"
            )
        return made
    if not made.size or (made.size % known if -1 in spec["shape"] else made.size != known):
        raise ValueError(f"input {spec['name']!r}: {made.size} values do not fill shape {spec['shape']}")
    return made.reshape(spec["shape"])


def check_golden(model: Model) -> float:
    """Make the calls of golden.json and compare; the largest difference, as a part of what is allowed.

    Raises GoldenError where an output differs by more.
    """
    golden = json.loads((model.folder / "golden.json").read_text("utf-8"))
    if golden["format"] != 1 or golden["model"] != model.about["sha256"]:
        raise GoldenError("golden.json is of another model")
    streams = [Stream(model) for _ in range(golden["streams"])]
    kept = model.initial
    worst = 0.0
    compared = 0
    for number, call in enumerate(golden["calls"]):
        stream = streams[call["stream"]]
        if call["op"] == "reset":
            stream.reset()
        elif call["op"] == "snapshot":
            kept = stream.snapshot()
        elif call["op"] == "restore":
            stream.restore(kept)
        elif call["op"] == "push":
            specs = model.about["inputs"]
            inputs = [
                np.array(values, spec["dtype"]) for values, spec in zip(call["inputs"], specs, strict=True)
            ]
            results = stream.push_all(*inputs)
            for spec, result, expected, allowed in zip(
                model.about["outputs"], results, call["outputs"], golden["allowed"], strict=True
            ):
                found = result.reshape(-1).astype(np.float64)
                if found.size != len(expected):
                    raise GoldenError(
                        f"call {number}: {found.size} values of {spec['name']!r}, expected {len(expected)}"
                    )
                difference = float(np.abs(found - np.array(expected, np.float64)).max(initial=0.0))
                if not difference <= allowed:  # so that NaN fails
                    raise GoldenError(
                        f"call {number}: {spec['name']!r} differs by {difference:.3g}, allowed is "
                        f"{allowed:.3g}"
                    )
                compared += found.size
                worst = max(worst, difference / allowed if allowed else 0.0)
        else:
            raise GoldenError(f"call {number}: unknown operation {call['op']!r}")
    if not compared:
        raise GoldenError("golden.json compares nothing")
    return worst
