"""What more threads bring edgernn's kernels for a single row, as ratios of times.

    python tools/bench_kernel_threads.py [--cells LSTM GRU] [--sizes 512 1024] [--schemes float32 int8]
        [--threads 2] [--steps 1 10 100] [--rounds 9]

A layer with as many inputs as units and a linear head, batch 1, on edgernn's kernels; the time of a call with
several threads ÷ that with one, median over the rounds, in which both take turns. The threads of a pool share
the products of a step where these are large enough, see `TeamRule` in edgernn/kernels/source/run.h. Where
other programs want the processor a second thread is late or does not come: run it on a quiet machine.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from edgernn import export, load, quantize
from edgernn.bench.agreement import check_agree
from edgernn.bench.contenders.runtime import runtime_contender
from edgernn.bench.inputs import draw_inputs
from edgernn.bench.networks import make_network
from edgernn.bench.race import race
from edgernn.errors import EdgeRNNError


def compare(path: Path, threads: int, steps: int, rounds: int) -> None:
    """Print a row: file, steps a call, ratio, and the two times."""
    name = f"{threads} threads"
    one, many = load(path, threads=1), load(path, threads=threads)
    if not one.kernels.functions:
        raise EdgeRNNError(f"the kernels do not run {path.name}: {one.kernels.reason}.")
    contenders = [replace(runtime_contender(one, 1), name="one"), runtime_contender(many, 1, name)]
    inputs = draw_inputs(one.manifest, 1, steps, np.random.default_rng(0))
    check_agree(contenders, [inputs])
    result = race(contenders, inputs, rounds=rounds)
    found, alone = (result.latency(way).p50 / steps for way in (name, "one"))
    ratio = result.ratio(name, "one").median
    print(f"{path.stem:<16}{steps:>6}{ratio:>8.2f}{found:>10.1f}{alone:>10.1f}", flush=True)


def main() -> None:
    """See the module's own words."""
    import torch

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--cells", nargs="+", default=["LSTM", "GRU"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[512, 1024])
    parser.add_argument("--schemes", nargs="+", default=["float32", "int8"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", nargs="+", type=int, default=[1, 10, 100])
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    print(f"{'network':<16}{'steps':>6}{'ratio':>8}{'µs/step':>10}{'one':>10}")
    for cell in asked.cells:
        for size in asked.sizes:
            with TemporaryDirectory(prefix="edgernn-bench-") as folder:
                plain = Path(folder) / f"{cell}-{size}.onnx"
                example = torch.randn(1, 5, size)
                export(make_network(cell, size), plain, example, streaming=True, kernels=True, check=False)
                for scheme in asked.schemes:
                    path = plain.with_stem(f"{cell}-{size}-{scheme}") if scheme != "float32" else plain
                    if scheme != "float32":
                        quantize(plain, path, scheme=scheme)
                    for steps in asked.steps:
                        compare(path, asked.threads, steps, asked.rounds)


if __name__ == "__main__":
    main()
