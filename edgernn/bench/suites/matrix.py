"""Every kind of network, size, call and scheme against the default path, which is always in float32.

A network is a recurrent layer with as many inputs as units, one or two layers deep, with a linear head; or
the network of a recipe that ships, in that recipe's own size. Calls are `Stream.push` of a file made for that
many steps a call; of a recipe's network that does not stream, `Session.run`. Times are a step's and a
stream's. The floor stands beside calls of one step for one stream: others read the weights once for several.
All of it takes hours.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from edgernn.bench.agreement import check_agree
from edgernn.bench.contenders.base import Contender
from edgernn.bench.contenders.runtime import runtime_contender
from edgernn.bench.floor import measure_floor
from edgernn.bench.inputs import draw_inputs
from edgernn.bench.lineup import by_hand_contender
from edgernn.bench.race import race
from edgernn.bench.suite_report import Row, counted
from edgernn.bench.suite_request import Case, Dimensions, Request, Value
from edgernn.bench.weights import weight_bytes
from edgernn.errors import EdgeRNNError, ExportError
from edgernn.runtime import load
from edgernn.training.find import shipped_recipes
from edgernn.verify.tolerances import tolerance

if TYPE_CHECKING:
    from torch import Tensor, nn

CELLS = ("RNN", "LSTM", "GRU", "MinGRU", "user's cell")
SIZES, LAYERS, STEPS, BATCHES, THREADS = (64, 128, 256, 512), (1, 2), (1, 10, 100), (1, 8, 32), (1, 2)
SCHEMES = ("float32", "int8", "int8-stable", "int4")
DIMENSIONS: Dimensions = {
    "network": (*CELLS, *shipped_recipes()),
    "hidden": SIZES,
    "layers": LAYERS,
    "steps": STEPS,
    "batch": BATCHES,
    "threads": THREADS,
    "scheme": SCHEMES,
}


@dataclass(frozen=True)
class Subject:
    """A network that is measured: what it is called, its size, how to make it and an input of it."""

    network: str
    hidden: int
    layers: int
    make: Callable[[], tuple[nn.Module, tuple[Tensor, ...]]]

    @property
    def case(self) -> Case:
        """What a request may ask of it."""
        return {"network": self.network, "hidden": self.hidden, "layers": self.layers}


def measure(request: Request, report_row: Callable[[Row], None]) -> dict[str, str]:
    """Run the suite; see `edgernn.bench.suites`."""
    skipped: dict[str, str] = {}
    for subject in subjects(request, skipped):
        for steps in STEPS:
            calls: list[dict[str, Value]] = [
                {**subject.case, "steps": steps, "batch": batch, "threads": threads}
                for batch, threads in itertools.product(BATCHES, THREADS)
            ]
            wanted = [
                (call, schemes)
                for call in calls
                if (schemes := [name for name in SCHEMES if request.wants({**call, "scheme": name})])
            ]
            if wanted:
                _measure_files(subject, steps, wanted, request.rounds, report_row, skipped)
    return skipped


def subjects(request: Request, skipped: dict[str, str]) -> Iterator[Subject]:
    """The networks that a request wants."""
    import torch

    from edgernn.bench.networks import make_network

    for cell, layers, size in itertools.product(CELLS, LAYERS, SIZES):

        def make(cell: str = cell, size: int = size, layers: int = layers) -> tuple[nn.Module, tuple[Tensor]]:
            return make_network(cell, size, layers), (torch.randn(1, 5, size),)

        subject = Subject(cell, size, layers, make)
        if request.asks(subject.case):
            yield subject
    for name in shipped_recipes():
        if name in request.only.get("network", (name,)):
            try:
                subject = _of_recipe(name)
            except EdgeRNNError as error:
                skipped[name] = str(error)
                continue
            if request.asks(subject.case):
                yield subject


def _of_recipe(name: str) -> Subject:
    """The network that a recipe builds with its own options, from the data that stand beside it."""
    from edgernn.training.contract import read_contract
    from edgernn.training.find import find_recipe

    recipe = find_recipe(name)
    assert recipe.folder is not None
    options, data = recipe.options_type(), read_contract(recipe.folder).tiny.data
    prepared = recipe.prepare(options, recipe.folder / data if data else None)

    def make() -> tuple[nn.Module, tuple[Tensor, ...]]:
        model = recipe.build(prepared.arguments)
        recipe.initialise(model, prepared)
        return model.eval(), prepared.example

    return Subject(name, getattr(options, "hidden_size", 0), getattr(options, "num_layers", 1), make)


def _measure_files(
    subject: Subject,
    steps: int,
    wanted: Sequence[tuple[dict[str, Value], list[str]]],
    rounds: int,
    report_row: Callable[[Row], None],
    skipped: dict[str, str],
) -> None:
    """All calls of so many steps, on one set of files."""
    size = f"{subject.hidden} units, {counted(subject.layers, 'layer')}"
    name = f"{subject.network}, {size}, {counted(steps, 'step')}"
    with TemporaryDirectory(prefix="edgernn-bench-") as folder:
        schemes = dict.fromkeys(scheme for _, some in wanted for scheme in some)
        try:
            model, files = _write(subject, steps, list(schemes), Path(folder), name, skipped)
        except EdgeRNNError as error:
            skipped[name] = str(error)
            return
        for case, some in wanted:
            chosen = {scheme: files[scheme] for scheme in some if scheme in files}
            if not chosen:
                continue
            batch, threads = int(case["batch"]), int(case["threads"])
            with _race(model, chosen, steps, batch, threads, Path(folder), skipped, name) as contenders:
                *own, base = contenders
                inputs = draw_inputs(load(files[some[0]]).manifest, batch, steps, np.random.default_rng(1))
                result = race(contenders, inputs, rounds=rounds)
            for way in own:
                alone = steps == batch == 1
                floor = measure_floor(weight_bytes(files[way.name])) if alone else None
                report_row(
                    Row(
                        f"{subject.network}, {counted(subject.layers, 'layer')}, {counted(steps, 'step')}, "
                        f"batch {batch}, {counted(threads, 'thread')}, {way.name}",
                        subject.hidden,
                        None,
                        result.ratio(way.name, base.name),
                        result.latency(way.name).p50 / (steps * batch),
                        result.latency(base.name).p50 / (steps * batch),
                        {**case, "scheme": way.name},
                        None if floor is None else floor.microseconds,
                        way.file_bytes,
                    )
                )


def _write(
    subject: Subject, steps: int, schemes: list[str], folder: Path, name: str, skipped: dict[str, str]
) -> tuple[nn.Module, dict[str, Path]]:
    """The network, and its file in each scheme that takes it."""
    from edgernn.export import export
    from edgernn.quantize import quantize

    model, example = subject.make()
    source = folder / "float32.onnx"
    try:
        export(model, source, example, streaming=True, chunk=steps, check=False)
    except ExportError:
        export(model, source, example, check=False)
    files = {"float32": source}
    for scheme in schemes:
        path = folder / f"{scheme}.onnx"
        try:
            if scheme != "float32":
                quantize(source, path, scheme=scheme)
            files[scheme] = path
        except EdgeRNNError as error:
            skipped[f"{name}, {scheme}"] = str(error)
    return model, files


@contextmanager
def _race(
    model: nn.Module,
    files: dict[str, Path],
    steps: int,
    batch: int,
    threads: int,
    folder: Path,
    skipped: dict[str, str],
    name: str,
) -> Iterator[list[Contender]]:
    """edgernn with each file, named by its scheme, and last the default path, or without one by hand."""
    import torch

    from edgernn.bench.contenders.default_path import default_path_contender

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        source = load(folder / "float32.onnx", threads=threads)
        random = np.random.default_rng(0)
        chunks = [draw_inputs(source.manifest, batch, steps, random) for _ in range(4)]
        try:
            base = default_path_contender(
                model, source.manifest, chunks[0], folder / "default.onnx", batch=batch, threads=threads
            )
            check_agree([runtime_contender(source, batch), base], chunks)
        except EdgeRNNError as error:
            skipped[f"{name}, batch {batch}, default path"] = str(error)
            base = by_hand_contender(source, batch, threads)
        own = []
        for scheme, path in files.items():
            way = runtime_contender(load(path, threads=threads), batch, scheme)
            try:
                check_agree([base, way], chunks, rounded=tolerance("float32", scheme))
                own.append(way)
            except EdgeRNNError as error:
                skipped[f"{name}, batch {batch}, {scheme}"] = str(error)
        yield [*own, base]
    finally:
        torch.set_num_threads(before)
