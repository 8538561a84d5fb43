"""Recurrent layers drawn at random, what they must give in float64, and how `run_cases` reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from edgernn import reference
from edgernn.quantize.weights import round_int8
from edgernn.reference import peephole_lstm

KINDS = ("RNN", "LSTM", "GRU")
ACTIVATIONS = ("tanh", "relu", "sigmoid")
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
# ONNX gate k stands at place ORDER[k] of the reference's, which is PyTorch's.
ORDER = {"RNN": (0,), "LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
# Reads forward, reads backward.
DIRECTIONS = {"forward": (1, 0), "reverse": (0, 1), "bidirectional": (1, 1)}

Outputs = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Layer:
    """One call of a layer, its tensors in ONNX's layout; None where the node would lack one."""

    kind: str
    activation: str
    resets_first: bool
    direction: str
    w: np.ndarray  # (directions, gates × hidden, inputs)
    r: np.ndarray  # (directions, gates × hidden, hidden)
    x: np.ndarray  # (steps, batch, inputs)
    bias: np.ndarray | None = None
    peepholes: np.ndarray | None = None
    lengths: np.ndarray | None = None
    h: np.ndarray | None = None
    c: np.ndarray | None = None
    shares: int = 1

    @property
    def directions(self) -> int:
        return len(self.w)

    @property
    def hidden(self) -> int:
        return int(self.r.shape[2])

    @property
    def name(self) -> str:
        """What was drawn, for messages."""
        steps, batch, inputs = self.x.shape
        options = [
            self.activation,
            *["resets_first"] * self.resets_first,
            *[name for name in ("bias", "peepholes", "lengths", "h", "c") if getattr(self, name) is not None],
        ]
        sizes = f"{steps} steps, batch {batch}, {inputs} inputs, {self.hidden} units, {self.shares} shares"
        return f"{self.kind} {self.direction} {' '.join(options)}: {sizes}"


def draw(random: np.random.Generator, kind: str, direction: str, resets_first: bool = False) -> Layer:
    """A layer of that kind; all else at random."""
    hidden = int(random.choice([1, 3, 16, 20, 33, 64, 70]))
    inputs = int(random.choice([1, 2, 5, 16, 31, 64]))
    steps, batch = int(random.integers(1, 9)), int(random.choice([1, 1, 2, 3, 7, 13]))
    if random.random() < 0.1:
        steps, batch = 80, 2
    rows, directions = GATES[kind] * hidden, sum(DIRECTIONS[direction])

    def numbers(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * random.standard_normal(shape)).astype(np.float32)

    def perhaps(array: np.ndarray) -> np.ndarray | None:
        return array if random.random() < 0.6 else None

    lstm = kind == "LSTM"
    return Layer(
        kind,
        str(random.choice(ACTIVATIONS)) if kind == "RNN" else "tanh",
        resets_first,
        direction,
        w=numbers(directions, rows, inputs, scale=inputs**-0.5),
        r=numbers(directions, rows, hidden, scale=0.7 * hidden**-0.5),
        x=numbers(steps, batch, inputs),
        bias=perhaps(numbers(directions, 2 * rows, scale=0.3)),
        peepholes=perhaps(numbers(directions, 3 * hidden, scale=0.5)) if lstm else None,
        lengths=perhaps(random.integers(0, steps + 1, batch).astype(np.int32)),
        h=perhaps(np.tanh(numbers(directions, batch, hidden))),
        c=perhaps(numbers(directions, batch, hidden)) if lstm else None,
        shares=int(random.choice([1, 1, 2, 3])),
    )


def draw_many(seed: int, of_each: int = 3) -> list[Layer]:
    """Layers of every kind, direction and place of a GRU's reset gate."""
    random = np.random.default_rng(seed)
    kinds = [(kind, False) for kind in KINDS] + [("GRU", True)]
    return [
        draw(random, kind, direction, resets_first)
        for kind, resets_first in kinds
        for direction in DIRECTIONS
        for _ in range(of_each)
    ]


def draw_wide(seed: int, shares: int = 3) -> list[Layer]:
    """Single rows, whose products take long enough for several threads to share them."""
    random = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return (shape[-1] ** -0.5 * random.standard_normal(shape)).astype(np.float32)

    inputs, hidden, steps = 70, 150, 30
    return [
        Layer(
            kind, "tanh", resets_first, direction,
            w=numbers(sum(DIRECTIONS[direction]), GATES[kind] * hidden, inputs),
            r=numbers(sum(DIRECTIONS[direction]), GATES[kind] * hidden, hidden),
            x=numbers(steps, 1, inputs),
            shares=shares,
        )
        for kind, resets_first, direction in (
            ("RNN", False, "forward"), ("LSTM", False, "reverse"), ("GRU", False, "forward"),
            ("GRU", True, "forward"), ("LSTM", False, "bidirectional"),
        )
    ]  # fmt: skip


