"""How fast cells train, as ratios of times for forward and backward over one batch.

    OMP_NUM_THREADS=1 python tools/bench_training.py [--batch 16] [--steps 100] [--hidden 64] [--rounds 11]
        [--cells NAME ...] [--json]

Three tables, all in float32 on the CPU, inputs as large as the hidden state:

1. Each further cell in `edgernn.Recurrent` against the loop a user would write over a plain module:
   `for t in range(steps): y, state = cell(x[:, t], state)`, projecting the input at each step. Higher is
   better.
2. `Recurrent` with RNN, LSTM and GRU against nn.RNN, nn.LSTM and nn.GRU. Lower is better, 1 is equal.
3. The cells with a linear recurrence at 512 steps against their own step loop. Higher is better.

Beside tables 1 and 3 stands the bound: what the ratio would be if all that is no matrix product took no time.
Its products are those that a run cannot do without, by the fastest library at hand: the projection of all
steps and its two gradients, each step's product with the state forth and back, and each matrix's gradient.

The contenders of a row take turns, each with one batch that is not timed and one that is: what the other left
in caches and in the allocator is not what training finds. A ratio is the median over the rounds' own ratios,
after one round of warm-up, with the middle half of the rounds beside it. With one thread it is processor
time, which leaves out when others have the processor. `--json` prints the rows as JSON instead. Ratios depend
on sizes: the smaller a step's arithmetic, the more a loop loses to what calling costs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from edgernn import GRU, LSTM, RNN, Recurrent
from edgernn.cells import Cell, find_cells
from edgernn.cells.arrays import Arrays
from edgernn.cells.linear import LinearCell
from edgernn.cells.products import linear, outer_product

LONG = 512
FUSED: list[tuple[type[Cell], Callable[..., nn.RNNBase]]] = [(RNN, nn.RNN), (LSTM, nn.LSTM), (GRU, nn.GRU)]


@dataclass(frozen=True)
class Row:
    """One comparison: the time of `other` ÷ that of `ours` for "faster", the reverse for "time".

    Attributes:
        table: which of the three tables.
        cell: name of the cell.
        ratio, low, high: the median over the rounds, and the quartiles.
        bound: the time of `other` ÷ that of the matrix products alone; 0 where it is not asked for.
        milliseconds: median time of `ours` for one batch.
    """

    table: str
    cell: str
    batch: int
    steps: int
    hidden: int
    ratio: float
    low: float
    high: float
    bound: float
    milliseconds: float


def plain_loop(cell: Cell, x: Tensor) -> Tensor:
    """What a user would write: one step after the other, each recorded by autograd."""
    state = cell.initial_state(x.shape[0])
    outputs = []
    for t in range(x.shape[1]):
        y, state = cell.step(x[:, t], state)
        outputs.append(y)
    return torch.stack(outputs, dim=1)


def trained(run: Callable[[Tensor], Tensor], module: nn.Module, x: Tensor) -> Callable[[], None]:
    """Forward and backward over one batch."""

    def batch() -> None:
        module.zero_grad()
        run(x).square().mean().backward()

    return batch


def seconds(work: Callable[[], None]) -> float:
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    work()
    start = clock()
    work()
    return clock() - start


def compare(ours: Callable[[], None], other: Callable[[], None], rounds: int) -> list[tuple[float, float]]:
    """Times of both, in turns; who begins changes from round to round."""
    seconds(ours), seconds(other)
    times = []
    for number in range(rounds):
        if number % 2:
            second = seconds(other)
            times.append((seconds(ours), second))
        else:
            first = seconds(ours)
            times.append((first, seconds(other)))
    return times


class Matrices(TorchFunctionMode):
    """The shapes (rows, columns) of the matrices of the linear layers that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, int]] = []

    def __torch_function__(self, function, types, arguments=(), options=None):  # type: ignore[no-untyped-def]
        if function is F.linear:
            self.shapes.append(tuple(arguments[1].shape))
        return function(*arguments, **(options or {}))


