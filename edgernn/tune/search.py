"""`edgernn.tune`: try every form, scheme, chunk and session option, and keep what is best on this machine."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from torch import Tensor, nn

from edgernn.bench.contenders.base import Contender
from edgernn.bench.contenders.runtime import runtime_contender
from edgernn.bench.inputs import DEFAULT_SEQUENCE_STEPS, draw_inputs, steps_of
from edgernn.bench.machine import describe_machine
from edgernn.bench.race import race
from edgernn.errors import (
    ExportError,
    InputError,
    MissingDependencyError,
    ModelError,
    ParityError,
    QuantizationError,
    StreamingError,
)
from edgernn.export import export
from edgernn.files import atomic_path, file_digest, write_text
from edgernn.graph.build import weights_digest
from edgernn.quantize import quantize
from edgernn.runtime import load
from edgernn.tune.candidate import FLOAT32, FileChoice, Space, make_space
from edgernn.tune.picture import draw_pareto
from edgernn.tune.report import FileResult, Trial, TuneReport, run_name
from edgernn.tune.store import Store
from edgernn.verify import verify

Progress = Callable[[str, int, int], None]


def tune(
    model: nn.Module,
    example_inputs: Tensor | Sequence[Tensor],
    *,
    out: str | os.PathLike[str],
    streaming: bool = True,
    recurrences: Sequence[str] | None = None,
    schemes: Sequence[str] | None = None,
    chunks: Sequence[int] | None = None,
    length: int | None = None,
    threads: Sequence[int] = (1, 2),
    batch: int = 1,
    max_error: float | None = None,
    prefer: str = "speed",
    rounds: int = 9,
    progress: Progress | None = None,
    **options: Any,
) -> TuneReport:
    """Find the fastest, or the smallest, file of a network on this machine, among those that are proven.

    Every form of the recurrence is exported and every scheme applied to it; each file is compared with torch
    and with the float64 reference, and dropped where it fails. Those left are timed in turns in one process,
    each with every number of threads and with and without onnxruntime's memory arena. The same call tries the
    same things in the same order; one that was interrupted goes on with the files that stand in `out`.

    Args:
        model: any torch module that `edgernn.export` takes.
        example_inputs: as for `edgernn.export`; also what schemes calibrate on and inputs are drawn from, so
            give real values.
        out: a folder: `model.onnx` (the chosen file), `tune.json`, `pareto.png` (with matplotlib), `files/`.
        streaming: whether the files stream.
        recurrences, schemes: names to try; None tries all there are. "float32" is a scheme here; left out,
            its files are still written, as what others are quantized from, and take no part in the race.
        chunks: time steps of a call. None: of a stream one push of the least steps, else `length` or 100.
        length: of sequence files: a fixed number of time steps; None leaves it free, and unrolled out.
        threads: numbers of threads to try.
        batch: rows of a call.
        max_error: the largest relative error, see `ParityReport.max_relative_error`; None lets every scheme
            have its own tolerance.
        prefer: "speed": the smallest of the fastest, 3 % being the same; "size": the fastest of the smallest.
        rounds: of the race; 9 or more for a figure to be relied on.
        progress: called with what comes next, how much is done, and of how much.
        options: further options of `edgernn.export`, e.g. lookahead or dims.

    Returns:
        The report; `.best` is the chosen way, `.pareto` those worth a thought, `.files` tells why others were
        dropped.

    Raises:
        InputError: where an argument does not fit.
        ExportError, StreamingError: where no form of the network can be written.
        ParityError: where all were dropped, with the reasons.
    """
    _check(prefer, max_error, batch, rounds, length, streaming)
    tell = progress or _silent
    tensors = [example_inputs] if isinstance(example_inputs, Tensor) else list(example_inputs)
    examples = [tensor.detach().cpu().numpy() for tensor in tensors]
    options = {**options, "streaming": streaming}
    if chunks is None:
        chunks = (
            _least_steps(model, example_inputs, options) if streaming else length or DEFAULT_SEQUENCE_STEPS,
        )
    elif length is not None and list(chunks) != [length]:
        raise InputError(f"chunks: with length={length} every call has that many steps; leave chunks out.")
    space = make_space(
        streaming=streaming,
        recurrences=recurrences,
        schemes=schemes,
        chunks=chunks,
        fixed=length is not None,
        threads=threads,
    )
    store = Store(Path(out), _question(model, examples, options, max_error))
    choices = list(space.files())
    files: list[FileResult] = []
    make = functools.partial(_make, model, example_inputs, examples, options, max_error)
    for number, choice in enumerate(choices):
        tell(choice.name, number, len(choices) + 1)
        files.append(_result(store, choice, make))
    # A float32 file that nobody asked for is only what the others are quantized from.
    kept = [
        (choice, file)
        for choice, file in zip(choices, files, strict=True)
        if not file.dropped and choice.scheme in space.schemes
    ]
    if not kept:
        reasons = "; ".join(f"{file.name}: {file.dropped}" for file in files if file.dropped)
        raise ParityError(f"no file is within what is allowed. {reasons}")
    tell("the race", len(choices), len(choices) + 1)
    trials = _race(store, space, kept, examples, batch, rounds)
    report = TuneReport(
        folder=str(out),
        path=str(Path(out) / "model.onnx"),
        prefer=prefer,
        max_error=max_error,
        files=tuple(files),
        trials=trials,
        rounds=rounds,
        machine=describe_machine(),
    )
    with atomic_path(report.path) as temporary:
        temporary.write_bytes(store.path(report.best.file.name).read_bytes())
    write_text(Path(out) / "tune.json", report.to_json(indent=1))
    # Without matplotlib, which no other part of a search needs, there is no picture.
    with contextlib.suppress(MissingDependencyError):
        draw_pareto(report, Path(out) / "pareto.png")
    return report


def _silent(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def _check(
    prefer: str, max_error: float | None, batch: int, rounds: int, length: int | None, streaming: bool
) -> None:
    if prefer not in ("speed", "size"):
        raise InputError(f"prefer: expected 'speed' or 'size', found {prefer!r}.")
    if max_error is not None and (isinstance(max_error, bool) or not max_error > 0):
        raise InputError(f"max_error: expected a number above 0, such as 0.01, found {max_error!r}.")
    for name, value in (("batch", batch), ("rounds", rounds)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{name}: expected a whole number from 1, found {value!r}.")
    if length is not None and streaming:
        raise InputError("length: a stream has no length; pass streaming=False, or chunks= for its pushes.")


def _least_steps(model: nn.Module, example_inputs: Tensor | Sequence[Tensor], options: dict[str, Any]) -> int:
    """The fewest steps that a stream of the network takes: its hop."""
    with TemporaryDirectory(prefix="edgernn-tune-") as folder:
        return export(model, Path(folder) / "hop.onnx", example_inputs, check=False, **options).hop


def _question(
    model: nn.Module, examples: Sequence[np.ndarray], options: dict[str, Any], max_error: float | None
) -> dict[str, Any]:
    """What a file's result depends on."""
    packages = ("edgernn", "torch", "onnxruntime")
    return {
        "network": f"{type(model).__name__} {weights_digest(model)}",
        "example": [[array.dtype.str, *array.shape] for array in examples],
        "options": {name: repr(value) for name, value in sorted(options.items())},
        "max_error": max_error,
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


def _result(
    store: Store, choice: FileChoice, make: Callable[[Store, FileChoice, Path], float | str]
) -> FileResult:
    """What an earlier search knows of a file, or what making it finds."""
    known = store.known(choice.name)
    if known is not None:
        return known
    dropped = FileResult(choice.name, choice.recurrence, choice.scheme, choice.steps)
    try:
        with store.writing(choice.name) as path:
            error = make(store, choice, path)
            if isinstance(error, str):
                raise ParityError(error)
            made = replace(dropped, bytes=path.stat().st_size, relative_error=error, sha256=file_digest(path))
    except StreamingError:
        raise  # it is about the network, whatever its form
    except (ExportError, QuantizationError, ParityError, ModelError) as error:
        return store.remember(replace(dropped, dropped=str(error)))
    return store.remember(made)


def _make(
    model: nn.Module,
    example_inputs: Tensor | Sequence[Tensor],
    examples: Sequence[np.ndarray],
    options: dict[str, Any],
    max_error: float | None,
    store: Store,
    choice: FileChoice,
    path: Path,
) -> float | str:
    """Write a file and give its relative error, or why it takes no part."""
    if choice.scheme == FLOAT32:
        fixed = {"chunk" if options["streaming"] else "length": choice.steps}
        how = {**options, **fixed, "recurrence": choice.recurrence}
        manifest = export(model, path, example_inputs, **how)
        error = float(manifest.parity["max_relative_error"])
    else:
        source = store.known(replace(choice, scheme=FLOAT32).name)
        if source is None or source.dropped:
            return "there is no float32 file to quantize"
        quantize(store.path(source.name), path, scheme=choice.scheme, calibration=list(examples))
        report = verify(model, path, example_inputs=example_inputs)
        report.raise_if_failed()
        error = report.max_relative_error
    if max_error is not None and error > max_error:
        return f"relative error {error:.2g}, allowed {max_error:g}"
    return error


def _race(
    store: Store,
    space: Space,
    kept: Sequence[tuple[FileChoice, FileResult]],
    examples: Sequence[np.ndarray],
    batch: int,
    rounds: int,
) -> tuple[Trial, ...]:
    contenders: list[Contender] = []
    ways: list[tuple[FileResult, int, int, bool]] = []
    for choice, file in kept:
        for steps, threads, arena in space.runs(choice):
            session = load(store.path(file.name), threads=threads, memory_arena=arena)
            steps_of(session.manifest, steps)  # refuses what the file does not take
            inputs = draw_inputs(session.manifest, batch, steps, np.random.default_rng(0), examples)
            name = f"{file.name}, {run_name(steps, threads, arena)}"
            contender = runtime_contender(session, batch, name)
            # Each has inputs of its own length; times are those of a step, as if steps were streams.
            call = functools.partial(contender.call, *inputs)
            contenders.append(replace(contender, call=call, streams=steps))
            ways.append((file, steps, threads, arena))
    result = race(contenders, (), rounds=rounds)
    return tuple(
        Trial(*way, result.latency(contender.name)) for way, contender in zip(ways, contenders, strict=True)
    )
