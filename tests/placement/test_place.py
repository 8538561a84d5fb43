"""Whole files: what the report holds, and that the remedies it names help."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from edgernn.errors import InputError, ModelError, ProviderError
from edgernn.placement import known, place

from .networks import STEPS, export, of_torch


def test_a_report_names_every_node_once(files: dict[str, Path]) -> None:
    report = place(files["scan"])
    assert [item.provider for item in report.providers] == list(known())
    for item in report.providers:
        names = [part.node for part in item.nodes]
        assert len(set(names)) == len(names)
        assert all(part.taken != bool(part.reason) for part in item.nodes)
        assert all(bool(part.reason) == bool(part.remedy) for part in item.nodes)
        assert sum(count for *_, count, _ in item.objections()) == len(item.nodes) - item.taken
    assert {part.body_of for part in report.of("cpu").nodes} == {"", "Scan"}
    assert report.of("cpu").complete
    assert not report.of("nnapi").complete
    data = json.loads(report.to_json())
    assert data["providers"][0]["taken"] == report.providers[0].taken


def test_functions_are_inlined_and_their_constants_folded(files: dict[str, Path]) -> None:
    report = place(files["int8"], ["cpu", "cuda"])
    assert report.folded > 0
    assert "RNN" in [part.op for part in report.of("cuda").nodes]
    assert not any(part.op.startswith("edgernn.") for part in report.of("cuda").nodes)
    assert report.of("cuda").complete


@pytest.mark.parametrize("name", ["nnapi", "coreml"])
def test_the_remedies_help(tmp_path: Path, files: dict[str, Path], name: str) -> None:
    """Do what the report says, and everything is taken; half of it is not enough."""
    before = place(files["gru"], [name]).of(name)
    assert {"GRU"} == {part.op for part in before.nodes if "--recurrence unrolled" in part.remedy}
    half = export(tmp_path, "half.onnx", of_torch("GRU"), recurrence="unrolled", length=STEPS)
    remedies = {part.remedy for part in place(half, [name]).of(name).nodes if "free" in part.reason}
    assert remedies == {"export with --fix-batch"}
    whole = export(
        tmp_path, "whole.onnx", of_torch("GRU"), recurrence="unrolled", length=STEPS, fix_batch=True
    )
    after = place(whole, [name]).of(name)
    assert after.complete
    assert after.partitions == 1


def test_any_onnx_file_will_do(tmp_path: Path, files: dict[str, Path]) -> None:
    model = onnx.load(files["gru"])
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "foreign.onnx")
    assert place(tmp_path / "foreign.onnx", ["cpu"]).of("cpu").complete


def test_bad_input_is_named(tmp_path: Path, files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="no file at"):
        place(tmp_path / "none.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="not an ONNX file"):
        place(tmp_path / "broken.onnx")
    with pytest.raises(ProviderError, match="unknown provider 'cdua'"):
        place(files["gru"], ["cpu", "cdua"])
