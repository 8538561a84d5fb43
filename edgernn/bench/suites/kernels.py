"""edgernn's own kernels against the default path, beside the project's targets for them.

The networks are those of `targets.py`: one recurrent layer and a linear head, input size = hidden size, one
thread. Needs the library of kernels, see `edgernn kernels build`. The default path of cells that ONNX has no
operator for is a Scan, and nobody asked for a ratio to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from edgernn.bench.agreement import check_agree
from edgernn.bench.contenders.base import EDGERNN, Contender
from edgernn.bench.contenders.runtime import runtime_contender
from edgernn.bench.floor import measure_floor
from edgernn.bench.inputs import draw_inputs
from edgernn.bench.race import race
from edgernn.bench.suite_report import Row
from edgernn.bench.suite_request import Dimensions, Request, Value
from edgernn.bench.suites.targets import CELLS, SEQUENCE_STEPS, STREAMS
from edgernn.bench.weights import weight_bytes
from edgernn.errors import EdgeRNNError
from edgernn.runtime import Session, load

if TYPE_CHECKING:
    from torch.nn import Module

SIZES = (64, 128, 256, 512)
# What a ratio may be at most, by hidden size.
PUSH_INT8 = {
    "GRU": dict(zip(SIZES, (0.45, 0.40, 0.30, 0.32), strict=True)),  # the default path has no int8 GRU
    "LSTM": dict(zip(SIZES, (0.50, 0.50, 0.55, 0.65), strict=True)),  # against its int8 LSTM
}
PUSH_FLOAT32 = dict(zip(SIZES, (0.45, 0.55, 0.75, 0.92), strict=True))
SEQUENCE_INT8 = {
    "GRU": dict(zip(SIZES, (0.35, 0.35, 0.33, 0.33), strict=True)),
    "LSTM": dict.fromkeys(SIZES, 0.80),
}
STREAMS_INT8 = dict(zip(SIZES, (0.06, 0.08, 0.12, 0.15), strict=True))
# Those whose default path is a Scan, and sizes to measure them at.
SCANNED = (
    "MinGRU",
    "MinLSTM",
    "LayerNormLSTM",
    "LayerNormGRU",
    "IndRNN",
    "SRU",
    "FastGRNN",
    "ProjectedLSTM",
)
SCANNED_SIZES = (64, 256)
SCAN = "a Scan"
DIMENSIONS: Dimensions = {"cell": (*CELLS, *SCANNED), "hidden": SIZES}

Report = Callable[[Row], None]


def measure(request: Request, report_row: Report) -> dict[str, str]:
    """Run the suite; see `edgernn.bench.suites`."""
    skipped: dict[str, str] = {}
    cases = [(_measure_operator, cell, size) for cell in CELLS for size in SIZES]
    cases += [(_measure_scanned, cell, size) for cell in SCANNED for size in SCANNED_SIZES]
    for measure_case, cell, size in cases:
        if not request.asks({"cell": cell, "hidden": size}):
            continue
        with TemporaryDirectory(prefix="edgernn-bench-") as folder:
            try:
                measure_case(Path(folder), _Case(cell, size, request, report_row))
            except EdgeRNNError as error:
                skipped[f"{cell}, {size}"] = str(error)
    return skipped


@dataclass(frozen=True)
class _Case:
    """A cell and a size, and how they are measured."""

    cell: str
    size: int
    request: Request
    report_row: Report

    def row(
        self,
        what: str,
        target: float | None,
        session: Session,
        other: Contender,
        inputs: list[list[np.ndarray]],
        batch: int = 1,
        floor: bool = False,
    ) -> None:
        """Measure a session against another way, and report it where it is wanted."""
        title = f"{what}, {self.cell}, {session.manifest.scheme}"
        case: dict[str, Value] = {"cell": self.cell, "hidden": self.size, "what": title}
        if not self.request.wants(case):
            return
        mine = replace(runtime_contender(session, batch), name=f"{EDGERNN}, kernels", streams=batch)
        many = [[np.repeat(array, batch, axis=0) for array in chunk] for chunk in inputs]
        check_agree([_rows(mine, batch), other], inputs)
        # Each way gets its own number of rows; the times are those of a row.
        result = race([_fed(mine, many[0]), other], inputs[0], rounds=self.request.rounds)
        ours, theirs = (result.latency(way.name).p50 for way in (mine, other))
        least = measure_floor(weight_bytes(session.path)) if floor else None
        self.report_row(
            Row(
                title,
                self.size,
                target,
                result.ratio(mine.name, other.name),
                ours,
                theirs,
                case,
                floor_microseconds=None if least is None else least.microseconds,
            )
        )


@dataclass(frozen=True)
class _Ways:
    """The ways to run one network.

    Attributes:
        stream, sequence: sessions on the kernels, by scheme.
        by_step, by_step_int8: the default path, a step a call; its int8, or again float32 where it has none.
        at_once: the default path over a whole sequence, in int8 where it has that.
    """

    stream: dict[str, Session]
    sequence: dict[str, Session]
    by_step: Contender
    by_step_int8: Contender
    at_once: Contender
    chunks: list[list[np.ndarray]]
    whole: list[np.ndarray]


def _prepare(cell: str, size: int, folder: Path) -> _Ways:
    from edgernn.bench.contenders.default_path import default_path_contender
    from edgernn.bench.contenders.dynamic_int8 import dynamic_int8_contender
    from edgernn.bench.networks import make_network

    network = make_network(cell, size)
    sessions = {streaming: _export(network, size, streaming, folder) for streaming in (True, False)}
    random = np.random.default_rng(0)
    stream, sequence = sessions[True]["float32"].manifest, sessions[False]["float32"].manifest
    chunks = [draw_inputs(stream, 1, 1, random) for _ in range(4)]
    whole = draw_inputs(sequence, 1, SEQUENCE_STEPS, random)
    step_file, whole_file = folder / "default_step.onnx", folder / "default_whole.onnx"
    by_step = default_path_contender(network, stream, chunks[0], step_file, batch=1)
    at_once = default_path_contender(network, sequence, whole, whole_file, batch=1)
    by_step_int8 = by_step
    if cell == "LSTM":
        by_step_int8 = dynamic_int8_contender(step_file, folder / "default_step_int8.onnx")
        at_once = dynamic_int8_contender(whole_file, folder / "default_whole_int8.onnx")
    return _Ways(sessions[True], sessions[False], by_step, by_step_int8, at_once, chunks, whole)


def _export(network: Module, size: int, streaming: bool, folder: Path) -> dict[str, Session]:
    """Sessions on the kernels, by scheme."""
    import torch

    from edgernn.export import export
    from edgernn.quantize import quantize

    file = folder / f"{'stream' if streaming else 'sequence'}.onnx"
    small = file.with_suffix(".int8.onnx")
    export(network, file, torch.randn(1, 5, size), streaming=streaming, kernels=True, check=False)
    quantize(file, small, scheme="int8")
    return {"float32": _on_kernels(file), "int8": _on_kernels(small)}


def _on_kernels(file: Path) -> Session:
    """A session that runs on the kernels. Raises EdgeRNNError with the reason where it does not."""
    session = load(file)
    if not session.kernels.functions:
        raise EdgeRNNError(f"the kernels do not run {file.name}: {session.kernels.reason}.")
    return session


def _measure_operator(folder: Path, case: _Case) -> None:
    ways, size, cell = _prepare(case.cell, case.size, folder), case.size, case.cell
    stream, sequence, chunks, whole = ways.stream, ways.sequence, ways.chunks, [ways.whole]
    case.row("Stream.push", PUSH_FLOAT32[size], stream["float32"], ways.by_step, chunks, floor=True)
    case.row("Stream.push", PUSH_INT8[cell][size], stream["int8"], ways.by_step_int8, chunks, floor=True)
    what, target = f"{SEQUENCE_STEPS} steps a call", SEQUENCE_INT8[cell][size]
    case.row(what, target, sequence["int8"], ways.at_once, whole)
    if cell == "GRU":
        what, target = f"{STREAMS} streams in one call", STREAMS_INT8[size]
        case.row(what, target, stream["int8"], ways.by_step, chunks, batch=STREAMS)


def _measure_scanned(folder: Path, case: _Case) -> None:
    import torch

    from edgernn.bench.networks import make_network
    from edgernn.export import export

    network, example = make_network(case.cell, case.size), torch.randn(1, 5, case.size)
    for streaming, what in ((True, "Stream.push"), (False, f"{SEQUENCE_STEPS} steps a call")):
        sessions = _export(network, case.size, streaming, folder)
        plain = folder / "scan.onnx"
        export(network, plain, example, streaming=streaming, check=False)
        scan = replace(runtime_contender(load(plain, kernels="off"), 1, SCAN), exact=True)
        steps, count = (1, 4) if streaming else (SEQUENCE_STEPS, 1)
        random, manifest = np.random.default_rng(0), sessions["float32"].manifest
        inputs = [draw_inputs(manifest, 1, steps, random) for _ in range(count)]
        for session in sessions.values():
            case.row(what, None, session, scan, inputs)


def _fed(way: Contender, inputs: list[np.ndarray]) -> Contender:
    """The way on these inputs, whatever it is called with."""
    return replace(way, call=lambda *_: way.call(*inputs))


def _rows(way: Contender, batch: int) -> Contender:
    """The way on repeated rows, giving the first: to compare it with ways of one row."""
    if batch == 1:
        return way
    return replace(
        way,
        call=lambda *inputs: way.call(*(np.repeat(array, batch, axis=0) for array in inputs)),
        outputs=lambda result: [array[:1] for array in way.outputs(result)],
    )
