"""Recurrent layers drawn at random, what they must give in float64, and how `run_cases` reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from edgernn import reference
from edgernn.quantize.int4 import pack_int4
from edgernn.quantize.weights import round_int8
from edgernn.reference import (
    fast_grnn,
    ind_rnn,
    layer_norm,
    minimal,
    peephole_lstm,
    projected_lstm,
)
from edgernn.reference.activations import sigmoid

TANH = ("tanh",)


@dataclass(frozen=True)
class Kind:
    """A kind of layer, as `kinds.h` has it.

    Attributes:
        gates: blocks of W's rows, and of R's.
        recurrent: whether it has R.
        vectors: blocks of P.
        cell: whether it has a second state.
        activations: that it may have.
        order: ONNX gate k stands at place order[k] of the reference's, which is PyTorch's.
    """

    gates: int
    recurrent: bool = True
    vectors: int = 0
    cell: bool = False
    activations: tuple[str, ...] = TANH
    order: tuple[int, ...] = ()


# In the order of layer.h.
KINDS = {
    "RNN": Kind(1, activations=("tanh", "relu", "sigmoid"), order=(0,)),
    "LSTM": Kind(4, vectors=3, cell=True, order=(0, 3, 1, 2)),
    "GRU": Kind(3, order=(1, 0, 2)),
    "MinGRU": Kind(2, recurrent=False, activations=("identity", "positive")),
    "MinLSTM": Kind(3, recurrent=False, activations=("identity", "positive")),
    "LayerNormLSTM": Kind(4, vectors=14, cell=True),
    "LayerNormGRU": Kind(3, vectors=10),
    "IndRNN": Kind(1, recurrent=False, vectors=1, activations=("relu", "tanh")),
    "SRU": Kind(3, recurrent=False, activations=("identity", "tanh")),
    "ProjectedSRU": Kind(4, recurrent=False, activations=("identity", "tanh")),
    "FastGRNN": Kind(1, vectors=4),
    "ProjectedLSTM": Kind(4, cell=True),
}
ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity", "positive")
# Their biases stand in P, or they have none.
WITHOUT_BIAS = {"LayerNormLSTM", "LayerNormGRU", "FastGRNN"}
# How weights are stored; int4 with its block size.
SCHEMES = ("float32", "int8", "int4_32")
# Reads forward, reads backward.
DIRECTIONS = {"forward": (1, 0), "reverse": (0, 1), "bidirectional": (1, 1)}

Outputs = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Layer:
    """One call of a layer, its tensors in ONNX's layout; None where the node would lack one."""

    kind: str
    activation: str
    resets_first: bool
    direction: str
    w: np.ndarray  # (directions, gates × units, inputs)
    x: np.ndarray  # (steps, batch, inputs)
    r: np.ndarray | None = None  # (directions, gates × units, hidden)
    v: np.ndarray | None = None  # (directions, hidden, units)
    bias: np.ndarray | None = None
    vectors: np.ndarray | None = None
    lengths: np.ndarray | None = None
    h: np.ndarray | None = None
    c: np.ndarray | None = None
    shares: int = 1

    @property
    def directions(self) -> int:
        return len(self.w)

    @property
    def about(self) -> Kind:
        return KINDS[self.kind]

    @property
    def units(self) -> int:
        return int(self.w.shape[1]) // self.about.gates

    @property
    def hidden(self) -> int:
        return self.units if self.v is None else int(self.v.shape[1])

    @property
    def name(self) -> str:
        """What was drawn, for messages."""
        steps, batch, inputs = self.x.shape
        options = [
            self.activation,
            *["resets_first"] * self.resets_first,
            *[name for name in ("bias", "vectors", "lengths", "h", "c") if getattr(self, name) is not None],
        ]
        sizes = f"{steps} steps, batch {batch}, {inputs} inputs, {self.hidden} units, {self.shares} shares"
        return f"{self.kind} {self.direction} {' '.join(options)}: {sizes}"


