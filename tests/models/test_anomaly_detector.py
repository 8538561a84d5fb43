from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.models import AnomalyDetector
from edgernn.models.anomaly_detector import SIGNS


def series(steps: int = 600) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    rhythm = torch.sin(torch.arange(steps) * 2 * torch.pi / 12)[:, None] * torch.tensor([3.0, 0.5])
    return rhythm + torch.tensor([20.0, -1.0]) + 0.1 * torch.randn(steps, 2, generator=random)


def detector(**arguments: object) -> AnomalyDetector:
    torch.manual_seed(0)
    made = AnomalyDetector(2, horizon=4, span=3, settle=24, hidden_size=6, cell="gru", lags=12, **arguments)
    made.forecaster.fit_normalization(series())
    return made.eval().requires_grad_(False)


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_as_many_clean_steps_alarm_as_were_asked_for(rate: float) -> None:
    model, values = detector(), series()
    known = torch.arange(600) >= 100
    model.calibrate(values, known, rate)
    alarms = (model(values[None])[0, :, 1] > 0)[known]
    # The conformal threshold is one of the scores, which alarms only beyond it.
    assert int(alarms.sum()) == 500 - math.ceil(501 * (1 - rate))


def test_the_score_is_the_largest_sign_in_units_of_its_limit() -> None:
    model, values = detector(), series()
    model.calibrate(values, torch.ones(600, dtype=torch.bool), 0.05)
    changed = values.clone()
    changed[300, 1] += 50
    score, alarm = model(changed[None])[0].unbind(-1)
    forecast = model.forecaster(values[None])[0, 299, 1]
    error = abs(float((changed[300, 1] - forecast) / model.spread[0, 1]))
    assert float(model.signs(changed[None])[0, 300, SIGNS.index("error"), 1]) == pytest.approx(
        error, rel=1e-3
    )
    assert float(score[300]) >= error / float(model.limits[0, 1] * model.threshold) * 0.999
    torch.testing.assert_close(alarm[24:], (score[24:] - 1).clamp(min=0))
    assert not alarm[:24].any()


@pytest.mark.parametrize(
    ("kind", "sign"), [("stuck", "stillness"), ("noise", "noise"), ("drift", "bias ahead")]
)
def test_each_sign_answers_to_its_fault(kind: str, sign: str) -> None:
    model, values = detector(), series()
    model.calibrate(values, torch.ones(600, dtype=torch.bool), 0.02)
    changed = values.clone()
    if kind == "stuck":
        changed[300:312, 0] = changed[300, 0]
    elif kind == "noise":
        changed[300:312, 0] += torch.tensor([1.0, -1.0]).repeat(6)
    else:
        changed[300:312, 0] += torch.linspace(0, 20, 12)
    row = SIGNS.index(sign)
    beyond = [(model.signs(x[None])[0, :, row, 0] / model.limits[row, 0])[304:312] for x in (values, changed)]
    assert beyond[1].max() > max(1.0, 1.5 * float(beyond[0].max()))


def test_the_future_does_not_matter() -> None:
    model, values = detector(), series(80)
    changed = values.clone()
    changed[50:] += 5
    assert torch.equal(model(values[None])[:, :50], model(changed[None])[:, :50])


@pytest.mark.parametrize("streaming", [False, True])
def test_it_exports_and_streams(streaming: bool, tmp_path: Path) -> None:
    model, values = detector(), series()
    model.calibrate(values, torch.ones(600, dtype=torch.bool), 0.05)
    edgernn.export(model, tmp_path / "a.onnx", values[None, :60], streaming=streaming)
    assert edgernn.verify(model, tmp_path / "a.onnx").passed


def test_too_few_steps_and_wrong_sizes_are_refused() -> None:
    with pytest.raises(InputError, match=r"cannot tell a false-alarm rate of 0\.001; it takes 1000"):
        detector().calibrate(series(), torch.ones(600, dtype=torch.bool), 0.001)
    with pytest.raises(InputError, match=r"settle must be at least the horizon \(30\), found 24"):
        AnomalyDetector(horizon=30, settle=24)
