"""What a quantization did, tensor by tensor, and what it costs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from edgernn.quantize.choosing.choice import Choice


@dataclass(frozen=True)
class TensorReport:
    """One weight of the network.

    Attributes:
        name: the initializer.
        used_by: the node that reads it.
        shape: its shape.
        scheme: how it is stored now; "float32" where it was left as it was.
        bytes_before, bytes_after: scales included.
        max_abs_error: largest difference between the weight and what its stored form stands for.
        reason: why it was left in float32; empty where it was quantized.
    """

    name: str
    used_by: str
    shape: tuple[int, ...]
    scheme: str
    bytes_before: int
    bytes_after: int
    max_abs_error: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class OutputError:
    """How far the quantized network's outputs are from the float32 network's, on some data.

    Attributes:
        data: what it was measured on.
        max_abs: largest absolute difference, in the output's unit.
        mean_abs: mean absolute difference.
        relative: max_abs ÷ the largest absolute float32 output.
    """

    data: str
    max_abs: float
    mean_abs: float
    relative: float


@dataclass(frozen=True)
class QuantizationReport:
    """The result of `edgernn.quantize`.

    Attributes:
        source, path: the float32 file and the quantized one.
        scheme: the scheme.
        bytes_before, bytes_after: sizes of the two files.
        nodes: the nodes whose weights were quantized.
        tensors: every weight, those left in float32 included.
        error: the outputs' error.
        choice: how a budget was met; None where none was given.
    """

    source: str
    path: str
    scheme: str
    bytes_before: int
    bytes_after: int
    nodes: tuple[str, ...]
    tensors: tuple[TensorReport, ...]
    error: OutputError
    choice: Choice | None = None

    @property
    def ratio(self) -> float:
        """Size of the quantized file ÷ size of the float32 file."""
        return self.bytes_after / self.bytes_before

    @property
    def quantized(self) -> tuple[TensorReport, ...]:
        """The weights that were quantized."""
        return tuple(tensor for tensor in self.tensors if not tensor.reason)

    @property
    def left(self) -> tuple[TensorReport, ...]:
        """The weights that were left in float32, each with its reason."""
        return tuple(tensor for tensor in self.tensors if tensor.reason)

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        return json.dumps({**asdict(self), "ratio": self.ratio}, ensure_ascii=False, indent=indent)
