"""Time of one step in every way to run a recurrent layer on a CPU, in one process and taking turns.

    OMP_NUM_THREADS=1 python tools/compare_peers.py -o peers [--cells GRU LSTM] [--sizes 64 128 256 512]
        [--layers 1] [--steps 1] [--batches 1] [--schemes float32 int8] [--threads 1] [--rounds 9]
        [--peers openvino tract] [--install FOLDER] [--no-compile] [--kernels]

A network is a recurrent layer with as many inputs as units and a linear head. In the race: edgernn with each
scheme, on onnxruntime alone and with --kernels on edgernn's own too (`edgernn kernels build` first), the
default path (torch.onnx.export, onnxruntime by hand), torch, torch.compile where it works, and with --install
other runtimes (put into FOLDER, called through their Python bindings) on the default path's file. Ratios are
to the default path: below 1 is faster. The floor is the time that reading the weights takes.

It writes peers.json, peers.md and, for each cell, latency-CELL.png.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from peers import find_peer, install, peer_names
from rich.console import Console
from rich.table import Table

import edgernn
from edgernn.bench.agreement import check_agree
from edgernn.bench.contenders.base import DEFAULT_PATH, Contender
from edgernn.bench.contenders.default_path import default_path_contender
from edgernn.bench.contenders.eager import eager_contender
from edgernn.bench.contenders.runtime import runtime_contender
from edgernn.bench.floor import measure_floor
from edgernn.bench.inputs import draw_inputs
from edgernn.bench.machine import describe_machine
from edgernn.bench.networks import Network, make_network
from edgernn.bench.race import race
from edgernn.bench.suite_picture import draw_by_size
from edgernn.bench.weights import weight_bytes
from edgernn.files import write_text


@dataclass(frozen=True)
class Row:
    """One way to run one network: microseconds of a step of one stream, and the ratio to the default path."""

    cell: str
    size: int
    layers: int
    steps: int
    batch: int
    way: str
    microseconds: float
    p99: float
    ratio: float
    floor_microseconds: float

    @property
    def percent_of_floor(self) -> float:
        """How much of the step the floor is."""
        return 100 * self.floor_microseconds / self.microseconds


def compiled_contender(network: Network, backend: str = "inductor") -> Contender:
    """torch.compile of a step, states carried by hand."""
    run = torch.compile(lambda x, states: network.recurrent(x, states), backend=backend)
    states: list[Any] = [None]

    @torch.inference_mode()
    def call(x: np.ndarray) -> torch.Tensor:
        y, states[0] = run(torch.from_numpy(x), states[0])
        return network.head(y)

    def reset() -> None:
        states[0] = None

    return Contender("torch.compile", "torch.compile of a step", call, lambda y: [y.numpy()], reset)


def contenders(
    network: Network,
    folder: Path,
    options: argparse.Namespace,
    steps: int,
    batch: int,
    skipped: dict[str, str],
) -> tuple[list[Contender], list[list[np.ndarray]], float]:
    """Every way that can run this network, inputs of a few calls, and the floor in microseconds."""
    size = network.head.in_features
    example = torch.randn(1, max(2, steps), size)
    file = folder / "float32.onnx"
    manifest = edgernn.export(
        network, file, example, streaming=True, chunk=steps, kernels=options.kernels, check=False
    )
    random = np.random.default_rng(0)
    chunks = [draw_inputs(manifest, batch, steps, random) for _ in range(4)]
    found = []
    for scheme in options.schemes:
        path = folder / f"{scheme}.onnx"
        if scheme != "float32":
            edgernn.quantize(file, path, scheme=scheme, calibration=example.numpy())
        session = edgernn.load(path, threads=options.threads, kernels="off")
        found.append(runtime_contender(session, batch, f"edgernn, {scheme}"))
        if options.kernels:
            session = edgernn.load(path, threads=options.threads)
            name = f"edgernn's kernels, {scheme}"
            if session.kernels.functions:
                found.append(runtime_contender(session, batch, name))
            else:
                skipped[f"{name}, {type(network.recurrent).__name__} {size}"] = session.kernels.reason
    default_file = folder / "default.onnx"
    threads = options.threads
    ways = {
        DEFAULT_PATH: lambda: default_path_contender(
            network, manifest, chunks[0], default_file, batch=batch, threads=threads
        ),
        "torch eager": lambda: eager_contender(network, manifest, chunks[0], batch),
    }
    if options.compile:
        ways["torch.compile"] = lambda: compiled_contender(network)
    shapes = [tuple(batch if dim == "batch" else int(dim) for dim in state.dims) for state in manifest.states]
    for name in options.peers if options.install else ():
        ways[name] = lambda name=name: find_peer(name).make(default_file, shapes, threads)
    for name, make in ways.items():
        try:
            contender = make()
            check_agree([found[0], contender], chunks)
            found.append(contender)
        except Exception as error:  # noqa: BLE001, PERF203 - a peer that fails is told of, the others race on
            skipped[f"{name}, {type(network.recurrent).__name__} {size}"] = str(error).splitlines()[0][:300]
    floor = measure_floor(weight_bytes(file))
    return found, chunks, 0.0 if floor is None else floor.microseconds


def measure(options: argparse.Namespace) -> tuple[list[Row], dict[str, str]]:
    """All rows, and what could not run."""
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    for cell, size, layers, steps, batch in itertools.product(
        options.cells, options.sizes, options.layers, options.steps, options.batches
    ):
        network = make_network(cell, size, layers)
        with TemporaryDirectory(prefix="edgernn-peers-") as folder:
            ways, chunks, floor = contenders(network, Path(folder), options, steps, batch, skipped)
            result = race(ways, chunks[0], rounds=options.rounds)
        names = [way.name for way in ways]
        base = DEFAULT_PATH if DEFAULT_PATH in names else names[0]
        each = steps * batch
        for name in names:
            latency = result.latency(name)
            ratio = 1.0 if name == base else result.ratio(name, base).median
            rows.append(
                Row(
                    cell,
                    size,
                    layers,
                    steps,
                    batch,
                    name,
                    latency.p50 / each,
                    latency.p99 / each,
                    ratio,
                    floor,
                )
            )
        print(f"{cell} {size}: {', '.join(names)}", file=sys.stderr)
    return rows, skipped


def markdown(rows: Sequence[Row]) -> str:
    """A table for each cell, layers, steps and batch: ways × sizes, microseconds and ratio."""
    text = []
    for key in dict.fromkeys((row.cell, row.layers, row.steps, row.batch) for row in rows):
        mine = [row for row in rows if (row.cell, row.layers, row.steps, row.batch) == key]
        sizes = sorted({row.size for row in mine})
        cell, layers, steps, batch = key
        text.append(
            f"\n{cell}, layers {layers}, steps a call {steps}, batch {batch}: µs a step (÷ default path)\n"
        )
        text.append(f"| way | {' | '.join(map(str, sizes))} |\n|-|{'-|' * len(sizes)}")
        for way in dict.fromkeys(row.way for row in mine):
            cells = {row.size: f"{row.microseconds:.3g} ({row.ratio:.2f})" for row in mine if row.way == way}
            text.append(f"| {way} | {' | '.join(cells.get(size, '') for size in sizes)} |")
        floors = {row.size: row.floor_microseconds for row in mine}
        text.append(f"| floor, float32 | {' | '.join(f'{floors[size]:.3g}' for size in sizes)} |")
    return "\n".join(text) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Microseconds a step against the size, with the floor."""
    ways = dict.fromkeys(row.way for row in rows)
    lines = {way: [(row.size, row.microseconds) for row in rows if row.way == way] for way in ways}
    floors = {row.size: row.floor_microseconds for row in rows}
    draw_by_size(lines, list(floors.items()), f"{rows[0].cell} and a linear head, one step a call", path)


