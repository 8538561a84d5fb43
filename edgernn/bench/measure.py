"""`edgernn.bench`: how fast a file runs, beside what a user would do without edgernn."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.bench.agreement import check_agree
from edgernn.bench.contenders.base import EDGERNN, Contender
from edgernn.bench.endurance import endure
from edgernn.bench.floor import Floor, measure_floor
from edgernn.bench.inputs import draw_inputs, steps_of
from edgernn.bench.lineup import baseline, lineup
from edgernn.bench.machine import describe_machine
from edgernn.bench.process import cold_start
from edgernn.bench.race import race
from edgernn.bench.report import BenchReport, Measurement
from edgernn.bench.statistics import Latency, Ratio
from edgernn.bench.weights import weight_bytes
from edgernn.errors import InputError
from edgernn.runtime import Session, load

if TYPE_CHECKING:
    from torch import nn

# Calls in a row whose outputs are compared before anything is timed.
_COMPARED_CALLS = 4


def bench(
    path: str | os.PathLike[str],
    *,
    source: nn.Module | None = None,
    example_inputs: Any = None,
    against: str | os.PathLike[str] | None = None,
    batch: int = 1,
    steps: int | None = None,
    rounds: int = 9,
    threads: int = 1,
    provider: str = "cpu",
    seed: int = 0,
    processes: int = 3,
    calls: int = 0,
) -> BenchReport:
    """Measure a file: latency, throughput, cold start, memory, size, and the ratio to other ways.

    Of a streaming file it times `Stream.push`, of a sequence file `Session.run`; beside it, in turns in the
    same process, the same file with plain onnxruntime and states carried by hand, and what else is given.
    Everything is compared before it is timed.

    Args:
        path: a file of edgernn.
        source: the torch module that the file was made from. Adds the default path (`torch.onnx.export` with
            states as inputs and outputs, onnxruntime by hand) and torch itself.
        example_inputs: arrays or tensors, one an input, whose values the inputs are drawn from; standard
            normal numbers without.
        against: another ONNX file of the same network to compare with, e.g. the float32 file of a quantized
            one. A file that edgernn did not write runs by hand: its inputs in the order of `path`'s, its
            states behind them, the outputs likewise.
        batch: rows of a call.
        steps: time steps of a call. None: the file's chunk or fixed length, else 1 (100 for a sequence).
        rounds: in each, all ways take turns; the ratio is the median over rounds. 9 or more for a figure to
            be relied on.
        threads: threads inside an operator, for every way.
        provider: execution provider, for every way but torch.
        seed: of the random inputs.
        processes: fresh processes in which cold start and memory are measured; 0 leaves them out.
        calls: also make so many calls of edgernn in a row, for the rarest latencies and for what memory stays
            behind; 0 leaves them out.

    Returns:
        The report; `edgernn.bench.render(report)` makes a table of it, `draw_latency` a picture.

    Raises:
        InputError, ModelError, ProviderError: where an argument or a file is not usable.
        ParityError: where one of the ways does not compute what the file computes.
    """
    for name, value, least in (
        ("batch", batch, 1),
        ("rounds", rounds, 1),
        ("processes", processes, 0),
        ("calls", calls, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{name}: expected a whole number from {least}, found {value!r}.")
    session = load(path, provider=provider, threads=threads)
    if batch != 1 and not any("batch" in spec.dims for spec in session.inputs):
        raise InputError(f"batch: the file's batch is fixed at 1, found {batch}. Leave batch out.")
    steps = steps_of(session.manifest, steps)
    random = np.random.default_rng(seed)
    examples = _examples(example_inputs)
    chunks = [draw_inputs(session.manifest, batch, steps, random, examples) for _ in range(_COMPARED_CALLS)]
    with lineup(session, chunks[0], batch=batch, threads=threads, source=source, against=against) as (
        contenders,
        skipped,
    ):
        check_agree(contenders, chunks)
        result = race(contenders, chunks[0], rounds=rounds)
        endurance = endure(contenders[0], chunks[0], calls) if calls else None
    measurements = tuple(
        _measurement(
            contender,
            result.latency(contender.name),
            None if contender.name == EDGERNN else result.ratio(EDGERNN, contender.name),
            steps=steps,
            batch=batch,
            sample_rate=session.manifest.sample_rate,
        )
        for contender in contenders
    )
    return BenchReport(
        path=str(path),
        form="stream" if session.manifest.streaming else "sequence",
        batch=batch,
        steps=steps,
        threads=threads,
        provider=session.provider,
        rounds=rounds,
        measurements=measurements,
        baseline=baseline(contenders),
        skipped=skipped,
        cold_start=cold_start(
            path, provider=provider, threads=threads, batch=batch, steps=steps, processes=processes
        )
        if processes
        else None,
        endurance=endurance,
        floor=_floor(session, steps),
        machine=describe_machine(),
        kernels=str(session.kernels),
    )


def _examples(example_inputs: Any) -> list[Any]:
    if example_inputs is None:
        return []
    return list(example_inputs) if isinstance(example_inputs, tuple | list) else [example_inputs]


def _measurement(
    contender: Contender,
    latency: Latency,
    ratio: Ratio | None,
    *,
    steps: int,
    batch: int,
    sample_rate: float | None,
) -> Measurement:
    seconds = 1e-6 * latency.p50
    return Measurement(
        contender.name,
        contender.description,
        latency,
        steps * batch / seconds,
        None if sample_rate is None else seconds / (steps / sample_rate),
        contender.file_bytes,
        ratio,
    )


def _floor(session: Session, steps: int) -> Floor | None:
    # Several steps of a call may share a reading of the weights, and other providers have other memory.
    single = session.manifest.streaming and steps == 1 and session.provider == "cpu"
    return measure_floor(weight_bytes(session.path)) if single else None
