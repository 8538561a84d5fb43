"""Transposes that become part of a recurrent layer's function, and come out of it again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.quantize.batch_first import X, Y
from edgernn.quantize.fold import load_folded
from edgernn.verify.tolerances import tolerance

INPUTS, HIDDEN = 16, 20


class Network(nn.Module):
    """Two layers on top of each other; their output, or what `last` leaves of it."""

    def __init__(self, kind: type[nn.RNNBase], layers: int, *, last: bool = False) -> None:
        super().__init__()
        self.layer = kind(INPUTS, HIDDEN, layers, batch_first=True)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)[0]
        return y[:, -1] if self.last else y


def _export(model: nn.Module, path: Path, **options: bool) -> ir.Model:
    edgernn.export(model.eval(), path, torch.randn(1, 4, INPUTS), check=False, **options)
    return ir.load(path)


def _calls(model: ir.Model) -> list[set[str]]:
    """Which of the two attributes each call has."""
    return [{X, Y} & set(node.attributes) for node in model.graph if node.domain == "edgernn"]


@pytest.mark.parametrize("scheme", ["float32", "int8", "int8-stable"])
@pytest.mark.parametrize(("kind", "layers"), [(nn.GRU, 1), (nn.LSTM, 2), (nn.RNN, 3)])
def test_a_layer_takes_the_transposes_beside_it(
    tmp_path: Path, kind: type[nn.RNNBase], layers: int, scheme: str
) -> None:
    torch.manual_seed(1)
    model = Network(kind, layers)
    path = tmp_path / "float32.onnx"
    found = _export(model, path, kernels=True)
    if scheme != "float32":
        edgernn.quantize(path, tmp_path / "other.onnx", scheme=scheme)
        path = tmp_path / "other.onnx"
        found = ir.load(path)
    expected: list[set[str]] = [set() for _ in range(layers)]
    expected[0].add(X)
    expected[-1].add(Y)
    assert _calls(found) == expected
    assert "Transpose" not in Counter(node.op_type for node in found.graph)
    x = torch.randn(3, 7, INPUTS)
    with torch.no_grad():
        wanted = model(x).numpy()
    # On the bodies, which have the transposes in them.
    allowed = tolerance("float32", scheme) if scheme != "float32" else 1e-6
    assert np.abs(edgernn.load(path, kernels="off").run(x.numpy()) - wanted).max() <= allowed


def test_what_others_read_stays_outside(tmp_path: Path) -> None:
    """Both directions are no single one, and an output of which a slice is taken is not turned around."""
    torch.manual_seed(2)
    both = nn.GRU(INPUTS, HIDDEN, batch_first=True, bidirectional=True)

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = (nn.GRU(INPUTS, HIDDEN, batch_first=True) for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.first(x)[0] + self.second(x)[0]
            return y

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = both

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.layer(x)[0]
            return y

    assert _calls(_export(Both(), tmp_path / "both.onnx", kernels=True)) == [{X}]
    x = torch.randn(2, 6, INPUTS)
    for name, model in (("twice", Twice()), ("both", Both()), ("last", Network(nn.GRU, 1, last=True))):
        path = tmp_path / f"{name}.onnx"
        _export(model, path, kernels=True)
        with torch.no_grad():
            wanted = model(x).numpy()
        np.testing.assert_allclose(edgernn.load(path, kernels="off").run(x.numpy()), wanted, atol=1e-6)


def test_a_plain_file_and_one_for_kernels_are_quantized_alike(tmp_path: Path) -> None:
    """What a function took in comes out before its layer is quantized."""
    torch.manual_seed(3)
    model = Network(nn.LSTM, 2)
    outputs = []
    x = np.random.default_rng(0).standard_normal((2, 6, INPUTS)).astype(np.float32)
    for kernels in (False, True):
        path, small = tmp_path / f"{kernels}.onnx", tmp_path / f"{kernels}.int8.onnx"
        plain = _export(model, path, kernels=kernels)
        operators = load_folded(path)
        kinds = Counter(node.op_type for node in operators.graph)
        assert (kinds["LSTM"], kinds["Squeeze"], kinds["Transpose"]) == (2, 2, 2)
        assert not operators.functions
        assert bool(plain.functions) == kernels
        edgernn.quantize(path, small)
        outputs.append(edgernn.load(small, kernels="off").run(x))
    np.testing.assert_array_equal(*outputs)
