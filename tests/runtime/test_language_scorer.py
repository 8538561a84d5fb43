"""A language model beside a prefix beam: against torch, text by text, and against the sum over all ways."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError, ModelError
from edgernn.features.characters import Characters, character_vocabulary
from edgernn.features.symbols import BYTE_VOCABULARY
from edgernn.models import LanguageModel
from edgernn.runtime import CTCDecoder, LanguageScorer, Session, language_scorer, load
from tests.once import made_once

LETTERS = character_vocabulary(["\n abé"])
SYMBOLS = ("<blank>", " ", "a", "b")
WORDS = ("<blank>", "a", "ab", "ba")
KINDS = {"letters": LETTERS, "bytes": BYTE_VOCABULARY}


def network(kind: str) -> LanguageModel:
    """A network that no one taught anything, with opinions nonetheless."""
    torch.manual_seed(3)
    model = LanguageModel(len(KINDS[kind]), embedding_size=6, hidden_size=8, num_layers=2).eval()
    with torch.no_grad():
        model.head.weight.mul_(8)
    return model


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of both kinds, and one of a fixed batch."""

    def make(into: Path) -> None:
        for kind, vocabulary in KINDS.items():
            metadata = {"task": "text-generate", "vocabulary": vocabulary}
            example = torch.randint(0, len(vocabulary), (2, 5))
            edgernn.export(network(kind), into / f"{kind}.onnx", example, streaming=True, metadata=metadata)
        metadata = {"task": "text-generate", "vocabulary": LETTERS}
        example = torch.randint(0, len(LETTERS), (2, 5))
        edgernn.export(network("letters"), into / "whole.onnx", example, metadata=metadata)

    return made_once(tmp_path_factory, "language-models", make)


def expected(kind: str, text: str, boundary: str = "\n") -> float:
    """The logarithm of the probability of a text behind a boundary, by torch on all of it at once."""
    characters = Characters(KINDS[kind])
    before, ids = characters.encode(boundary), torch.tensor(characters.encode(boundary + text))
    with torch.no_grad():
        scores = network(kind)(ids[None])[0]
    return float(sum(scores[n - 1, ids[n]] for n in range(len(before), len(ids))))


CASES = [
    ("letters", SYMBOLS, ""),
    ("letters", WORDS, " "),
    ("bytes", ("<blank>", "a", "é", "è", "b"), ""),
    ("bytes", ("<blank>", "é", "ab"), " "),
]


@pytest.mark.parametrize(("kind", "symbols", "separator"), CASES)
@pytest.mark.parametrize("boundary", ["\n", "ab"])
def test_scores_are_those_of_the_network_on_the_whole_text(
    kind: str, symbols: tuple[str, ...], separator: str, boundary: str, folder: Path
) -> None:
    scorer = LanguageScorer(load(folder / f"{kind}.onnx"), symbols, boundary=boundary)
    prefixes = [(), (1,), (2, 1), (1, 2, 2)]
    found = scorer(prefixes)
    assert found.shape == (4, len(symbols))
    for prefix, row in zip(prefixes, found, strict=True):
        text = separator.join(symbols[n] for n in prefix)
        so_far = expected(kind, text, boundary)
        for number, symbol in enumerate(symbols):
            longer = text + (boundary if number == 0 else separator + symbol if prefix else symbol)
            assert row[number] == pytest.approx(expected(kind, longer, boundary) - so_far, abs=1e-4)


def test_texts_that_were_forgotten_are_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = load(folder / "letters.onnx")
    prefixes = [(2, 3, 1), (3,), (2, 3, 2), (2,)]
    whole = LanguageScorer(session, SYMBOLS)(prefixes)
    monkeypatch.setattr(language_scorer, "_KEPT", 1)
    forgetful = LanguageScorer(session, SYMBOLS)
    for rows in (forgetful(prefixes), np.concatenate([forgetful([prefix]) for prefix in prefixes])):
        np.testing.assert_allclose(rows, whole, atol=1e-5)
    assert len(forgetful._known) == 1


