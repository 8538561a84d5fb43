"""The classifiers against what they say of themselves, and their files against them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.models import SensorClassifier, TextClassifier
from edgernn.training.rotation import rotation


def sensor(fit: bool = True, **arguments: object) -> SensorClassifier:
    torch.manual_seed(0)
    model = SensorClassifier(**{"features": 3, "classes": 4, "hidden_size": 8, "channels": 6, **arguments})
    if fit:
        model.fit_normalization(torch.randn(100, 3) * torch.tensor([1.0, 5.0, 0.1]) + 3)
    return model.eval()


def text(**arguments: object) -> TextClassifier:
    torch.manual_seed(0)
    sizes = {"symbols": 40, "classes": 3, "hidden_size": 8, "embedding_size": 6}
    return TextClassifier(**{**sizes, **arguments}).eval()


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_an_answer_sees_the_past_alone(stride: int, pooling: str) -> None:
    model, x = sensor(stride=stride, pooling=pooling), torch.randn(2, 30, 3)
    changed = x.clone()
    changed[:, 17:] += 5
    before, after = model(x), model(changed)
    first = -(-17 // stride)
    torch.testing.assert_close(before[:, :first], after[:, :first])
    assert not torch.allclose(before[:, first:], after[:, first:])
    torch.testing.assert_close(before.sum(-1), torch.ones(before.shape[:2]))


@pytest.mark.parametrize("stride", [1, 4])
def test_padding_does_not_touch_a_recordings_answer(stride: int) -> None:
    model = sensor(stride=stride)
    lengths = torch.tensor([9, 30])
    rows = [torch.randn(length, 3) for length in lengths]
    padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=99.0)
    together = model(padded)[torch.arange(2), model.last_output(lengths)]
    for row, answer in zip(rows, together, strict=True):
        torch.testing.assert_close(model(row[None])[0, -1], answer)


def test_the_mean_is_of_all_steps_so_far() -> None:
    model, x = sensor(stride=1), torch.randn(1, 12, 3)
    hidden, _ = model.recurrent((x - model.mean) / model.scale)
    expected = model.head(torch.stack([hidden[:, : n + 1].mean(1) for n in range(12)], 1))
    torch.testing.assert_close(model.logits(x), expected)


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_the_answer_is_of_the_mean_of_the_members(pooling: str) -> None:
    model, x = sensor(members=3, pooling=pooling), torch.randn(2, 20, 3)
    each = model.member_logits(x)
    assert each.shape == (2, 5, 3, 4)
    assert not torch.allclose(each[:, :, 0], each[:, :, 1])
    torch.testing.assert_close(model.logits(x), each.mean(2))
    torch.testing.assert_close(model(x), each.mean(2).softmax(-1))


def test_members_learn_by_themselves() -> None:
    """The gradient of one member's loss reaches its own weights alone."""
    model = sensor(members=2)
    model.member_logits(torch.randn(1, 20, 3))[:, -1, 0].square().sum().backward()
    parts = (model.recurrent, *model.others)
    reached = [any(p.grad is not None and bool(p.grad.any()) for p in part.parameters()) for part in parts]
    assert reached == [True, False]


def test_a_turned_sensor_has_the_same_length() -> None:
    model = sensor(magnitude_from=2.0)
    values = torch.randn(50, 3) * 4 + 2
    turned = (values - 2) @ rotation(1.0).T + 2
    torch.testing.assert_close(model._magnitudes(values), model._magnitudes(turned))
    assert not torch.allclose(values, turned)
    with pytest.raises(InputError, match="three axes; found 4 channels"):
        SensorClassifier(features=4, classes=2, magnitude_from=0.0)


