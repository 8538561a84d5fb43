"""The tagger: padding, the past, tags that may not follow each other, and its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import edgernn
from edgernn.errors import InputError, StreamingError
from edgernn.features.tags import allowed_transitions, tag_names
from edgernn.models import Tagger
from edgernn.models.tagger import word_shapes
from edgernn.training.recipe import Metadata
from edgernn.training.transfer import transfer

TAGS = tag_names(["a", "b"], "bioes")


def tagger(seed: int = 0, **arguments: object) -> Tagger:
    torch.manual_seed(seed)
    sizes = {"bytes_a_word": 6, "word_size": 6, "character_size": 5, "character_hidden_size": 4}
    model = Tagger(30, **{"tags": TAGS, **sizes, "hidden_size": 7, **arguments})
    for parameter in model.crf.parameters():
        torch.nn.init.normal_(parameter)
    with torch.no_grad():
        model.head.weight.mul_(4)
    return model.eval()


def sentence(words: int, rows: int = 1, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randint(1, 30, (rows, words), generator=generator)
    characters = torch.randint(1, 257, (rows, words, 6), generator=generator)
    return numbers, characters * (torch.arange(6) < torch.randint(1, 7, (rows, words, 1)))


def padded(parts: tuple[Tensor, Tensor], steps: int) -> tuple[Tensor, Tensor]:
    numbers, characters = parts
    pad = torch.nn.functional.pad
    return pad(numbers, (0, steps)), pad(characters, (0, 0, 0, steps))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"cell": "gru", "characters": "convolution", "num_layers": 2},
        {"bidirectional": False, "lookahead": 2},
        {"bidirectional": False, "decoder": "so-far", "lookahead": 1},
    ],
    ids=["default", "convolution", "lookahead", "so-far"],
)
def test_padding_does_not_touch_a_sentence(arguments: dict[str, object]) -> None:
    model, parts = tagger(**arguments), sentence(9)
    alone, together = model(*parts), model(*padded(parts, 4))
    assert torch.equal(together["tags"][:, :9], alone["tags"])
    torch.testing.assert_close(together["probabilities"][:, :9], alone["probabilities"])
    assert not together["tags"][:, 9:].any()
    assert not together["probabilities"][:, 9:].any()
    assert len(alone["tags"].unique()) > 2


def test_without_lookahead_a_stream_tagger_sees_the_past_alone() -> None:
    numbers, characters = sentence(12)
    changed = numbers.clone()
    changed[:, 8] = changed[:, 8] % 29 + 1
    for lookahead in (0, 3):
        model = tagger(bidirectional=False, decoder="so-far", lookahead=lookahead)
        before, after = (model(words, characters)["probabilities"] for words in (numbers, changed))
        torch.testing.assert_close(before[:, : 8 - lookahead], after[:, : 8 - lookahead])
        assert not torch.allclose(before[:, 8 - lookahead], after[:, 8 - lookahead], atol=1e-4)


def test_impossible_tags_never_follow_each_other() -> None:
    parts = sentence(40, rows=8)
    allowed = torch.tensor(allowed_transitions(TAGS))
    edge = torch.full((8, 1), len(TAGS))

    def impossible(model: Tagger) -> int:
        tags = torch.cat([edge, model(*parts)["tags"], edge], dim=1)
        return int((~allowed[tags[:, :-1], tags[:, 1:]]).sum())

    assert impossible(tagger()) == 0
    assert impossible(tagger(constrained=False)) > 20


def test_how_words_are_written() -> None:
    def of(word: str) -> list[float]:
        numbers = [value + 1 for value in word.encode()] + [0] * (8 - len(word.encode()))
        return word_shapes(torch.tensor([[numbers]])).flatten().tolist()

    # A capital first, capitals alone, a capital later, a digit, a sign, a byte beyond ASCII.
    assert of("Ulm") == [1, 0, 0, 0, 0, 0]
    assert of("NATO") == [1, 1, 1, 0, 0, 0]
    assert of("A") == [1, 0, 0, 0, 0, 0]
    assert of("iPod5") == [0, 0, 1, 1, 0, 0]
    assert of("U.S.") == [1, 0, 1, 0, 1, 0]
    assert of("söhne") == [0, 0, 0, 0, 0, 1]
    assert of("") == [0] * 6


def test_words_are_taken_for_unknown_in_training_alone() -> None:
    model, parts = tagger(word_dropout=0.9), sentence(20)
    assert torch.equal(model.emissions(*parts), model.emissions(*parts))
    model.train()
    assert not torch.equal(model.emissions(*parts), model.emissions(*parts))


def test_labels_that_two_networks_know_are_taken_over_in_every_matrix() -> None:
    old, new = tagger(0), tagger(1, tags=tag_names(["c", "b"], "bioes"))
    drawn = new.crf.transitions.detach().clone()
    known, now = (Metadata("ner", labels=tag_names(kinds, "bioes")) for kinds in (["a", "b"], ["c", "b"]))
    report = transfer(new, old.state_dict(), known, now)
    assert set(report.resized) == set(new.label_dims)
    shared = {name: (known.labels.index(name), now.labels.index(name)) for name in ("O", "B-b", "S-b")}
    for before, after in shared.values():
        assert torch.equal(new.head.weight[after], old.head.weight[before])
        assert torch.equal(new.crf.last[after], old.crf.last[before])
        for other_before, other_after in shared.values():
            moved = new.crf.transitions[after, other_after]
            assert torch.equal(moved, old.crf.transitions[before, other_before])
    fresh = now.labels.index("B-c")
    assert torch.equal(new.crf.transitions[fresh], drawn[fresh])
    assert torch.equal(new.embedding.weight, old.embedding.weight)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"decoder": "greedy"}, "decoder must be one of viterbi, so-far, found 'greedy'"),
        ({"characters": "cnn"}, "characters must be one of recurrent, convolution"),
        ({"lookahead": -1}, "lookahead must be an integer ≥ 0"),
        ({"word_dropout": 1.0}, r"word_dropout must be in \[0, 1\)"),
        ({"bytes_a_word": 0}, "bytes_a_word must be an integer ≥ 1"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tagger(**arguments)


def test_a_file_gives_the_tags_of_any_sentence(tmp_path: Path) -> None:
    model = tagger(cell="gru")
    edgernn.export(model, tmp_path / "t.onnx", (*sentence(5, rows=2),))
    edgernn.quantize(tmp_path / "t.onnx", tmp_path / "t8.onnx")
    assert edgernn.verify(model, tmp_path / "t8.onnx").passed
    for name in ("t", "t8"):
        session = edgernn.load(tmp_path / f"{name}.onnx")
        for rows, words in ((1, 1), (3, 17)):
            parts = padded(sentence(words, rows, seed=words), 2)
            given, expected = session.run(*(part.numpy() for part in parts)), model(*parts)
            share = float((given["tags"] == expected["tags"].numpy()).mean())
            assert share == 1 if name == "t" else share > 0.9
            error = np.abs(given["probabilities"] - expected["probabilities"].detach().numpy()).max()
            assert error < (1e-5 if name == "t" else 0.1)


def test_what_is_known_so_far_streams(tmp_path: Path) -> None:
    model = tagger(bidirectional=False, decoder="so-far", characters="convolution", lookahead=1)
    manifest = edgernn.export(
        model, tmp_path / "s.onnx", padded(sentence(6, rows=2), 1), streaming=True, lookahead=1
    )
    assert manifest.lookahead_steps == 1
    stream = edgernn.load(tmp_path / "s.onnx").stream()
    parts = sentence(11)
    expected = model(*parts)["tags"][0].tolist()
    pushed = [
        int(stream.push(*(part[:, n : n + 1].numpy() for part in padded(parts, 1)))["tags"][0, 0])
        for n in range(12)
    ]
    assert pushed[1:] == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"characters": "convolution", "decoder": "so-far"}, "'recurrent' reads from the end to the start"),
        ({"bidirectional": False, "decoder": "so-far"}, "'characters' reads each word by its length"),
        ({"bidirectional": False, "characters": "convolution"}, "'crf' finds the best path at the end"),
        ({}, "(bidirectional=False); 'characters'"),
    ],
    ids=["backward direction", "characters", "viterbi", "all"],
)
def test_what_needs_the_end_is_refused_by_name(
    arguments: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(StreamingError) as refused:
        edgernn.export(tagger(**arguments), tmp_path / "s.onnx", sentence(5, rows=2), streaming=True)
    assert "the model itself (Tagger) cannot stream" in str(refused.value)
    assert said in str(refused.value)
