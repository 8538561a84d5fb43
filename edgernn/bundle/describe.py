"""What an app must know of a model, as plain data that every language reads: `model.json`.

The manifest is edgernn's own; this is the part of it that a stream needs, with every size settled: the batch
is 1 (or what the file fixes), and -1 stands for time where its length is free.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from edgernn.errors import InputError
from edgernn.manifest import Manifest, StateSpec, TensorSpec
from edgernn.runtime import Session

FORMAT = 1
FREE = -1

# Element types that every runtime of the targets hands over as ordinary numbers.
DTYPES = ("float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "int64", "bool")

# An app hands audio over about so often; of other signals each step at once.
_AUDIO_RATE, _AUDIO_SECONDS = 4000.0, 0.02

# Values of one push that a bundle may need; a damaged or hostile file could ask for any number.
_MOST_VALUES = 4_000_000


@dataclass(frozen=True)
class Tensor:
    """One input or output.

    Attributes:
        name: in the graph.
        dtype: numpy's name of the element type.
        shape: sizes; -1 for time where it is free.
        time_dim: which dimension is time; -1 where none is.
        hop, upsampling, delay: of an output, see `TensorSpec`.
        unit, layout: for people; may be empty.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    time_dim: int
    hop: int
    upsampling: int
    delay: int
    unit: str
    layout: str

    def values(self, steps: int) -> int:
        """How many values it holds for `steps` steps of its own."""
        return math.prod(steps if size == FREE else size for size in self.shape)


@dataclass(frozen=True)
class State:
    """One state: what `output` holds after a push is `input` of the next."""

    input: str
    output: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Description:
    """A model as its app sees it.

    Attributes:
        name: a safe name, for files and classes.
        file: the model's file in the bundle.
        sha256: digest of that file; a snapshot of states begins with it.
        chunk: steps of every push; 0 where free.
        hop: a push has a multiple of so many steps.
        steps: steps that the app pushes at once.
        sample_rate: steps per second; 0 where unknown.
        latency_ms: from a sample's arrival to the output that depends on it; 0 where unknown.
        labels: names of the last dimension's values of the first output, where the model has them.
        inputs, outputs, states: in the order of every push and of a snapshot.
    """

    name: str
    file: str
    sha256: str
    chunk: int
    hop: int
    steps: int
    sample_rate: float
    latency_ms: float
    scheme: str
    task: str
    labels: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    states: tuple[State, ...]
    format: int = FORMAT

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return asdict(self)

    @property
    def is_waveform(self) -> bool:
        """Whether the one input is samples of a sound, so that a microphone or a .wav file can feed it."""
        return (
            len(self.inputs) == 1
            and self.inputs[0].dtype == "float32"
            and self.inputs[0].time_dim >= 0
            and self.inputs[0].values(1) == 1
            and self.sample_rate >= _AUDIO_RATE
        )


def describe(session: Session, name: str, file: str, sha256: str) -> Description:
    """The description of a streaming model.

    Raises InputError where it does not stream, or holds what an app cannot be made for.
    """
    manifest = session.manifest
    if not manifest.streaming:
        raise InputError(
            f"model: {str(session.path)!r} is a sequence model, without states as inputs and outputs, and an "
            "app needs a stream. Export it with --streaming."
        )
    rate = (
        manifest.sample_rate or next((x.sample_rate for x in manifest.inputs if x.sample_rate), None) or 0.0
    )
    if not math.isfinite(rate) or rate < 0 or manifest.hop < 1 or (manifest.chunk or 1) < 1:
        raise InputError(
            f"model: {str(session.path)!r} declares a sample rate of {rate}, a hop of {manifest.hop} and a "
            f"chunk of {manifest.chunk}; an app cannot be made for that. Export the model again."
        )
    latency = manifest.latency_steps * 1000.0 / rate if rate else 0.0
    made = Description(
        name=name,
        file=file,
        sha256=sha256,
        chunk=manifest.chunk or 0,
        hop=manifest.hop,
        steps=_app_steps(manifest, rate),
        sample_rate=rate,
        latency_ms=latency,
        scheme=manifest.scheme,
        task=manifest.task,
        labels=manifest.labels,
        inputs=tuple(_tensor(spec) for spec in manifest.inputs),
        outputs=tuple(_tensor(spec) for spec in manifest.outputs),
        states=tuple(_state(state) for state in manifest.states),
    )
    largest = max(item.values(made.steps) for item in (*made.inputs, *made.outputs))
    if largest > _MOST_VALUES:
        raise InputError(
            f"model: a push of {str(session.path)!r} holds {largest} values; an app is made for at most "
            f"{_MOST_VALUES}. Export with a smaller chunk."
        )
    return made


def _app_steps(manifest: Manifest, rate: float) -> int:
    if manifest.chunk is not None:
        return manifest.chunk
    if rate < _AUDIO_RATE:
        return manifest.hop
    return math.ceil(rate * _AUDIO_SECONDS / manifest.hop) * manifest.hop


def _tensor(spec: TensorSpec) -> Tensor:
    _check_dtype(spec.name, spec.dtype)
    shape = []
    for axis, dim in enumerate(spec.dims):
        if isinstance(dim, int):
            shape.append(dim)
        elif axis == spec.time_dim:
            shape.append(FREE)
        elif dim == "batch":
            shape.append(1)
        else:
            raise InputError(
                f"model: dimension {axis} of {spec.name!r} ({dim!r}) is free, and is neither batch nor time; "
                "an app cannot know its size. Export with that dimension fixed."
            )
    if spec.hop < 1 or spec.upsampling < 1 or spec.delay < 0 or any(size < FREE for size in shape):
        raise InputError(f"model: the sizes of {spec.name!r} make no sense. Export the model again.")
    return Tensor(
        name=spec.name,
        dtype=spec.dtype,
        shape=tuple(shape),
        time_dim=-1 if spec.time_dim is None else spec.time_dim,
        hop=spec.hop,
        upsampling=spec.upsampling,
        delay=spec.delay,
        unit=spec.unit,
        layout=spec.layout,
    )


def _state(state: StateSpec) -> State:
    _check_dtype(state.input, state.dtype)
    shape = tuple(1 if isinstance(dim, str) else dim for dim in state.dims)
    return State(state.input, state.output, state.dtype, shape)


def _check_dtype(name: str, dtype: str) -> None:
    if dtype not in DTYPES:
        raise InputError(
            f"model: {name!r} is {dtype}, which some runtimes of the bundles do not hand over; there are "
            f"{', '.join(DTYPES)}. Export the model with one of them."
        )
