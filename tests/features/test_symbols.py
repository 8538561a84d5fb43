from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.errors import InputError
from edgernn.features.symbols import BYTE_VOCABULARY, END, OTHER, Symbols, word_vocabulary, words


@given(st.text(min_size=1))
def test_bytes_say_everything(text: str) -> None:
    numbers = Symbols(BYTE_VOCABULARY).encode(text)
    assert bytes(number - 1 for number in numbers).decode() == text
    assert all(0 < number < len(BYTE_VOCABULARY) for number in numbers)


def test_words_and_signs_are_told_apart() -> None:
    assert words("Don't panic, film-maker!") == ["don't", "panic", ",", "film-maker", "!"]


def test_a_vocabulary_counts_texts_and_keeps_the_frequent() -> None:
    texts = ["a a a b", "b c", "b a"]
    assert word_vocabulary(texts) == (END, OTHER, "b", "a", "c")
    assert word_vocabulary(texts, minimum_count=2) == (END, OTHER, "b", "a")
    assert word_vocabulary(texts, size=3) == (END, OTHER, "b")


@given(st.text())
def test_a_text_has_at_least_one_number_and_none_beyond_the_vocabulary(text: str) -> None:
    vocabulary = word_vocabulary(["some words of a text"])
    numbers = Symbols(vocabulary).encode(text)
    assert numbers
    assert all(0 <= number < len(vocabulary) for number in numbers)


def test_words_that_are_not_known_share_a_number() -> None:
    symbols = Symbols((END, OTHER, "known"))
    assert symbols.encode("Known unknown never") == [2, 1, 1]
    assert symbols.encode("") == Symbols(BYTE_VOCABULARY).encode("") == [0]


def test_another_vocabulary_is_refused() -> None:
    with pytest.raises(InputError, match="vocabulary: it is neither one of bytes nor one of words"):
        Symbols(("a", "b"))


def test_a_device_needs_no_torch_for_it() -> None:
    code = "import sys, edgernn.features.symbols; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
