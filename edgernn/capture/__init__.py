"""A torch module → an ATen graph in which each recurrent layer is one opaque node."""

from __future__ import annotations

from edgernn.capture.inputs import BATCH, TIME, InputInfo, describe_inputs
from edgernn.capture.opaque import Layer, computed_by, find_layer, recurrence
from edgernn.capture.padded import padded_sequences_kept
from edgernn.capture.prepare import Prepared, prepare
from edgernn.capture.program import Captured, capture, check_free, flatten_outputs
from edgernn.capture.trace import trace

__all__ = [
    "BATCH", "TIME", "Captured", "InputInfo", "Layer", "Prepared", "capture", "check_free", "computed_by",
    "describe_inputs", "find_layer", "flatten_outputs", "padded_sequences_kept", "prepare", "recurrence",
    "trace",
]  # fmt: skip
