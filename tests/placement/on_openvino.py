"""Runs in an environment with onnxruntime-openvino; prints what it found as one line of JSON.

python on_openvino.py compare FILE...   what onnxruntime assigned, beside the rules
python on_openvino.py verify            the parity suite on files that it exports itself
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import edgernn
from edgernn.placement import place
from edgernn.placement.assignment import compare_report
from tests.placement.networks import STEPS, export, of_cell, of_torch, quantized

FIXED = {"recurrence": "unrolled", "length": STEPS}
CONTRACTS: dict[str, tuple[Any, dict[str, Any], str | None]] = {
    "RNN": (of_torch("RNN"), {}, None),
    "GRU": (of_torch("GRU", num_layers=2, bidirectional=True), {}, None),
    "LSTM stream": (of_torch("LSTM"), {"streaming": True}, None),
    "GRU stream": (of_torch("GRU"), {"streaming": True}, None),
    "GRU before": (of_cell("GRU", reset_after=False), {}, None),
    "minLSTM scan": (of_cell("MinLSTM"), {"recurrence": "scan"}, None),
    "IndRNN unrolled": (of_cell("IndRNN"), FIXED, None),
    "LSTM for it": (of_torch("LSTM"), {"provider": "openvino", "streaming": True, "chunk": 2}, None),
    "GRU int8": (of_torch("GRU", 24), {"streaming": True}, "int8"),
    "LSTM fp16": (of_torch("LSTM", 24), {}, "fp16"),
    "GRU int4": (of_torch("GRU", 24), {}, "int4"),
}


def compare(paths: list[str]) -> dict[str, Any]:
    """The differences for each file, by its path."""
    return {path: asdict(compare_report(place(path, ["openvino"]), ["openvino"])[0]) for path in paths}


def wrong(paths: list[str]) -> dict[str, Any]:
    """`compare` with two wrong rules: a Scan is taken, a Transpose is not."""
    from edgernn.placement.providers import openvino

    openvino.OPERATORS = (openvino.OPERATORS | {"Scan"}) - {"Transpose"}
    return compare(paths)


def verify(_: list[str]) -> dict[str, Any]:
    """The parity of each contract, and of a file that holds other weights."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, (model, options, scheme) in CONTRACTS.items():
            path = export(folder, "net.onnx", model, **options)
            path = path if scheme is None else quantized(path, scheme)
            report = edgernn.verify(model, path, provider="openvino")
            found[title] = {"passed": report.passed, "error": report.max_relative_error}
        path = export(folder, "net.onnx", of_torch("GRU"))
        other = edgernn.verify(of_torch("GRU", num_layers=2), path, provider="openvino")
        found["other weights"] = {"passed": other.passed, "error": other.max_relative_error}
    return found


if __name__ == "__main__":
    task = {"compare": compare, "wrong": wrong, "verify": verify}[sys.argv[1]]
    print(json.dumps(task(sys.argv[2:])))
