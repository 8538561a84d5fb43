"""`verify` from the outside: what it compares, what it says, and that it leaves everything as it was."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn import GRU, LSTM, Recurrent
from edgernn.errors import InputError, ModelError, ParityError
from edgernn.manifest import Manifest
from edgernn.verify.oracle import ReferenceOracle, TorchOracle


class Network(nn.Module):
    def __init__(self, cell: Any = None) -> None:
        super().__init__()
        self.recurrent = Recurrent(cell or LSTM(3, 4), 2, dropout=0.5)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(x)[0])


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(self.gru(x)[0])[0]


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(3)
    return Network()


@pytest.fixture(scope="module")
def files(network: Network, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    options: dict[str, dict[str, Any]] = {
        "sequence": {},
        "streaming": {"streaming": True},
        "chunked": {"streaming": True, "chunk": 4},
        "fixed": {"length": 9},
    }
    for name, chosen in options.items():
        edgernn.export(network, folder / f"{name}.onnx", torch.randn(1, 5, 3), check=False, **chosen)
    return {name: folder / f"{name}.onnx" for name in options}


@pytest.mark.parametrize("name", ["sequence", "streaming", "chunked", "fixed"])
def test_every_kind_of_file_passes(name: str, network: Network, files: dict[str, Path]) -> None:
    report = edgernn.verify(network, files[name])
    assert report.passed, report.failures
    assert report.path == str(files[name])
    assert 0 < report.max_relative_error < 1e-5


def test_a_sequence_is_compared_at_other_sizes_than_the_example(
    network: Network, files: dict[str, Path]
) -> None:
    checks = edgernn.verify(network, files["sequence"]).checks
    for name in ("onnx = torch", "onnx = numpy float64", "1 thread = 2 threads"):
        details = {check.detail for check in checks if check.name == name}
        assert {"batch 1, 1 steps", "batch 2, 5 steps", "batch 7, 11 steps", "batch 1, 64 steps"} <= details


def test_a_fixed_length_is_compared_at_that_length(network: Network, files: dict[str, Path]) -> None:
    checks = edgernn.verify(network, files["fixed"]).checks
    assert {check.detail for check in checks} == {f"batch {batch}, 9 steps" for batch in (1, 2, 7)}


def test_a_stream_is_compared_under_several_schedules(network: Network, files: dict[str, Path]) -> None:
    report = edgernn.verify(network, files["streaming"])
    assert {check.name for check in report.checks} == {
        "stream = torch",
        "stream = numpy float64",
        "final states = torch",
        "from random states = torch",
        "reset = new stream",
        "every state moves",
        "1 thread = 2 threads",
    }
    details = {check.detail for check in report.checks if check.name == "stream = torch"}
    assert {f"batch {batch}, chunks of {size}" for batch in (1, 2) for size in (1, 3, 8)} <= details
    assert sum("[" in detail for detail in details) >= 6  # random ones
    (skipped,) = report.skipped
    assert "against numpy float64: the reference starts from the initial states" in skipped


def test_the_same_seed_gives_the_same_report(network: Network, files: dict[str, Path]) -> None:
    first, again, other = (edgernn.verify(network, files["sequence"], seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first.checks != other.checks


@pytest.mark.parametrize("name", ["sequence", "streaming"])
def test_the_module_is_left_as_it_was(name: str, files: dict[str, Path], network: Network) -> None:
    module = copy.deepcopy(network).train()
    before = copy.deepcopy(module.state_dict())
    assert edgernn.verify(module, files[name]).passed  # with the dropout of training it would not
    assert module.training
    assert module.recurrent.training
    assert not module.recurrent._forward_hooks
    assert not module.recurrent._forward_pre_hooks
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_random_numbers_of_the_user_are_not_drawn(network: Network, files: dict[str, Path]) -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    expected = torch.rand(1), np.random.rand(1)
    torch.manual_seed(1)
    np.random.seed(1)
    edgernn.verify(network, files["sequence"])
    assert torch.equal(torch.rand(1), expected[0])
    assert np.array_equal(np.random.rand(1), expected[1])


def test_raise_on_failure(files: dict[str, Path]) -> None:
    report = edgernn.verify(Network(), files["sequence"])
    assert not report.passed
    with pytest.raises(ParityError, match=r"sequence.onnx: .* checks failed: onnx = "):
        edgernn.verify(Network(), files["sequence"], raise_on_failure=True)
    assert json.loads(report.to_json())["passed"] is False


def test_wrong_arguments(network: Network, files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="example_inputs: 2 arrays for 1 inputs of the file"):
        edgernn.verify(network, files["sequence"], example_inputs=(torch.randn(1, 5, 3),) * 2)
    with pytest.raises(InputError, match="no file at"):
        edgernn.verify(network, tmp_path / "missing.onnx")
    (tmp_path / "other.onnx").write_bytes(b"not onnx")
    with pytest.raises(ModelError):
        edgernn.verify(network, tmp_path / "other.onnx")


@pytest.mark.parametrize("module", [Network(GRU(5, 4)), nn.LSTM(5, 4, batch_first=True)])
@pytest.mark.parametrize("name", ["sequence", "streaming"])
def test_a_module_that_does_not_take_the_inputs_of_the_file(
    module: nn.Module, name: str, files: dict[str, Path]
) -> None:
    with pytest.raises(InputError, match="5"):
        edgernn.verify(module, files[name])


def test_an_example_gives_the_values(network: Network, tmp_path: Path) -> None:
    """On values of a million every gate is closed, and there is nothing to see."""
    edgernn.export(network, tmp_path / "model.onnx", torch.randn(1, 5, 3), check=False)
    wild = edgernn.verify(network, tmp_path / "model.onnx", example_inputs=torch.full((1, 5, 3), 1e6))
    calm = edgernn.verify(network, tmp_path / "model.onnx", example_inputs=torch.zeros(1, 5, 3))
    assert wild.passed
    assert calm.passed
    assert wild.max_abs_error != calm.max_abs_error


def test_what_cannot_be_checked_is_said(tmp_path: Path) -> None:
    """A module that runs twice in a forward has one set of hooks for two sets of states."""
    module = Shared()
    edgernn.export(module, tmp_path / "model.onnx", torch.randn(1, 5, 3), streaming=True, check=False)
    report = edgernn.verify(module, tmp_path / "model.onnx")
    assert report.passed, report.failures
    assert any("module 'gru' runs more than once in a forward" in reason for reason in report.skipped)


def manifest_of(path: Path) -> Manifest:
    return edgernn.load(path).manifest


def test_the_torch_oracle_starts_from_states_and_tells_the_final_ones(
    network: Network, files: dict[str, Path]
) -> None:
    """The same as handing the states to the layer by hand."""
    oracle = TorchOracle(network, manifest_of(files["streaming"]))
    x = torch.randn(2, 6, 3)
    h, c = torch.rand(2, 2, 4), torch.rand(2, 2, 4)
    states = {
        spec.input: {"h": h, "c": c}[spec.name][int(spec.layer[-1]) : int(spec.layer[-1]) + 1].numpy()
        for spec in oracle.manifest.states
    }
    (found,) = oracle.run([x.numpy()], states)
    finals = oracle.final_states()
    with torch.no_grad():
        y, (h, c) = copy.deepcopy(network).eval().recurrent(x, (h, c))
        expected = network.head(y)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6, atol=1e-6)
    for spec in oracle.manifest.states:
        wanted = {"h": h, "c": c}[spec.name][int(spec.layer[-1]) : int(spec.layer[-1]) + 1]
        np.testing.assert_allclose(finals[spec.input], wanted.numpy(), rtol=1e-6, atol=1e-6)


def test_the_reference_oracle_computes_in_numpy_float64(network: Network) -> None:
    oracle = ReferenceOracle(network)
    assert oracle.name == "numpy float64"
    x = torch.randn(2, 6, 3)
    (found,) = oracle.run([x.numpy()])
    assert found.dtype == np.float64
    with torch.no_grad():
        expected = copy.deepcopy(network).eval().double()(x.double()).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_cell_without_a_reference_is_stepped_in_float64() -> None:
    class Own(LSTM):
        def recur(self, projected: Tensor, state: tuple[Tensor, ...]) -> Any:
            output, state = super().recur(projected, state)
            return output.tanh(), state

    oracle = ReferenceOracle(Network(Own(3, 4)))
    assert oracle.name == "float64 step of Own"
    (found,) = oracle.run([np.zeros((1, 2, 3), np.float32)])
    assert found.dtype == np.float64
