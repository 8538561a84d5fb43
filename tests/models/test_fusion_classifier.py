from __future__ import annotations

from pathlib import Path

import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.models import FusionClassifier


def fusion(**arguments: object) -> FusionClassifier:
    torch.manual_seed(0)
    sizes = {"features": 2, "symbols": 12, "classes": 3, "hidden_size": 5, "embedding_size": 4, "channels": 4}
    model = FusionClassifier(**{**sizes, **arguments})
    model.fit_normalization(torch.randn(50, 2) * torch.tensor([3.0, 0.1]) + 5)
    return model.eval()


@pytest.mark.parametrize("stride", [1, 4])
def test_padding_touches_neither_input(stride: int) -> None:
    model = fusion(stride=stride)
    signals, texts = [torch.randn(n, 2) for n in (9, 30)], [torch.tensor([3, 4]), torch.tensor([5, 0, 7, 8])]
    padded = torch.nn.utils.rnn.pad_sequence(signals, batch_first=True, padding_value=99.0)
    ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    together = model.logits(padded, ids, torch.tensor([9, 30]))
    for row, (signal, text) in enumerate(zip(signals, texts, strict=True)):
        torch.testing.assert_close(model.logits(signal[None], text[None])[0], together[row])


def test_both_inputs_count() -> None:
    model = fusion()
    signal, text = torch.randn(1, 20, 2), torch.tensor([[1, 2, 3]])
    answer = model(signal, text)
    torch.testing.assert_close(answer.sum(-1), torch.ones(1))
    assert not torch.allclose(answer, model(signal + 1, text))
    assert not torch.allclose(answer, model(signal, torch.tensor([[1, 2, 4]])))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_its_inputs_have_time_axes_of_their_own(cell: str, tmp_path: Path) -> None:
    """One layer comes with lengths and the other without: their functions differ when they are quantized."""
    model = fusion(cell=cell)
    example = torch.randn(2, 20, 2), torch.randint(0, 12, (2, 7))
    manifest = edgernn.export(model, tmp_path / "f.onnx", example)
    assert [spec.dims for spec in manifest.inputs] == [("batch", "time", 2), ("batch", "symbols")]
    edgernn.quantize(tmp_path / "f.onnx", tmp_path / "i.onnx")
    for name in ("f.onnx", "i.onnx"):
        assert edgernn.verify(model, tmp_path / name).passed
    session = edgernn.load(tmp_path / "f.onnx")
    for steps, symbols in ((5, 31), (33, 1)):
        signal, text = torch.randn(1, steps, 2), torch.randint(0, 12, (1, symbols))
        expected = model(signal, text).detach()
        torch.testing.assert_close(
            torch.from_numpy(session.run(signal.numpy(), text.numpy())), expected, rtol=1e-4, atol=1e-5
        )


def test_a_signal_and_a_text_do_not_stream(tmp_path: Path) -> None:
    with pytest.raises(edgernn.errors.EdgeRNNError):
        edgernn.export(
            fusion(), tmp_path / "f.onnx", (torch.randn(1, 20, 2), torch.zeros(1, 3, dtype=torch.int64)),
            streaming=True,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"stride": 3}, "stride must be a power of 2"), ({"symbols": 0}, "symbols must be an integer ≥ 1")],
)
def test_wrong_sizes_are_refused(arguments: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fusion(**arguments)