def steps(count: int, symbols: int, seed: int) -> np.ndarray:
    scores = np.random.default_rng(seed).standard_normal((count, symbols))
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def best_text(
    kind: str, symbols: tuple[str, ...], separator: str, heard: np.ndarray, weight: float, bonus: float
) -> str:
    """The likeliest text by its definition: over all ways to say it, times what the language model says."""
    ways: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(len(symbols)), repeat=len(heard)):
        text = tuple(n for n, _ in itertools.groupby(path) if n)
        ways[text] += float(np.exp(sum(heard[t, n] for t, n in enumerate(path))))

    def score(text: tuple[int, ...]) -> float:
        said = separator.join(symbols[n] for n in text)
        return np.log(ways[text]) + weight * expected(kind, said + "\n") + bonus * len(text)

    return separator.join(symbols[n] for n in max(ways, key=score))


@pytest.mark.parametrize(("kind", "symbols", "separator"), CASES[:3])
def test_a_wide_beam_finds_the_likeliest_text_of_both_models(
    kind: str, symbols: tuple[str, ...], separator: str, folder: Path
) -> None:
    session, changed = load(folder / f"{kind}.onnx"), 0
    for seed, (weight, bonus) in enumerate([(1.0, 0.0), (0.4, 1.0), (0.7, 2.0), (1.5, 3.0)]):
        heard = steps(4, len(symbols), seed)
        decoder = CTCDecoder(
            symbols,
            beam=2000,
            language_model=LanguageScorer(session, symbols),
            language_weight=weight,
            bonus=bonus,
        )
        found = decoder.decode(heard)
        assert found == best_text(kind, symbols, separator, heard, weight, bonus)
        changed += found != CTCDecoder(symbols, beam=2000).decode(heard)
    # Otherwise the language model need not have been asked at all.
    assert changed


def test_the_end_of_a_text_counts(folder: Path) -> None:
    """Without it another text would be the likeliest: what is broken off is no line of the language."""
    scorer = LanguageScorer(load(folder / "letters.onnx"), SYMBOLS)

    def endless(prefixes: list[tuple[int, ...]]) -> np.ndarray:
        rows = scorer(prefixes)
        rows[:, 0] = 0.0
        return rows

    texts = [
        [CTCDecoder(SYMBOLS, beam=500, language_model=model, bonus=1.0).decode(steps(4, 4, seed))
         for seed in range(12)]
        for model in (scorer, endless)
    ]  # fmt: skip
    assert texts[0] != texts[1]


def test_one_scorer_serves_decoders_in_turns(folder: Path) -> None:
    scorer = LanguageScorer(load(folder / "letters.onnx"), SYMBOLS)
    decoders = [CTCDecoder(SYMBOLS, beam=3, language_model=scorer, bonus=1.0) for _ in range(2)]
    heard = [steps(12, 4, seed) for seed in range(2)]
    alone = [decoder.decode(item) for decoder, item in zip(decoders, heard, strict=True)]
    for step in range(12):
        for decoder, item in zip(decoders, heard, strict=True):
            decoder.push(item[step : step + 1])
    assert [decoder.finish() for decoder in decoders] == alone
    assert alone[0] != alone[1]


def fixed_batch(path: Path) -> Session:
    session = load(path)
    (spec,) = session.inputs
    session.inputs = (edgernn.TensorSpec(spec.name, spec.dtype, (1, *spec.dims[1:]), time_dim=1),)
    return session


def test_what_does_not_fit_is_refused(folder: Path) -> None:
    session = load(folder / "letters.onnx")
    with pytest.raises(InputError, match=r"does not know 'c', 'd', of which the recogniser's symbols"):
        LanguageScorer(session, ("<blank>", "cad"))
    with pytest.raises(InputError, match=r"does not know '\|'"):
        LanguageScorer(session, SYMBOLS, boundary="|")
    with pytest.raises(InputError, match="boundary must be one character or more"):
        LanguageScorer(session, SYMBOLS, boundary="")
    with pytest.raises(ModelError, match="to score texts, a file must take symbols one by one"):
        LanguageScorer(load(folder / "whole.onnx"), SYMBOLS)
    with pytest.raises(ModelError, match="its batch is fixed"):
        LanguageScorer(fixed_batch(folder / "letters.onnx"), SYMBOLS)
    with pytest.raises(InputError, match=r"must give \(texts, symbols\), \(1, 4\), found shape \(1, 5\)"):
        CTCDecoder(
            SYMBOLS, beam=2, language_model=LanguageScorer(session, (*SYMBOLS, "é"))
        ).decode(steps(2, 4, 0))  # fmt: skip
