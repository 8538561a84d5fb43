"""The cells beyond RNN, LSTM and GRU in every form, streaming and in int8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import edgernn
from edgernn import Recurrent
from edgernn.cells import SRU, Cell, LayerNormGRU, ProjectedLSTM
from edgernn.errors import ExportError
from tests.cells.library import LIBRARY, Choice

from .forms import (
    FORMS,
    STREAM_STEPS,
    TOLERANCE,
    EveryCall,
    Head,
    assert_same,
    difference,
    expected,
    push_all,
    run,
    schedules,
)

STEPS = 3
# What is tested at every commit: an operator with an input that the others do not have, a linear cell.
QUICK = {("PeepholeLSTM", "op"), ("MinGRU", "scan")}


def cases(*forms: str) -> list[Any]:
    """Every cell in every form that it has."""
    return [
        pytest.param(kind, form, id=f"{name}-{form}", marks=[] if (name, form) in QUICK else pytest.mark.slow)
        for name, kind in LIBRARY.items()
        for form in forms
        if form != "op" or kind(3, 4).onnx_operator() is not None
    ]


@pytest.mark.parametrize(("kind", "form"), cases(*FORMS))
def test_a_file_computes_what_torch_computes(kind: type[Cell], form: str, tmp_path: Path) -> None:
    """With and without states and lengths, at other sizes; op and scan in both directions."""
    module = EveryCall(Recurrent(Choice(kind).make(), bidirectional=form in ("op", "scan")))
    path = tmp_path / "model.onnx"
    manifest = edgernn.export(
        module, path, module.inputs(1, STEPS), recurrence=form, dims=module.dims, check=False
    )
    assert {layer.recurrence for layer in manifest.layers} == {form}
    session = edgernn.load(path)
    for batch, steps in ((1, STEPS), (7, STEPS)) if form == "unrolled" else ((2, 1), (7, 12)):
        inputs = module.inputs(batch, steps, seed=batch)
        assert_same(run(session, inputs), expected(module, inputs), (batch, steps))


@pytest.mark.parametrize(("kind", "form"), cases("op", "scan"))
def test_a_stream_and_its_int8_copy(kind: type[Cell], form: str, tmp_path: Path) -> None:
    """Two layers under every way to cut the input; the copy is held to what torch computes as well."""
    module = Head(Recurrent(kind(3, 16), 2), 16).eval()
    path, small = tmp_path / "model.onnx", tmp_path / "int8.onnx"
    manifest = edgernn.export(
        module, path, torch.randn(1, STEPS, 3), recurrence=form, streaming=True, check=False
    )
    assert len(manifest.states) == 2 * len(kind.state_names)
    x = torch.randn(3, STREAM_STEPS, 3)
    with torch.no_grad():
        wanted = module(x).numpy()
        _, finals = module.recurrent(x)
    session = edgernn.load(path)
    for schedule in schedules(None):
        y, states = push_all(session, x.numpy(), schedule)
        assert difference(y, wanted) <= TOLERANCE, schedule
        for spec in manifest.states:
            final = finals[kind.state_names.index(spec.name)]
            layer = int(spec.layer[-1])
            assert difference(states[spec.input], final[layer : layer + 1].numpy()) <= TOLERANCE, spec.name
    report = edgernn.verify(module, path)
    assert report.passed, report.failures
    assert any("numpy float64" in check.name for check in report.checks)
    done = edgernn.quantize(path, small).quantized
    assert sum(tensor.bytes_after for tensor in done) < 0.6 * sum(tensor.bytes_before for tensor in done)
    report = edgernn.verify(module, small)
    assert report.passed, report.failures
    assert report.max_relative_error > 1e-5, "nothing was rounded"


@pytest.mark.slow
@pytest.mark.parametrize("kind", [LayerNormGRU, ProjectedLSTM, SRU])
def test_a_chunk_of_one_step_unrolls(kind: type[Cell], tmp_path: Path) -> None:
    """What an accelerator without recurrent operators takes."""
    module = Head(Recurrent(Choice(kind).make()), 4).eval()
    path = tmp_path / "model.onnx"
    edgernn.export(
        module, path, torch.randn(1, STEPS, 3), recurrence="unrolled", streaming=True, chunk=1, check=False
    )
    x = torch.randn(2, STEPS, 3)
    y, _ = push_all(edgernn.load(path), x.numpy(), [1] * STEPS)
    with torch.no_grad():
        assert difference(y, module(x).numpy()) <= TOLERANCE


@pytest.mark.slow
def test_a_cell_without_an_operator_says_so(tmp_path: Path) -> None:
    module = Head(Recurrent(SRU(3, 4)), 4)
    with pytest.raises(ExportError, match="ONNX has no operator for the cell SRU"):
        edgernn.export(module, tmp_path / "model.onnx", torch.randn(1, STEPS, 3), recurrence="op")
    assert not list(tmp_path.iterdir())


def test_the_operators_are_those_that_onnx_has() -> None:
    found = {name for name, kind in LIBRARY.items() if kind(3, 4).onnx_operator() is not None}
    assert found == {"CoupledLSTM", "PeepholeLSTM"}
    assert {str(case.values[1]) for case in cases(*FORMS)} == set(FORMS)
