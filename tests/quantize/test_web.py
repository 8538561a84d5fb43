"""Inlined files run in the browser's runtime, onnxruntime-web, and give there what they give here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.quantize import scheme_names

pytestmark = pytest.mark.slow
# WebAssembly adds in another order than this processor; integers are added alike.
TOLERANCE = 1e-4


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 32)
        self.gru = nn.GRU(32, 64, batch_first=True)
        self.lstm = nn.LSTM(64, 48, batch_first=True)
        self.head = nn.Linear(48, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(self.gru(self.embed(x))[0])[0])


def test_every_scheme_runs_in_webassembly(npm_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, example = Network().eval(), torch.randn(1, 4, 8)
    files: dict[str, Path] = {}
    for recurrence, chunk in (("op", None), ("scan", None), ("unrolled", 2)):
        source = tmp_path / f"{recurrence}.onnx"
        edgernn.export(
            network, source, example, streaming=True, recurrence=recurrence, chunk=chunk, check=False
        )
        files[f"{recurrence}, float32"] = source
        for scheme in scheme_names():
            path = tmp_path / f"{recurrence}.{scheme}.onnx"
            try:
                edgernn.quantize(source, path, scheme=scheme, inline=True, calibration=example.numpy())
            except edgernn.EdgeRNNError:
                assert (recurrence, scheme) != ("op", "int8")  # some schemes take some forms only
                continue
            files[f"{recurrence}, {scheme}"] = path
    assert {name.split(", ")[1] for name in files} == {"float32", *scheme_names()}
    chunks = [np.random.default_rng(seed).standard_normal((1, 2, 8)).astype(np.float32) for seed in range(3)]
    calls, expected = [], {}
    for path in files.values():
        session = edgernn.load(path)
        stream = session.stream()
        expected[str(path)] = [stream.push(chunk).copy() for chunk in chunks]
        pushes = [
            {"input": session.inputs[0].name, "output": session.outputs[0].name,
             "data": chunk.reshape(-1).tolist(), "dims": list(chunk.shape)}
            for chunk in chunks
        ]  # fmt: skip
        states = [
            {"input": state.input, "output": state.output, "data": array.reshape(-1).tolist(),
             "dims": list(array.shape)}
            for state, array in zip(
                session.manifest.states, session.stream().states.values(), strict=True
            )
        ]  # fmt: skip
        calls.append({"file": str(path), "pushes": pushes, "states": states})
    (tmp_path / "calls.json").write_text(json.dumps(calls))
    script = Path(__file__).with_name("run_in_wasm.mjs")
    command = ["node", str(script), str(tmp_path / "calls.json")]
    done = subprocess.run(command, cwd=npm_folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name, path in files.items():
        for mine, theirs in zip(expected[str(path)], found[str(path)], strict=True):
            difference = float(np.abs(mine.reshape(-1) - np.array(theirs)).max())
            assert difference < TOLERANCE * max(1.0, float(np.abs(mine).max())), (name, difference)
