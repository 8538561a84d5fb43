"""tools/compare_peers.py: every way in one race, and what cannot run told of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_it_writes_figures_tables_and_a_picture(tmp_path: Path) -> None:
    command = [
        sys.executable, ROOT / "tools" / "compare_peers.py", "-o", tmp_path / "out", "--cells", "GRU",
        "--sizes", "8", "16", "--rounds", "1", "--no-compile",
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    report = json.loads((tmp_path / "out" / "peers.json").read_text(encoding="utf-8"))
    ways = {"edgernn, float32", "edgernn, int8", "default path", "torch eager"}
    assert {row["way"] for row in report["rows"]} == ways
    assert {row["size"] for row in report["rows"]} == {8, 16}
    assert all(row["ratio"] > 0 and row["microseconds"] > 0 for row in report["rows"])
    assert [row["ratio"] for row in report["rows"] if row["way"] == "default path"] == [1.0, 1.0]
    assert report["skipped"] == {}
    assert "floor, float32" in (tmp_path / "out" / "peers.md").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "latency-GRU.png").read_bytes().startswith(b"\x89PNG")
    assert "default path" in done.stdout


@pytest.mark.slow
def test_torch_compile_races_with_its_states_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import compare_peers

    network = compare_peers.make_network("LSTM", 4)
    x = torch.randn(1, 3, 4)
    with torch.no_grad():
        expected = network(x)
    # What is compiled into does not matter here, and the test needs no C++ compiler.
    contender = compare_peers.compiled_contender(network, backend="eager")
    for _ in range(2):
        contender.reset()
        found = [contender.outputs(contender.call(x[:, t : t + 1].numpy()))[0] for t in range(3)]
        np.testing.assert_allclose(np.concatenate(found, axis=1), expected.numpy(), atol=1e-6)


def test_a_peer_that_is_not_installed_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import argparse

    import compare_peers

    class Broken:
        @staticmethod
        def make(*_: object) -> None:
            raise ImportError("no module called tract")

    monkeypatch.setattr(compare_peers, "find_peer", lambda name: Broken)
    options = argparse.Namespace(
        schemes=["float32"], threads=1, compile=False, kernels=True, peers=["tract"], install=tmp_path
    )
    skipped: dict[str, str] = {}
    network = compare_peers.Network("GRU", 4, 1).eval()
    ways, _, floor = compare_peers.contenders(network, tmp_path, options, 1, 1, skipped)
    assert [way.name for way in ways] == ["edgernn, float32", "default path", "torch eager"]
    assert skipped.pop("tract, GRU 4") == "no module called tract"
    assert skipped == {"edgernn's kernels, float32, GRU 4": "EDGERNN_KERNELS=off switches them off"}
    assert floor > 0
