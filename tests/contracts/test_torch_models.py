"""Networks as users write them: exported from batch 1, run at every size, streamed where they can."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import edgernn
import edgernn.models
from edgernn.errors import StreamingError

from .forms import TOLERANCE, Head, assert_same, difference, expected, run
from .zoo import ZOO, Network, gru, lstm

SIZES = [(1, 5), (1, 1), (2, 11), (7, 3), (1, 64)]
STREAMS = [network for network in ZOO if network.streams]


def with_forms(networks: list[Network]) -> list:
    """Every network in the form it gets by itself, and in every other one, slowly."""
    return [
        pytest.param(network, form, id=f"{network}-{form}", marks=[] if form == "auto" else pytest.mark.slow)
        for network in networks
        for form in ("auto", "scan", "loop", "unrolled")
    ]


@pytest.mark.parametrize(("network", "form"), with_forms(ZOO))
def test_a_file_computes_what_torch_computes(network: Network, form: str, tmp_path: Path) -> None:
    module, path = network.make(), tmp_path / "model.onnx"
    example = network.inputs(1, 5)
    manifest = edgernn.export(module, path, example, recurrence=form, check=False, **network.options)
    assert {layer.recurrence for layer in manifest.layers} == {"op" if form == "auto" else form}
    session = edgernn.load(path)
    for batch, steps in SIZES:
        if form == "unrolled" and steps != 5:
            continue
        inputs = network.inputs(1 if network.lone else batch, steps)
        assert_same(run(session, inputs), expected(module, inputs), (batch, steps))
    report = edgernn.verify(module, path, example_inputs=example)
    assert report.passed, report.failures


@pytest.mark.parametrize(("network", "form"), with_forms(STREAMS))
def test_a_stream_computes_what_torch_computes(network: Network, form: str, tmp_path: Path) -> None:
    module, path = network.make().eval(), tmp_path / "model.onnx"
    manifest = edgernn.export(
        module, path, network.inputs(1, 5), recurrence=form, streaming=True, check=False, **network.options
    )
    session = edgernn.load(path)
    batch = 2
    inputs = network.inputs(batch, 12)
    sizes = [manifest.chunk] * 12 if manifest.chunk else [1, 4, 2, 5]
    dims = [spec.time_dim for spec in session.inputs]
    stream = session.stream(batch)
    end = 0
    for size in sizes:
        end += size
        chunk = [part.narrow(dim, end - size, size).numpy() for part, dim in zip(inputs, dims, strict=True)]
        result = stream.push(*chunk)
        found = result if isinstance(result, dict) else {session.outputs[0].name: result}
        so_far = expected(module, [part.narrow(dim, 0, end) for part, dim in zip(inputs, dims, strict=True)])
        for spec in session.outputs:
            wanted = so_far[spec.name]
            latest = found[spec.name]
            if spec.time_dim is not None and wanted.ndim == latest.ndim:
                wanted = np.take(wanted, range(end - size, end), axis=spec.time_dim)
            elif spec.time_dim is not None:  # y[:, -1] in a stream: the same at every step
                latest = np.take(latest, -1, axis=spec.time_dim)
            assert difference(latest, wanted) <= TOLERANCE, (spec.name, end)
    report = edgernn.verify(module, path, example_inputs=network.inputs(1, 5))
    assert report.passed, report.failures


@pytest.mark.parametrize("network", [network for network in ZOO if not network.streams], ids=str)
def test_what_cannot_stream_is_refused(network: Network, tmp_path: Path) -> None:
    with pytest.raises(StreamingError, match="cannot stream"):
        edgernn.export(
            network.make(), tmp_path / "model.onnx", network.inputs(1, 5), streaming=True, **network.options
        )
    assert not list(tmp_path.iterdir())


def test_the_users_module_is_left_as_it_was(tmp_path: Path) -> None:
    module = Head(lstm(num_layers=2, dropout=0.5), 4).train()
    before = copy.deepcopy(module.state_dict())
    edgernn.export(module, tmp_path / "model.onnx", torch.randn(1, 5, 3))
    assert module.training
    assert module.recurrent.training
    assert type(module.recurrent) is nn.LSTM
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.requires_grad for parameter in module.parameters())
    module(torch.randn(2, 5, 3)).sum().backward()


def test_a_module_on_its_way_through_training_is_exported_as_it_is(tmp_path: Path) -> None:
    """Weights that carry gradients, and a gradient mode that is off: neither matters."""
    module = Head(gru(), 4)
    module(torch.randn(2, 5, 3)).sum().backward()
    with torch.no_grad():
        edgernn.export(module, tmp_path / "model.onnx", torch.randn(1, 5, 3))
    inputs = (torch.randn(3, 9, 3),)
    assert_same(run(edgernn.load(tmp_path / "model.onnx"), inputs), expected(module, inputs), "trained")


def test_large_networks_too(tmp_path: Path) -> None:
    """Sizes that a real network has: sums over 200 elements are less exact than over 4."""
    module = Head(lstm(40, 200, num_layers=2), 200, 30)
    edgernn.export(module, tmp_path / "model.onnx", torch.randn(1, 50, 40))
    inputs = (torch.randn(3, 80, 40),)
    assert_same(run(edgernn.load(tmp_path / "model.onnx"), inputs), expected(module, inputs), "large")
