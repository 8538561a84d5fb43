"""Networks that read pen strokes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.models import CharacterReader, TextReader
from edgernn.strokes import Drawing, point_rows, transformed

SETTINGS = {"hidden_size": 8, "channels": 6}


def rows(seed: int, points: int = 40) -> torch.Tensor:
    """A drawing of three strokes as the networks take it."""
    random = np.random.default_rng(seed)
    drawing = Drawing(random.normal(0, 3, (part, 2)).cumsum(0) for part in (points // 2, 1, points // 3))
    return torch.from_numpy(point_rows(drawing))


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("both", [False, True])
def test_a_drawing_s_answer_does_not_depend_on_its_batch(both: bool, stride: int) -> None:
    torch.manual_seed(0)
    model = CharacterReader(5, bidirectional=both, stride=stride, **SETTINGS).eval()
    drawings = [rows(seed, 20 + 7 * seed)[: 33 + 5 * seed] for seed in range(4)]
    lengths = torch.tensor([len(drawing) for drawing in drawings])
    assert len(set(lengths.tolist())) > 1
    together = model.last(model(torch.nn.utils.rnn.pad_sequence(drawings, batch_first=True)), lengths)
    for drawing, answer in zip(drawings, together, strict=True):
        alone = model(drawing[None])[0]
        torch.testing.assert_close(alone if both else alone[-1], answer)
        assert answer.sum().item() == pytest.approx(1, abs=1e-5)


def test_texts_of_a_batch_are_read_by_their_own_steps() -> None:
    torch.manual_seed(0)
    model = TextReader(7, stride=4, **SETTINGS).eval()
    short, long = rows(1)[:29], rows(2)[:61]
    padded = torch.nn.utils.rnn.pad_sequence([short, long], batch_first=True)
    steps = model.steps(torch.tensor([29, 61]))
    assert steps.tolist() == [8, 16]
    found = model.log_probabilities(padded, steps)
    torch.testing.assert_close(found[0, :8], model(short[None])[0])
    torch.testing.assert_close(found[1], model(long[None])[0])
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2, 16))


def test_place_and_size_of_the_writing_say_nothing_and_its_strokes_do() -> None:
    torch.manual_seed(0)
    model = CharacterReader(5, **SETTINGS).eval()
    drawing = Drawing([[[0, 0], [20, 5], [3, 30]], [[0, 10], [20, 12]]])
    moved = transformed(drawing, 0.37 * np.eye(2), [-400, 90])

    def answer(drawing: Drawing) -> torch.Tensor:
        return model(torch.from_numpy(point_rows(drawing))[None])

    torch.testing.assert_close(answer(moved), answer(drawing), atol=1e-5, rtol=1e-4)
    joined = Drawing([np.concatenate(drawing.strokes)])
    assert not torch.allclose(answer(joined), answer(drawing), atol=1e-4)


@pytest.mark.parametrize("kind", [CharacterReader, TextReader])
def test_one_direction_streams_while_the_pen_moves(kind: type, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = kind(5, bidirectional=False, stride=4, **SETTINGS).eval()
    example = torch.stack([rows(1)[:48], rows(2)[:48]])
    manifest = edgernn.export(model, tmp_path / "f.onnx", example, streaming=True)
    assert manifest.lookahead_steps == 0
    stream = edgernn.load(tmp_path / "f.onnx").stream(2)
    parts = np.split(example.numpy(), [4, 12, 40], axis=1)
    got = np.concatenate([stream.push(part) for part in parts], axis=1)
    np.testing.assert_allclose(got, model(example).detach().numpy(), atol=1e-5)


def test_arguments_that_do_not_fit_are_refused() -> None:
    for stride in (1, 3):
        with pytest.raises(InputError, match="power of 2"):
            TextReader(5, stride=stride)
    with pytest.raises(InputError, match="classes"):
        CharacterReader(0)
    with pytest.raises(InputError, match="hidden_size"):
        CharacterReader(3, hidden_size=0)
    with pytest.raises(InputError, match="cell"):
        CharacterReader(3, cell="grus")
