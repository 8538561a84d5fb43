"""onnxruntime by hand, as most programs call it: `session.run(None, feed)`, states carried as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from edgernn.bench.contenders.base import Array, Contender, nothing
from edgernn.errors import ModelError
from edgernn.manifest import Manifest
from edgernn.runtime import providers

_DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}
_DTYPES |= {"tensor(int64)": "int64", "tensor(int32)": "int32"}


def start_plain(path: Path, provider: str, threads: int) -> onnxruntime.InferenceSession:
    """An onnxruntime session with nothing set but the threads inside an operator.

    Raises ModelError where onnxruntime does not take the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=[providers.get(provider).ONNXRUNTIME_NAME]
        )
    except Exception as error:
        raise ModelError(
            f"{str(path)!r} is not a model that onnxruntime {onnxruntime.__version__} can run: {error}. "
            "Check that the file is whole."
        ) from error


def own_states(manifest: Manifest, batch: int) -> list[tuple[str, str, Array]]:
    """The states of a file of edgernn: input name, output name, initial value."""
    return [
        (
            state.input,
            state.output,
            np.full(
                [dim if isinstance(dim, int) else batch for dim in state.dims], state.initial, state.dtype
            ),
        )
        for state in manifest.states
    ]


def foreign_states(
    session: onnxruntime.InferenceSession, inputs: int, outputs: int, batch: int
) -> list[tuple[str, str, Array]]:
    """The states of any ONNX file: the inputs behind the first `inputs`, zero at first, and the outputs
    behind the first `outputs`, paired in order.

    Raises ModelError where there are not as many of one as of the other.
    """
    before, after = session.get_inputs()[inputs:], session.get_outputs()[outputs:]
    few = len(session.get_inputs()) < inputs or len(session.get_outputs()) < outputs
    if few or len(before) != len(after):
        raise ModelError(
            f"the graph has inputs {[item.name for item in session.get_inputs()]} and outputs "
            f"{[item.name for item in session.get_outputs()]}; expected {inputs} inputs, {outputs} outputs, "
            "and behind them one output for each state's input. Give the file edgernn's order."
        )
    return [
        (
            source.name,
            target.name,
            np.zeros([dim if isinstance(dim, int) else batch for dim in source.shape], _DTYPES[source.type]),
        )
        for source, target in zip(before, after, strict=True)
    ]


def plain_contender(
    name: str,
    description: str,
    session: onnxruntime.InferenceSession,
    data: tuple[Sequence[str], Sequence[str]],
    states: Sequence[tuple[str, str, Array]],
    *,
    exact: bool = True,
    file_bytes: int | None = None,
) -> Contender:
    """The loop that a program without edgernn writes.

    Args:
        name, description, exact, file_bytes: see `Contender`.
        session: from `start_plain`.
        data: names of the graph's inputs and of its outputs, states apart.
        states: input name, output name and initial value of each.
    """
    order = [item.name for item in session.get_outputs()]
    found = [order.index(output) for output in data[1]]
    carried = [(source, order.index(target)) for source, target, _ in states]
    initial: Mapping[str, Array] = {source: value for source, _, value in states}
    feed: dict[str, Array] = dict(initial)
    run, first, others = session.run, data[0][0], list(data[0][1:])

    def call(x: Array, *more: Array) -> list[Array]:
        feed[first] = x
        if more:
            feed.update(zip(others, more, strict=True))
        results: list[Array] = run(None, feed)
        for source, index in carried:
            feed[source] = results[index]
        return results

    def outputs(results: Any) -> list[Array]:
        return [results[index] for index in found]

    def reset() -> None:
        feed.update(initial)

    return Contender(
        name, description, call, outputs, reset if states else nothing, exact, file_bytes=file_bytes
    )
