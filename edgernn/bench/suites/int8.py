"""edgernn's int8 files against its float32 files: one recurrent layer and a linear head.

Batch 1, input size = hidden size, one thread, stock onnxruntime. int8 is to be no slower anywhere: one step
of a stream and ten at once, and a sequence of a hundred. Behind these stand, against the default path, int8
GRUs of other choices than the defaults: a chunk fixed at one step, and the products of newer onnxruntimes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from edgernn.bench.agreement import check_agree
from edgernn.bench.contenders.runtime import runtime_contender
from edgernn.bench.inputs import draw_inputs
from edgernn.bench.race import race
from edgernn.bench.suite_report import Row, counted
from edgernn.bench.suite_request import Dimensions, Request, Value
from edgernn.bench.suites.targets import INT8, SEQUENCE_STEPS
from edgernn.quantize.recurrent import OLDEST, WITH_8_BITS
from edgernn.runtime import load

if TYPE_CHECKING:
    from torch import Tensor, nn

CELLS = ("GRU", "LSTM", "RNN")
SIZES = (64, 128, 192, 256, 384, 512)
NO_SLOWER = 1.02
PUSHES = (1, 10)
DIMENSIONS: Dimensions = {"cell": CELLS, "hidden": SIZES}

Report = Callable[[Row], None]


def measure(request: Request, report_row: Report) -> dict[str, str]:
    """Run the suite; see `edgernn.bench.suites`."""
    import torch

    from edgernn.bench.networks import make_network
    from edgernn.export import export
    from edgernn.quantize import quantize

    for cell in CELLS:
        for size in SIZES:
            if not request.asks({"cell": cell, "hidden": size}):
                continue
            network, example = make_network(cell, size), torch.randn(1, 5, size)
            with TemporaryDirectory(prefix="edgernn-bench-") as folder:
                for streaming in (True, False):
                    float32, int8 = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
                    export(network, float32, example, streaming=streaming, check=False)
                    quantize(float32, int8)
                    for steps in PUSHES if streaming else (SEQUENCE_STEPS,):
                        _measure_call(cell, size, (float32, int8), steps, request, report_row)
                if cell == "GRU" and size in INT8[cell]:
                    _measure_choices(network, size, example, Path(folder), request, report_row)
    return {}


def _measure_choices(
    network: nn.Module,
    size: int,
    example: Tensor,
    folder: Path,
    request: Request,
    report_row: Report,
) -> None:
    """One step of a GRU: the chunk fixed, the onnxruntime newer, and both."""
    from edgernn.bench.contenders.default_path import default_path_contender
    from edgernn.export import export
    from edgernn.quantize import quantize

    for chunk in (None, 1):
        export(network, folder / "chunk.onnx", example, streaming=True, chunk=chunk, check=False)
        for minimum in (OLDEST, WITH_8_BITS):
            if (chunk, minimum) == (None, OLDEST):
                continue  # the suite "targets" has it
            words = ["chunk 1"] * (chunk == 1) + [f"onnxruntime ≥ {minimum}"] * (minimum != OLDEST)
            what = f"Stream.push, GRU, int8, {', '.join(words)}"
            case: dict[str, Value] = {"cell": "GRU", "hidden": size, "what": what}
            if not request.wants(case):
                continue
            choice = folder / "choice.onnx"
            quantize(folder / "chunk.onnx", choice, options={"minimum_onnxruntime": minimum})
            session = load(choice, kernels="off")
            inputs = [draw_inputs(session.manifest, 1, 1, np.random.default_rng(seed)) for seed in range(2)]
            other = default_path_contender(
                network, session.manifest, inputs[0], folder / "default_path.onnx", batch=1
            )
            mine = runtime_contender(session, 1)
            check_agree([mine, other], inputs)
            result = race([mine, other], inputs[0], rounds=request.rounds)
            ratio = result.ratio(mine.name, other.name)
            ours, theirs = (result.latency(item.name).p50 for item in (mine, other))
            report_row(Row(what, size, INT8["GRU"][size], ratio, ours, theirs, case))


def _measure_call(
    cell: str, size: int, files: tuple[Path, Path], steps: int, request: Request, report_row: Report
) -> None:
    """`steps` steps a call: the int8 file beside the float32 one."""
    float32, int8 = files
    sessions = [load(path, kernels="off") for path in (int8, float32)]
    call = "Stream.push" if sessions[0].manifest.streaming else "Session.run"
    what = f"{call}, {counted(steps, 'step')}, {cell}, int8 ÷ float32"
    case: dict[str, Value] = {"cell": cell, "hidden": size, "what": what}
    if not request.wants(case):
        return
    contenders = [runtime_contender(session, 1) for session in sessions]
    mine, other = (
        replace(item, name=name) for item, name in zip(contenders, ("int8", "float32"), strict=True)
    )
    inputs = [draw_inputs(sessions[0].manifest, 1, steps, np.random.default_rng(seed)) for seed in range(2)]
    check_agree([mine, other], inputs)
    result = race([mine, other], inputs[0], rounds=request.rounds)
    ratio = result.ratio(mine.name, other.name)
    ours, theirs = (result.latency(way.name).p50 for way in (mine, other))
    report_row(Row(what, size, NO_SLOWER, ratio, ours, theirs, case))