def products_alone(cell: Cell, batch: int, steps: int) -> Callable[[], None]:
    """The matrix products of a run over time and back, and nothing else."""
    with torch.no_grad(), Matrices() as hoisted:
        projected = cell.project(torch.randn(2, cell.input_size))
    with torch.no_grad(), Matrices() as stepped:
        cell.recur(projected, cell.initial_state(2))
    works: list[Callable[[], object]] = []
    for rows, columns in hoisted.shapes:
        x = torch.randn(steps * batch, columns, requires_grad=True)
        weight, dy = torch.randn(rows, columns, requires_grad=True), torch.randn(steps * batch, rows)
        works.append(partial(lambda x, weight, dy: linear(x, weight).backward(dy), x, weight, dy))
    for rows, columns in stepped.shapes:
        weight = torch.randn(rows, columns)
        arrays = Arrays(weight)
        back, forth = arrays.product(arrays.of(weight), batch), arrays.product(arrays.of(weight.T), batch)
        v, dy = arrays.of(torch.randn(batch, columns)), arrays.of(torch.randn(batch, rows))
        y, dv = arrays.empty(batch, rows), arrays.empty(batch, columns)
        works += [partial(forth, v, y), partial(back, dy, dv)] * steps
        dys, vs = torch.randn(steps, batch, rows), torch.randn(steps, batch, columns)
        works.append(partial(outer_product, dys, vs))

    def batch_of_products() -> None:
        for work in works:
            work()

    return batch_of_products


def row(table: str, name: str, x: Tensor, times: list[tuple[float, float]], products: float = 0.0) -> Row:
    faster = table != "time against torch"
    ratios = [other / ours if faster else ours / other for ours, other in times]
    low, middle, high = statistics.quantiles(ratios, n=4)
    batch, steps, hidden = x.shape
    milliseconds = 1000 * statistics.median(ours for ours, _ in times)
    bound = statistics.median(other for _, other in times) / products if products else 0.0
    return Row(table, name, batch, steps, hidden, middle, low, high, bound, milliseconds)


def against_loop(kind: type[Cell], x: Tensor, rounds: int, table: str) -> Row:
    module = Recurrent(kind(x.shape[2], x.shape[2]))
    cell = module.layer(0)[0]
    ours = trained(lambda x: module(x)[0], module, x)
    other = trained(lambda x: plain_loop(cell, x), module, x)
    alone = products_alone(cell, *x.shape[:2])
    times = compare(ours, other, rounds)
    return row(table, kind.__name__, x, times, statistics.median(seconds(alone) for _ in range(rounds)))


def against_torch(kind: type[Cell], torch_kind: Callable[..., nn.RNNBase], x: Tensor, rounds: int) -> Row:
    hidden = x.shape[2]
    module, theirs = Recurrent(kind(hidden, hidden)), torch_kind(hidden, hidden, batch_first=True)
    ours = trained(lambda x: module(x)[0], module, x)
    other = trained(lambda x: theirs(x)[0], theirs, x)
    return row("time against torch", kind.__name__, x, compare(ours, other, rounds))


def show(rows: list[Row]) -> None:
    table = ""
    for found in rows:
        if found.table != table:
            table = found.table
            print(f"\n{table} (batch {found.batch}, {found.steps} steps, hidden {found.hidden})")
        spread = f"{found.low:.2f} to {found.high:.2f}"
        bound = f"   bound {found.bound:5.1f} ×" if found.bound else ""
        batch = f"{found.milliseconds:8.2f} ms a batch"
        print(f"  {found.cell:14} {found.ratio:6.2f} ×   {spread:16} {batch}{bound}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Ratios of training times.")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=11, help="at least 2")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cells", nargs="*", help="names of cells; all of them without")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    kinds = {name: kind for name, kind in find_cells().items() if name in (arguments.cells or find_cells())}
    x = torch.randn(arguments.batch, arguments.steps, arguments.hidden, requires_grad=True)
    long = torch.randn(arguments.batch, LONG, arguments.hidden, requires_grad=True)
    fused = [(kind, torch_kind) for kind, torch_kind in FUSED if kind in kinds.values()]
    further = [kind for kind in kinds.values() if kind not in (RNN, LSTM, GRU)]
    linear = [kind for kind in further if issubclass(kind, LinearCell)]
    rounds = arguments.rounds
    rows = [against_loop(kind, x, rounds, "times faster than a plain loop") for kind in further]
    rows += [against_torch(kind, torch_kind, x, rounds) for kind, torch_kind in fused]
    rows += [against_loop(kind, long, rounds, "times faster than its own step loop") for kind in linear]
    if arguments.json:
        print(json.dumps([asdict(found) for found in rows], indent=2))
    else:
        show(rows)


if __name__ == "__main__":
    main()
