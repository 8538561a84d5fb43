"""A try of the whole way, export, verify and stream, on a tiny network."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgernn.cli.packages import installed


@dataclass(frozen=True)
class SelfTest:
    """How the self test ended.

    Attributes:
        result: "passed", "failed" or "skipped".
        detail: what was done, or what went wrong.
    """

    result: str
    detail: str


def self_test() -> SelfTest:
    """Export a GRU, verify the file and stream through it; skipped where the export extra is missing."""
    missing = [item.name for item in installed() if item.needed_for == "export" and not item.version]
    if missing:
        return SelfTest(
            "skipped", f"{', '.join(missing)} not installed; pip install 'edgernn[export]' brings them."
        )
    try:
        with tempfile.TemporaryDirectory() as folder:
            return SelfTest("passed", _export_and_stream(Path(folder) / "tiny.onnx"))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this installation is the finding
        return SelfTest("failed", f"{type(error).__name__}: {error}")


def providers() -> dict[str, str]:
    """Every known execution provider and what brings it; empty for those that are there."""
    try:
        from edgernn.runtime import providers as known
    except ImportError:
        return {"cpu": "pip install onnxruntime"}
    there = known.present()
    return {name: "" if name in there else known.get(name).INSTALL for name in known.known()}


def recipes() -> list[str]:
    """Names of the recipes that ship."""
    from edgernn.training.find import shipped_recipes

    return list(shipped_recipes())


def _export_and_stream(path: Path) -> str:
    """Do it; returns what was done. Raises where anything fails."""
    import numpy as np
    import torch

    import edgernn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = edgernn.Recurrent(edgernn.GRU(3, 4))
        inputs = torch.randn(1, 12, 3)
    manifest = edgernn.export(model, path, inputs, streaming=True)
    stream = edgernn.load(path).stream()
    name = manifest.outputs[0].name
    pushes = [stream.push(inputs[:, step : step + 1].numpy()) for step in range(12)]
    outputs = [push[name] if isinstance(push, dict) else push for push in pushes]
    with torch.no_grad():
        expected = model(inputs)[0].numpy()
    difference = float(np.abs(np.concatenate(outputs, axis=1) - expected).max())
    if not difference < 1e-5:
        raise AssertionError(f"a streamed GRU differs from torch by {difference:.2g}")
    checks = int(manifest.parity["checks"])
    return f"a GRU was exported, passed {checks} checks, and streamed 12 steps."
