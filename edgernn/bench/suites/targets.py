"""One recurrent layer and a linear head against the default path, beside the project's targets.

Batch 1, input size = hidden size, one thread, stock onnxruntime.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from edgernn.bench.agreement import check_agree
from edgernn.bench.contenders.base import EDGERNN, Contender
from edgernn.bench.contenders.runtime import pool_contender, runtime_contender
from edgernn.bench.inputs import draw_inputs
from edgernn.bench.race import race
from edgernn.bench.suite_report import Row
from edgernn.bench.suite_request import Dimensions, Request, Value
from edgernn.errors import EdgeRNNError
from edgernn.runtime import load

CELLS = ("GRU", "LSTM")
# What a ratio may be at most, by hidden size.
PUSH = {64: 0.70, 128: 0.75, 256: 0.87, 512: 0.96}
SEQUENCE = dict.fromkeys(PUSH, 1.02)
POOL = {64: 0.15, 128: 0.20, 256: 0.35}
INT8 = {
    "GRU": {
        64: 0.72,
        128: 0.77,
        256: 0.50,
        512: 0.42,
    },  # against the default path in float32: it has no int8 GRU
    "LSTM": {64: 0.75, 128: 0.75, 256: 0.78, 512: 0.95},  # against the default path's int8 LSTM
}
STREAMS, SEQUENCE_STEPS = 32, 100
DIMENSIONS: Dimensions = {"cell": CELLS, "hidden": tuple(PUSH)}

Report = Callable[[Row], None]


def measure(request: Request, report_row: Report) -> dict[str, str]:
    """Run the suite; see `edgernn.bench.suites`."""
    skipped: dict[str, str] = {}
    for cell in CELLS:
        for size in PUSH:
            if request.asks({"cell": cell, "hidden": size}):
                with TemporaryDirectory(prefix="edgernn-bench-") as folder:
                    _measure_layer(cell, size, Path(folder), request, report_row, skipped)
    return skipped


def _measure_layer(
    cell: str, size: int, folder: Path, request: Request, report_row: Report, skipped: dict[str, str]
) -> None:
    import torch

    from edgernn.bench.contenders.default_path import default_path_contender
    from edgernn.bench.networks import make_network
    from edgernn.export import export

    network = make_network(cell, size)
    example = torch.randn(1, 5, size)
    # Whether the file is equal is compared below, with what it races with.
    stream_file, sequence_file = folder / "stream.onnx", folder / "sequence.onnx"
    export(network, stream_file, example, streaming=True, check=False)
    export(network, sequence_file, example, check=False)
    stream, sequence = load(stream_file), load(sequence_file)

    random = np.random.default_rng(0)
    chunks = [draw_inputs(stream.manifest, 1, 1, random) for _ in range(4)]
    whole = draw_inputs(sequence.manifest, 1, SEQUENCE_STEPS, random)
    default_file = folder / "default_path.onnx"
    by_step = default_path_contender(network, stream.manifest, chunks[0], default_file, batch=1)
    at_once = default_path_contender(
        network, sequence.manifest, whole, folder / "default_path_sequence.onnx", batch=1
    )

    def compare(
        what: str, target: float, mine: Contender, other: Contender, inputs: list[list[np.ndarray]]
    ) -> None:
        case: dict[str, Value] = {"cell": cell, "hidden": size, "what": what}
        if not request.wants(case):
            return
        check_agree([mine, other], inputs)
        result = race([mine, other], inputs[0], rounds=request.rounds)
        ratio = result.ratio(mine.name, other.name)
        ours, theirs = (result.latency(way.name).p50 for way in (mine, other))
        report_row(Row(what, size, target, ratio, ours, theirs, case))

    compare(f"Stream.push, {cell}, float32", PUSH[size], runtime_contender(stream, 1), by_step, chunks)
    compare(
        f"Session.run, {SEQUENCE_STEPS} steps, {cell}, float32",
        SEQUENCE[size], runtime_contender(sequence, 1), at_once, [whole],
    )  # fmt: skip
    if size in POOL:
        compare(
            f"StreamPool, {STREAMS} streams, {cell}, float32",
            POOL[size], pool_contender(stream, STREAMS), by_step, chunks,
        )  # fmt: skip
    what = f"Stream.push, {cell}, int8"
    try:
        mine, other = _int8(cell, stream_file, default_file, by_step, folder)
    except EdgeRNNError as error:
        skipped[f"{what}, {size}"] = str(error)
        return
    compare(what, INT8[cell][size], mine, other, chunks)


def _int8(
    cell: str, stream_file: Path, default_file: Path, by_step: Contender, folder: Path
) -> tuple[Contender, Contender]:
    """edgernn's int8 stream, and what it is held against."""
    if importlib.util.find_spec("edgernn.quantize") is None:
        raise EdgeRNNError("this edgernn has no quantize.")
    from edgernn.quantize import quantize

    quantize(stream_file, folder / "int8.onnx", scheme="int8")
    mine = runtime_contender(load(folder / "int8.onnx", kernels="off"), 1)
    if cell == "GRU":
        return replace(mine, name=f"{EDGERNN}, int8"), by_step
    from edgernn.bench.contenders.dynamic_int8 import dynamic_int8_contender

    return mine, dynamic_int8_contender(default_file, folder / "default_path_int8.onnx")
