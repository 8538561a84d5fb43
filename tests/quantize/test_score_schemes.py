"""tools/score_schemes.py: every scheme scored on one task, in one table."""

from __future__ import annotations

import os
import wave
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import score_schemes
    from schemes import Task, digits, task_names

    return SimpleNamespace(module=score_schemes, Task=Task, digits=digits, task_names=task_names)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 32, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(x)[0]


def test_each_scheme_is_scored_on_the_same_data(tools, tmp_path: Path, monkeypatch) -> None:
    x = torch.randn(2, 9, 3)
    network = Network().eval()
    wanted = network(x).detach().numpy()
    task = tools.Task(
        network,
        x[:1],
        x.numpy(),
        lambda session: float(np.abs(session.run(x.numpy()) - wanted).max()),
        "test",
    )
    kind = SimpleNamespace(METRIC="error", HIGHER_IS_BETTER=False)
    monkeypatch.setattr(tools.module, "find_task", lambda name: kind)
    rows = tools.module.measure("mine", task, 0, ["int8"], tmp_path)
    assert [row.scheme for row in rows] == ["float32", "int8"]
    assert rows[0].score < 1e-5 < rows[1].score
    assert tools.module.lost(rows, rows[1]) == pytest.approx(rows[1].score - rows[0].score)
    assert rows[1].size < 0.5
    text = tools.module.markdown(rows)
    assert "| mine | error | int8 |" in text


def test_a_loss_of_accuracy_is_a_loss(tools) -> None:
    rows = [
        tools.module.Row("t", "accuracy", True, scheme, 0, score, 1.0, 1)
        for scheme, score in (("float32", 0.9), ("int8", 0.8))
    ]
    assert tools.module.lost(rows, rows[1]) == pytest.approx(0.1)


def test_the_tasks_are_found(tools) -> None:
    assert tools.task_names() == ["digits", "temperature"]


def test_recordings_become_a_second_of_sound(tools, tmp_path: Path) -> None:
    file = tmp_path / "3_ann_0.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes((1000 * np.ones(4000)).astype("<i2").tobytes())
    read = tools.digits.read(file)
    assert read.shape == (8000,)
    assert (read.max(), read[:1999].max(), read[6001:].max()) == (1.0, 0.0, 0.0)


def test_without_recordings_it_says_where_they_must_be(tools, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no recordings in"):
        tools.digits.prepare(tmp_path, 0)


@pytest.mark.skipif("EDGERNN_DATA" not in os.environ, reason="needs the folder of data sets: EDGERNN_DATA")
@pytest.mark.slow
def test_the_spotter_learns(tools, monkeypatch) -> None:
    monkeypatch.setattr(tools.digits, "EPOCHS", 1)
    monkeypatch.setattr(tools.digits, "HIDDEN", 16)
    task = tools.digits.prepare(Path(os.environ["EDGERNN_DATA"]), 0)
    assert "2700 recordings; 300 to test" in task.about
    logits = task.model(torch.from_numpy(task.calibration))
    assert logits.shape[0] == 64
    assert logits.shape[2] == 10
