"""edgernn: recurrent networks from PyTorch to a device.

The public names are imported on first use, so that `import edgernn` needs neither torch nor onnxruntime.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgernn.bench import BenchReport, bench
    from edgernn.bundle import BundleReport, bundle
    from edgernn.cells import GRU, LSTM, RNN, Cell
    from edgernn.errors import EdgeRNNError
    from edgernn.export import export
    from edgernn.export_folder import export_folder
    from edgernn.export_greedy import export_greedy
    from edgernn.layers import Recurrent
    from edgernn.manifest import Manifest, StateSpec, TensorSpec
    from edgernn.quantize import QuantizationReport, quantize
    from edgernn.runtime import Session, Stream, StreamPool, load
    from edgernn.tune import TuneReport, tune
    from edgernn.verify import ParityReport, verify

__version__ = "0.1.0"

# Public name -> the module that holds it.
_PUBLIC = {
    "BenchReport": "edgernn.bench",
    "BundleReport": "edgernn.bundle",
    "Cell": "edgernn.cells",
    "EdgeRNNError": "edgernn.errors",
    "GRU": "edgernn.cells",
    "LSTM": "edgernn.cells",
    "Manifest": "edgernn.manifest",
    "ParityReport": "edgernn.verify",
    "QuantizationReport": "edgernn.quantize",
    "RNN": "edgernn.cells",
    "Recurrent": "edgernn.layers",
    "Session": "edgernn.runtime",
    "StateSpec": "edgernn.manifest",
    "Stream": "edgernn.runtime",
    "StreamPool": "edgernn.runtime",
    "TensorSpec": "edgernn.manifest",
    "TuneReport": "edgernn.tune",
    "bench": "edgernn.bench",
    "bundle": "edgernn.bundle",
    "export": "edgernn.export",
    "export_folder": "edgernn.export_folder",
    "export_greedy": "edgernn.export_greedy",
    "load": "edgernn.runtime",
    "quantize": "edgernn.quantize",
    "tune": "edgernn.tune",
    "verify": "edgernn.verify",
}

# What a missing package means for the user: the extra that brings it.
_EXTRAS = {"torch": "export", "onnx": "export", "onnx_ir": "export", "onnxscript": "export"}
_EXTRAS |= {"safetensors": "export", "lightning": "train", "matplotlib": "train", "pandas": "train"}

__all__ = [  # noqa: RUF022 - in the order of the work
    "Cell", "RNN", "LSTM", "GRU", "Recurrent", "export", "export_folder", "export_greedy", "quantize",
    "verify", "bench", "tune", "bundle", "load",
    "Session", "Stream", "StreamPool", "Manifest", "TensorSpec", "StateSpec", "ParityReport",
    "QuantizationReport", "BenchReport", "TuneReport", "BundleReport", "EdgeRNNError",
]  # fmt: skip


class _Package(ModuleType):
    """The package itself: keeps the verbs functions although folders of the same names exist.

    Python binds a submodule to its parent when it is first imported: `import edgernn.quantize.int8` would
    turn the function `edgernn.quantize` into a module.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PUBLIC and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'edgernn' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        from edgernn.errors import MissingDependencyError

        raise MissingDependencyError(
            f"edgernn.{name} needs the package {error.name!r}, which is not installed. "
            f"Install it with: pip install 'edgernn[{extra}]'"
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_PUBLIC))
