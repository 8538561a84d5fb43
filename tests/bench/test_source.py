"""The ways that need the torch module: the default path and torch itself."""

import numpy as np
import pytest
import torch
from torch import nn

import edgernn
from edgernn.bench.contenders.carried import Carried
from edgernn.errors import ExportError, ParityError


class Tagger(nn.Module):
    """Two recurrent modules, one of two layers, and a head."""

    def __init__(self, first="LSTM", second="GRU"):
        super().__init__()
        self.first = getattr(nn, first)(3, 4, num_layers=2, batch_first=True)
        self.second = getattr(nn, second)(4, 5, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.second(self.first(x)[0])[0])


class CellTagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrent = edgernn.Recurrent(edgernn.GRU(3, 4), num_layers=2)

    def forward(self, x):
        return self.recurrent(x)[0]


@pytest.mark.parametrize("network", [Tagger(), CellTagger()], ids=["torch modules", "Recurrent"])
def test_chunk_by_chunk_is_the_whole_sequence(network):
    network.eval()
    carried = Carried(network, 1)
    x = torch.randn(2, 6, 3)
    states, outputs = carried.initial_states(2), []
    with torch.no_grad():
        for t in range(6):
            y, *states = carried(x[:, t : t + 1], *states)
            outputs.append(y)
        torch.testing.assert_close(torch.cat(outputs, 1), network(x))


def test_the_source_itself_is_left_alone():
    network = Tagger().eval()
    Carried(network, 1)
    assert "forward" not in vars(network.first)


class GivesState(Tagger):
    def forward(self, x):
        return self.second(self.first(x)[0], torch.ones(1, x.shape[0], 5))[0]


class CallsTwice(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 3, batch_first=True)

    def forward(self, x):
        return self.gru(self.gru(x)[0])[0]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (GivesState(), "'second' is called with a state"),
        (CallsTwice(), "'gru' is called twice"),
        (nn.GRU(3, 3, bidirectional=True), "reads backwards"),
    ],
)
def test_what_cannot_carry_its_states_is_named(network, message):
    def step():
        carried = Carried(network, 1)
        carried(torch.randn(1, 2, 3), *carried.initial_states(1))

    with pytest.raises(ExportError, match=message):
        step()


@pytest.mark.parametrize("streaming", [True, False])
def test_all_ways_take_part(tmp_path, streaming):
    torch.manual_seed(0)
    network, path = Tagger("LSTM", "LSTM").eval(), tmp_path / "tagger.onnx"
    edgernn.export(network, path, torch.randn(1, 4, 3), streaming=streaming, check=False)
    threads = torch.get_num_threads()
    report = edgernn.bench(path, source=network, steps=2, rounds=1, processes=0)
    assert torch.get_num_threads() == threads
    names = [item.name for item in report.measurements]
    assert names == ["edgernn", "by hand", "default path", "torch eager"], report.skipped
    assert report.baseline == "default path"
    other = Tagger("LSTM", "LSTM").eval()
    with pytest.raises(ParityError, match="does not compute what 'edgernn' computes"):
        edgernn.bench(path, source=other, steps=2, rounds=1, processes=0)


def test_values_are_drawn_from_the_example(tmp_path):
    path = tmp_path / "tagger.onnx"
    network = CellTagger().eval()
    edgernn.export(network, path, torch.randn(1, 4, 3), streaming=True, check=False)
    from edgernn.bench.inputs import draw_inputs

    manifest = edgernn.load(path).manifest
    (x,) = draw_inputs(manifest, 2, 5, np.random.default_rng(0), [torch.tensor([1.0, 7.0])])
    assert x.shape == (2, 5, 3)
    assert set(x.reshape(-1)) == {1.0, 7.0}


def test_a_way_that_cannot_run_is_reported(tmp_path):
    path = tmp_path / "gru.onnx"
    network = CallsTwice().eval()
    edgernn.export(network, path, torch.randn(1, 4, 3), streaming=True, check=False)
    report = edgernn.bench(path, source=network, rounds=1, processes=0)
    assert [item.name for item in report.measurements] == ["edgernn", "by hand"]
    assert "called twice" in report.skipped["default path"]
    assert "called twice" in report.skipped["torch eager"]


class Sums(nn.Module):
    """Has a state beside that of its layer: the sum so far."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 3, batch_first=True)

    def forward(self, x):
        return self.gru(torch.cumsum(x, 1))[0]


def test_states_that_no_recurrent_module_holds_are_not_lost_on_the_way(tmp_path):
    path = tmp_path / "sums.onnx"
    network = Sums().eval()
    edgernn.export(network, path, torch.randn(1, 4, 3), streaming=True, check=False)
    report = edgernn.bench(path, source=network, rounds=1, processes=0)
    assert [item.name for item in report.measurements] == ["edgernn", "by hand"]
    assert "sum_in" in report.skipped["default path"]
    assert "sum_in" in report.skipped["torch eager"]