def show(rows: Sequence[Row], skipped: dict[str, str]) -> None:
    """Print the ratios."""
    sizes = sorted({row.size for row in rows})
    table = Table("network", "way", *(f"{size} units" for size in sizes))
    for key in dict.fromkeys((row.cell, row.layers, row.steps, row.batch, row.way) for row in rows):
        mine = {row.size: row for row in rows if (row.cell, row.layers, row.steps, row.batch, row.way) == key}
        cells = (
            f"{row.microseconds:6.3g} µs  {row.ratio:5.2f} ×  {row.percent_of_floor:3.0f} %"
            if (row := mine.get(size))
            else ""
            for size in sizes
        )
        table.add_row(f"{key[0]} ×{key[1]}, {key[2]} steps, batch {key[3]}", key[4], *cells)
    console = Console(width=200)
    console.print(table)
    console.print("× of the default path's time; % of the step that is the float32 floor")
    for name, reason in skipped.items():
        console.print(f"Not measured: {name}: {reason}", markup=False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--cells", nargs="+", default=["GRU", "LSTM"])
    for name, default in (("sizes", [64, 128, 256, 512]), ("layers", [1]), ("steps", [1]), ("batches", [1])):
        parser.add_argument(f"--{name}", nargs="+", type=int, default=default)
    parser.add_argument("--schemes", nargs="+", default=["float32", "int8"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--peers", nargs="+", default=peer_names(), choices=peer_names())
    parser.add_argument("--install", type=Path, metavar="FOLDER")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--kernels", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.install:
        install(options.install.resolve(), options.peers)
    rows, skipped = measure(options)
    report = {"machine": describe_machine(), "rows": [asdict(row) for row in rows], "skipped": skipped}
    write_text(options.out / "peers.json", json.dumps(report, indent=1, ensure_ascii=False))
    write_text(options.out / "peers.md", markdown(rows))
    for cell in options.cells:
        mine = [
            row
            for row in rows
            if row.cell == cell
            and (row.layers, row.steps, row.batch)
            == (options.layers[0], options.steps[0], options.batches[0])
        ]
        draw(mine, options.out / f"latency-{cell}.png")
    show(rows, skipped)


if __name__ == "__main__":
    main()
