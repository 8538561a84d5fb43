"""The manifest: what an app must know of a model, as JSON inside the ONNX file.

It stands in the file's `metadata_props["edgernn"]`. Reading is strict: an unknown field, a wrong type or an
unknown format version is a `ModelError`, so that nothing is guessed on a device.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

from edgernn.errors import ModelError

FORMAT_VERSION = 1
METADATA_KEY = "edgernn"

RECURRENCES = ("op", "scan", "loop", "unrolled")


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a graph.

    Attributes:
        name: the tensor's name in the graph.
        dtype: numpy's name of the element type, e.g. "float32".
        dims: one entry a dimension: a fixed size, or a name ("batch", "time") where it is free.
        time_dim: which dimension is time; None where the tensor has none.
        unit: the unit of its values, e.g. "°C"; empty where unknown.
        sample_rate: time steps per second; None where time is not in seconds.
        layout: what the last dimension holds, e.g. the feature names joined by commas; empty where unknown.
        minimum, maximum: the values that the network takes, inclusive; None where any value goes.
        hop, upsampling: of an output with time: steps of the input ÷ steps of this tensor = hop ÷ upsampling.
        delay: of a streaming graph's output: how many steps at the start of a stream come before its first
            one and are to be dropped. What comes at step n of a stream is step n - delay of a sequence.
    """

    name: str
    dtype: str
    dims: tuple[int | str, ...]
    time_dim: int | None = None
    unit: str = ""
    sample_rate: float | None = None
    layout: str = ""
    minimum: float | None = None
    maximum: float | None = None
    hop: int = 1
    upsampling: int = 1
    delay: int = 0

    @property
    def batch_dim(self) -> int | None:
        """Which dimension is the batch: the one of that name, else a first one that is fixed at 1."""
        if "batch" in self.dims:
            return self.dims.index("batch")
        return 0 if self.dims and self.dims[0] == 1 and self.time_dim != 0 else None


@dataclass(frozen=True)
class StateSpec:
    """One state of a streaming graph: what `output` holds after a chunk is `input` of the next.

    Attributes:
        input: name of the graph's input.
        output: name of the graph's output.
        dtype: numpy's name of the element type.
        dims: one entry a dimension; the batch is the name "batch", or 1 where it is fixed.
        initial: the value before the first chunk: one number for every element, or the elements of one row of
            the batch, in order.
        layer: the recurrent layer it belongs to, e.g. "encoder.lstm.l0"; empty for a state of another kind.
        name: its name within the layer, e.g. "h".
        meaning: where the state comes from, in words.
    """

    input: str
    output: str
    dtype: str
    dims: tuple[int | str, ...]
    initial: float | tuple[float, ...] = 0.0
    layer: str = ""
    name: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class RecurrentLayer:
    """One recurrent layer of the network, for reports.

    Attributes:
        name: the module's path and the layer's number, e.g. "lstm.l0".
        cell: the cell's name, e.g. "LSTM".
        input_size: features a step.
        hidden_size: size of the output a direction.
        directions: 1, or 2 where the layer reads both ways.
        recurrence: how it is written: "op", "scan", "loop" or "unrolled".
    """

    name: str
    cell: str
    input_size: int
    hidden_size: int
    directions: int
    recurrence: str


@dataclass(frozen=True)
class Manifest:
    """Everything that an app must know to run a file.

    Attributes:
        inputs, outputs: the graph's tensors, states apart, in the order `Session.run` takes and gives them.
        recurrence: "op", "scan", "loop" or "unrolled"; "none" for a network without recurrence, "mixed"
            where layers differ.
        streaming: True where states are graph inputs and outputs.
        states: the states of a streaming graph.
        layers: the recurrent layers.
        chunk: time steps a push must have; None where any number goes.
        hop: a push must have a multiple of so many steps.
        lookahead_steps: input steps of the future that an output waits for.
        sample_rate: input steps per second; None where unknown.
        scheme: how the weights are stored, "float32" or a quantization scheme.
        task: what the network is for, e.g. "forecast"; empty where unknown.
        labels: class names, by index.
        vocabulary: symbols, by index.
        tokenizer: what cuts a text into the vocabulary's symbols, where that takes more than these: a
            SentencePiece model, compressed, in base64 (see `edgernn.features.subwords`).
        normalization: what the app must still do to its input, by name; empty where the graph does it all.
        weights_sha256: digest of the torch weights the file was made from.
        versions: package versions the file was made with.
        scores: the training run's scores on held-out data.
        parity: the summary of the parity report of the file.
        opset: the ONNX operator set of the graph.
        format_version: version of this format.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    recurrence: str = "none"
    streaming: bool = False
    states: tuple[StateSpec, ...] = ()
    layers: tuple[RecurrentLayer, ...] = ()
    chunk: int | None = None
    hop: int = 1
    lookahead_steps: int = 0
    sample_rate: float | None = None
    scheme: str = "float32"
    task: str = ""
    labels: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    tokenizer: str = ""
    normalization: dict[str, float] = field(default_factory=dict)
    weights_sha256: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    parity: dict[str, float | bool | str] = field(default_factory=dict)
    opset: int = 0
    format_version: int = FORMAT_VERSION

    @property
    def latency_steps(self) -> int:
        """Input steps from a sample's arrival to the output that depends on it, buffering included."""
        return self.lookahead_steps + (self.chunk or self.hop) - 1

    @property
    def latency_ms(self) -> float | None:
        """`latency_steps` in milliseconds; None where the sample rate is unknown."""
        return None if self.sample_rate is None else 1000.0 * self.latency_steps / self.sample_rate

    def to_json(self, *, indent: int | None = None) -> str:
        """The manifest as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `to_json` wrote. Raises ModelError where the text is not a manifest of this version."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise ModelError(f"manifest: not JSON ({error}). Export the model again.") from error
        if not isinstance(data, dict):
            raise ModelError("manifest: expected a JSON object. Export the model again.")
        version = data.get("format_version")
        if version != FORMAT_VERSION:
            raise ModelError(
                f"manifest: format version {version!r}, this edgernn reads {FORMAT_VERSION}. "
                "Install the edgernn that wrote the file, or export the model again."
            )
        manifest: Manifest = _read(cls, data, "manifest")
        return manifest

    def with_(self, **changes: Any) -> Manifest:
        """A copy with some fields replaced."""
        return replace(self, **changes)


def _read(kind: Any, value: Any, where: str) -> Any:
    """`value` (from JSON) as `kind`, a type of the fields above; raises ModelError where it does not fit."""
    if is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        for option in arguments:
            try:
                return _read(option, value, where)
            except ModelError:  # noqa: PERF203 - a union has two or three options
                continue
    elif origin is tuple and isinstance(value, list):
        return tuple(_read(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    elif origin is dict and isinstance(value, dict):
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif kind is int and isinstance(value, bool):
        pass  # bool is a subclass of int, but no size
    elif origin is None and isinstance(value, kind):
        return value
    raise ModelError(
        f"{where}: expected {getattr(kind, '__name__', kind)}, found {value!r}. Export the model again."
    )


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ModelError(f"{where}: expected an object, found {value!r}. Export the model again.")
    hints = typing.get_type_hints(kind)
    known = {item.name for item in fields(kind)}
    unknown = sorted(set(value) - known)
    if unknown:
        raise ModelError(f"{where}: unknown field {unknown[0]!r}. Was the file written by a newer edgernn?")
    read = {name: _read(hints[name], item, f"{where}.{name}") for name, item in value.items()}
    try:
        return kind(**read)
    except TypeError as error:
        raise ModelError(f"{where}: {error}. Export the model again.") from error