def draw(random: np.random.Generator, kind: str, direction: str, resets_first: bool = False) -> Layer:
    """A layer of that kind; all else at random."""
    about = KINDS[kind]
    units = int(random.choice([1, 3, 16, 20, 33, 64, 70]))
    if kind.startswith("LayerNorm"):
        units = max(units, 3)  # normalised, a single number says nothing
    inputs = units if kind == "SRU" else int(random.choice([1, 2, 5, 16, 31, 64]))
    hidden = max(1, units // int(random.integers(2, 5))) if kind == "ProjectedLSTM" else units
    steps, batch = int(random.integers(1, 9)), int(random.choice([1, 1, 2, 3, 7, 13]))
    if random.random() < 0.1:
        steps, batch = 80, 2
    rows, directions = about.gates * units, sum(DIRECTIONS[direction])

    def numbers(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * random.standard_normal(shape)).astype(np.float32)

    def perhaps(array: np.ndarray) -> np.ndarray | None:
        return array if random.random() < 0.6 else None

    return Layer(
        kind,
        str(random.choice(about.activations)),
        resets_first,
        direction,
        w=numbers(directions, rows, inputs, scale=inputs**-0.5),
        r=numbers(directions, rows, hidden, scale=0.7 * hidden**-0.5) if about.recurrent else None,
        v=numbers(directions, hidden, units, scale=units**-0.5) if kind == "ProjectedLSTM" else None,
        x=numbers(steps, batch, inputs),
        bias=None
        if kind in WITHOUT_BIAS
        else perhaps(numbers(directions, (2 if about.recurrent else 1) * rows, scale=0.3)),
        vectors=_draw_vectors(random, kind, directions, units),
        lengths=perhaps(random.integers(0, steps + 1, batch).astype(np.int32)),
        h=perhaps(np.tanh(numbers(directions, batch, hidden))),
        c=perhaps(numbers(directions, batch, units)) if about.cell else None,
        shares=int(random.choice([1, 1, 2, 3])),
    )


def _draw_vectors(random: np.random.Generator, kind: str, directions: int, units: int) -> np.ndarray | None:
    """P; of an LSTM peepholes, or none."""
    blocks = 0.5 * random.standard_normal((directions, KINDS[kind].vectors, units))
    if kind == "LSTM" and random.random() < 0.4:
        return None
    if kind.startswith("LayerNorm"):
        # Gains as the cells start with them: with larger ones of the past, states that differ by a rounding
        # move apart from step to step.
        gates = KINDS[kind].gates
        blocks[:, :gates] += 1
        blocks[:, gates : 2 * gates] = 0.1 * (1 + blocks[:, gates : 2 * gates])
    if kind == "IndRNN":
        blocks = np.tanh(blocks)
    if kind == "FastGRNN":
        blocks[:, 2:] = 1 / (1 + np.exp(-random.standard_normal((directions, 2, 1))))
        blocks[:, 3] *= 0.1
    return blocks.reshape(directions, -1).astype(np.float32) if KINDS[kind].vectors else None


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
    layers = []
    for kind, resets_first, direction in (
        ("RNN", False, "forward"), ("LSTM", False, "reverse"), ("GRU", False, "forward"),
        ("GRU", True, "forward"), ("LSTM", False, "bidirectional"), ("MinGRU", False, "forward"),
        ("LayerNormLSTM", False, "forward"), ("ProjectedLSTM", False, "forward"),
    ):  # fmt: skip
        about, directions, projects = KINDS[kind], sum(DIRECTIONS[direction]), kind == "ProjectedLSTM"
        units = 2 * hidden if projects else hidden
        layer = Layer(
            kind, about.activations[0], resets_first, direction,
            w=numbers(directions, about.gates * units, inputs),
            r=numbers(directions, about.gates * units, hidden) if about.recurrent else None,
            v=numbers(directions, hidden, units) if projects else None,
            vectors=_draw_vectors(random, kind, directions, units),
            x=numbers(steps, 1, inputs),
            shares=shares,
        )  # fmt: skip
        layers.append(layer)
    return layers


def to_bytes(layer: Layer, *, scheme: str) -> bytes:
    """A case as `run_cases` reads it."""
    forward, backward = DIRECTIONS[layer.direction]
    steps, batch, inputs = layer.x.shape
    given = [int(array is not None) for array in (layer.lengths, layer.h, layer.c)]
    head = [
        list(KINDS).index(layer.kind), ACTIVATIONS.index(layer.activation), int(layer.resets_first),
        forward, backward, inputs, layer.hidden, layer.units,
        _block_size(scheme) or int(scheme == "int8"),
        int(layer.bias is not None), int(layer.vectors is not None),
        steps, batch, *given, layer.shares,
    ]  # fmt: skip
    arrays: list[np.ndarray | None] = [np.array(head, np.int32)]
    for matrix in (layer.w, layer.r, layer.v):
        if matrix is not None:
            arrays += _stored(matrix, scheme)[0]
    arrays += [layer.bias, layer.vectors, layer.x, layer.lengths, layer.h, layer.c]
    return b"".join(np.ascontiguousarray(array).tobytes() for array in arrays if array is not None)


def from_bytes(layers: Sequence[Layer], data: bytes) -> Iterator[Outputs]:
    """The answers of `run_cases`: y (steps, directions, batch, hidden), y_h and y_c where there is one."""
    numbers, at = np.frombuffer(data, np.float32), 0
    for layer in layers:
        steps, batch, _ = layer.x.shape
        state, cell = ((layer.directions, batch, size) for size in (layer.hidden, layer.units))
        shapes = [(steps, *state), state, *[cell] * layer.about.cell]
        found = []
        for shape in shapes:
            size = int(np.prod(shape))
            found.append(numbers[at : at + size].reshape(shape))
            at += size
        yield tuple(found)
    assert at == len(numbers)


@cache
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


def rounded(layer: Layer, scheme: str) -> Layer:
    """The layer with the weights that its integers stand for."""
    matrices = {
        name: _stored(matrix, scheme)[1]
        for name in ("w", "r", "v")
        if (matrix := getattr(layer, name)) is not None
    }
    return replace(layer, **matrices)


def _block_size(scheme: str) -> int:
    """Of int4; 0 of others."""
    return int(scheme.removeprefix("int4_")) if scheme.startswith("int4") else 0


def _stored(matrix: np.ndarray, scheme: str) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """What a matrix is stored as, and the one that it stands for."""
    if scheme == "float32":
        return (matrix,), matrix
    if scheme == "int8":
        integers, scales = round_int8(matrix, (2,))
        return (integers, scales), integers * scales
    packed, scales, wide = pack_int4(matrix.reshape(-1, matrix.shape[-1]), _block_size(scheme))
    return (packed, scales), wide.reshape(matrix.shape)


def _step(layer: Layer, d: int) -> reference.sequence.Step:
    kind, activation = layer.kind, layer.activation
    w, r = layer.w[d].astype(np.float64), None if layer.r is None else layer.r[d].astype(np.float64)
    bias = None if layer.bias is None else layer.bias[d].astype(np.float64)
    p = None if layer.vectors is None else layer.vectors[d].astype(np.float64)
    units = layer.units
    if kind in ("MinGRU", "MinLSTM"):
        step = minimal.min_gru_step if kind == "MinGRU" else minimal.min_lstm_step
        return partial(
            step, _given({"gates.weight": w, "gates.bias": bias}), positive=activation == "positive"
        )
    if kind in ("SRU", "ProjectedSRU"):
        return partial(_sru_step, w, np.zeros(len(w)) if bias is None else bias, activation)
    if kind == "IndRNN":
        return partial(
            ind_rnn.step,
            _given({"input.weight": w, "input.bias": bias, "recurrent": p}),
            activation=activation,
        )
    if kind == "FastGRNN":
        b_z, b_n, zeta, nu = np.split(p, 4)
        inverse = [np.log(value[:1] / (1 - value[:1])) for value in (zeta, nu)]
        matrices = {"weight_ih": w, "weight_hh": r, "zeta": inverse[0], "nu": inverse[1]}
        return partial(fast_grnn.step, {**matrices, "bias_z": b_z, "bias_n": b_n})
    if kind.startswith("LayerNorm"):
        rows = len(w)
        gains = {"gain_ih": p[:rows], "gain_hh": p[rows : 2 * rows], "bias_ih": p[2 * rows : 3 * rows]}
        rest = np.split(p[3 * rows :], len(p[3 * rows :]) // units)
        names = ("gain_c", "bias_c") if kind == "LayerNormLSTM" else ("bias_hn",)
        step = layer_norm.lstm_step if kind == "LayerNormLSTM" else layer_norm.gru_step
        return partial(step, {"weight_ih": w, "weight_hh": r, **gains, **dict(zip(names, rest, strict=True))})
    if kind == "ProjectedLSTM":
        parameters = _given({"weight_ih": w, "weight_hh": r, "weight_hr": layer.v[d].astype(np.float64)})
        if bias is not None:
            parameters["bias_ih"], parameters["bias_hh"] = np.split(bias, 2)
        return partial(projected_lstm.step, parameters)
    return _onnx_step(layer, d)


def _onnx_step(layer: Layer, d: int) -> reference.sequence.Step:
    """Of the kinds that ONNX has an operator for, whose gates stand in another order there."""
    parameters = {"weight_ih": _rows(layer, layer.w[d]), "weight_hh": _rows(layer, layer.r[d])}
    if layer.bias is not None:
        for name, part in zip(("bias_ih", "bias_hh"), np.split(layer.bias[d], 2), strict=True):
            parameters[name] = _rows(layer, part)
    if layer.kind == "RNN":
        return partial(reference.rnn.step, parameters, activation=layer.activation)
    if layer.kind == "GRU":
        return partial(reference.gru.step, parameters, reset_after=not layer.resets_first)
    if layer.vectors is None:
        return partial(reference.lstm.step, parameters)
    return partial(peephole_lstm.step, parameters | _peepholes(layer.vectors[d]))


def _given(parameters: dict[str, np.ndarray | None]) -> dict[str, np.ndarray]:
    return {name: value for name, value in parameters.items() if value is not None}


def _sru_step(
    w: np.ndarray, bias: np.ndarray, activation: str, x: np.ndarray, state: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """The reference has biases of f and r alone; a node may have them everywhere."""
    n, f, r, *past = np.split(x @ w.T + bias, len(w) // state[0].shape[1], axis=-1)
    carried = past[0] if past else x
    f, r = sigmoid(f), sigmoid(r)
    c = f * state[0] + (1 - f) * n
    return r * (np.tanh(c) if activation == "tanh" else c) + (1 - r) * carried, (c,)


def _rows(layer: Layer, array: np.ndarray) -> np.ndarray:
    """From ONNX's order of gates to the reference's."""
    gates, order = np.split(array.astype(np.float64), layer.about.gates), layer.about.order
    return np.concatenate([gates[order.index(place)] for place in range(len(order))])


def _peepholes(row: np.ndarray) -> dict[str, np.ndarray]:
    i, o, f = np.split(row.astype(np.float64), 3)
    return {"peephole": np.stack([i, f, o])}


def _start(layer: Layer, d: int) -> tuple[np.ndarray, ...]:
    given = [(layer.h, layer.hidden), (layer.c, layer.units)][: 1 + layer.about.cell]
    batch = layer.x.shape[1]
    return tuple(
        np.zeros((batch, size)) if array is None else array[d].astype(np.float64) for array, size in given
    )
