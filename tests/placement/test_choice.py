"""Exporting for a provider; onnxruntime's own checker for phones has a say."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnxruntime.tools.mobile_helpers import usability_checker
from onnxruntime.tools.onnx_model_utils import optimize_model

import edgernn
from edgernn.errors import InputError, ProviderError
from edgernn.placement import place, rules_of

from .networks import STEPS, Net, example, export, of_cell, of_torch

Partitions = usability_checker.PartitioningInfo


def mobile_verdict(path: Path, provider: str) -> Any:
    """onnxruntime's own count of what a phone's provider takes, its optimizations done."""
    optimized = path.with_suffix(".optimized.onnx")
    optimize_model(path, optimized)
    model = onnx.shape_inference.infer_shapes(onnx.load(optimized), data_prop=True)
    if provider == "nnapi":
        return usability_checker.check_nnapi_partitions(model, require_fixed_input_sizes=True)
    return usability_checker.check_coreml_partitions(model, True, "coreml_supported_mlprogram_ops.md")


NETWORKS = {
    "gru": lambda: of_torch("GRU"),
    "lstm": lambda: of_torch("LSTM", num_layers=2, bidirectional=True),
    "IndRNN": lambda: of_cell("IndRNN"),
}


@pytest.mark.parametrize("provider", ["nnapi", "coreml"])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_mobile_checker_confirms_it(tmp_path: Path, provider: str, network: str) -> None:
    path = export(tmp_path, "phone.onnx", NETWORKS[network](), provider=provider, length=STEPS)
    verdict = mobile_verdict(path, provider)
    assert verdict.suitability() == Partitions.TryWithEP.YES
    assert (verdict.num_supported_nodes, verdict.num_partitions) == (verdict.num_nodes, 1)
    placement = place(path, [provider]).of(provider)
    assert (placement.complete, placement.partitions) == (True, 1)


@pytest.mark.parametrize("provider", ["nnapi", "coreml"])
def test_the_mobile_checker_can_say_no(tmp_path: Path, provider: str, files: dict[str, Path]) -> None:
    for name in ("gru", "scan"):
        verdict = mobile_verdict(files[name], provider)
        assert verdict.suitability() == Partitions.TryWithEP.NO
        assert not place(files[name], [provider]).of(provider).complete


def test_the_mobile_checker_objects_to_the_same_operators(tmp_path: Path) -> None:
    """minGRU keeps its state positive with operators that an ML Program lacks."""
    path = export(tmp_path, "phone.onnx", of_cell("MinGRU"), provider="coreml", length=STEPS)
    placement = place(path, ["coreml"]).of("coreml")
    refused = {f"ai.onnx:{item.op}" for item in placement.nodes if not item.taken}
    assert refused
    assert mobile_verdict(path, "coreml").unsupported_ops == refused


def test_the_mobile_checker_as_it_is_called(tmp_path: Path) -> None:
    path = export(tmp_path, "phone.onnx", of_torch("GRU"), provider="coreml", length=STEPS)
    assert usability_checker.analyze_model(path, logger=logging.getLogger("quiet"))


def test_xnnpack_takes_the_products_of_a_step(tmp_path: Path) -> None:
    """The checker knows no XNNPACK; its documents name Gemm and MatMul of two dimensions."""
    path = export(tmp_path, "x.onnx", of_torch("GRU"), provider="xnnpack", streaming=True, chunk=2)
    taken = [item.op for item in place(path, ["xnnpack"]).of("xnnpack").nodes if item.taken]
    assert taken
    assert set(taken) <= {"Gemm", "MatMul"}


@pytest.mark.parametrize("provider", ["cuda", "coreml", "webgpu", "xnnpack"])
def test_what_is_written_is_equal_and_taken(tmp_path: Path, provider: str) -> None:
    """With the parity check, which `export` runs by default; ONNX has no operator for the cell."""
    path = tmp_path / "stream.onnx"
    manifest = edgernn.export(of_cell("IndRNN"), path, example(), provider=provider, streaming=True, chunk=2)
    assert manifest.parity["passed"]
    fixed = rules_of(provider).FORM.fixed
    assert manifest.inputs[0].dims == ((1 if fixed else "batch"), 2, 3)
    assert all(("batch" in state.dims) != fixed for state in manifest.states)
    if provider != "xnnpack":
        assert place(path, [provider]).of(provider).complete
    stream = edgernn.load(path).stream()
    assert stream.push(example()[:, :2].numpy()).shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("provider", "network", "options", "recurrence"),
    [
        ("cpu", of_torch("GRU"), {}, "op"),
        ("cuda", of_torch("GRU"), {}, "op"),
        # cuDNN's GRU has the reset gate behind the product.
        ("cuda", of_cell("GRU", reset_after=False), {}, "scan"),
        ("cuda", of_cell("PeepholeLSTM"), {}, "scan"),
        ("openvino", of_torch("RNN"), {}, "op"),
        ("openvino", of_cell("MinGRU"), {"length": STEPS}, "unrolled"),
        ("webgpu", of_torch("LSTM"), {}, "op"),
        ("webgpu", of_torch("RNN"), {"length": STEPS}, "unrolled"),
        ("qnn", of_torch("LSTM"), {"length": STEPS}, "op"),
        ("qnn", of_torch("RNN"), {"length": STEPS}, "unrolled"),
        ("coreml", of_torch("LSTM"), {"length": STEPS}, "unrolled"),
        # What is asked for by name stays.
        ("coreml", of_torch("LSTM"), {"length": STEPS, "recurrence": "op"}, "op"),
    ],
)
def test_the_form_is_the_providers(
    tmp_path: Path, provider: str, network: Net, options: dict[str, Any], recurrence: str
) -> None:
    export(tmp_path, "x.onnx", network, provider=provider, **options)
    assert edgernn.load(tmp_path / "x.onnx").manifest.recurrence == recurrence


@pytest.mark.parametrize(
    ("provider", "network", "options", "said"),
    [
        ("nnapi", of_torch("GRU"), {}, r"nnapi takes fixed shapes alone\. .*--length N"),
        ("webnn", of_torch("GRU"), {"streaming": True}, r"--streaming --chunk N"),
        ("webgpu", of_torch("RNN"), {}, r"\(it has no RNN\), so it must be unrolled\. .*length=N"),
        ("openvino", of_cell("MinGRU"), {}, r"\(not every layer can be written as 'op'\)"),
    ],
)
def test_what_is_missing_is_asked_for(
    tmp_path: Path, provider: str, network: Net, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        export(tmp_path, "x.onnx", network, provider=provider, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_typo_is_no_provider(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"unknown provider 'nnpai'\. Did you mean 'nnapi'"):
        export(tmp_path, "x.onnx", of_torch("GRU"), provider="nnpai", length=STEPS)


def test_a_fixed_batch_alone(tmp_path: Path) -> None:
    """Proven equal at one row, refused at two."""
    path = tmp_path / "row.onnx"
    manifest = edgernn.export(of_torch("LSTM"), path, example(), fix_batch=True)
    assert manifest.parity["passed"]
    assert manifest.inputs[0].dims == (1, "time", 3)
    session = edgernn.load(path)
    assert session.run(example().numpy()).shape == (1, 10, 2)
    with pytest.raises(InputError, match="dimension 0 must be 1, found 2"):
        session.run(example().repeat(2, 1, 1).numpy())
