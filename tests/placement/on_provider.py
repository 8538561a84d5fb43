"""The parity suite on a provider, and what onnxruntime assigns to it; a script for an environment of its own.

python on_provider.py compare PROVIDER FILE...   what onnxruntime assigned, beside the rules
python on_provider.py wrong PROVIDER FILE...     the same with rules that are wrong
python on_provider.py verify PROVIDER            the parity of files that it exports itself
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import edgernn
from edgernn.placement import place, rules_of
from edgernn.placement.assignment import compare_report
from tests.placement.networks import STEPS, export, of_cell, of_torch, quantized

# Exported for the provider; a file that holds other weights than the network, which must fail.
FOR_IT, OTHER = "LSTM for it", "other weights"
FIXED = {"recurrence": "unrolled", "length": STEPS}
CONTRACTS: dict[str, tuple[Any, dict[str, Any], str | None]] = {
    "RNN": (of_torch("RNN"), {}, None),
    "GRU": (of_torch("GRU", num_layers=2, bidirectional=True), {}, None),
    "LSTM stream": (of_torch("LSTM"), {"streaming": True}, None),
    "GRU stream": (of_torch("GRU"), {"streaming": True}, None),
    "GRU before": (of_cell("GRU", reset_after=False), {}, None),
    "minLSTM scan": (of_cell("MinLSTM"), {"recurrence": "scan"}, None),
    "IndRNN unrolled": (of_cell("IndRNN"), FIXED, None),
    FOR_IT: (of_torch("LSTM"), {"streaming": True, "chunk": 2}, None),
    "GRU int8": (of_torch("GRU", 24), {"streaming": True}, "int8"),
    "LSTM fp16": (of_torch("LSTM", 24), {}, "fp16"),
    "GRU int4": (of_torch("GRU", 24), {}, "int4"),
}


def compare(provider: str, paths: Sequence[str]) -> dict[str, Any]:
    """The differences for each file, by its path."""
    return {path: asdict(compare_report(place(path, [provider]), [provider])[0]) for path in paths}


def wrong(provider: str, paths: Sequence[str]) -> dict[str, Any]:
    """`compare` with two wrong rules: a Scan is taken, a Transpose is not."""
    rules: Any = rules_of(provider)
    rules.OPERATORS = (rules.OPERATORS | {"Scan"}) - {"Transpose"}
    return compare(provider, paths)


def verify(provider: str, _: Sequence[str] = ()) -> dict[str, Any]:
    """The parity of each contract, and of a file that holds other weights."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, (model, options, scheme) in CONTRACTS.items():
            more = {"provider": provider} if title == FOR_IT else {}
            path = export(folder, "net.onnx", model, **options, **more)
            path = path if scheme is None else quantized(path, scheme)
            report = edgernn.verify(model, path, provider=provider)
            found[title] = {"passed": report.passed, "error": report.max_relative_error}
        path = export(folder, "net.onnx", of_torch("GRU"))
        other = edgernn.verify(of_torch("GRU", num_layers=2), path, provider=provider)
        found[OTHER] = {"passed": other.passed, "error": other.max_relative_error}
    return found


if __name__ == "__main__":
    task = {"compare": compare, "wrong": wrong, "verify": verify}[sys.argv[1]]
    print(json.dumps(task(sys.argv[2], sys.argv[3:])))
