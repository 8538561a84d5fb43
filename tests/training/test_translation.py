"""Pairs of texts: their files, numbers in words, sub-words, scores and the dictionary beside them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgernn.errors import InputError, ModelError
from edgernn.features.subwords import CharacterTokenizer, Subwords, tokenizer_of
from edgernn.features.symbols import BYTE_VOCABULARY
from edgernn.training.metrics.translation import translation_scores
from edgernn.training.number_words import english, german
from edgernn.training.parallel_texts import Pair, parts_in, read_pairs
from edgernn.training.sentence_pairs import NOTHING, SentencePairs, padded_pairs
from edgernn.training.word_for_word import WordForWord

PAIRS = [Pair("ein Hund", "a dog"), Pair("zwei Hunde", "two dogs"), Pair("ein Haus", "a house")]


def write_parts(folder: Path, zipped: bool) -> None:
    folder.mkdir()
    for language in ("de", "en"):
        text = "\n".join(pair.source if language == "de" else pair.target for pair in PAIRS) + "\n"
        if zipped:
            (folder / f"train.{language}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"train.{language}").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("zipped", [False, True])
def test_files_whose_lines_belong_together(tmp_path: Path, zipped: bool) -> None:
    write_parts(tmp_path / "data", zipped)
    assert read_pairs(tmp_path / "data", "de", "en", part="train") == PAIRS
    (tmp_path / "data" / "test.de").write_text("x")
    assert parts_in(tmp_path / "data", "de", "en") == ["train"]


def test_a_table(tmp_path: Path) -> None:
    table = tmp_path / "pairs.tsv"
    table.write_text("\n".join(["de\ten", *(f"{pair.source}\t{pair.target}" for pair in PAIRS)]))
    assert read_pairs(table, "de", "en") == PAIRS
    with pytest.raises(InputError, match="fr"):
        read_pairs(table, "de", "fr")
    with pytest.raises(InputError, match="neither a folder"):
        read_pairs(tmp_path / "pairs.txt", "de", "en")


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_parts(folder, zipped=False)
    with pytest.raises(InputError, match=r"no file val\.de"):
        read_pairs(folder, "de", "en", part="val")
    (folder / "train.en").write_text("a dog\n\na house\n")
    with pytest.raises(InputError, match="line 2 is empty"):
        read_pairs(folder, "de", "en", part="train")
    (folder / "train.en").write_text("a dog\n")
    with pytest.raises(InputError, match=r"3 lines.*has 1;"):
        read_pairs(folder, "de", "en", part="train")
    (folder / "train.en").write_bytes("ä\n".encode("latin-1"))
    with pytest.raises(InputError, match="not utf-8"):
        read_pairs(folder, "de", "en", part="train")
    (folder / "train.en").unlink()
    (folder / "train.en.gz").write_bytes(gzip.compress(b"a dog")[:-9])
    with pytest.raises(InputError, match="no whole gzip"):
        read_pairs(folder, "de", "en", part="train")


@pytest.mark.parametrize(
    ("number", "in_german", "in_english"),
    [
        (0, "null", "zero"),
        (1, "eins", "one"),
        (21, "einundzwanzig", "twenty-one"),
        (101, "einhunderteins", "one hundred one"),
        (116, "einhundertsechzehn", "one hundred sixteen"),
        (1001, "eintausendeins", "one thousand one"),
        (999_999, "neunhundertneunundneunzigtausendneunhundertneunundneunzig",
         "nine hundred ninety-nine thousand nine hundred ninety-nine"),
    ],
)  # fmt: skip
def test_numbers_in_words(number: int, in_german: str, in_english: str) -> None:
    assert (german(number), english(number)) == (in_german, in_english)


def test_no_two_numbers_have_the_same_words() -> None:
    numbers = [*range(3000), *range(100_000, 103_000)]
    assert len({german(number) for number in numbers}) == len(numbers)
    assert len({english(number) for number in numbers}) == len(numbers)


@pytest.fixture(scope="module")
def subwords() -> Subwords:
    return Subwords.learn([german(number) for number in range(0, 5000, 7)], 330)


@given(text=st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=20))
def test_any_text_comes_back(subwords: Subwords, text: str) -> None:
    import unicodedata

    assert subwords.decode(subwords.encode(text)) == unicodedata.normalize("NFKC", text)


def test_subwords_are_shorter_than_letters_and_travel_as_text(subwords: Subwords) -> None:
    again = tokenizer_of(subwords.vocabulary, subwords.to_text())
    numbers = again.encode("siebenhundertzweiundvierzig")
    assert numbers == subwords.encode("siebenhundertzweiundvierzig")
    assert len(numbers) < 14
    assert len(again.vocabulary) == 330
    with pytest.raises(InputError, match="vocabulary_size"):
        Subwords.learn(["ein Hund"], 5000)


@pytest.mark.parametrize("text", ["nothing", "AAAA", "é", ""])
def test_a_tokeniser_that_was_changed(subwords: Subwords, text: str) -> None:
    with pytest.raises(ModelError, match="tokenizer"):
        Subwords.from_text(text)
    with pytest.raises(ModelError, match="tokenizer"):
        Subwords.from_text(subwords.to_text()[:-40])


def test_characters_and_bytes_need_no_more_than_their_vocabulary() -> None:
    assert isinstance(tokenizer_of(BYTE_VOCABULARY, ""), CharacterTokenizer)
    tokenizer = tokenizer_of(BYTE_VOCABULARY, "")
    assert tokenizer.decode(tokenizer.encode("Fuß €")) == "Fuß €"


def test_scores() -> None:
    said = ["the cat sat on the mat", "a dog runs in the park today"]
    assert translation_scores(said, said) == pytest.approx({"bleu": 100, "chrf": 100, "exact": 1})
    # By hand: 10 of 13 words, 6 of 11 pairs, 3 of 9 triples, 1 of 7 quadruples, as long as the references.
    other = ["the cat is on the mat", "a dog runs in a park now"]
    expected = 100 * (10 / 13 * 6 / 11 * 3 / 9 * 1 / 7) ** 0.25
    assert translation_scores(other, said)["bleu"] == pytest.approx(expected, rel=1e-5)
    assert translation_scores(other, said)["exact"] == 0
    with pytest.raises(InputError, match="as many"):
        translation_scores(said, said[:1])


def test_a_dictionary_of_what_stands_together() -> None:
    dictionary = WordForWord(PAIRS)
    assert dictionary.translate("ein Haus") == "a house"
    assert dictionary.translate("ein Pferd") == "a Pferd"


def test_samples_and_batches() -> None:
    pairs = SentencePairs([[1, 2, 3], [4]], [[5], [6, 7]], 8, 9, smoothing=0.2)
    source, lengths, target, following, smoothing = padded_pairs([pairs[0], pairs[1]])
    assert source.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert lengths.tolist() == [3, 1]
    assert target.tolist() == [[8, 5, 0], [8, 6, 7]]
    assert following.tolist() == [[5, 9, NOTHING], [6, 7, 9]]
    assert smoothing == 0.2
    assert len(SentencePairs([[1, 2, 3], [4]], [[5], [6, 7]], 8, 9, longest=2)) == 1
    example = pairs.example(10)
    assert int(torch.stack([part.max() for part in example]).max()) == 9
