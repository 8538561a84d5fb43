"""Outputs that are integers: how many of them may differ, and that a wrong file differs in more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.bench.agreement import _relative_difference
from edgernn.verify.report import compare, judge_decisions
from edgernn.verify.tolerances import DECISIONS, TOLERANCES


class Decides(nn.Module):
    """Gives the likeliest of five classes at each step, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(6, 32, batch_first=True)
        self.head = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(x)[0]).argmax(-1)


def test_integers_are_judged_together() -> None:
    tags = np.arange(10)
    other = tags.copy()
    other[0] = 3
    scores = np.linspace(0, 1, 10)
    checks = [
        compare("onnx = torch", "a", [tags, scores], [found, scores + 1e-3], 1e-2, count_integers=True)
        for found in (tags, tags, other)
    ]
    assert all(check.passed for check in checks)
    assert max(check.relative_error for check in checks) == pytest.approx(1e-3)
    (judged,) = judge_decisions(checks, allowed=0.05)
    assert judged.name == "onnx = torch, integers"
    assert judged.passed
    assert judged.relative_error == pytest.approx(1 / 30)
    assert judged.detail == "1 of 30 differ"
    assert not judge_decisions(checks, allowed=0.0)[0].passed
    assert judge_decisions([compare("a", "b", [scores], [scores], 0.0, count_integers=True)], 0.0) == []
    # Another shape is no decision, and what is no decision must be equal.
    assert not compare("a", "b", [tags], [tags[:3]], 1.0, count_integers=True).passed
    assert not compare("a", "b", [tags], [other], 1e-2).passed


def test_every_scheme_says_how_many_may_differ() -> None:
    assert set(DECISIONS) == set(TOLERANCES)
    assert DECISIONS["float32", "float32"] == 0.0


def test_a_file_that_decides_otherwise_fails(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Decides().eval()
    path, int8 = tmp_path / "d.onnx", tmp_path / "d8.onnx"
    edgernn.export(model, path, torch.randn(1, 8, 6))
    edgernn.quantize(path, int8)
    exact, rounded = edgernn.verify(model, path), edgernn.verify(model, int8)
    assert exact.passed
    assert rounded.passed, rounded.failures
    with torch.no_grad():
        size = len(model.gru.weight_hh_l0) // 3
        model.gru.weight_hh_l0.copy_(model.gru.weight_hh_l0.roll(size, 0))
        model.gru.weight_ih_l0.copy_(model.gru.weight_ih_l0.roll(size, 0))
    for file in (path, int8):
        report = edgernn.verify(model, file)
        assert not report.passed
        assert {check.name for check in report.failures} == {
            "onnx = torch, integers",
            "onnx = numpy float64, integers",
        }
        assert report.max_relative_error > 0.2


def test_contenders_that_decide_otherwise_are_told_apart() -> None:
    tags, one_other = np.zeros(20, np.int64), np.zeros(20, np.int64)
    one_other[3] = 16
    assert _relative_difference([tags], [one_other]) == pytest.approx(0.05)