def to_bytes(layer: Layer, *, int8: bool) -> bytes:
    """A case as `run_cases` reads it."""
    forward, backward = DIRECTIONS[layer.direction]
    steps, batch, inputs = layer.x.shape
    given = [int(array is not None) for array in (layer.lengths, layer.h, layer.c)]
    head = [
        KINDS.index(layer.kind), ACTIVATIONS.index(layer.activation), int(layer.resets_first),
        forward, backward, inputs, layer.hidden,
        int(int8), int(layer.bias is not None), int(layer.peepholes is not None),
        steps, batch, *given, layer.shares,
    ]  # fmt: skip
    arrays: list[np.ndarray | None] = [np.array(head, np.int32)]
    for matrix in (layer.w, layer.r):
        arrays += round_int8(matrix, (2,)) if int8 else (matrix,)
    arrays += [layer.bias, layer.peepholes, layer.x, layer.lengths, layer.h, layer.c]
    return b"".join(np.ascontiguousarray(array).tobytes() for array in arrays if array is not None)


def from_bytes(layers: Sequence[Layer], data: bytes) -> Iterator[Outputs]:
    """The answers of `run_cases`: y (steps, directions, batch, hidden), y_h and, of an LSTM, y_c."""
    numbers, at = np.frombuffer(data, np.float32), 0
    for layer in layers:
        steps, batch, _ = layer.x.shape
        state = (layer.directions, batch, layer.hidden)
        shapes = [(steps, *state), state, *[state] * (layer.kind == "LSTM")]
        found = []
        for shape in shapes:
            size = int(np.prod(shape))
            found.append(numbers[at : at + size].reshape(shape))
            at += size
        yield tuple(found)
    assert at == len(numbers)


def expected(layer: Layer) -> Outputs:
    """The same by `edgernn.reference`, in float64."""
    x = layer.x.transpose(1, 0, 2).astype(np.float64)
    forward, backward = DIRECTIONS[layer.direction]
    outputs, finals = [], []
    for d, reverse in enumerate([False] * forward + [True] * backward):
        y, final = reference.run(_step(layer, d), x, _start(layer, d), layer.lengths, reverse)
        outputs.append(y.transpose(1, 0, 2))
        finals.append(final)
    return (np.stack(outputs, axis=1), *(np.stack(parts) for parts in zip(*finals, strict=True)))


def rounded(layer: Layer) -> Layer:
    """The layer with the weights that its int8 integers stand for."""
    matrices = {name: np.multiply(*round_int8(getattr(layer, name), (2,))) for name in ("w", "r")}
    return replace(layer, **matrices)


def _step(layer: Layer, d: int) -> reference.sequence.Step:
    parameters = {"weight_ih": _rows(layer, layer.w[d]), "weight_hh": _rows(layer, layer.r[d])}
    if layer.bias is not None:
        for name, part in zip(("bias_ih", "bias_hh"), np.split(layer.bias[d], 2), strict=True):
            parameters[name] = _rows(layer, part)
    if layer.kind == "RNN":
        return partial(reference.rnn.step, parameters, activation=layer.activation)
    if layer.kind == "GRU":
        return partial(reference.gru.step, parameters, reset_after=not layer.resets_first)
    if layer.peepholes is None:
        return partial(reference.lstm.step, parameters)
    return partial(peephole_lstm.step, parameters | _peepholes(layer.peepholes[d]))


def _rows(layer: Layer, array: np.ndarray) -> np.ndarray:
    """From ONNX's order of gates to the reference's."""
    gates = np.split(array.astype(np.float64), GATES[layer.kind])
    order = ORDER[layer.kind]
    return np.concatenate([gates[order.index(place)] for place in range(len(order))])


def _peepholes(row: np.ndarray) -> dict[str, np.ndarray]:
    i, o, f = np.split(row.astype(np.float64), 3)
    return {"peephole": np.stack([i, f, o])}


def _start(layer: Layer, d: int) -> tuple[np.ndarray, ...]:
    zero = np.zeros((layer.x.shape[1], layer.hidden))
    given = (layer.h, layer.c) if layer.kind == "LSTM" else (layer.h,)
    return tuple(zero if array is None else array[d].astype(np.float64) for array in given)
