"""Every way to break a file is found: a checker that cannot fail proves nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn import GRU, LSTM, Recurrent
from edgernn.errors import ModelError, ParityError
from edgernn.manifest import Manifest
from edgernn.verify import ParityReport

from . import broken


class Network(nn.Module):
    """Two recurrent layers and a head; returns the final state as well."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self.recurrent = Recurrent(cell, 2)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y, state = self.recurrent(x)
        return {"y": self.head(y), "h": state[0]}


class WithLengths(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.recurrent = Recurrent(LSTM(3, 4))
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.head(self.recurrent(x, None, lengths)[0])


Make = Callable[[str], tuple[nn.Module, Path]]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Networks and their files, each exported once."""
    folder = tmp_path_factory.mktemp("healthy")
    made: dict[str, tuple[nn.Module, Path]] = {}

    def make(name: str) -> tuple[nn.Module, Path]:
        if name not in made:
            torch.manual_seed(1)
            kind, form = name.split("-")
            lengths = kind == "lengths"
            module = WithLengths() if lengths else Network({"lstm": LSTM, "gru": GRU}[kind](3, 4))
            path = folder / f"{name}.onnx"
            example = (torch.randn(2, 5, 3), torch.tensor([5, 1])) if lengths else torch.randn(2, 5, 3)
            edgernn.export(module, path, example, streaming=form == "streaming", check=False)
            made[name] = module, path
        return made[name]

    return make


FORMS = ["lstm-sequence", "lstm-streaming", "gru-sequence", "gru-streaming", "lengths-sequence"]


@pytest.mark.parametrize("name", FORMS)
def test_the_healthy_files_pass(name: str, healthy: Make) -> None:
    report = edgernn.verify(*healthy(name))
    assert report.passed, report.failures


def assert_found(report: ParityReport, *names: str, at_least: float = 1e-4) -> None:
    """The report says no, by far more than rounding; `names` are among the checks that failed."""
    assert not report.passed
    assert report.max_relative_error > at_least
    assert set(names) <= {check.name for check in report.failures}, report.failures
    with pytest.raises(ParityError, match="checks failed"):
        report.raise_if_failed()


H0, C0 = "state_00_recurrent_l0_h", "state_01_recurrent_l0_c"
H1 = "state_02_recurrent_l1_h"
BREAKS: list[tuple[str, str, broken.Change]] = [
    *(
        (name, f"gates-{first}-{second}-of-{'WRB'[slot - 1]}", broken.swap_gates(slot, first, second))
        for name, pairs in {"lstm": [(0, 1), (1, 2), (2, 3)], "gru": [(0, 1), (1, 2)]}.items()
        for slot, (first, second) in zip((1, 2, 3), pairs * 2, strict=False)
    ),
    ("lstm", "gates-of-the-second-layer", broken.swap_gates(2, 0, 2, layer=1)),
    ("lstm", "bias", broken.shift_bias(0.01)),
    ("gru", "bias", broken.shift_bias(-0.01)),
    ("gru", "no-bias", broken.no_bias),
    ("gru", "reset-before", broken.set_attribute("linear_before_reset", 0)),
    ("gru", "activations", broken.set_attribute("activations", ["Sigmoid", "Relu"])),
    ("lstm", "clip", broken.set_attribute("clip", 0.3)),
    ("lstm", "nan", broken.spoil_weight(float("nan"))),
    ("lstm", "infinity", broken.spoil_weight(float("inf"))),
    ("lstm", "half-precision", broken.cast_output("y")),
]


@pytest.mark.parametrize("form", ["sequence", "streaming"])
@pytest.mark.parametrize(("name", "change"), [pytest.param(n, c, id=f"{n}-{what}") for n, what, c in BREAKS])
def test_a_wrong_computation_is_found(
    name: str, change: broken.Change, form: str, healthy: Make, tmp_path: Path
) -> None:
    module, path = healthy(f"{name}-{form}")
    report = edgernn.verify(module, broken.rewrite(path, tmp_path / "broken.onnx", change))
    relation = "stream" if form == "streaming" else "onnx"
    assert_found(report, f"{relation} = torch", f"{relation} = numpy float64")


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (broken.set_attribute("direction", "reverse"), {"onnx = torch", "onnx = numpy float64"}),
        (broken.zero_output("h"), {"onnx = torch", "onnx = numpy float64"}),
        (broken.freeze_batch_by_state, {"the file runs"}),
        (broken.freeze_time("y"), {"onnx = torch"}),
    ],
    ids=["reverse", "zero-final-state", "batch", "time"],
)
def test_what_only_a_sequence_file_gets_wrong(
    change: broken.Change, names: set[str], healthy: Make, tmp_path: Path
) -> None:
    module, path = healthy("lstm-sequence")
    report = edgernn.verify(module, broken.rewrite(path, tmp_path / "broken.onnx", change))
    assert_found(report, *names)


@pytest.mark.parametrize(("output", "shape"), [("y", (1, -1, 2)), ("h", (2, 1, 4))])
def test_a_batch_that_the_graph_shows_to_be_fixed_is_not_even_loaded(
    output: str, shape: tuple[int, ...], healthy: Make, tmp_path: Path
) -> None:
    module, path = healthy("lstm-sequence")
    frozen = broken.rewrite(path, tmp_path / "broken.onnx", broken.freeze_batch_by_reshape(output, shape))
    with pytest.raises(ModelError, match=f"manifest and graph disagree: output '{output}', dimension"):
        edgernn.verify(module, frozen)


def test_lengths_that_are_not_used_are_found(healthy: Make, tmp_path: Path) -> None:
    module, path = healthy("lengths-sequence")
    assert_found(edgernn.verify(module, broken.rewrite(path, tmp_path / "broken.onnx", broken.drop_lengths)))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (broken.keep_state(f"{H0}_out"), {"stream = torch", "final states = torch", "every state moves"}),
        (broken.keep_state(f"{C0}_out"), {"stream = torch", "final states = torch", "every state moves"}),
        (broken.zero_output(f"{C0}_out"), {"stream = torch", "final states = torch"}),
        (broken.zero_output(f"{H1}_out"), {"stream = torch", "final states = torch"}),
        (broken.swap_outputs(f"{H0}_out", f"{C0}_out"), {"stream = torch", "final states = torch"}),
        (broken.swap_outputs(f"{H0}_out", f"{H1}_out"), {"stream = torch", "final states = torch"}),
        (broken.swap_states_of_a_layer, {"stream = torch", "from random states = torch"}),
    ],
    ids=["lost-h", "lost-c", "zero-c", "zero-h1", "swapped-h-c", "swapped-layers", "swapped-inputs"],
)
def test_a_wrong_state_is_found(
    change: broken.Change, names: set[str], healthy: Make, tmp_path: Path
) -> None:
    module, path = healthy("lstm-streaming")
    report = edgernn.verify(module, broken.rewrite(path, tmp_path / "broken.onnx", change))
    assert_found(report, *names)


def pair_crosswise(manifest: Manifest) -> Manifest:
    """The pairs of two layers' h in the manifest, crosswise."""
    h0, c0, h1, c1 = manifest.states
    return manifest.with_(states=(replace(h0, output=h1.output), c0, replace(h1, output=h0.output), c1))


def start_elsewhere(manifest: Manifest) -> Manifest:
    """Initial values that are not those of the network."""
    first, *others = manifest.states
    return manifest.with_(states=(replace(first, initial=0.5), *others))


@pytest.mark.parametrize("change", [pair_crosswise, start_elsewhere])
def test_a_manifest_that_misleads_is_found(
    change: Callable[[Manifest], Manifest], healthy: Make, tmp_path: Path
) -> None:
    """Where the graph is right, but an app that follows the manifest gets something else."""
    module, path = healthy("lstm-streaming")
    assert_found(edgernn.verify(module, broken.rewrite_manifest(path, tmp_path / "broken.onnx", change)))


@pytest.mark.parametrize("name", ["lstm-sequence", "lstm-streaming"])
def test_the_weights_of_another_network_are_found(name: str, healthy: Make) -> None:
    _, path = healthy(name)
    assert_found(edgernn.verify(Network(LSTM(3, 4)), path))


def test_a_weight_that_changed_after_the_export_is_found(healthy: Make) -> None:
    module, path = healthy("gru-sequence")
    with changed_weight(module.recurrent.cells[1].weight_hh):
        assert_found(edgernn.verify(module, path))
    assert edgernn.verify(module, path).passed


@contextlib.contextmanager
def changed_weight(weight: Tensor) -> Any:
    before = weight.detach().clone()
    with torch.no_grad():
        weight[0, 0] += 0.1
        yield
        weight.copy_(before)


def test_a_file_is_compared_with_another_file(healthy: Make, tmp_path: Path) -> None:
    """The oracle may be a file as well: the float32 file of a quantized one."""
    _, sequence = healthy("lstm-sequence")
    _, streaming = healthy("lstm-streaming")
    assert edgernn.verify(sequence, streaming).passed
    lost = broken.rewrite(streaming, tmp_path / "lost.onnx", broken.keep_state(f"{C0}_out"))
    assert_found(edgernn.verify(sequence, lost), "stream = lstm-sequence.onnx")
