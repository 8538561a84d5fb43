"""RNN, LSTM and GRU in every form stream: any cut into chunks gives what torch gives for the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn import Recurrent
from tests.cells.variants import VARIANTS, Variant

from .forms import FORMS, STREAM_STEPS, TOLERANCE, Head, difference, push_all, schedules

BATCHES = (1, 3)


def is_quick(variant: Variant, form: str, layers: int, chunk: int | None) -> bool:
    if str(variant) == "GRU-bias" and form in ("op", "unrolled"):
        return False  # reset before: the one operator that differs by an attribute alone is in the slow part
    return (
        str(variant) in ("LSTM-bias", "GRU-bias-reset_after") and layers == 1 and (chunk != 1 or form == "op")
    )


CASES = [
    pytest.param(
        variant,
        form,
        layers,
        chunk,
        id=f"{variant}-{form}-{layers}-{chunk or 'free'}",
        marks=[] if is_quick(variant, form, layers, chunk) else pytest.mark.slow,
    )
    for variant in VARIANTS
    if variant.options["bias"]
    for form in FORMS
    for layers in (1, 3)
    for chunk in ((1, 3) if form == "unrolled" else (None, 1) if layers == 1 else (None,))
]


@pytest.mark.parametrize(("variant", "form", "layers", "chunk"), CASES)
def test_a_stream_is_the_whole_sequence(
    variant: Variant, form: str, layers: int, chunk: int | None, tmp_path: Path
) -> None:
    module = Head(Recurrent(variant.make(3, 4), layers), 4)
    path = tmp_path / "model.onnx"
    manifest = edgernn.export(
        module,
        path,
        torch.randn(1, 5, 3),
        recurrence=form,
        streaming=True,
        chunk=chunk,
        check=False,
    )
    assert manifest.streaming
    assert manifest.chunk == chunk
    assert [(state.layer, state.name) for state in manifest.states] == [
        (f"recurrent.l{layer}", name) for layer in range(layers) for name in variant.kind.state_names
    ]
    session = edgernn.load(path)
    for batch in BATCHES:
        x = torch.randn(batch, STREAM_STEPS, 3)
        with torch.no_grad():
            expected = module(x).numpy()
            _, finals = module.recurrent(x)
        for schedule in schedules(chunk):
            y, states = push_all(session, x.numpy(), schedule)
            assert difference(y, expected) <= TOLERANCE, schedule
            for spec in manifest.states:
                layer = int(spec.layer.rpartition("l")[2])
                final = finals[variant.kind.state_names.index(spec.name)][layer : layer + 1]
                assert difference(states[spec.input], final.numpy()) <= TOLERANCE, (schedule, spec.name)
    report = edgernn.verify(module, path)
    assert report.passed, report.failures
    assert not report.skipped[1:]  # the reference alone takes no states


@pytest.mark.parametrize("form", ["op", pytest.param("scan", marks=pytest.mark.slow)])
def test_the_streaming_file_computes_what_the_sequence_file_computes(form: str, tmp_path: Path) -> None:
    """`verify` takes a sequence file in the place of the module."""
    module = Head(Recurrent(edgernn.LSTM(3, 4), 2), 4)
    sequence, streaming = tmp_path / "sequence.onnx", tmp_path / "streaming.onnx"
    edgernn.export(module, sequence, torch.randn(1, 5, 3), recurrence=form, check=False)
    edgernn.export(module, streaming, torch.randn(1, 5, 3), recurrence=form, streaming=True, check=False)
    report = edgernn.verify(sequence, streaming)
    assert report.passed, report.failures
    assert {check.name for check in report.checks} >= {"stream = sequence.onnx", "reset = new stream"}


def test_a_pool_keeps_streams_apart(tmp_path: Path) -> None:
    """Rows of one batched call that start and end at different times are each what torch gives for it."""
    module = Head(Recurrent(edgernn.GRU(3, 4)), 4)
    edgernn.export(module, tmp_path / "model.onnx", torch.randn(1, 5, 3), streaming=True, check=False)
    pool = edgernn.load(tmp_path / "model.onnx").pool(4)
    inputs = {start: torch.randn(1, 6, 3) for start in range(4)}
    found: dict[int, list[np.ndarray]] = {start: [] for start in inputs}
    ids: dict[int, int] = {}
    for now in range(10):
        for start in [start for start in inputs if start <= now < start + 6]:
            ids.setdefault(start, pool.open() if start not in ids else ids[start])
            pool.push(ids[start], inputs[start][:, now - start : now - start + 1].numpy())
        results = pool.step()
        for start, number in list(ids.items()):
            if number in results:
                found[start].append(results[number])
            if now == start + 5:
                pool.close(number)
                del ids[start]
    for start, parts in found.items():
        with torch.no_grad():
            expected = module(inputs[start]).numpy()
        assert difference(np.concatenate(parts, axis=-2).reshape(expected.shape), expected) <= TOLERANCE