def test_time_elapsed_counts_where_it_is_asked_for() -> None:
    x = torch.randn(1, 40, 3)
    model = sensor(elapsed=True, stride=2, members=2, fit=False)
    with pytest.raises(InputError, match="give the recordings' lengths"):
        model.fit_normalization(torch.randn(50, 3))
    model.fit_normalization(torch.randn(50, 3), torch.tensor([20, 40]))
    with torch.no_grad():
        model.head.weight[:, :-2] = 0
    steps = torch.arange(1, 21).float()
    middle = (math.log(10) + math.log(20)) / 2
    e = 2 * (steps.log() - middle) / ((math.log(20) - math.log(10)) / 2)
    expected = torch.stack([e, e * e / 2], -1) @ model.head.weight[:, -2:].T + model.head.bias
    torch.testing.assert_close(model.logits(x)[0], expected)
    torch.testing.assert_close(model.member_logits(x)[0, :, 1], expected)


def test_members_magnitudes_and_time_elapsed_export_and_stream(tmp_path: Path) -> None:
    model = sensor(members=2, magnitude_from=2.0, stride=2, elapsed=True, fit=False)
    model.fit_normalization(torch.randn(100, 3) + 3, torch.tensor([30, 40]))
    edgernn.export(model, tmp_path / "s.onnx", torch.randn(2, 30, 3), streaming=True)
    assert edgernn.verify(model, tmp_path / "s.onnx").passed


def test_zeros_behind_a_text_change_nothing() -> None:
    model = text()
    ids = torch.tensor([[5, 0, 7, 9]])
    torch.testing.assert_close(model(torch.nn.functional.pad(ids, (0, 6))), model(ids))
    # The zero inside is a symbol like others.
    assert not torch.allclose(model(ids), model(torch.tensor([[5, 7, 9]])))
    assert torch.isfinite(model(torch.zeros(1, 3, dtype=torch.int64))).all()


def test_a_whole_symbol_is_dropped_in_training_alone() -> None:
    model, ids = text(symbol_dropout=0.9), torch.randint(1, 40, (4, 20))
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.equal(model(ids), model(ids))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: sensor(stride=3), "stride must be a power of 2, found 3"),
        (lambda: sensor(pooling="max"), "pooling must be 'last' or 'mean'"),
        (lambda: sensor(features=0), "features must be an integer ≥ 1"),
        (lambda: sensor(cell="gruu"), "Did you mean 'gru'"),
        (lambda: sensor().fit_normalization(torch.randn(5, 2)), r"must be \(time, 3\)"),
        (lambda: sensor().fit_normalization(torch.full((5, 3), torch.nan)), "NaN or infinity"),
        (lambda: text(symbol_dropout=1.0), "symbol_dropout must be in"),
        (lambda: text(classes=0), "classes must be an integer ≥ 1"),
    ],
)
def test_wrong_arguments_are_refused(make, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


def test_a_sensors_stream_gives_what_the_whole_recording_gives(tmp_path: Path) -> None:
    model, x = sensor(), torch.randn(1, 40, 3)
    manifest = edgernn.export(model, tmp_path / "s.onnx", torch.randn(2, 24, 3), streaming=True)
    assert manifest.parity["passed"]
    assert manifest.outputs[0].hop == 4
    stream = edgernn.load(tmp_path / "s.onnx").stream()
    pushed = np.concatenate([stream.push(part.numpy()) for part in x.split(4, 1)], axis=1)
    np.testing.assert_allclose(pushed, model(x).detach().numpy(), atol=1e-6)


def test_a_texts_file_takes_any_batch_and_length(tmp_path: Path) -> None:
    model = text(bidirectional=True, cell="lstm")
    example = torch.tensor([[3, 39, 1, 4], [5, 1, 0, 0]])
    edgernn.export(model, tmp_path / "t.onnx", example)
    session = edgernn.load(tmp_path / "t.onnx")
    ids = torch.tensor([[7, 3, 2, 1, 9, 0, 0], [1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 0, 0, 0, 0]])
    np.testing.assert_allclose(session.run(ids.numpy()), model(ids).detach().numpy(), atol=1e-6)
